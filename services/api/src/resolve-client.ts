import {
  type ClientIdUrl,
  type ClientIdUrlOptions,
  LOST_REFRESH_WORK_SECONDS,
  LOST_URGENT_WORK_SECONDS,
  type PolicyIdentifier,
  parseClientIdUrl,
  planResolve,
  type ResolvePlan,
  UNKNOWN_STANDING,
  usabilityOf,
} from '@cimd/core'
import type { ClientQueue, Producer } from '@cimd/queue'
import type { Logger } from '@cimd/runtime'
import {
  type Authenticated,
  type ClientView,
  chargeFirstUse,
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
import { type Admission, admissionOf, policyFor, refusalBy } from './admission.ts'
import { type Answer, answerFromView } from './answer.ts'
import {
  clientLimitsOf,
  type DemandLimits,
  limitsOfDemand,
  takeResolve,
  withinQuotas,
} from './demand-limits.ts'
import type { OverloadWatch } from './overload-watch.ts'
import type { NamedPolicy, Policies } from './policies.ts'
import {
  backlogProblem,
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

export type ResolveDeps = DemandLimits & {
  readonly db: Db
  readonly enqueue: Producer['enqueue']
  readonly waiters: Waiters
  readonly readShared: (key: string, read: () => Promise<ClientView>) => Promise<ClientView>
  readonly policies: Policies
  readonly log: Logger
  /** Which identifiers this deployment takes beyond the strictest (CID-09, CID-12). */
  readonly identifiers: ClientIdUrlOptions
  readonly overload: Pick<OverloadWatch, 'judge' | 'noteDemand'>
  readonly random: () => number
}

/** A client_id that was checked. */
export type Identified = PolicyIdentifier

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
  const tooMany = takeResolve(deps, caller)
  if (tooMany) return { kind: 'problem', problem: tooMany }
  const identified = parseClientIdUrl(request.client_id, deps.identifiers)
  if (!identified.ok)
    return { kind: 'problem', problem: identifierProblem(identified.code, identified.violations) }
  const isRevocation = request.purpose === 'revoke'
  const judged = await policyFor(deps.policies, caller, { evenUnreadable: isRevocation })
  if (!judged.ok) return { kind: 'problem', problem: judged.problem }
  const { policy } = judged
  // A revocation works for whoever was admitted before.
  const admission: Admission = isRevocation ? { kind: 'admitted' } : admissionOf(policy.policy, identified)
  if (admission.kind === 'refused') return refusalBy(policy, admission)

  // Before the record is read, so that whatever ends after the reading is heard of.
  const waiter = registerFor(deps.waiters, identified.value)
  try {
    const { tenantId } = caller
    const opening = await withinQuotas(
      withTenant(deps.db, tenantId, (trx) =>
        open(deps, trx, { caller, identified, request, policy, admission }),
      ),
    )
    if ('refused' in opening) return { kind: 'problem', problem: opening.refused }
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
      policy,
    }
    begin(deps, tenantId, demand)
    return await waitFrom(deps, awaited, { waiter, view })
  } finally {
    waiter.cancel()
  }
}

type Asked = {
  readonly caller: Authenticated
  readonly identified: Identified
  readonly request: ResolveRequest
  readonly policy: NamedPolicy
  readonly admission: Admission
}

async function open(
  deps: ResolveDeps,
  trx: Transaction,
  { caller, identified, request, policy, admission }: Asked,
): Promise<Opening> {
  const clientId = identified.value
  const allowed = mayDemand(caller, request.subject)
  const causes = allowed && request.purpose !== 'token' && request.purpose !== 'revoke'
  const view = await look(trx, clientId, causes)
  if (admission.kind === 'registered_only' && view.registration === undefined) {
    return { kind: 'answer', answer: refusalBy(policy, admission) }
  }
  const known = view.lastResolvedAt !== undefined
  const asked = { purpose: request.purpose, mayDemand: allowed, known }
  const plan: ReturnType<typeof underLoad> = view.registration?.isPinned
    ? { kind: 'answer', refresh: false }
    : underLoad(deps, caller, view, planResolve(view.standing, asked, view.now, view.terms))
  if (plan.kind === 'overloaded') return refusal(plan.problem)
  const limits = clientLimitsOf(deps, caller)
  const exhausted = causes && (await findExhausted(trx, view, { host: identified.host, limits }))
  if (exhausted) return refusal(capacityProblem(exhausted))
  if (plan.kind === 'subject_required') return refusal(requestProblem('subject_required'))
  if (plan.kind === 'demand') {
    const { subject } = request
    const demand = await demandFetch(deps, trx, view, { caller, identified, subject, forced: false })
    return { kind: 'demand', demand, view }
  }
  if (plan.kind === 'quarantined') {
    await noteUse(deps, trx, view, { caller, subject: request.subject })
    return refusal(quarantineProblem(plan.quarantine, view.now))
  }
  // The client before the interest, as every demand does it: the other way round two of them could deadlock.
  const refresh = plan.refresh ? await raiseDemand(trx, view, refreshDemand(identified)) : undefined
  if (causes) await noteUse(deps, trx, view, { caller, subject: request.subject })
  const answer = answerFromView(clientId, known || causes ? view : asUnknown(view), {
    policy,
    redirectUri: request.redirect_uri,
    evenUnusable: request.purpose === 'revoke',
  })
  return { kind: 'answer', answer, ...(refresh && { refresh }) }
}

// A use that demands nothing, of a client that is known.
async function noteUse(
  deps: ResolveDeps,
  trx: Transaction,
  view: ClientView,
  { caller, subject }: { readonly caller: Authenticated; readonly subject: string | undefined },
): Promise<void> {
  if (view.id === undefined || !isTouchDue(view)) return
  await chargeFirstUse(trx, view.id, limitsOfDemand(deps, caller, view, subject).charges)
  await touchInterest(trx, view.id)
}

/**
 * What becomes of a plan to wait while another demand would wait too long: what is usable is answered without the wait
 * and refreshed behind it; whoever has nothing usable joins what is wanted already, and is refused otherwise.
 */
function underLoad(
  deps: ResolveDeps,
  caller: Authenticated,
  view: ClientView,
  plan: ResolvePlan,
): ResolvePlan | { readonly kind: 'overloaded'; readonly problem: Problem } {
  const problem = plan.kind === 'demand' ? overloadOf(deps, caller) : undefined
  if (problem === undefined) return plan
  if (isUsable(view)) return { kind: 'answer', refresh: true }
  return isAwaited(view) ? plan : { kind: 'overloaded', problem }
}

/** The problem of a demand that would wait too long; undefined: it would not. */
export function overloadOf(
  { overload, random }: ResolveDeps,
  { tenantId }: Authenticated,
): Problem | undefined {
  const verdict = overload.judge(tenantId)
  if (verdict.kind === 'within') return undefined
  if (verdict.kind === 'tenant_backlog') return backlogProblem(verdict, random())
  return overloadProblem(verdict.expectedSeconds, random())
}

/** Whether there is something of the client that may be used. */
export function isUsable({ standing, now, terms }: ClientView): boolean {
  return usabilityOf(standing, now, terms).kind !== 'unusable'
}

function refusal(problem: Problem): Opening {
  return { kind: 'answer', answer: { kind: 'problem', problem } }
}

/** Reads the record; for a use that will begin the tenant's view of a client others use already, under the client's lock. */
export async function look(trx: Transaction, clientId: ClientIdUrl, causes: boolean): Promise<ClientView> {
  const view = await findClient(trx, clientId)
  if (!causes || view.id === undefined || view.lastResolvedAt !== undefined) return view
  await lockClient(trx, view.id)
  return findClient(trx, clientId, { begins: true })
}

/** Demands a fetch that a user waits for, and notes the use. */
export async function demandFetch(
  deps: ResolveDeps,
  trx: Transaction,
  view: ClientView,
  asked: {
    readonly caller: Authenticated
    readonly identified: Identified
    readonly subject: string | undefined
    readonly forced: boolean
  },
): Promise<RaisedDemand> {
  const { caller, identified, subject, forced } = asked
  const demand = await raiseDemand(trx, view, {
    ...limitsOfDemand(deps, caller, view, subject),
    clientId: identified.value,
    host: identified.host,
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

/** Whether a request may cause a fetch: a subject has logged in, or the key needs none. */
export function mayDemand(caller: Authenticated, subject: string | undefined): boolean {
  return subject !== undefined || caller.scopes.includes('demand_without_subject')
}

/** Has a demand taken up at once, where it is not already and does not stand in line. */
export function begin(deps: ResolveDeps, tenantId: string, { client, enqueue, inLine }: RaisedDemand): void {
  if (enqueue || inLine) deps.overload.noteDemand(tenantId, inLine ?? false)
  if (enqueue) enqueueOrLeave(deps, 'fetch', client)
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
