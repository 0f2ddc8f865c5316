import {
  FAILURES,
  type FailureCode,
  type FetchEvidence,
  isFailureCode,
  WARNINGS,
  type WarningCode,
} from '@cimd/core'
import { formatCount, type Output, type Span, say } from './print.ts'

/** A finding with what its code means to the client's developer. */
export type ReportedFinding = {
  readonly kind: 'violation' | 'warning'
  readonly code: string
  readonly rule?: string
  readonly member?: string
  readonly detail: string
  readonly advice: string
}

export type CheckReport = {
  readonly target: string
  /** Undefined when the document does not say whose it is. */
  readonly clientId: string | undefined
  readonly clientIdFrom: 'target' | 'option' | 'document'
  readonly clientName?: string | undefined
  /** What the network showed, if it was asked. */
  readonly fetched?: FetchEvidence
  readonly findings: readonly ReportedFinding[]
}

/** Adds to a finding whether it refuses the document, what it means and what to do about it. */
export function reported(finding: {
  readonly code: FailureCode | WarningCode
  readonly rule?: string
  readonly member?: string
  readonly detail: string
}): ReportedFinding {
  const { code } = finding
  const { summary, advice } = isFailureCode(code) ? FAILURES[code] : WARNINGS[code]
  return { kind: isFailureCode(code) ? 'violation' : 'warning', ...finding, advice: `${summary} ${advice}` }
}

/** The code for which the document is refused: that of the first violation. */
export function refusalCode({ findings }: CheckReport): string | undefined {
  return findings.find(({ kind }) => kind === 'violation')?.code
}

/** The report as `--json` gives it. */
export function reportBody(report: CheckReport): Record<string, unknown> {
  const { target, clientId, clientIdFrom, clientName, fetched, findings } = report
  const code = refusalCode(report)
  return {
    target,
    client_id: clientId ?? null,
    client_id_from: clientIdFrom,
    ...(clientName !== undefined && { client_name: clientName }),
    verdict: code === undefined ? 'accepted' : 'refused',
    ...(code !== undefined && { code }),
    findings,
    ...(fetched && { fetched: fetchedBody(fetched) }),
  }
}

function fetchedBody({ addresses, dialledAddress, status, contentType, bodyBytes, times }: FetchEvidence) {
  return {
    addresses,
    ...(dialledAddress !== undefined && { dialled_address: dialledAddress }),
    ...(status !== undefined && { status }),
    ...(contentType !== undefined && { content_type: contentType }),
    body_bytes: bodyBytes,
    total_ms: Math.round(times.totalMs),
  }
}

const FROM = {
  target: '',
  option: ' (from --client-id)',
  document: ' (the document’s own; --client-id judges it by another)',
} as const

/** Tells a person what was checked, every finding, and the verdict. */
export function sayReport(output: Output, report: CheckReport): void {
  const { clientId, clientIdFrom, clientName, fetched, findings } = report
  if (clientName !== undefined) say(output, ['bold', clientName])
  say(output, ['dim', 'client_id'], '  ', clientId ?? 'none', ['dim', clientId ? FROM[clientIdFrom] : ''])
  if (fetched) say(output, ['dim', 'fetched'], '    ', fetchedText(fetched))
  say(output)
  for (const [index, finding] of findings.entries()) {
    sayFinding(output, finding)
    // The same advice ten times in a row helps nobody.
    if (findings[index + 1]?.advice !== finding.advice) say(output, ['dim', `    ${finding.advice}`])
  }
  if (findings.length > 0) say(output)
  sayVerdict(output, report)
}

function sayFinding(output: Output, { kind, code, rule, member, detail }: ReportedFinding): void {
  const mark: Span = kind === 'violation' ? ['red', '✗'] : ['yellow', '!']
  const name: Span = ['bold', member === undefined ? '' : `${member}: `]
  say(output, mark, ' ', name, detail, ['dim', `  (${rule === undefined ? code : `${rule}, ${code}`})`])
}

function sayVerdict(output: Output, report: CheckReport): void {
  const code = refusalCode(report)
  const warnings = report.findings.length
  const accepted = warnings === 0 ? 'accepted' : `accepted with ${formatCount(warnings, 'warning')}`
  say(output, code === undefined ? ['green', accepted] : ['red', `refused (${code})`])
}

function fetchedText(evidence: FetchEvidence): string {
  const { addresses, dialledAddress, tlsVersion, status, contentType, bodyBytes, times } = evidence
  const from = dialledAddress ?? addresses.join(', ')
  const parts = [
    from === '' ? 'no address' : `from ${from}`,
    tlsVersion,
    status === undefined ? undefined : `status ${status}`,
    contentType,
    status === undefined ? undefined : formatCount(bodyBytes, 'byte'),
    `${Math.round(times.totalMs)} ms`,
  ]
  return parts.filter((part) => part !== undefined).join(', ')
}
