import {
  admitVersion,
  type ClientIdUrl,
  DOCUMENT_BYTES_MAX,
  type FetchDocument,
  parseClientIdUrl,
  parseClientMetadata,
  type Violation,
} from '@cimd/core'
import {
  type CheckReport,
  type ReportedFinding,
  refusalCode,
  reportBody,
  reported,
  sayReport,
} from './check-report.ts'
import { type ExitCode, UsageError } from './exit-code.ts'
import { type Output, sayJson } from './print.ts'

export type CheckArgs = {
  /** A URL, the name of a file, or `-` for standard input. */
  readonly target: string
  readonly clientId: string | undefined
  readonly json: boolean | undefined
}

export type CheckDeps = {
  readonly output: Output
  readonly fetchDocument: FetchDocument
  /** The bytes of a file, or of standard input for `-`. */
  readonly readInput: (name: string) => Promise<Uint8Array>
}

type Judged = Pick<CheckReport, 'clientName' | 'findings'>

/** Says what is wrong with a client metadata document, all of it at once, by the rules that the registrar applies. */
export async function runCheck(deps: CheckDeps, args: CheckArgs): Promise<ExitCode> {
  const report = isUrl(args.target) ? await checkUrl(deps, args) : await checkFile(deps, args)
  if (args.json) sayJson(deps.output, reportBody(report))
  else sayReport(deps.output, report)
  return refusalCode(report) === undefined ? 0 : 1
}

// One letter and a colon is a drive of Windows.
function isUrl(target: string): boolean {
  return /^[a-z][a-z0-9+.-]+:/i.test(target)
}

async function checkUrl({ fetchDocument }: CheckDeps, args: CheckArgs): Promise<CheckReport> {
  if (args.clientId !== undefined) {
    throw new UsageError('--client-id is for a FILE: the document of a URL is judged by that URL')
  }
  const about = { target: args.target, clientId: args.target, clientIdFrom: 'target' } as const
  const identified = parseClientIdUrl(args.target)
  if (!identified.ok) return { ...about, findings: identified.violations.map(reported) }

  const result = await fetchDocument({ url: identified.value }, new AbortController().signal)
  const fetched = result.evidence
  if (result.kind === 'not_modified') throw new Error('304 to a request without validators')
  if (result.kind === 'failed') {
    return { ...about, fetched, findings: [reported({ code: result.code, detail: result.detail })] }
  }
  const { clientName, findings } = judge(result.body, identified.value)
  return { ...about, fetched, clientName, findings: [...findings, ...policyFindings(result.contentType)] }
}

async function checkFile({ readInput }: CheckDeps, args: CheckArgs): Promise<CheckReport> {
  const body = await readInput(args.target)
  const clientId = args.clientId ?? ownClientId(body)
  const clientIdFrom = args.clientId === undefined ? 'document' : 'option'
  const size = sizeFindings(body)
  const { clientName, findings } = clientId === undefined ? judgeUnnamed(body) : judgeNamed(body, clientId)
  return { target: args.target, clientId, clientIdFrom, clientName, findings: [...size, ...findings] }
}

function judgeNamed(body: Uint8Array, clientId: string): Judged {
  const identified = parseClientIdUrl(clientId)
  if (identified.ok) return judge(body, identified.value)
  return { findings: [...identified.violations.map(reported), ...judgeUnnamed(body).findings] }
}

/** Everything but whether it names the right client, for which there has to be one. */
function judgeUnnamed(body: Uint8Array): Judged {
  const identified = parseClientIdUrl('https://client.example.net/client.json')
  if (!identified.ok) throw new Error('any identifier must do here', { cause: identified.code })
  const { findings } = judge(body, identified.value)
  return { findings: findings.filter(({ code }) => code !== 'client_id_mismatch') }
}

function judge(body: Uint8Array, clientId: ClientIdUrl): Judged {
  const parsed = parseClientMetadata(body, clientId)
  if (!parsed.ok) return { findings: parsed.violations.map((one) => reported(inDetail(one, body))) }
  return { clientName: parsed.metadata.client_name, findings: parsed.warnings.map(reported) }
}

/** What may not be repeated in an audit helps the publisher, who is looking at the document. */
function inDetail(violation: Violation, body: Uint8Array): Violation {
  const { code, detail } = violation
  if (code === 'client_id_mismatch')
    return { ...violation, detail: `${detail}: it says ${ownClientId(body)}` }
  const { flaw } = readJson(body)
  return code === 'json_invalid' && flaw ? { ...violation, detail: `${detail}: ${flaw}` } : violation
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
function sizeFindings({ byteLength }: Uint8Array): ReportedFinding[] {
  if (byteLength <= DOCUMENT_BYTES_MAX) return []
  const detail = `${byteLength} bytes, of which ${DOCUMENT_BYTES_MAX} would be read`
  return [reported({ code: 'too_large', rule: 'FET-10', detail })]
}

function policyFindings(contentType: string): ReportedFinding[] {
  const verdict = admitVersion({ contentType })
  if (verdict.admitted) return []
  const advice = 'The document is valid, but the default policy does not admit it.'
  return [{ kind: 'violation', code: 'policy_denied', rule: 'FET-08', detail: verdict.reason, advice }]
}
