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
import { failureProblem } from './problem.ts'
import type { Waiters } from './waiters.ts'

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
}

/**
 * Waits until the demand is answered or `waitMs` have passed. Reads after registering, after each
 * notification, after each reconnect and at the deadline, so a lost notification costs time, never an answer.
 */
export async function waitForAnswer(deps: WaitDeps, awaited: AwaitedDemand): Promise<Answer> {
  const deadline = performance.now() + awaited.waitMs
  const waiter = deps.waiters.register(doneKey(awaited.clientId))
  const key = `${awaited.tenantId} ${awaited.clientId}`
  try {
    for (let waiting = true; ; ) {
      const view = await deps.readShared(key, () =>
        withTenant(deps.db, awaited.tenantId, (trx) => findClient(trx, awaited.clientId)),
      )
      if (view.done >= awaited.generation) return await answerDone(deps.db, view, awaited)
      const leftMs = deadline - performance.now()
      if (!waiting || isDeferredPast(view, leftMs)) return await answerUndone(deps.db, view, awaited)
      waiting = await waiter.woken(leftMs)
    }
  } finally {
    waiter.cancel()
  }
}

// Told early: waiting longer than the caller can would only cost them time.
function isDeferredPast({ deferred, now }: ClientView, leftMs: number): boolean {
  return deferred !== undefined && deferred.until.getTime() - now.getTime() > leftMs
}

async function answerDone(db: Db, view: ClientView, awaited: AwaitedDemand): Promise<Answer> {
  const { tenantId, clientId, client, generation, redirectUri } = awaited
  const settled = await withTenant(db, tenantId, (trx) => findAnswer(trx, client, generation))
  return answerFromView(clientId, view, { redirectUri, failure: settled?.failure })
}

async function answerUndone(db: Db, view: ClientView, awaited: AwaitedDemand): Promise<Answer> {
  const { tenantId, clientId, client, generation, redirectUri } = awaited
  const fallback = answerFromView(clientId, view, { redirectUri })
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
