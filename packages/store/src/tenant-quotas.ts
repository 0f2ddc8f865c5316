import type { StoredQuotas } from '@cimd/core'
import { sql } from 'kysely'
import type { Db } from './db.ts'

/** The quotas of the tenant of that name that are other than the deployment's; undefined without such a tenant. */
export async function findQuotas(db: Db, name: string): Promise<object | undefined> {
  const row = await db.selectFrom('cimd.tenants').select('quotas').where('name', '=', name).executeTakeFirst()
  return row?.quotas
}

/** Sets the quotas named and leaves the others; undefined without such a tenant. They hold from its next request on. */
export async function setQuotas(db: Db, name: string, quotas: StoredQuotas): Promise<object | undefined> {
  return storeQuotas(db, name, sql`quotas || ${JSON.stringify(quotas)}::jsonb`)
}

/** Leaves the tenant with the quotas of the deployment. */
export async function clearQuotas(db: Db, name: string): Promise<object | undefined> {
  return storeQuotas(db, name, sql`'{}'::jsonb`)
}

async function storeQuotas(db: Db, name: string, value: ReturnType<typeof sql>): Promise<object | undefined> {
  const { rows } = await sql<{ quotas: object }>`
    update cimd.tenants set quotas = ${value} where name = ${name} returning quotas`.execute(db)
  return rows[0]?.quotas
}
