import { sql } from 'kysely'
import type { Db } from './db.ts'

/** A tenant as an operator sees it. */
export type TenantSummary = {
  readonly id: string
  readonly name: string
  /** What more than the draft it asks of a client (DOC-13). */
  readonly profile: string
  readonly createdAt: Date
  /** Keys that work now: neither revoked nor expired. */
  readonly keys: number
}

/** Makes a tenant, or finds the one of that name. Returns its id. */
export async function ensureTenant(db: Db, name: string): Promise<string> {
  const { id } = await db
    .insertInto('cimd.tenants')
    .values({ name })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ name }))
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** The id of the tenant of that name. */
export async function findTenant(db: Db, name: string): Promise<string | undefined> {
  const row = await db.selectFrom('cimd.tenants').select('id').where('name', '=', name).executeTakeFirst()
  return row?.id
}

/** Sets the profile of the tenant of that name; whether there is one. What was answered before stays answered. */
export async function setTenantProfile(db: Db, name: string, profile: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('cimd.tenants')
    .set({ profile })
    .where('name', '=', name)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Every tenant, by name. */
export async function listTenants(db: Db): Promise<TenantSummary[]> {
  const { rows } = await sql<{ id: string; name: string; profile: string; created_at: Date; keys: number }>`
    select t.id, t.name, t.profile, t.created_at, (
      select count(*) from cimd.api_keys k where k.tenant_id = t.id and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > cimd.cimd_now())
    ) as keys
    from cimd.tenants t order by t.name`.execute(db)
  return rows.map(({ created_at, ...tenant }) => ({ ...tenant, createdAt: created_at }))
}
