import { sql } from 'kysely'
import type { Transaction } from './db.ts'

/** What a tenant can mark: one client, or every client of a registrable domain. */
export type Reviewable = { readonly kind: 'client' | 'domain'; readonly name: string }

/** Marks for the tenant of the transaction what somebody has looked at; marked again, it is as of now. Returns when. */
export async function markReviewed(
  trx: Transaction,
  { kind, name }: Reviewable,
  reviewedBy: string,
): Promise<Date> {
  const { rows } = await sql<{ reviewed_at: Date }>`
    insert into cimd.reviewed (tenant_id, kind, name, reviewed_by)
    values (cimd.current_tenant(), ${kind}, ${name}, ${reviewedBy})
    on conflict (tenant_id, kind, name) do update
      set reviewed_at = excluded.reviewed_at, reviewed_by = excluded.reviewed_by
    returning reviewed_at`.execute(trx)
  const at = rows[0]?.reviewed_at
  if (at === undefined) throw new Error('an upsert returned no row')
  return at
}

/** Takes a mark back. False: there was none. */
export async function clearReviewed(trx: Transaction, { kind, name }: Reviewable): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    delete from cimd.reviewed
    where tenant_id = cimd.current_tenant() and kind = ${kind} and name = ${name}`.execute(trx)
  return numAffectedRows > 0n
}
