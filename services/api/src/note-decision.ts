import { decisionName } from '@cimd/core'
import { type Db, type NewDecision, noteDecision, withTenant } from '@cimd/store'
import type { AnswerBasis } from './answer.ts'

/**
 * Whether what a policy said is to be noted: for the first time, or because something else is. A tenant without a policy of
 * its own has nothing noted.
 */
export function isDecisionDue(basis: AnswerBasis): boolean {
  const { policy, view } = basis
  const { noted } = view
  if (policy.version === 0) return false
  if (noted === undefined || needsBaseline(basis)) return true
  if (noted.isDue) return false
  const { decision, versionDigest, waitsForReview } = decisionOf(basis)
  return (
    noted.decision !== decision || noted.digest !== versionDigest || noted.waitsForReview !== waitsForReview
  )
}

/** Notes it for the tenant. */
export async function noteJudgement(db: Db, tenantId: string, basis: AnswerBasis): Promise<void> {
  await withTenant(db, tenantId, (trx) =>
    noteDecision(trx, decisionOf(basis), { baseline: needsBaseline(basis) ? agreedIn(basis) : undefined }),
  )
}

// The first version that was admitted counts as agreed to, where it matters at all (CHG-02).
function needsBaseline({ policy, view, verdict }: AnswerBasis): boolean {
  return policy.policy.changes !== 'accept' && verdict.decision === 'admit' && view.baseline === undefined
}

// What was published beyond an approval was not given, so that nobody has agreed to it.
function agreedIn({ view }: AnswerBasis): string | undefined {
  return view.approved?.digest ?? view.version?.digest
}

function decisionOf({ view, policy, verdict, isWideningHeld }: AnswerBasis): NewDecision {
  return {
    // Of what there is no record nothing is judged.
    ...{ client: view.id ?? '', versionDigest: view.version?.digest ?? '' },
    ...{ decision: decisionName(verdict.decision), policyVersion: policy.version, reasons: verdict.reasons },
    waitsForReview: verdict.decision === 'hold' || (verdict.decision === 'admit' && isWideningHeld),
  }
}
