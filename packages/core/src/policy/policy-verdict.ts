import { POLICY_REASONS, type PolicyReasonCode } from './policy-reasons.ts'

/** What a policy says of a client (POL-05). */
export type PolicyDecision = 'admit' | 'hold' | 'refuse'

/** Why a policy does not simply admit. */
export type PolicyReason = {
  readonly code: PolicyReasonCode
  /** What this alone comes to: what is held waits for an approval. */
  readonly effect: 'hold' | 'refuse'
  /** Number of the rule, as in `RED-06`. */
  readonly rule: string
  /** The place in the policy, as an RFC 6901 pointer such as `/block/3`. */
  readonly at: string
  /** Member of the document concerned. */
  readonly member?: string
  /** RFC 6901 pointer into the document, where it is deeper than the member. */
  readonly pointer?: string
  readonly detail: string
}

export type PolicyVerdict = { readonly decision: PolicyDecision; readonly reasons: readonly PolicyReason[] }

/** The verdict that some reasons amount to; without any it is to admit. */
export function verdictOf(reasons: readonly PolicyReason[]): PolicyVerdict {
  if (reasons.length === 0) return { decision: 'admit', reasons }
  return { decision: reasons.some(({ effect }) => effect === 'refuse') ? 'refuse' : 'hold', reasons }
}

/** What several verdicts on one client come to, such as those on its identifier and its document. */
export function joinVerdicts(...verdicts: readonly PolicyVerdict[]): PolicyVerdict {
  return verdictOf(verdicts.flatMap(({ reasons }) => reasons))
}

type Place = { readonly member?: string; readonly pointer?: string }

/** A reason to refuse, under the rule of its code. */
export function refusal(code: PolicyReasonCode, at: string, detail: string, place: Place = {}): PolicyReason {
  return { code, effect: 'refuse', rule: POLICY_REASONS[code].rule, at, ...place, detail }
}
