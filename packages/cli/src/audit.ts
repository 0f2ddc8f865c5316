import { canonicalJson } from '@cimd/core'
import { type AuditQuery, exportAudit, noteAuditCut, readAudit, readAuditOf, withTenant } from '@cimd/store'
import type { ExitCode } from './exit-code.ts'
import { say, sayJson, sayTable } from './print.ts'
import { type SubjectDeps, subjectFrom } from './subject.ts'
import { getTenant, OPERATOR, type StoreDeps } from './tenant.ts'

type OfTenant = { readonly tenant: string }
type Json = { readonly json: boolean | undefined }

const DATA_LENGTH_MAX = 160

/** Writes the chain of a tenant to standard output, as docs/audit-format.md has it. */
export async function runAuditExport(
  { output, withStore }: StoreDeps,
  { tenant, after }: OfTenant & { readonly after: number | undefined },
): Promise<ExitCode> {
  await withStore(async (db) => {
    const pieces = exportAudit(db, await getTenant(db, tenant), { after })
    for await (const piece of pieces) output.stdout.write(piece)
  })
  return 0
}

/** Shows entries of a tenant in the order of their places, all or about the subject in a file. */
export async function runAuditShow(
  { output, withStore, readInput }: SubjectDeps,
  {
    tenant,
    json,
    subjectFile,
    ...query
  }: OfTenant & Json & AuditQuery & { readonly subjectFile: string | undefined },
): Promise<ExitCode> {
  const subject = subjectFile === undefined ? undefined : subjectFrom(await readInput(subjectFile))
  const found = await withStore(async (db) =>
    withTenant(db, await getTenant(db, tenant), (trx) =>
      subject === undefined ? readAudit(trx, query) : readAuditOf(trx, subject, query),
    ),
  )
  if (json) {
    const entries = found.map(({ entry, hash, previousHash }) => ({
      entry,
      hash,
      previous_hash: previousHash,
    }))
    sayJson(output, { tenant, entries, next: found.at(-1)?.seq ?? query.after ?? 0 })
  } else if (found.length === 0) {
    say(output, 'There are no such entries.')
  } else {
    const rows = found.map(({ seq, entry }) => [
      ...[String(seq), String(entry['at']), entry.kind, String(entry['client_id'] ?? '')],
      shorten(canonicalJson(entry['data'] ?? null)),
    ])
    sayTable(output, ['SEQ', 'AT', 'KIND', 'CLIENT_ID', 'DATA'], rows)
    if (found.length === query.limit) say(output, `There may be more: --after ${found.at(-1)?.seq}`)
  }
  return 0
}

/** Notes a retention cut; the scheduler gives it its place, and deletes what it covers. */
export async function runAuditCut(
  { output, withStore }: StoreDeps,
  { tenant, before, json }: OfTenant & Json & { readonly before: Date },
): Promise<ExitCode> {
  const anchor = await withStore(async (db) =>
    noteAuditCut(db, await getTenant(db, tenant), { before, actor: OPERATOR }),
  )
  if (json) sayJson(output, { tenant, anchor: anchor ?? null })
  else if (anchor === undefined) say(output, 'Nothing is that old.')
  else {
    const { count, seq, hash } = anchor
    const entries = count === 1 ? '1 entry goes' : `${count} entries go`
    say(output, `Noted: ${entries} once the cut is in the chain, which then begins after ${seq}:${hash}`)
  }
  return 0
}

function shorten(text: string): string {
  return text.length <= DATA_LENGTH_MAX ? text : `${text.slice(0, DATA_LENGTH_MAX)}…`
}
