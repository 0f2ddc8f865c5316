import { CAPABILITY_PROBLEMS, type Capabilities, type FetchEvidence, type Intersection } from '@cimd/core'
import type { ReportedFinding } from './check-findings.ts'
import { formatCount, type Output, type Span, say } from './print.ts'

export type CheckReport = {
  readonly target: string
  /** Undefined when the document does not say whose it is. */
  readonly clientId: string | undefined
  readonly clientIdFrom: 'target' | 'option' | 'document'
  readonly clientName?: string | undefined
  /** What the network showed, if it was asked. */
  readonly fetched?: FetchEvidence
  readonly findings: readonly ReportedFinding[]
  /** What the authorization server that was named can use of an accepted document. */
  readonly capabilities?: Capabilities
}

/** The code for which the document is refused: that of the first violation. */
export function refusalCode({ findings }: Pick<CheckReport, 'findings'>): string | undefined {
  return findings.find(({ kind }) => kind === 'violation')?.code
}

/** Whether the answer is no: refused, or of no use to the authorization server that was named. */
export function isNo(report: CheckReport): boolean {
  return refusalCode(report) !== undefined || (report.capabilities?.problems.length ?? 0) > 0
}

/** The report as `--json` gives it. */
export function reportBody(report: CheckReport): Record<string, unknown> {
  const { target, clientId, clientIdFrom, clientName, fetched, findings, capabilities } = report
  const code = refusalCode(report)
  return {
    target,
    client_id: clientId ?? null,
    client_id_from: clientIdFrom,
    ...(clientName !== undefined && { client_name: clientName }),
    verdict: code === undefined ? 'accepted' : 'refused',
    ...(code !== undefined && { code }),
    findings: findings.map(({ frame: _, place, ...finding }) => ({ ...finding, ...place })),
    ...(capabilities && { capabilities: capabilitiesBody(capabilities) }),
    ...(fetched && { fetched: fetchedBody(fetched) }),
  }
}

function capabilitiesBody(capabilities: Capabilities) {
  const { grantTypes, responseTypes, scopes, authMethod, unsupportedValues, problems } = capabilities
  return {
    grant_types: grantTypes,
    response_types: responseTypes,
    ...(scopes && { scopes }),
    ...(authMethod.ok && { auth_method: authMethod.method, downgraded: authMethod.downgraded }),
    unsupported_values: unsupportedValues,
    problems,
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
  const { target, clientId, clientIdFrom, clientName, fetched, findings, capabilities } = report
  if (clientName !== undefined) say(output, ['bold', clientName])
  say(output, ['dim', 'client_id'], '  ', clientId ?? 'none', ['dim', clientId ? FROM[clientIdFrom] : ''])
  if (fetched) say(output, ['dim', 'fetched'], '    ', fetchedText(fetched))
  say(output)
  for (const [index, finding] of findings.entries()) {
    sayFinding(output, finding, target)
    // The same advice ten times in a row helps nobody.
    if (findings[index + 1]?.advice !== finding.advice) say(output, ['dim', `    ${finding.advice}`])
  }
  if (findings.length > 0) say(output)
  sayVerdict(output, report)
  if (capabilities) sayCapabilities(output, capabilities)
}

function sayFinding(output: Output, finding: ReportedFinding, target: string): void {
  const { kind, code, rule, member, detail, place, frame } = finding
  const mark: Span = kind === 'violation' ? ['red', '✗'] : ['yellow', '!']
  const name: Span = ['bold', member === undefined ? '' : `${member}: `]
  say(output, mark, ' ', name, detail, ['dim', `  (${rule === undefined ? code : `${rule}, ${code}`})`])
  if (frame === undefined) return
  if (place !== undefined) say(output, ['dim', `    ${target}:${place.line}:${place.column}`])
  say(output, '      ', frame.line)
  say(output, '      ', [kind === 'violation' ? 'red' : 'yellow', frame.mark])
}

function sayVerdict(output: Output, report: CheckReport): void {
  const code = refusalCode(report)
  say(output, code === undefined ? ['green', acceptedText(report)] : ['red', `refused (${code})`])
}

/** How an accepted document is told of, in a word or a few. */
export function acceptedText({ findings }: Pick<CheckReport, 'findings'>): string {
  return findings.length === 0 ? 'accepted' : `accepted with ${formatCount(findings.length, 'warning')}`
}

function sayCapabilities(output: Output, capabilities: Capabilities): void {
  const { grantTypes, responseTypes, scopes, authMethod, unsupportedValues, problems } = capabilities
  say(output)
  say(output, 'At this authorization server:')
  sayIntersection(output, 'grants', grantTypes)
  sayIntersection(output, 'responses', responseTypes)
  if (scopes) sayIntersection(output, 'scopes', scopes)
  if (authMethod.ok) {
    const weaker = authMethod.downgraded ? ', weaker than the one declared' : ''
    say(output, ['dim', '  method     '], `${authMethod.method}${weaker}`)
  }
  for (const { member, value, supported } of unsupportedValues) {
    say(output, ['yellow', '!'], ` ${member}: ${value} is none of ${supported.join(', ') || 'nothing'}`)
  }
  for (const problem of problems) {
    const { summary, advice } = CAPABILITY_PROBLEMS[problem]
    say(output, ['red', '✗'], ` ${summary}`, ['dim', `  (${problem})`])
    say(output, ['dim', `    ${advice}`])
  }
  say(
    output,
    problems.length === 0 ? ['green', 'it can serve this client'] : ['red', 'it cannot serve this client'],
  )
}

function sayIntersection(output: Output, label: string, { usable, unsupported }: Intersection): void {
  const left = unsupported.length === 0 ? '' : `; not ${unsupported.join(', ')}`
  say(output, ['dim', `  ${label.padEnd(10)} `], `${usable.join(', ') || 'none'}`, ['dim', left])
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
