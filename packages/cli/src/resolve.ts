import { FAILURES, isFailureCode, type Purpose, REDIRECT_MISMATCHES, type RedirectMismatch } from '@cimd/core'
import { needed } from '@cimd/runtime'
import { z } from 'zod'
import type { Located } from './connection.ts'
import type { ExitCode } from './exit-code.ts'
import { formatInstant, type Output, say, sayFacts, sayJson } from './print.ts'

export type ResolveArgs = {
  readonly clientId: string
  readonly subject: string | undefined
  readonly purpose: Purpose
  readonly waitMs: number
  readonly redirectUri: string | undefined
  /** Demand an unconditional fetch first. */
  readonly refresh: boolean | undefined
  readonly json: boolean | undefined
}

export type ResolveDeps = {
  readonly output: Output
  readonly api: Located
  readonly key: string
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly monotonicMs: () => number
  readonly sleep: (ms: number) => Promise<unknown>
}

const ready = z.looseObject({
  status: z.literal('ready'),
  client_id: z.string(),
  document: z.looseObject({ client_name: z.string().optional().catch(undefined) }),
  digest: z.string(),
  freshness: z.object({
    state: z.enum(['fresh', 'stale', 'unusable']),
    since: z.string().optional(),
    until: z.string().optional(),
    why: z.string().optional(),
  }),
  redirect_match: z
    .object({
      matched: z.boolean(),
      entry: z.string().optional(),
      rule: z.string().optional(),
      reason: z.string().optional(),
      nearest: z.string().optional(),
    })
    .optional(),
})
const pending = z.looseObject({ status: z.literal('pending'), ticket: z.string() })
/** A problem as the api answers it. */
export const problem = z.looseObject({
  status: z.number(),
  code: z.string(),
  class: z.string(),
  title: z.string(),
  retryable: z.boolean(),
  detail: z.string().optional(),
  advice: z.string().optional(),
})
const answer = z.union([ready, pending, problem])

type Ready = z.infer<typeof ready>
type Problem = z.infer<typeof problem>
type Answer = { readonly body: z.infer<typeof answer>; readonly retryAfter: string | undefined }

/** The longest one request asks the api to wait: proxies in between give up after 30 s or more. */
const REQUEST_WAIT_MS_MAX = 25_000
/** That and some more, and the api is taken to be stuck. */
export const STUCK_AFTER_MS = 35_000
/** What a `pending` answer asks for between two polls. */
const POLL_PAUSE_MS = 1000

/** Asks the api about a client as an authorization server would, and says what it answered. */
export async function runResolve(deps: ResolveDeps, args: ResolveArgs): Promise<ExitCode> {
  const { output } = deps
  const { body, retryAfter } = await follow(deps, args)
  if (args.json) sayJson(output, body)
  else if (body.status === 'ready') sayReady(output, ready.parse(body), args.redirectUri)
  else if (body.status === 'pending') sayPending(output, pending.parse(body).ticket, args.waitMs)
  else sayProblem(output, problem.parse(body), retryAfter)
  return body.status === 'ready' ? 0 : 1
}

async function follow(deps: ResolveDeps, args: ResolveArgs): Promise<Answer> {
  const deadlineMs = deps.monotonicMs() + args.waitMs
  const leftMs = (): number => Math.max(0, Math.ceil(deadlineMs - deps.monotonicMs()))
  let current = await ask(deps, args)
  for (let polls = 0; current.body.status === 'pending' && leftMs() > 0; polls += 1) {
    if (polls > 0) await deps.sleep(Math.min(POLL_PAUSE_MS, leftMs()))
    const { ticket } = pending.parse(current.body)
    const query = new URLSearchParams({ wait_ms: String(Math.min(leftMs(), REQUEST_WAIT_MS_MAX)) })
    if (args.redirectUri !== undefined) query.set('redirect_uri', args.redirectUri)
    current = await call(deps, `/v1/tickets/${encodeURIComponent(ticket)}?${query}`)
  }
  return current
}

function ask(deps: ResolveDeps, args: ResolveArgs): Promise<Answer> {
  const { clientId, subject, purpose, waitMs, redirectUri } = args
  const who = { client_id: clientId, ...(subject !== undefined && { subject }) }
  if (args.refresh) return call(deps, '/v1/refresh', who)
  return call(deps, '/v1/resolve', {
    ...who,
    purpose,
    wait_ms: Math.min(waitMs, REQUEST_WAIT_MS_MAX),
    ...(redirectUri !== undefined && { redirect_uri: redirectUri }),
  })
}

async function call({ fetch, api, key }: ResolveDeps, path: string, json?: object): Promise<Answer> {
  const request = fetch(`${api.url}${path}`, {
    method: json === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${key}`, ...(json && { 'content-type': 'application/json' }) },
    ...(json && { body: JSON.stringify(json) }),
    // A key must not follow wherever a wrong address leads.
    redirect: 'error',
    signal: AbortSignal.timeout(STUCK_AFTER_MS),
  })
  const response = await needed(`api at ${api.url} (${api.source})`, request)
  const parsed = answer.safeParse(await response.json().catch(() => undefined))
  if (parsed.success) {
    return { body: parsed.data, retryAfter: response.headers.get('retry-after') ?? undefined }
  }
  throw new Error(`${api.url} (${api.source}) does not answer like the api: status ${response.status}`)
}

function sayReady(output: Output, body: Ready, redirectUri: string | undefined): void {
  const { client_id: clientId, digest, redirect_match: match } = body
  const host = new URL(clientId).host
  const redirect = match && [['redirect', `${redirectUri}: ${redirectText(match)}`] as const]
  say(output, ['green', '✓ ready'], ': ', ['bold', body.document.client_name ?? host])
  sayFacts(output, [
    ['client_id', clientId],
    ['host', host],
    ['digest', `${digest.slice(0, 12)}… (sha-256)`],
    ['freshness', freshnessText(body.freshness)],
    ...(redirect ?? []),
  ])
}

function redirectText(match: NonNullable<Ready['redirect_match']>): string {
  const { matched, entry, rule, reason = '', nearest } = match
  if (matched)
    return rule === 'loopback_port' ? `allowed by ${entry} but for the port` : 'allowed, it is listed'
  const told = Object.hasOwn(REDIRECT_MISMATCHES, reason)
    ? REDIRECT_MISMATCHES[reason as RedirectMismatch].summary
    : reason
  return `not allowed. ${told}${nearest === undefined ? '' : ` Nearest: ${nearest}`}`
}

function freshnessText({ state, since, until, why = 'expired' }: Ready['freshness']): string {
  const at = (instant: string | undefined): string =>
    instant === undefined ? 'an unknown time' : formatInstant(new Date(instant))
  if (state === 'fresh') return `fresh until ${at(until)}`
  const reason = isFailureCode(why) ? `${why}: ${FAILURES[why].summary}` : 'Its lifetime is over.'
  if (state === 'unusable') return `not usable any more. ${reason}`
  return `stale since ${at(since)}, usable until ${at(until)}. ${reason}`
}

function sayPending(output: Output, ticket: string, waitMs: number): void {
  say(output, ['yellow', '… pending'], `: no answer within ${waitMs} ms`)
  sayFacts(output, [
    ['ticket', ticket],
    ['advice', 'The fetch goes on: ask again, or wait longer with --wait-ms.'],
  ])
}

/** What to do here about a problem of the request, which the api cannot know. */
const ADVICE: Readonly<Record<string, string>> = {
  subject_required: 'Name somebody who has logged in: --subject NAME. Without one nothing is fetched.',
  unauthorized: 'Make a key with `cimd key create TENANT` and put it into CIMD_API_KEY.',
  missing_scope: 'Make a key with the scope: `cimd key create TENANT --scope resolve`.',
  client_unknown: 'Resolve it once for --purpose authorize; token and revoke never fetch.',
}

/** Says what is wrong with a request, and what to do about it. */
export function sayProblem(output: Output, body: Problem, retryAfter: string | undefined): void {
  const { code, title, detail, advice = ADVICE[code] } = body
  const seconds = retryAfter === undefined ? '' : ` in ${retryAfter} s`
  const again = body.retryable ? `worth another try${seconds}` : 'not before something has changed'
  say(output, ['red', `✗ ${body.class}`], ': ', ['bold', code])
  sayFacts(output, [
    ['meaning', title],
    ...(detail === undefined ? [] : [['detail', detail] as const]),
    ...(advice === undefined ? [] : [['advice', advice] as const]),
    ['again', again],
  ])
}
