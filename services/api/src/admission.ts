import { admitIdentifier, type PolicyIdentifier, type PolicyVerdict, type TrustPolicy } from '@cimd/core'
import type { Authenticated } from '@cimd/store'
import type { Answer } from './answer.ts'
import { DEFAULT_POLICY, type NamedPolicy, type Policies } from './policies.ts'
import { type Problem, policyProblem, requestProblem } from './problem.ts'

/** What a policy says of a client_id before anything is looked up (POL-04). */
export type Admission =
  | { readonly kind: 'admitted' }
  /** Only a client that was registered before is admitted. */
  | { readonly kind: 'registered_only'; readonly problem: Problem; readonly verdict: PolicyVerdict }
  | { readonly kind: 'refused'; readonly problem: Problem; readonly verdict: PolicyVerdict }

/** The first step of a policy, which knows nothing of the client but its name. */
export function admissionOf(policy: TrustPolicy, identifier: PolicyIdentifier): Admission {
  const verdict = admitIdentifier(policy, identifier, { preRegistered: false })
  if (verdict.decision === 'admit') return { kind: 'admitted' }
  const asKnown = admitIdentifier(policy, identifier, { preRegistered: true })
  const kind = asKnown.decision === 'admit' ? 'registered_only' : 'refused'
  return { kind, problem: policyProblem(verdict), verdict }
}

/** The answer to whoever asks for a client that is not admitted by its name. */
export function refusalBy(
  policy: NamedPolicy,
  { problem, verdict }: Exclude<Admission, { readonly kind: 'admitted' }>,
): Answer {
  return { kind: 'problem', problem, refusedBy: { policy, verdict } }
}

/**
 * What the caller's tenant judges by. One that cannot be read admits nobody; `evenUnreadable`: it is asked about nothing,
 * since a revocation has to work.
 */
export async function policyFor(
  policies: Policies,
  caller: Authenticated,
  { evenUnreadable = false }: { readonly evenUnreadable?: boolean } = {},
): Promise<
  { readonly ok: true; readonly policy: NamedPolicy } | { readonly ok: false; readonly problem: Problem }
> {
  const reading = await policies.inForce(caller)
  if (reading.ok) return { ok: true, policy: reading }
  if (evenUnreadable) return { ok: true, policy: DEFAULT_POLICY }
  return { ok: false, problem: requestProblem('policy_unreadable', reading.detail) }
}
