import { needed } from '@cimd/runtime'
import { z } from 'zod'
import { sayClient, shownClient } from './client-timeline.ts'
import type { ExitCode } from './exit-code.ts'
import { sayJson } from './print.ts'
import { problem, type ResolveDeps, STUCK_AFTER_MS, sayProblem } from './resolve.ts'

export type ClientShowArgs = {
  readonly clientId: string
  readonly limit: number
  readonly before: string | undefined
  readonly json: boolean | undefined
}

export type ClientShowDeps = Pick<ResolveDeps, 'output' | 'api' | 'key' | 'fetch'>

/** Asks the api what is known of a client, and tells it as a story. */
export async function runClientShow(deps: ClientShowDeps, args: ClientShowArgs): Promise<ExitCode> {
  const { output, api, key, fetch } = deps
  const query = new URLSearchParams({ client_id: args.clientId, limit: String(args.limit) })
  if (args.before !== undefined) query.set('before', args.before)
  const request = fetch(`${api.url}/v1/client?${query}`, {
    headers: { authorization: `Bearer ${key}` },
    // A key must not follow wherever a wrong address leads.
    redirect: 'error',
    signal: AbortSignal.timeout(STUCK_AFTER_MS),
  })
  const response = await needed(`api at ${api.url} (${api.source})`, request)
  const answer = z.union([shownClient, problem]).safeParse(await response.json().catch(() => undefined))
  if (!answer.success) {
    throw new Error(`${api.url} (${api.source}) does not answer like the api: status ${response.status}`)
  }
  if (args.json) sayJson(output, answer.data)
  else if ('history' in answer.data) sayClient(output, shownClient.parse(answer.data))
  else sayProblem(output, problem.parse(answer.data), response.headers.get('retry-after') ?? undefined)
  return response.ok ? 0 : 1
}
