import type { Evidence, FaultEvidence, ResolveAnswer } from '../evidence.ts'
import { HOUR } from '../kinds.ts'

/** What one check looked at, and what it found. */
export type Finding = {
  readonly name: string
  /** Counts of what was looked at, so that a check of nothing is seen. */
  readonly checked: Readonly<Record<string, number>>
  readonly violations: readonly string[]
}

export type Invariant = (evidence: Evidence) => Finding

/** A finding that fails as well when any of its counts is zero: what was not looked at was not kept. */
export function finding(
  name: string,
  checked: Readonly<Record<string, number>>,
  violations: readonly string[],
): Finding {
  const empty = Object.entries(checked).filter(([, count]) => count === 0)
  return {
    name,
    checked,
    violations: [...violations, ...empty.map(([what]) => `nothing was checked: no ${what}`)],
  }
}

/** Whether the planted fault may have to do with an answer; the check of the brake judges those. */
export function isOfTheFault({ from }: ResolveAnswer, fault: FaultEvidence): boolean {
  return from >= fault.from && from < (fault.releasedAt ?? fault.until) + HOUR
}

/** An instant for a reader. */
export function clockTime(at: number): string {
  const [day, rest] = [Math.floor(at / 86_400), at % 86_400]
  return `day ${day} ${new Date(rest * 1000).toISOString().slice(11, 19)}`
}
