import { parseClientIdUrl, quarantineAt } from '@cimd/core'
import {
  type Authenticated,
  findExhausted,
  type RaisedDemand,
  renewRegistration,
  type Transaction,
  withTenant,
} from '@cimd/store'
import { admissionOf, policyFor } from './admission.ts'
import type { Answer } from './answer.ts'
import { clientLimitsOf, takeResolve, withinQuotas } from './demand-limits.ts'
import {
  capacityProblem,
  identifierProblem,
  type Problem,
  quarantineProblem,
  requestProblem,
} from './problem.ts'
import {
  begin,
  demandFetch,
  type Identified,
  isUsable,
  look,
  mayDemand,
  overloadOf,
  type ResolveDeps,
} from './resolve-client.ts'

export type Demanded =
  | Extract<Answer, { readonly kind: 'problem' }>
  | { readonly kind: 'demanded'; readonly demand: RaisedDemand }

/**
 * Demands an unconditional fetch, whatever the record says, and does not wait for it. Of a client that the policy refuses
 * nothing is fetched (POL-04), nor of one whose document was registered to stay; in the mode `manual` it replaces that (FET-27).
 */
export async function demandRefresh(
  deps: ResolveDeps,
  caller: Authenticated,
  request: { readonly clientId: string; readonly subject: string | undefined },
): Promise<Demanded> {
  const tooMany = takeResolve(deps, caller)
  if (tooMany) return { kind: 'problem', problem: tooMany }
  const identified = parseClientIdUrl(request.clientId, deps.identifiers)
  if (!identified.ok)
    return { kind: 'problem', problem: identifierProblem(identified.code, identified.violations) }
  if (!mayDemand(caller, request.subject))
    return { kind: 'problem', problem: requestProblem('subject_required') }
  return demandByForce(
    deps,
    caller,
    identified,
    (trx, { client, generation }) => renewRegistration(trx, client, generation),
    { subject: request.subject },
  )
}

/** The same for an identifier that was checked; `then` is done with the demand in its transaction. `registering`: as if it were registered. */
export async function demandByForce(
  deps: ResolveDeps,
  caller: Authenticated,
  identified: Identified,
  then: (trx: Transaction, demand: RaisedDemand) => Promise<void>,
  {
    subject,
    registering = false,
  }: { readonly subject?: string | undefined; readonly registering?: boolean } = {},
): Promise<Demanded> {
  const judged = await policyFor(deps.policies, caller)
  if (!judged.ok) return { kind: 'problem', problem: judged.problem }
  const admission = admissionOf(judged.policy.policy, identified)
  if (admission.kind === 'refused') return { kind: 'problem', problem: admission.problem }
  const outcome = await withinQuotas(
    withTenant(deps.db, caller.tenantId, async (trx): Promise<RaisedDemand | Problem> => {
      const view = await look(trx, identified.value, true)
      const { registration } = view
      if (admission.kind === 'registered_only' && !registering && registration === undefined)
        return admission.problem
      if (registration?.mode === 'frozen' && !registering) return requestProblem('registration_frozen')
      const overloaded = isUsable(view) ? undefined : overloadOf(deps, caller)
      if (overloaded) return overloaded
      const exhausted = await findExhausted(trx, view, {
        host: identified.host,
        limits: clientLimitsOf(deps, caller),
      })
      if (exhausted) return capacityProblem(exhausted)
      // What nobody may look at for now is not looked at by force either.
      const quarantine = quarantineAt(view.standing, view.now)
      if (quarantine !== undefined) return quarantineProblem(quarantine, view.now)
      const demand = await demandFetch(deps, trx, view, { caller, identified, subject, forced: true })
      if (registering || registration !== undefined) await then(trx, demand)
      return demand
    }),
  )
  if ('refused' in outcome) return { kind: 'problem', problem: outcome.refused }
  if ('code' in outcome) return { kind: 'problem', problem: outcome }
  begin(deps, caller.tenantId, outcome)
  return { kind: 'demanded', demand: outcome }
}
