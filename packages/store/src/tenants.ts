import type { StaleLimits } from '@cimd/core'
import { type RawBuilder, sql } from 'kysely'
import type { Db, Transaction } from './db.ts'

/** A tenant as an operator sees it. */
export type TenantSummary = {
  readonly id: string
  readonly name: string
  /** What more than the draft it asks of a client (DOC-13). */
  readonly profile: string
  /** Of the policy in force; 0: it has none. */
  readonly policyVersion: number
  /** Of the policy that is only told of. */
  readonly reportPolicyVersion: number | undefined
  /** Seconds of stale use by class of failure, where it wants less than is allowed (CAC-13). */
  readonly staleLimits: StaleLimits
  /** What it may use of us, where it is other than what the deployment says. */
  readonly quotas: unknown
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

/** Sets the profile of the tenant of that name; whether there is one without a policy, which says it itself. What was answered before stays answered. */
export async function setTenantProfile(db: Db, name: string, profile: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('cimd.tenants')
    .set({ profile })
    .where('name', '=', name)
    .where('policy_version', '=', 0)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Every tenant, by name. */
export async function listTenants(db: Db): Promise<TenantSummary[]> {
  return summarize(db, sql`true`)
}

/** The tenant of that name, for whoever may see every tenant. */
export async function findTenantSummary(db: Db, name: string): Promise<TenantSummary | undefined> {
  const [found] = await summarize(db, sql`t.name = ${name}`)
  return found
}

/** The tenant of the transaction. */
export async function describeTenant(trx: Transaction): Promise<TenantSummary> {
  const [found] = await summarize(trx, sql`t.id = cimd.current_tenant()`)
  if (found === undefined) throw new Error('the tenant of the transaction has been removed')
  return found
}

type SummaryRow = {
  id: string
  name: string
  profile: string
  policy_version: number
  report_policy_version: number | null
  stale_limits: StaleLimits
  quotas: unknown
  created_at: Date
  keys: number
}

async function summarize(db: Db, which: RawBuilder<unknown>): Promise<TenantSummary[]> {
  const { rows } = await sql<SummaryRow>`
    select t.id, t.name, t.profile, t.policy_version, t.report_policy_version, t.stale_limits, t.quotas, t.created_at, (
      select count(*) from cimd.api_keys k where k.tenant_id = t.id and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > cimd.cimd_now())
    ) as keys
    from cimd.tenants t where ${which} order by t.name`.execute(db)
  return rows.map((row) => ({
    ...{ id: row.id, name: row.name, profile: row.profile, keys: row.keys },
    policyVersion: row.policy_version,
    reportPolicyVersion: row.report_policy_version ?? undefined,
    ...{ staleLimits: row.stale_limits, quotas: row.quotas, createdAt: row.created_at },
  }))
}
