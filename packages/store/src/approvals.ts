import { sql } from 'kysely'
import type { Db } from './db.ts'

/**
 * Approves a version of a client for a tenant, in place of the one approved before: from its next request on the tenant
 * gets what that version and the current one both allow (CHG-07). False: there is no such version.
 */
export async function setApproval(
  db: Db,
  approval: { readonly tenantId: string; readonly clientId: string; readonly digest: string },
): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    insert into cimd.approvals (tenant_id, client_ref, version_id)
    select ${approval.tenantId}, c.id, max(v.id)
    from cimd.clients c join cimd.versions v on v.client_id = c.client_id
    where c.client_id = ${approval.clientId} and v.digest = decode(${approval.digest}, 'hex')
    group by c.id
    on conflict (tenant_id, client_ref) do update
      set version_id = excluded.version_id, approved_at = cimd.cimd_now()`.execute(db)
  return numAffectedRows > 0n
}

/** Takes a tenant's approval back: it gets the current version again. False: there was none. */
export async function clearApproval(
  db: Db,
  { tenantId, clientId }: { readonly tenantId: string; readonly clientId: string },
): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    delete from cimd.approvals where tenant_id = ${tenantId}
      and client_ref = (select id from cimd.clients where client_id = ${clientId})`.execute(db)
  return numAffectedRows > 0n
}
