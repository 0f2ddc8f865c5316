import {
  type ClientIdUrl,
  isFailureCode,
  LOST_URGENT_WORK_SECONDS,
  parseClientIdUrl,
  quarantineAt,
} from '@cimd/core'
import {
  type Authenticated,
  type ClientView,
  demandKeys,
  findClient,
  KEYS_REFRESH_SECONDS,
  type KeysDemand,
  lockClient,
  raiseDemand,
  type Transaction,
  withTenant,
} from '@cimd/store'
import { policyFor } from './admission.ts'
import { answerFromView } from './answer.ts'
import type { KeysBody, KeysRefreshRequest } from './linked-schemas.ts'
import type { NamedPolicy } from './policies.ts'
import { failureProblem, identifierProblem, type Problem, requestProblem, retrySeconds } from './problem.ts'
import { enqueueOrLeave, type ResolveDeps } from './resolve-client.ts'
import { registerFor } from './wait-for-answer.ts'
import type { Waiter } from './waiters.ts'

/** What a demand for newer keys comes to. */
export type KeysAnswer =
  | { readonly kind: 'ready'; readonly clientId: ClientIdUrl; readonly keys: KeysBody }
  | { readonly kind: 'pending'; readonly clientId: ClientIdUrl }
  | { readonly kind: 'problem'; readonly problem: Problem }

type Identified = { readonly value: ClientIdUrl; readonly host: string }
type Asked = {
  readonly caller: Authenticated
  readonly clientId: ClientIdUrl
  readonly policy: NamedPolicy
}

/** The generations a caller waits for: of the document, and of the key set where it names one; 0: of that none. */
type Awaited = { readonly document: number; readonly keys: number }

type Opening =
  | { readonly kind: 'settled'; readonly answer: KeysAnswer }
  | {
      readonly kind: 'demanded'
      readonly client: string
      readonly awaited: Awaited
      readonly enqueue: boolean
    }

/**
 * Gives the usable keys of a client the tenant knows: at once if the wanted one is among them, else after a fetch, which
 * all who ask meanwhile share, at most once a minute (KEY-14). Nobody need have logged in: it is what a token request
 * with a rotated key takes.
 */
export async function refreshKeys(
  deps: ResolveDeps,
  caller: Authenticated,
  request: KeysRefreshRequest,
): Promise<KeysAnswer> {
  const identified = parseClientIdUrl(request.client_id, deps.identifiers)
  if (!identified.ok)
    return { kind: 'problem', problem: identifierProblem(identified.code, identified.violations) }
  const judged = await policyFor(deps.policies, caller)
  if (!judged.ok) return { kind: 'problem', problem: judged.problem }
  const asked = { caller, clientId: identified.value, policy: judged.policy }
  // Before the record is read, so that whatever ends after the reading is heard of.
  const waiter = registerFor(deps.waiters, identified.value)
  try {
    const opening = await withTenant(deps.db, caller.tenantId, (trx) =>
      open(deps, trx, asked, { identified, kid: request.kid }),
    )
    if (opening.kind === 'settled') return opening.answer
    if (opening.enqueue) enqueueOrLeave(deps, 'fetch', opening.client)
    return await waitForKeys(deps, asked, opening.awaited, { waiter, waitMs: request.wait_ms })
  } finally {
    waiter.cancel()
  }
}

async function open(
  deps: ResolveDeps,
  trx: Transaction,
  asked: Asked,
  { identified, kid }: { readonly identified: Identified; readonly kid: string | undefined },
): Promise<Opening> {
  const view = await findClient(trx, asked.clientId)
  const found = keysInView(asked, view)
  if (isAnswer(found, kid)) return { kind: 'settled', answer: found }
  const source = found.kind === 'problem' ? 'jwks_uri' : found.keys.source
  const client = view.id ?? ''
  const demand = await demandFrom(deps, source, { trx, client, identified })
  if (demand.kind === 'limited') {
    // Whoever was limited by a fetch that ended after the first reading wants what that fetch found.
    const again = keysInView(asked, await findClient(trx, asked.clientId))
    const answer = isAnswer(again, kid) ? again : limited(again, demand.retryAfterSeconds)
    return { kind: 'settled', answer }
  }
  const { awaited, enqueue } = demand
  return { kind: 'demanded', client, awaited, enqueue }
}

type RaisedKeys =
  | Extract<KeysDemand, { kind: 'limited' }>
  | { readonly kind: 'demanded'; readonly awaited: Awaited; readonly enqueue: boolean }

async function demandFrom(
  deps: ResolveDeps,
  source: KeysBody['source'],
  { trx, client, identified }: { trx: Transaction; client: string; identified: Identified },
): Promise<RaisedKeys> {
  const raise = () => (source === 'jwks_uri' ? demandKeySet(trx, client) : undefined)
  const raised = await raise()
  if (raised !== undefined) return raised
  await lockClient(trx, client)
  // An attempt that held the lock may have begun the key set, and is then too young for the document's own limit.
  const begun = await raise()
  if (begun !== undefined) return begun
  const demand = await demandDocument(deps, trx, identified)
  if (demand.kind === 'limited') return demand
  // A key set of which nothing is kept begins, with its first generation, in a fetch of the document that names it.
  return { ...demand, awaited: { document: demand.generation, keys: source === 'jwks' ? 0 : 1 } }
}

/** Undefined where nothing is kept of a key set. */
async function demandKeySet(trx: Transaction, client: string): Promise<RaisedKeys | undefined> {
  const demand = await demandKeys(trx, client)
  if (demand.kind === 'none') return undefined
  return demand.kind === 'limited' ? demand : { ...demand, awaited: { document: 0, keys: demand.generation } }
}

function isAnswer(found: ReturnType<typeof keysInView>, kid: string | undefined): boolean {
  if (found.kind === 'problem') return found.isFinal
  return kid !== undefined && hasKey(found.keys, kid)
}

function limited(found: ReturnType<typeof keysInView>, retryAfterSeconds: number): KeysAnswer {
  if (found.kind === 'problem') return { kind: 'problem', problem: { ...found.problem, retryAfterSeconds } }
  const problem = requestProblem('keys_refresh_limited', undefined, { retryAfterSeconds })
  return { kind: 'problem', problem }
}

/** The keys in a record; a problem is final unless a fetch of the key set may mend it. */
function keysInView(
  { clientId, policy }: Asked,
  view: ClientView,
):
  | { readonly kind: 'ready'; readonly clientId: ClientIdUrl; readonly keys: KeysBody }
  | { readonly kind: 'problem'; readonly problem: Problem; readonly isFinal: boolean } {
  // A tenant's view of a client begins with its own first demand.
  const answer =
    view.lastResolvedAt === undefined
      ? ({ kind: 'problem', problem: requestProblem('client_unknown') } as const)
      : answerFromView(clientId, view, { policy })
  if (answer.kind === 'problem') return { ...answer, isFinal: true }
  const keys = answer.kind === 'ready' ? answer.body.keys : undefined
  if (keys === undefined)
    return { kind: 'problem', problem: requestProblem('keys_unpublished'), isFinal: true }
  if (keys.status !== 'unusable') return { kind: 'ready', clientId, keys }
  const problem = isFailureCode(keys.code) ? failureProblem(keys.code) : requestProblem('stale_expired')
  return { kind: 'problem', problem, isFinal: false }
}

function hasKey(keys: KeysBody, kid: string): boolean {
  return keys.status === 'ready' && keys.jwks.keys.some((key) => key['kid'] === kid)
}

// Keys in the document are as new as the document. To be called under the client's lock: the record is read anew, or all who
// come at once would each demand a fetch of their own.
async function demandDocument(
  { placesMax }: ResolveDeps,
  trx: Transaction,
  { value: clientId, host }: Identified,
): Promise<Exclude<KeysDemand, { kind: 'none' }>> {
  const view = await findClient(trx, clientId)
  const quarantine = quarantineAt(view.standing, view.now)
  if (quarantine !== undefined)
    return { kind: 'limited', retryAfterSeconds: retrySeconds(quarantine, view.now) }
  const isWanted = view.wanted > view.done
  const elapsedMs = view.now.getTime() - (view.attemptedAt?.getTime() ?? Number.NEGATIVE_INFINITY)
  if (!isWanted && elapsedMs < KEYS_REFRESH_SECONDS * 1000) {
    return {
      kind: 'limited',
      retryAfterSeconds: Math.max(1, Math.ceil(KEYS_REFRESH_SECONDS - elapsedMs / 1000)),
    }
  }
  const lookAgainInSeconds = LOST_URGENT_WORK_SECONDS
  const demand = { clientId, host, forced: !isWanted, urgent: true, lookAgainInSeconds, placesMax }
  return { kind: 'demanded', ...(await raiseDemand(trx, view, demand)) }
}

async function waitForKeys(
  deps: ResolveDeps,
  asked: Asked,
  awaited: Awaited,
  { waiter, waitMs }: { readonly waiter: Waiter; readonly waitMs: number },
): Promise<KeysAnswer> {
  const { caller, clientId } = asked
  const deadline = performance.now() + waitMs
  const read = () => withTenant(deps.db, caller.tenantId, (trx) => findClient(trx, clientId))
  for (let waiting = waitMs > 0; ; ) {
    const view = await deps.readShared(`${caller.tenantId} ${clientId}`, read)
    if (isSettled(view, awaited)) return pendingOr(keysInView(asked, view), clientId)
    const leftMs = deadline - performance.now()
    if (!waiting) return { kind: 'pending', clientId }
    waiting = await waiter.woken(leftMs)
  }
}

function isSettled(view: ClientView, { document, keys }: Awaited): boolean {
  // No row: the document names no jwks_uri any more.
  const resource = view.resources.find(({ kind }) => kind === 'jwks')
  return view.done >= document && (resource === undefined || resource.done >= keys)
}

function pendingOr(found: ReturnType<typeof keysInView>, clientId: ClientIdUrl): KeysAnswer {
  const isPending = found.kind === 'ready' && found.keys.status === 'pending'
  return isPending ? { kind: 'pending', clientId } : found
}
