import { type ChainAnchor, formatAuditHeader, formatAuditLine } from '@cimd/core'
import { readAudit, readAuditState, type StoredEntry } from './audit.ts'
import type { Db } from './db.ts'
import { withTenant } from './tenant-transaction.ts'

const PAGE_ENTRIES = 500

/** What was cut off, or is being cut off: whoever exports has to begin anew. */
export class AuditCutError extends Error {
  override name = 'AuditCutError'
  constructor({ seq }: ChainAnchor) {
    super(`the audit was cut up to the place ${seq}: export it from its beginning`)
  }
}

/**
 * The chain of a tenant as docs/audit-format.md has it, in pieces of whole lines; page by page, so that neither memory nor a
 * transaction grows with it. With `after` it goes on behind that place, without the header. Throws `AuditCutError` where that
 * place is cut off, or is meanwhile.
 */
export async function* exportAudit(
  db: Db,
  tenantId: string,
  { after }: { readonly after?: number | undefined } = {},
): AsyncGenerator<string> {
  const { cut } = await withTenant(db, tenantId, (trx) => readAuditState(trx, tenantId))
  let seq = after ?? cut?.anchor.seq ?? 0
  if (after === undefined) yield `${formatAuditHeader({ tenant: tenantId, anchor: cut?.anchor })}\n`
  for (;;) {
    const { entries, anchor } = await readPage(db, tenantId, seq)
    if (anchor !== undefined && anchor.seq > seq) throw new AuditCutError(anchor)
    const last = entries.at(-1)
    if (last === undefined) return
    yield `${entries.map(formatAuditLine).join('\n')}\n`
    seq = last.seq
  }
}

function readPage(
  db: Db,
  tenantId: string,
  after: number,
): Promise<{ readonly entries: readonly StoredEntry[]; readonly anchor: ChainAnchor | undefined }> {
  return withTenant(db, tenantId, async (trx) => {
    const entries = await readAudit(trx, { after, limit: PAGE_ENTRIES })
    // Afterwards, so that what was cut before it was read is told.
    const { cut } = await readAuditState(trx, tenantId)
    return { entries, anchor: cut?.anchor }
  })
}
