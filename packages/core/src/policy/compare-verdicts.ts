import type { PolicyReason, PolicyVerdict } from './policy-verdict.ts'

/** What another policy makes of a client that one policy has judged. */
export type VerdictDifference = 'newly_refused' | 'newly_held' | 'newly_admitted' | 'reasons_changed' | 'same'

export type VerdictComparison = {
  readonly difference: VerdictDifference
  /** Reasons that the verdict before did not have, and those that the verdict after has no more. */
  readonly added: readonly PolicyReason[]
  readonly removed: readonly PolicyReason[]
}

const OF_DECISION = { refuse: 'newly_refused', hold: 'newly_held', admit: 'newly_admitted' } as const

/** Compares the verdicts of two policies on one client. The place in the policy makes no difference: a rule may only have moved. */
export function compareVerdicts(before: PolicyVerdict, after: PolicyVerdict): VerdictComparison {
  const added = reasonsBeside(after, before)
  const removed = reasonsBeside(before, after)
  if (before.decision !== after.decision) return { difference: OF_DECISION[after.decision], added, removed }
  return { difference: added.length + removed.length > 0 ? 'reasons_changed' : 'same', added, removed }
}

/** How many clients a candidate policy would judge otherwise. */
export type DryRunSummary = { readonly clients: number } & { readonly [Name in VerdictDifference]: number }

export const EMPTY_DRY_RUN: DryRunSummary = {
  clients: 0,
  newly_refused: 0,
  newly_held: 0,
  newly_admitted: 0,
  reasons_changed: 0,
  same: 0,
}

/** The summary with one more client in it, so that any number can be counted as they are read. */
export function countVerdict(
  summary: DryRunSummary,
  { difference }: Pick<VerdictComparison, 'difference'>,
): DryRunSummary {
  return { ...summary, clients: summary.clients + 1, [difference]: summary[difference] + 1 }
}

function reasonsBeside(verdict: PolicyVerdict, other: PolicyVerdict): readonly PolicyReason[] {
  const others = new Set(other.reasons.map(nameOf))
  return verdict.reasons.filter((reason) => !others.has(nameOf(reason)))
}

function nameOf({ code, effect, member = '', pointer = '', detail }: PolicyReason): string {
  return JSON.stringify([code, effect, member, pointer, detail])
}
