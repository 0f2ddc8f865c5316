import type { PolicyReason } from '../policy/policy-verdict.ts'
import { chainableText } from './chainable.ts'

/** A policy may have a thousand rules that are all of one client, and each is told with its pattern: an entry has a bound. */
const RULES_MAX = 50
const REASON_LENGTH_MAX = 500

/** What an entry holds of the reasons of a verdict: of very many the first, and of a long one its beginning. */
export function auditedRules(
  reasons: readonly Pick<PolicyReason, 'code' | 'detail'>[],
): { readonly id: string; readonly reason: string }[] {
  return reasons
    .slice(0, RULES_MAX)
    .map(({ code, detail }) => ({ id: code, reason: chainableText(detail.slice(0, REASON_LENGTH_MAX)) }))
}
