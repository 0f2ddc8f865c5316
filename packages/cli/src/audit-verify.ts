import {
  AUDIT_LINE_LENGTH_MAX,
  type AuditHeader,
  type ChainHead,
  type ChainProblem,
  type ChainTerms,
  type ChainVerdict,
  createChainVerifier,
  readAuditLine,
} from '@cimd/core'
import { exportAudit, readAuditState, withTenant } from '@cimd/store'
import { type ExitCode, UsageError } from './exit-code.ts'
import { type Output, say, sayFacts, sayJson, sayTable } from './print.ts'
import { getTenant, type StoreDeps } from './tenant.ts'
import { textLines } from './text-lines.ts'

type VerifyArgs = {
  /** Of the chain, as somebody has kept them elsewhere. */
  readonly heads: readonly ChainHead[]
  readonly json: boolean | undefined
}

type Verified = { readonly header: AuditHeader; readonly verdict: ChainVerdict }

export type OpenInput = (name: string) => AsyncIterable<Uint8Array>

/** Verifies an export in a file or on standard input. Exits with 1 where anything is wrong with it. */
export async function runAuditVerifyFile(
  { output, openInput }: { readonly output: Output; readonly openInput: OpenInput },
  { file, heads, json }: VerifyArgs & { readonly file: string },
): Promise<ExitCode> {
  return tell(output, await verify(openInput(file), { heads }), json)
}

/** Verifies the chain of a tenant as it is in the store, also against the head that the store has of it. */
export async function runAuditVerifyTenant(
  { output, withStore }: StoreDeps,
  { tenant, heads, json }: VerifyArgs & { readonly tenant: string },
): Promise<ExitCode> {
  const verified = await withStore(async (db) => {
    const tenantId = await getTenant(db, tenant)
    const { head } = await withTenant(db, tenantId, (trx) => readAuditState(trx, tenantId))
    return verify(encoded(exportAudit(db, tenantId)), { heads, stored: head.seq === 0 ? undefined : head })
  })
  return tell(output, verified, json)
}

async function* encoded(pieces: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) yield new TextEncoder().encode(piece)
}

async function verify(
  chunks: AsyncIterable<Uint8Array>,
  told: Pick<ChainTerms, 'heads' | 'stored'>,
): Promise<Verified> {
  const lines = textLines(chunks, AUDIT_LINE_LENGTH_MAX)
  const first = await lines.next()
  const reading = readAuditLine(first.value ?? '')
  if (!reading.ok || reading.value.kind !== 'header') {
    throw new UsageError(`not an export of an audit: ${reading.ok ? 'it has no header' : reading.detail}`)
  }
  const { header } = reading.value
  const verifier = createChainVerifier({ ...header, ...told })
  for await (const line of lines) verifier.feed(line)
  return { header, verdict: verifier.finish() }
}

function tell(output: Output, { header, verdict }: Verified, json: boolean | undefined): ExitCode {
  const { ok, entries, unknownKinds, head } = verdict
  const problems = verdict.problems.map(inFile)
  if (json) {
    sayJson(output, {
      ...{ ok, tenant: header.tenant, anchor: header.anchor ?? null, entries },
      ...{ unknown_kinds: unknownKinds, head, problems },
    })
  } else {
    say(output, ok ? 'The chain is as it was written.' : 'The chain is not as it was written:')
    if (!ok) sayProblems(output, problems)
    sayFacts(output, [
      ['tenant', header.tenant],
      ['entries', `${entries}${header.anchor ? `, behind a cut of ${header.anchor.count}` : ''}`],
      ...(unknownKinds > 0
        ? [['unknown', `${unknownKinds} of kinds that a newer release makes`] as const]
        : []),
      ['head', `${head.seq}:${head.hash}`],
    ])
    if (ok) say(output, 'Keep the head elsewhere: --head with it finds an end that was cut off or rewritten.')
  }
  return ok ? 0 : 1
}

function sayProblems(output: Output, problems: readonly ChainProblem[]): void {
  const rows = problems.map(({ kind, seq, to, line, after, detail }) => [
    line === undefined ? '' : String(line),
    to === undefined ? String(seq) : `${seq} to ${to}`,
    kind,
    after === undefined ? (detail ?? '') : `rewritten after ${after}`,
  ])
  sayTable(output, ['LINE', 'SEQ', 'PROBLEM', ''], rows)
}

// The verifier counts entries; the file has its header before them.
function inFile(problem: ChainProblem): ChainProblem {
  return problem.line === undefined ? problem : { ...problem, line: problem.line + 1 }
}
