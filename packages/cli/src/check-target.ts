import {
  type AsMetadata,
  type ClientIdUrl,
  type ClientMetadata,
  DEFAULT_TRUST_POLICY,
  DOCUMENT_BYTES_LIMIT,
  DOCUMENT_BYTES_MAX,
  type FetchDocument,
  judgeDocument,
  judgeProfile,
  type ProfileId,
  parseClientIdUrl,
  parseClientMetadata,
  usableCapabilities,
  type Violation,
} from '@cimd/core'
import {
  type ReportedFinding,
  reported,
  reportedInText,
  reportedInUrl,
  reportedOfProfile,
} from './check-findings.ts'
import { type CheckReport, refusalCode } from './check-report.ts'
import { UsageError } from './exit-code.ts'

/** What a document is judged by, beside the draft. */
export type CheckBy = {
  readonly clientId: string | undefined
  readonly profile: ProfileId
  readonly server: AsMetadata | undefined
}

export type CheckTargetDeps = {
  readonly fetchDocument: FetchDocument
  /** The bytes of a file, or of standard input for `-`. */
  readonly readInput: (name: string) => Promise<Uint8Array>
}

/** What is wrong with one document, all of it at once; a URL is fetched, anything else is the name of a file. */
export async function checkTarget(deps: CheckTargetDeps, target: string, by: CheckBy): Promise<CheckReport> {
  const { metadata, ...report } = isUrl(target)
    ? await checkUrl(deps, target, by)
    : await checkFile(deps, target, by)
  const usable = metadata !== undefined && refusalCode(report) === undefined
  return { ...report, ...(by.server && usable && { capabilities: usableCapabilities(metadata, by.server) }) }
}

type Judged = Pick<CheckReport, 'clientName' | 'findings'> & { readonly metadata?: ClientMetadata }

// One letter and a colon is a drive of Windows.
function isUrl(target: string): boolean {
  return /^[a-z][a-z0-9+.-]+:/i.test(target)
}

async function checkUrl({ fetchDocument }: CheckTargetDeps, target: string, by: CheckBy): Promise<Checked> {
  if (by.clientId !== undefined) {
    throw new UsageError('--client-id is for a FILE: the document of a URL is judged by that URL')
  }
  const about = { target, clientId: target, clientIdFrom: 'target' } as const
  const identified = parseClientIdUrl(target)
  const ofUrl = identifierFindings(target)
  if (!identified.ok) return { ...about, findings: ofUrl }

  const result = await fetchDocument({ url: identified.value }, new AbortController().signal)
  const fetched = result.evidence
  if (result.kind === 'not_modified') throw new Error('304 to a request without validators')
  if (result.kind === 'failed') {
    return { ...about, fetched, findings: [...ofUrl, reported({ code: result.code, detail: result.detail })] }
  }
  const { contentType } = result
  const judged = judge(result.body, identified.value, by.profile, contentType)
  return {
    ...about,
    fetched,
    ...judged,
    findings: [...ofUrl, ...judged.findings, ...policyFindings(judged, contentType)],
  }
}

type Checked = CheckReport & { readonly metadata?: ClientMetadata | undefined }

async function checkFile({ readInput }: CheckTargetDeps, target: string, by: CheckBy): Promise<Checked> {
  const body = await readInput(target)
  const clientId = by.clientId ?? ownClientId(body)
  const clientIdFrom = by.clientId === undefined ? 'document' : 'option'
  const judged =
    clientId === undefined ? judgeUnnamed(body, by.profile) : judgeNamed(body, clientId, by.profile)
  return { target, clientId, clientIdFrom, ...judged, findings: [...sizeFindings(body), ...judged.findings] }
}

function judgeNamed(body: Uint8Array, clientId: string, profile: ProfileId): Judged {
  const identified = parseClientIdUrl(clientId)
  const judged = identified.ok ? judge(body, identified.value, profile) : judgeUnnamed(body, profile)
  return { ...judged, findings: [...identifierFindings(clientId), ...judged.findings] }
}

function identifierFindings(clientId: string): readonly ReportedFinding[] {
  const identified = parseClientIdUrl(clientId)
  const violations = identified.ok ? [] : identified.violations
  return [...violations, ...identified.warnings].map((finding) => reportedInUrl(clientId, finding))
}

/** Everything but whether it names the right client, for which there has to be one. */
function judgeUnnamed(body: Uint8Array, profile: ProfileId): Judged {
  const identified = parseClientIdUrl('https://client.example.net/client.json')
  if (!identified.ok) throw new Error('any identifier must do here', { cause: identified.code })
  const { findings } = judge(body, identified.value, profile)
  return { findings: findings.filter(({ code }) => code !== 'client_id_mismatch') }
}

function judge(body: Uint8Array, clientId: ClientIdUrl, profile: ProfileId, contentType?: string): Judged {
  const parsed = parseClientMetadata(body, clientId, { bytesMax: DOCUMENT_BYTES_LIMIT })
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(body)
  const warnings = parsed.warnings.map((one) => reportedInText(text, one))
  if (!parsed.ok) {
    return {
      findings: [...parsed.violations.map((one) => reportedInText(text, inDetail(one, body))), ...warnings],
    }
  }
  const { metadata } = parsed
  const ofProfile = judgeProfile(profile, { metadata, contentType }).map((one) =>
    reportedOfProfile(text, one),
  )
  return { metadata, clientName: metadata.client_name, findings: [...ofProfile, ...warnings] }
}

/** What may not be repeated in an audit helps the publisher, who is looking at the document. */
function inDetail(violation: Violation, body: Uint8Array): Violation {
  const { code, detail } = violation
  if (code === 'client_id_mismatch') {
    return { ...violation, detail: `${detail}: it says ${ownClientId(body)}` }
  }
  const { flaw } = readJson(body)
  if (code !== 'json_invalid' || flaw === undefined) return violation
  const start = Number(/at position (\d+)/.exec(flaw)?.[1] ?? Number.NaN)
  const span = Number.isNaN(start) ? undefined : { start, end: start + 1 }
  return { ...violation, detail: `${detail}: ${flaw}`, ...(span && { span }) }
}

/** The client_id a document gives itself, however wrong the rest of it is. */
function ownClientId(body: Uint8Array): string | undefined {
  const { value } = readJson(body)
  const own = typeof value === 'object' && value !== null && 'client_id' in value && value.client_id
  return typeof own === 'string' ? own : undefined
}

function readJson(body: Uint8Array): { readonly value?: unknown; readonly flaw?: string } {
  try {
    return { value: JSON.parse(new TextDecoder().decode(body)) }
  } catch (error) {
    if (error instanceof SyntaxError) return { flaw: error.message }
    throw error
  }
}

// A fetch stops reading there (FET-10), so a larger file would be refused wherever it is published.
function sizeFindings({ byteLength }: Uint8Array): readonly ReportedFinding[] {
  if (byteLength <= DOCUMENT_BYTES_MAX || byteLength > DOCUMENT_BYTES_LIMIT) return []
  const detail = `${byteLength} bytes, of which ${DOCUMENT_BYTES_MAX} are read`
  return [reported({ code: 'too_large', rule: 'FET-10', detail })]
}

// The demands of a profile are told one by one already.
function policyFindings({ metadata }: Judged, contentType: string): readonly ReportedFinding[] {
  if (metadata === undefined) return []
  const document = { clientId: metadata.client_id, metadata, contentType, warnings: [], approved: false }
  const advice = 'The document is valid, but the default policy does not admit it.'
  return judgeDocument(DEFAULT_TRUST_POLICY, document).reasons.map(({ rule, detail }) => {
    return { kind: 'violation', code: 'policy_denied', rule, detail, advice }
  })
}
