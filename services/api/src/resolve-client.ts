import {
  type ClientIdUrl,
  type ClientIdUrlOptions,
  LOST_REFRESH_WORK_SECONDS,
  LOST_URGENT_WORK_SECONDS,
  parseClientIdUrl,
  planResolve,
  quarantineAt,
  type ResolvePlan,
  UNKNOWN_STANDING,
  usabilityOf,
} from '@cimd/core'
import type { ClientQueue, Producer } from '@cimd/queue'
import type { Logger } from '@cimd/runtime'
import {
  type Authenticated,
  type ClientLimits,
  type ClientView,
  type Db,
  findClient,
  findExhausted,
  isAwaited,
  lockClient,
  type RaisedDemand,
  raiseDemand,
  type Transaction,
  touchInterest,
  withTenant,
} from '@cimd/store'
import { type Answer, answerFromView } from './answer.ts'
import type { OverloadWatch } from './overload-watch.ts'
import {
  capacityProblem,
  identifierProblem,
  overloadProblem,
  type Problem,
  quarantineProblem,
  requestProblem,
} from './problem.ts'
import type { ResolveRequest } from './schemas.ts'
import { registerFor, waitFrom } from './wait-for-answer.ts'
import type { Waiters } from './waiters.ts'

export type ResolveDeps = {
  readonly db: Db
  readonly enqueue: Producer['enqueue']
  readonly waiters: Waiters
  readonly readShared: (key: string, read: () => Promise<ClientView>) => Promise<ClientView>
  readonly log: Logger
  /** Which identifiers this deployment takes beyond the strictest (CID-09, CID-12). */
  readonly identifiers: ClientIdUrlOptions
  /** How many clients may be known at all (CAC-19). */
  readonly clientLimits: ClientLimits
  readonly overload: Pick<OverloadWatch, 'judge' | 'noteDemand'>
  readonly random: () => number
}

type Identified = { readonly value: ClientIdUrl; readonly host: string }

/** What the first transaction of a resolve decided. */
type Opening =
  | { readonly kind: 'answer'; readonly answer: Answer; readonly refresh?: RaisedDemand }
  | { readonly kind: 'demand'; readonly demand: RaisedDemand; readonly view: ClientView }

/** Between two attempts, interest is noted at most this often: a hot client must stay cheap to read. */
const TOUCH_INTERVAL_SECONDS = 60

/**
 * Answers one resolve: the pure checks, then the record; where that does not do, a demand
 * and a bounded wait for its generation.
 */
export async function resolveClient(
  deps: ResolveDeps,
  caller: Authenticated,
  request: ResolveRequest,
): Promise<Answer> {
  const identified = parseClientIdUrl(request.client_id, deps.identifiers)
  if (!identified.ok)
    return { kind: 'problem', problem: identifierProblem(identified.code, identified.violations) }

  // Before the record is read, so that whatever ends after the reading is heard of.
  const waiter = registerFor(deps.waiters, identified.value)
  try {
    const { tenantId, profile } = caller
    const opening = await withTenant(deps.db, tenantId, (trx) =>
      open(deps, trx, { caller, identified, request }),
    )
    if (opening.kind === 'answer') {
      if (opening.refresh?.enqueue) enqueueOrLeave(deps, 'refresh', opening.refresh.client)
      return opening.answer
    }
    const { demand, view } = opening
    const awaited = {
      ...demand,
      tenantId,
      clientId: identified.value,
      waitMs: request.wait_ms,
      redirectUri: request.redirect_uri,
      profile,
    }
    begin(deps, demand)
    return await waitFrom(deps, awaited, { waiter, view })
  } finally {
    waiter.cancel()
  }
}

/** Demands an unconditional fetch, whatever the record says, and does not wait for it. */
export async function demandRefresh(
  deps: ResolveDeps,
  caller: Authenticated,
  request: { readonly clientId: string; readonly subject: string | undefined },
): Promise<Answer | { readonly kind: 'demanded'; readonly demand: RaisedDemand }> {
  const identified = parseClientIdUrl(request.clientId, deps.identifiers)
  if (!identified.ok)
    return { kind: 'problem', problem: identifierProblem(identified.code, identified.violations) }
  if (!mayDemand(caller, request.subject))
    return { kind: 'problem', problem: requestProblem('subject_required') }
  const outcome = await withTenant(deps.db, caller.tenantId, async (trx): Promise<RaisedDemand | Problem> => {
    const view = await look(trx, identified.value, true)
    const limits = deps.clientLimits
    const overloaded = isUsable(view) ? undefined : overloadOf(deps)
    if (overloaded) return overloaded
    const exhausted = await findExhausted(trx, view, { host: identified.host, limits })
    if (exhausted) return capacityProblem(exhausted)
    // What nobody may look at for now is not looked at by force either.
    const quarantine = quarantineAt(view.standing, view.now)
    if (quarantine !== undefined) return quarantineProblem(quarantine, view.now)
    return demandFetch(trx, view, identified, { forced: true })
  })
  if ('code' in outcome) return { kind: 'problem', problem: outcome }
  begin(deps, outcome)
  return { kind: 'demanded', demand: outcome }
}

async function open(
  deps: ResolveDeps,
  trx: Transaction,
  {
    caller,
    identified,
    request,
  }: {
    readonly caller: Authenticated
    readonly identified: Identified
    readonly request: ResolveRequest
  },
): Promise<Opening> {
  const clientId = identified.value
  const allowed = mayDemand(caller, request.subject)
  const causes = allowed && request.purpose !== 'token' && request.purpose !== 'revoke'
  const view = await look(trx, clientId, causes)
  const known = view.lastResolvedAt !== undefined
  const asked = { purpose: request.purpose, mayDemand: allowed, known }
  const plan = underLoad(deps, view, planResolve(view.standing, asked, view.now, view.terms))
  if (plan.kind === 'overloaded') return refusal(plan.problem)
  const limits = deps.clientLimits
  const exhausted = causes && (await findExhausted(trx, view, { host: identified.host, limits }))
  if (exhausted) return refusal(capacityProblem(exhausted))
  if (plan.kind === 'subject_required') return refusal(requestProblem('subject_required'))
  if (plan.kind === 'demand') {
    return { kind: 'demand', demand: await demandFetch(trx, view, identified, { forced: false }), view }
  }
  if (plan.kind === 'quarantined') {
    if (view.id !== undefined && isTouchDue(view)) await touchInterest(trx, view.id)
    return refusal(quarantineProblem(plan.quarantine, view.now))
  }
  // The client before the interest, as every demand does it: the other way round two of them could deadlock.
  const refresh = plan.refresh ? await raiseDemand(trx, view, refreshDemand(identified)) : undefined
  if (causes && view.id !== undefined && isTouchDue(view)) await touchInterest(trx, view.id)
  const answer = answerFromView(clientId, known || causes ? view : asUnknown(view), {
    profile: caller.profile,
    redirectUri: request.redirect_uri,
    evenUnusable: request.purpose === 'revoke',
  })
  return { kind: 'answer', answer, ...(refresh && { refresh }) }
}

/**
 * What becomes of a plan to wait while another demand would wait too long: what is usable is answered without the wait
 * and refreshed behind it; whoever has nothing usable joins what is wanted already, and is refused otherwise.
 */
function underLoad(
  deps: ResolveDeps,
  view: ClientView,
  plan: ResolvePlan,
): ResolvePlan | { readonly kind: 'overloaded'; readonly problem: Problem } {
  const problem = plan.kind === 'demand' ? overloadOf(deps) : undefined
  if (problem === undefined) return plan
  if (isUsable(view)) return { kind: 'answer', refresh: true }
  return isAwaited(view) ? plan : { kind: 'overloaded', problem }
}

function overloadOf({ overload, random }: ResolveDeps): Problem | undefined {
  const verdict = overload.judge()
  return verdict.overloaded ? overloadProblem(verdict.expectedSeconds, random()) : undefined
}

function isUsable({ standing, now, terms }: ClientView): boolean {
  return usabilityOf(standing, now, terms).kind !== 'unusable'
}

function refusal(problem: Problem): Opening {
  return { kind: 'answer', answer: { kind: 'problem', problem } }
}

// A use that will begin the tenant's view of a client others use already reads the record under the client's lock.
async function look(trx: Transaction, clientId: ClientIdUrl, causes: boolean): Promise<ClientView> {
  const view = await findClient(trx, clientId)
  if (!causes || view.id === undefined || view.lastResolvedAt !== undefined) return view
  await lockClient(trx, view.id)
  return findClient(trx, clientId)
}

async function demandFetch(
  trx: Transaction,
  view: ClientView,
  { value, host }: Identified,
  { forced }: { readonly forced: boolean },
): Promise<RaisedDemand> {
  const demand = await raiseDemand(trx, view, {
    clientId: value,
    host,
    forced,
    urgent: true,
    lookAgainInSeconds: LOST_URGENT_WORK_SECONDS,
  })
  if (isTouchDue(view)) await touchInterest(trx, demand.client)
  return demand
}

function refreshDemand({ value, host }: Identified) {
  const lookAgainInSeconds = LOST_REFRESH_WORK_SECONDS
  return { clientId: value, host, forced: false, urgent: false, lookAgainInSeconds }
}

// The first use after an attempt is what makes a client hot, so that one is never left out.
function isTouchDue({ lastResolvedAt, attemptedAt, now }: ClientView): boolean {
  if (lastResolvedAt === undefined || (attemptedAt !== undefined && lastResolvedAt <= attemptedAt))
    return true
  return now.getTime() - lastResolvedAt.getTime() >= TOUCH_INTERVAL_SECONDS * 1000
}

// Before its own first demand a tenant learns nothing of what others know.
function asUnknown(view: ClientView): ClientView {
  return { ...view, id: undefined, standing: UNKNOWN_STANDING, version: undefined }
}

function mayDemand(caller: Authenticated, subject: string | undefined): boolean {
  return subject !== undefined || caller.scopes.includes('demand_without_subject')
}

function begin(deps: ResolveDeps, { client, enqueue }: RaisedDemand): void {
  if (!enqueue) return
  deps.overload.noteDemand()
  enqueueOrLeave(deps, 'fetch', client)
}

/**
 * Enqueues without keeping the caller waiting. The demand stands in the store already: a queue that is down costs
 * time, and the sweep enqueues it later.
 */
export function enqueueOrLeave({ enqueue, log }: ResolveDeps, queue: ClientQueue, client: string): void {
  enqueue(queue, [client]).catch((error) => {
    log.error({ event: 'enqueue.failed', queue, client, err: error }, 'the queue did not take a job')
  })
}
