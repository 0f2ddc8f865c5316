import { type RawBuilder, sql } from 'kysely'
import type { Db } from './db.ts'
import { leaveLine } from './fetch-places.ts'

/** Few enough that whoever works for other tenants does not wait long. */
const REMOVED_AT_ONCE = 5000

// What a tenant may have very many of. The interest first: nothing more is told to the feed of whoever uses nothing.
const LARGE = [
  { table: 'cimd.interest', of: ofTenant },
  { table: 'cimd.tickets', of: ofTenant },
  { table: 'cimd.feed', of: ofTenant },
  { table: 'cimd.bindings', of: ofTenant },
  { table: 'cimd.effective_documents', of: ofTenant },
  // With which clients and domains each has used.
  { table: 'cimd.subjects', of: ofTenant },
  { table: 'cimd.decisions', of: ofTenant },
  { table: 'cimd.approvals', of: ofTenant },
  { table: 'cimd.registrations', of: ofTenant },
  { table: 'cimd.policy_reports', of: ofTenant },
  { table: 'cimd.client_reputation', of: ofTenant },
  { table: 'cimd.domain_reputation', of: ofTenant },
  { table: 'cimd.domain_eras', of: ofTenant },
  {
    table: 'cimd.deliveries',
    of: (tenantId: string) =>
      sql`subscription_id in (select id from cimd.subscriptions where tenant_id = ${tenantId})`,
  },
] as const

/**
 * Removes a tenant and everything that is only its own, for good: keys first, so that nobody acts for it meanwhile, then the
 * rest a slice at a time. What an interrupted removal has left is removed by the next. Clients and their documents are nobody's
 * own. Whether there was such a tenant; for whoever may see every tenant.
 */
export async function removeTenant(db: Db, name: string): Promise<boolean> {
  const tenant = await db.selectFrom('cimd.tenants').select('id').where('name', '=', name).executeTakeFirst()
  if (tenant === undefined) return false
  await sql`
    update cimd.api_keys set revoked_at = coalesce(revoked_at, cimd.cimd_now())
    where tenant_id = ${tenant.id}`.execute(db)
  while ((await leaveLine(db, tenant.id, REMOVED_AT_ONCE)) > 0);
  for (const { table, of } of LARGE) await removeSlices(db, table, of(tenant.id))
  const { numDeletedRows } = await db
    .deleteFrom('cimd.tenants')
    .where('id', '=', tenant.id)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

function ofTenant(tenantId: string): RawBuilder<unknown> {
  return sql`tenant_id = ${tenantId}`
}

async function removeSlices(db: Db, table: string, which: RawBuilder<unknown>): Promise<void> {
  for (;;) {
    const { numAffectedRows = 0n } = await sql`
      delete from ${sql.table(table)} where ctid = any(array(
        select ctid from ${sql.table(table)} where ${which} limit ${REMOVED_AT_ONCE}
      ))`.execute(db)
    if (numAffectedRows < REMOVED_AT_ONCE) return
  }
}
