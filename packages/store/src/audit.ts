import type { AuditEntry, ChainedEntry } from '@cimd/core'
import { type RawBuilder, sql } from 'kysely'
import { type AuditState, chainBeginning, stateFromRow } from './audit-state.ts'
import type { Transaction } from './db.ts'
import { findPseudonym } from './subjects.ts'

/** Which entries; what is undefined leaves none out. */
export type AuditQuery = {
  readonly clientId?: string | undefined
  /** A pseudonym. */
  readonly subject?: string | undefined
  /** Of `at`, the first instant and the first one behind. */
  readonly from?: Date | undefined
  readonly to?: Date | undefined
  /** A place: only what comes after it. */
  readonly after?: number | undefined
  readonly limit: number
}

/** An entry as it is stored; `seq` is the place it is stored at, which is that of the entry itself unless somebody meddled. */
export type StoredEntry = ChainedEntry & { readonly seq: number }

/** How far the chain of the tenant of the transaction is, and where it begins. */
export async function readAuditState(trx: Transaction, tenantId: string): Promise<AuditState> {
  const row = await trx
    .selectFrom('cimd.audit_heads')
    .selectAll()
    .where('tenant_id', '=', sql<string>`cimd.current_tenant()`)
    .executeTakeFirst()
  return row === undefined ? chainBeginning(tenantId) : stateFromRow(row)
}

/** Entries of the tenant of the transaction, in the order of their places, none that a cut lets go. */
export async function readAudit(trx: Transaction, query: AuditQuery): Promise<readonly StoredEntry[]> {
  // The places first, which indexes know: a month may lie behind millions of entries.
  const { rows } = await sql<{ seq: number; entry: AuditEntry; hash: string; previous_hash: string }>`
    select seq, entry, encode(hash, 'hex') as hash, encode(previous_hash, 'hex') as previous_hash
    from cimd.audit where tenant_id = cimd.current_tenant() and seq in (
      select a.seq from cimd.audit a
      where a.tenant_id = cimd.current_tenant() and a.seq > greatest(${query.after ?? 0}::bigint,
        (select anchor_seq from cimd.audit_heads h where h.tenant_id = cimd.current_tenant()))
        ${sql.join(conditionsOf(query), sql` `)}
      order by a.seq limit ${query.limit}
    ) order by seq`.execute(trx)
  return rows.map((row) => ({
    seq: row.seq,
    entry: row.entry,
    hash: row.hash,
    previousHash: row.previous_hash,
  }))
}

/**
 * The same about a subject as whoever reported it calls it, or about a pseudonym. Of a subject that was erased, or never reported,
 * there is nothing: only its pseudonym still finds what is about it.
 */
export async function readAuditOf(
  trx: Transaction,
  presented: string,
  query: Omit<AuditQuery, 'subject'>,
): Promise<readonly StoredEntry[]> {
  const subject = (await findPseudonym(trx, presented)) ?? pseudonymIn(presented)
  return subject === undefined ? [] : readAudit(trx, { ...query, subject })
}

function pseudonymIn(presented: string): string | undefined {
  return /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(presented) ? presented.toLowerCase() : undefined
}

// One text for each choice of them, so that each is planned by the index that fits it.
function conditionsOf({ clientId, subject, from, to }: AuditQuery): readonly RawBuilder<unknown>[] {
  return [
    ...(clientId === undefined ? [] : [sql`and a.client_id = ${clientId}`]),
    ...(subject === undefined ? [] : [sql`and a.subject = ${subject}`]),
    ...(from === undefined ? [] : [sql`and a.at >= ${from.toISOString()}`]),
    ...(to === undefined ? [] : [sql`and a.at < ${to.toISOString()}`]),
    sql``,
  ]
}
