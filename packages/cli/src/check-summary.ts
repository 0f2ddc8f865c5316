import { acceptedText, type CheckReport, isNo, refusalCode, reportBody } from './check-report.ts'
import { type Output, say, sayTable } from './print.ts'

/** Tells of many documents: a line for each, and how often each code occurred. */
export function saySummary(output: Output, reports: readonly CheckReport[]): void {
  for (const report of reports) sayLine(output, report)
  const { accepted, warned, refused } = tally(reports)
  say(output)
  sayTable(
    output,
    ['verdict', 'documents'],
    [
      ['accepted', String(accepted)],
      ['accepted with warnings', String(warned)],
      ['refused', String(refused)],
    ],
  )
  say(output)
  const rows = codesOf(reports).map(({ code, kind, documents }) => [code, kind, String(documents)])
  if (rows.length > 0) sayTable(output, ['code', 'kind', 'documents'], rows)
}

/** The summary as `--json` gives it, with every report. */
export function summaryBody(reports: readonly CheckReport[]): Record<string, unknown> {
  return { ...tally(reports), codes: codesOf(reports), reports: reports.map(reportBody) }
}

function sayLine(output: Output, report: CheckReport): void {
  const code = refusalCode(report)
  const useless = report.capabilities?.problems.join(', ') ?? ''
  const text =
    code === undefined ? `${acceptedText(report)}${useless && `, but ${useless}`}` : `refused (${code})`
  say(output, isNo(report) ? ['red', '✗'] : ['green', '✓'], ` ${report.target}  `, ['dim', text])
}

function tally(reports: readonly CheckReport[]) {
  const refused = reports.filter((report) => refusalCode(report) !== undefined).length
  const accepted = reports.filter(({ findings }) => findings.length === 0).length
  return { accepted, warned: reports.length - refused - accepted, refused }
}

type CodeCount = { readonly code: string; readonly kind: string; readonly documents: number }

function codesOf(reports: readonly CheckReport[]): readonly CodeCount[] {
  const counts = new Map<string, CodeCount>()
  for (const { findings } of reports) {
    const kinds = new Map(findings.map(({ code, kind }) => [code, kind]))
    for (const [code, kind] of kinds) {
      counts.set(code, { code, kind, documents: (counts.get(code)?.documents ?? 0) + 1 })
    }
  }
  return [...counts.values()].toSorted(
    (a, b) => b.kind.localeCompare(a.kind) || b.documents - a.documents || a.code.localeCompare(b.code),
  )
}
