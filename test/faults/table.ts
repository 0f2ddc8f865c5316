import type { Evidence, Turn } from './evidence.ts'
import type { Finding, Violation } from './invariants/invariant.ts'

const VIOLATIONS_SHOWN = 8
const COLUMNS = [
  ...['fault', 'times', 'demands', 'events', 'lost', 'duplicated', 'out of order', 'unexplained'],
] as const

/** What struck, how much went on meanwhile, and what came of it. */
export function reportRun(evidence: Evidence, findings: readonly Finding[]): string {
  return [...tableOf(evidence, findings), '', ...findings.flatMap(linesOf)].join('\n')
}

function tableOf(evidence: Evidence, findings: readonly Finding[]): readonly string[] {
  const violations = findings.flatMap((finding) => finding.violations)
  const byFault = Map.groupBy(evidence.turns, ({ fault }) => fault)
  const blamed = Map.groupBy(violations, ({ at }) => (at === undefined ? undefined : faultAt(evidence, at)))
  const rows = [...byFault].map(([fault, turns]) => rowOf(evidence, fault, turns, blamed.get(fault) ?? []))
  const others = [...blamed]
    .filter(([fault]) => fault === undefined || !byFault.has(fault))
    .flatMap(([, of]) => of)
  const total = [
    ...['all', String(sum(evidence.turns.map(({ times }) => times)))],
    ...[String(evidence.demands.length), String(receptions(evidence).length), ...countsOf(violations)],
  ]
  const rest = ['between them, or unknown', '', '', '', ...countsOf(others)]
  return layOut([[...COLUMNS], ...rows, rest, total])
}

/** The fault that struck last before an instant. */
function faultAt({ turns }: Evidence, at: number): string | undefined {
  return turns.findLast(({ from, skipped }) => skipped === undefined && from <= at)?.fault
}

function rowOf(
  evidence: Evidence,
  fault: string,
  turns: readonly Turn[],
  violations: readonly Violation[],
): readonly string[] {
  const [first] = turns
  if (first?.skipped !== undefined) return [fault, `skipped: ${first.skipped}`]
  const during = (at: number): boolean => turns.some(({ from, until }) => from <= at && at <= until)
  const demands = evidence.demands.filter(({ at }) => during(at)).length
  const events = receptions(evidence).filter(({ at }) => during(at)).length
  return [
    fault,
    String(sum(turns.map(({ times }) => times))),
    String(demands),
    String(events),
    ...countsOf(violations),
  ]
}

function receptions({ received }: Evidence) {
  return [...received.values()].flat()
}

function countsOf(violations: readonly Violation[]): readonly string[] {
  const counts = Map.groupBy(violations, ({ wrong }) => wrong)
  return (['lost', 'duplicated', 'out of order', 'unexplained'] as const).map((wrong) =>
    String(counts.get(wrong)?.length ?? 0),
  )
}

function layOut(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = COLUMNS.map((_, nth) =>
    Math.max(...rows.filter((row) => row.length > 2).map((row) => row[nth]?.length ?? 0)),
  )
  return rows.map((row) =>
    row
      .map((cell, nth) =>
        nth === 0 || row.length === 2 ? cell.padEnd(widths[nth] ?? 0) : cell.padStart(widths[nth] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
}

function linesOf({ name, checked, beside, violations }: Finding): readonly string[] {
  const counts = Object.entries(checked).map(([what, count]) => `${count} ${what}`)
  const explained = Object.entries(beside).map(([what, count]) => `${count} ${what}`)
  const more = violations.length - VIOLATIONS_SHOWN
  return [
    `${violations.length === 0 ? 'kept    ' : 'VIOLATED'}  ${name} (${counts.join(', ')})`,
    ...(explained.length > 0 ? [`            beside: ${explained.join(', ')}`] : []),
    ...violations.slice(0, VIOLATIONS_SHOWN).map(({ wrong, what }) => `            ${wrong}: ${what}`),
    ...(more > 0 ? [`            and ${more} more`] : []),
  ]
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
