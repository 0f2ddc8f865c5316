import { parseClientIdUrl } from '@cimd/core'
import { addCanary, type Canary, listCanaries, removeCanary } from '@cimd/store'
import { type ExitCode, UsageError } from './exit-code.ts'
import { formatInstant, say, sayJson, sayTable } from './print.ts'
import type { StoreDeps } from './tenant.ts'

type CanaryArgs = { readonly clientId: string; readonly json: boolean | undefined }

/** Makes a client a canary; one that is one already is fetched again. */
export async function runCanaryAdd(
  { output, withStore }: StoreDeps,
  { clientId, json }: CanaryArgs,
): Promise<ExitCode> {
  const identified = parseClientIdUrl(clientId)
  if (!identified.ok) throw new UsageError(`${clientId} cannot be a client_id (${identified.code})`)
  const { value, host } = identified
  const added = await withStore((db) => addCanary(db, { clientId: value, host }))
  if (json) sayJson(output, { client_id: clientId, added })
  else
    say(
      output,
      added ? `${clientId} is a canary now and is being fetched.` : `${clientId} is a canary already.`,
    )
  return 0
}

/** Makes a canary a client like any other. */
export async function runCanaryRemove(
  { output, withStore }: StoreDeps,
  { clientId, json }: CanaryArgs,
): Promise<ExitCode> {
  const removed = await withStore((db) => removeCanary(db, clientId))
  if (!removed) throw new Error(`${clientId} is no canary: cimd brake canary list`)
  if (json) sayJson(output, { client_id: clientId, removed })
  else say(output, `${clientId} is a canary no longer.`)
  return 0
}

/** Lists the canaries. */
export async function runCanaryList(
  { output, withStore }: StoreDeps,
  { json }: Pick<CanaryArgs, 'json'>,
): Promise<ExitCode> {
  const canaries = await withStore(listCanaries)
  if (json) sayJson(output, { canaries: canaries.map(bodyOf) })
  else if (canaries.length === 0) say(output, 'There are no canaries. Make one: cimd brake canary add URL')
  else sayTable(output, ['CLIENT_ID', 'STATE', 'VALIDATED', 'FAILURE'], canaries.map(rowOf))
  return 0
}

function bodyOf({ clientId, state, validatedAt, failure, ending }: Canary) {
  return { client_id: clientId, state, validated_at: validatedAt ?? null, failure: failure ?? null, ending }
}

function rowOf({ clientId, state, validatedAt, failure, ending }: Canary): string[] {
  const validated = validatedAt === undefined ? 'never' : formatInstant(validatedAt)
  return [clientId, state, validated, `${failure ?? ''}${ending ? ', would end' : ''}`]
}
