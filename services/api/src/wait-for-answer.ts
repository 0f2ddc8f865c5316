import type { ClientIdUrl } from '@cimd/core'
import {
  type ClientView,
  type Db,
  doneKey,
  findAnswer,
  findClient,
  issueTicket,
  withTenant,
} from '@cimd/store'
import { type Answer, answerFromView } from './answer.ts'
import type { NamedPolicy } from './policies.ts'
import { failureProblem } from './problem.ts'
import type { Waiter, Waiters } from './waiters.ts'

export type WaitDeps = {
  readonly db: Db
  readonly waiters: Waiters
  readonly readShared: (key: string, read: () => Promise<ClientView>) => Promise<ClientView>
}

/** What a waiter waits for: `done` of the client reaching its generation. */
export type AwaitedDemand = {
  readonly tenantId: string
  readonly clientId: ClientIdUrl
  readonly client: string
  readonly generation: number
  readonly waitMs: number
  readonly redirectUri: string | undefined
  readonly policy: NamedPolicy
  /** False: another demand had it fetched. */
  readonly enqueue?: boolean
}

/**
 * Waits until the demand is answered or `waitMs` have passed. Reads after registering, after each
 * notification, after each reconnect and at the deadline, so a lost notification costs time, never an answer.
 */
export async function waitForAnswer(deps: WaitDeps, awaited: AwaitedDemand): Promise<Answer> {
  const waiter = registerFor(deps.waiters, awaited.clientId)
  try {
    return await waitFrom(deps, awaited, { waiter, view: await readView(deps, awaited) })
  } finally {
    waiter.cancel()
  }
}

/** Registers for the end of every attempt on a client. */
export function registerFor(waiters: Waiters, clientId: ClientIdUrl): Waiter {
  return waiters.register(doneKey(clientId))
}

/** The same for whoever has registered and then read the record: `view` is what was read. */
export async function waitFrom(
  deps: WaitDeps,
  awaited: AwaitedDemand,
  begun: { readonly waiter: Waiter; readonly view: ClientView },
): Promise<Answer> {
  const deadline = performance.now() + awaited.waitMs
  for (let { view } = begun, waiting = awaited.waitMs > 0; ; view = await readView(deps, awaited)) {
    if (view.done >= awaited.generation) return await answerDone(deps.db, view, awaited)
    const leftMs = deadline - performance.now()
    if (!waiting || isDeferredPast(view, leftMs)) return await answerUndone(deps.db, view, awaited)
    waiting = await begun.waiter.woken(leftMs)
  }
}

function readView({ db, readShared }: WaitDeps, { tenantId, clientId }: AwaitedDemand): Promise<ClientView> {
  return readShared(`${tenantId} ${clientId}`, () =>
    withTenant(db, tenantId, (trx) => findClient(trx, clientId)),
  )
}

// Told early: waiting longer than the caller can would only cost them time.
function isDeferredPast({ deferred, now }: ClientView, leftMs: number): boolean {
  return deferred !== undefined && deferred.until.getTime() - now.getTime() > leftMs
}

async function answerDone(db: Db, view: ClientView, awaited: AwaitedDemand): Promise<Answer> {
  const { tenantId, clientId, client, generation, redirectUri, policy } = awaited
  const answer = answerFromView(clientId, view, { redirectUri, policy })
  if (answer.kind === 'ready') {
    const answeredBy = awaited.enqueue === false ? 'joined' : 'fetched'
    return { ...answer, basis: { ...answer.basis, answeredBy } }
  }
  const settled = await withTenant(db, tenantId, (trx) => findAnswer(trx, client, generation))
  return answerFromView(clientId, view, { redirectUri, policy, failure: settled?.failure })
}

async function answerUndone(db: Db, view: ClientView, awaited: AwaitedDemand): Promise<Answer> {
  const { tenantId, clientId, client, generation, redirectUri, policy } = awaited
  const fallback = answerFromView(clientId, view, { redirectUri, policy })
  if (fallback.kind === 'ready') return fallback
  const ticket = await withTenant(db, tenantId, (trx) => issueTicket(trx, client, generation))
  if (view.deferred === undefined) return { kind: 'pending', ticket }
  const retryAfterSeconds = Math.max(
    1,
    Math.ceil((view.deferred.until.getTime() - view.now.getTime()) / 1000),
  )
  return {
    kind: 'problem',
    problem: failureProblem(view.deferred.code, undefined, { ticket, retryAfterSeconds }),
  }
}
