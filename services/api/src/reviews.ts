import { parseClientIdUrl } from '@cimd/core'
import {
  type Authenticated,
  approveVersion,
  findClient,
  findNamedVersion,
  refuseClient,
  type Transaction,
  withdrawDecision,
  withTenant,
} from '@cimd/store'
import { policyFor } from './admission.ts'
import { actorOf } from './authenticate.ts'
import { identifierProblem, requestProblem } from './problem.ts'
import { ProblemError } from './problem-response.ts'
import type { ResolveDeps } from './resolve-client.ts'

type ReviewDeps = Pick<ResolveDeps, 'db' | 'identifiers' | 'policies'>

/** Approves a version of a client for the caller's tenant, until the time given or as the policy says (CHG-07). */
export async function approve(
  deps: ReviewDeps,
  caller: Authenticated,
  given: {
    readonly clientId: string
    readonly digest: string
    readonly reason: string | undefined
    readonly expiresAt: Date | undefined
  },
): Promise<void> {
  const judged = await policyFor(deps.policies, caller)
  if (!judged.ok) throw new ProblemError(judged.problem)
  const expiresAfterDays = judged.policy.policy.approvals.expire_after_days ?? undefined
  await withSeen(deps, caller, given, async (trx, client) => {
    const { digest, reason, expiresAt } = given
    const approval = { client, digest, reason, expiresAt, by: actorOf(caller) }
    const isApproved = await approveVersion(trx, {
      ...approval,
      ...(expiresAt === undefined && { expiresAfterDays }),
    })
    if (!isApproved)
      throw new ProblemError(requestProblem('bad_request', 'The approval would end before it begins.'))
  })
}

/** Refuses a client for the caller's tenant, whatever it publishes, until that is taken back. */
export async function refuse(
  deps: ReviewDeps,
  caller: Authenticated,
  given: { readonly clientId: string; readonly digest: string; readonly reason: string },
): Promise<void> {
  await withSeen(deps, caller, given, (trx, client) =>
    refuseClient(trx, { client, by: actorOf(caller), reason: given.reason, digest: given.digest }),
  )
}

/** Takes back what a person of the caller's tenant decided. */
export async function withdraw(deps: ReviewDeps, caller: Authenticated, clientId: string): Promise<void> {
  await withOwn(deps, caller, clientId, async (trx, client) => {
    if (!(await withdrawDecision(trx, { client, by: actorOf(caller) })))
      throw new ProblemError(requestProblem('decision_unknown'))
  })
}

// What nobody of the tenant has been shown cannot have been looked at.
function withSeen(
  deps: ReviewDeps,
  caller: Authenticated,
  { clientId, digest }: { readonly clientId: string; readonly digest: string },
  work: (trx: Transaction, client: string) => Promise<void>,
): Promise<void> {
  return withOwn(deps, caller, clientId, async (trx, client) => {
    const named = await findNamedVersion(trx, client, digest)
    if (named?.kind !== 'version') throw new ProblemError(requestProblem('version_unknown'))
    await work(trx, client)
  })
}

function withOwn(
  { db, identifiers }: ReviewDeps,
  { tenantId }: Authenticated,
  presented: string,
  work: (trx: Transaction, client: string) => Promise<void>,
): Promise<void> {
  const identified = parseClientIdUrl(presented, identifiers)
  if (!identified.ok) throw new ProblemError(identifierProblem(identified.code, identified.violations))
  return withTenant(db, tenantId, async (trx) => {
    const { id, lastResolvedAt } = await findClient(trx, identified.value)
    if (id === undefined || lastResolvedAt === undefined) {
      throw new ProblemError(requestProblem('client_unknown'))
    }
    await work(trx, id)
  })
}
