import type { Evidence } from './evidence.ts'
import { fetchRows } from './invariants/fetches.ts'
import type { Finding } from './invariants/invariant.ts'

const VIOLATIONS_SHOWN = 5
const COLUMNS = ['kind', 'use', 'clients', 'fetches', 'expected', 'ratio', 'events'] as const

/** The table of kinds and the findings, for a reader. */
export function reportRun(evidence: Evidence, findings: readonly Finding[]): string {
  return [...tableOf(evidence), '', ...findings.flatMap(linesOf)].join('\n')
}

function tableOf(evidence: Evidence): readonly string[] {
  const rows = fetchRows(evidence).map(({ name, use, clients, made, expected, events }) => [
    ...[name, use, String(clients), String(made), expected.toFixed(0)],
    ...[expected > 0 ? (made / expected).toFixed(3) : '-', String(events)],
  ])
  const widths = COLUMNS.map((column, nth) =>
    Math.max(column.length, ...rows.map((row) => row[nth]?.length ?? 0)),
  )
  return [[...COLUMNS], ...rows].map((row) =>
    row
      .map((cell, nth) => (nth < 2 ? cell.padEnd(widths[nth] ?? 0) : cell.padStart(widths[nth] ?? 0)))
      .join('  '),
  )
}

function linesOf({ name, checked, violations }: Finding): readonly string[] {
  const counts = Object.entries(checked).map(([what, count]) => `${count} ${what}`)
  const more = violations.length - VIOLATIONS_SHOWN
  return [
    `${violations.length === 0 ? 'kept    ' : 'VIOLATED'}  ${name} (${counts.join(', ')})`,
    ...violations.slice(0, VIOLATIONS_SHOWN).map((violation) => `            ${violation}`),
    ...(more > 0 ? [`            and ${more} more`] : []),
  ]
}
