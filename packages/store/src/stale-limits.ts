import type { StaleLimits } from '@cimd/core'
import { sql } from 'kysely'
import type { Db } from './db.ts'

/** The stale use the tenant of that name wants at most, by class of failure (CAC-13); undefined without such a tenant. */
export async function findStaleLimits(db: Db, name: string): Promise<StaleLimits | undefined> {
  const row = await db
    .selectFrom('cimd.tenants')
    .select('stale_limits')
    .where('name', '=', name)
    .executeTakeFirst()
  return row?.stale_limits
}

/** Sets the limits named and leaves the others; undefined without such a tenant, or if it has a policy, which says them itself. They apply from its next request on. */
export async function setStaleLimits(
  db: Db,
  name: string,
  limits: StaleLimits,
): Promise<StaleLimits | undefined> {
  return storeLimits(db, name, sql`stale_limits || ${JSON.stringify(limits)}::jsonb`)
}

/** Leaves the tenant with what the deployment allows. */
export async function clearStaleLimits(db: Db, name: string): Promise<StaleLimits | undefined> {
  return storeLimits(db, name, sql`'{}'::jsonb`)
}

async function storeLimits(
  db: Db,
  name: string,
  value: ReturnType<typeof sql>,
): Promise<StaleLimits | undefined> {
  const { rows } = await sql<{ stale_limits: StaleLimits }>`
    update cimd.tenants set stale_limits = ${value} where name = ${name} and policy_version = 0 returning stale_limits`.execute(
    db,
  )
  return rows[0]?.stale_limits
}
