import { sql } from 'kysely'
import type { Db, Transaction } from './db.ts'
import { SENT_AHEAD } from './prepared-pool.ts'

/**
 * Runs `work` in a transaction that belongs to one tenant: row-level security and `cimd.current_tenant()` see
 * it, and nothing outlives the transaction. Every query on behalf of a tenant goes through here.
 */
export async function withTenant<T>(
  db: Db,
  tenantId: string,
  work: (trx: Transaction) => Promise<T>,
): Promise<T> {
  return db.transaction().execute(async (trx) => {
    await enterTenant(trx, tenantId)
    return work(trx)
  })
}

/** Makes a transaction that has begun belong to one tenant from here on. */
export async function enterTenant(trx: Transaction, tenantId: string): Promise<void> {
  await sql`${sql.raw(SENT_AHEAD)} select set_config('cimd.tenant_id', ${tenantId}, true)`.execute(trx)
}
