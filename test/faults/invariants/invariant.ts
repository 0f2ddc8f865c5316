import type { Evidence } from '../evidence.ts'

/** How something is wrong: which column of the table counts it. */
export type Wrong = 'lost' | 'duplicated' | 'out of order' | 'unexplained'

export type Violation = {
  readonly wrong: Wrong
  readonly what: string
  /** When it came about or was demanded, where that is known: the fault of that time is blamed. */
  readonly at?: number | undefined
}

/** What one check looked at, what it had to tolerate, and what it found. */
export type Finding = {
  readonly name: string
  /** Counts of what was looked at: a check of nothing is none. */
  readonly checked: Readonly<Record<string, number>>
  /** What may or may not have occurred: what a fault explains, and what only faults bring about. */
  readonly beside: Readonly<Record<string, number>>
  readonly violations: readonly Violation[]
}

export type Invariant = (evidence: Evidence) => Finding

/** A finding that fails as well where nothing was looked at. */
export function finding(
  name: string,
  checked: Finding['checked'],
  violations: readonly Violation[],
  beside: Finding['beside'] = {},
): Finding {
  const empty = Object.entries(checked).filter(([, count]) => count === 0)
  const nothing = empty.map(
    ([what]) => ({ wrong: 'unexplained', what: `nothing was checked: no ${what}` }) as const,
  )
  return { name, checked, beside, violations: [...violations, ...nothing] }
}

/** Whether the publisher had nothing there at some time between two instants. */
export function wasDown(evidence: Evidence, clientId: string, from: number, until: number): boolean {
  return current(evidence, clientId, from, until).some(({ digest }) => digest === undefined)
}

/** What a publisher served at some time between two instants. */
export function current({ publications }: Evidence, clientId: string, from: number, until: number) {
  const all = publications.get(clientId) ?? []
  return all.filter(
    ({ at }, index) => at <= until && (all[index + 1]?.at ?? Number.POSITIVE_INFINITY) >= from,
  )
}
