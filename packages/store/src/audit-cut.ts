import type { ChainAnchor, NewAuditEntry } from '@cimd/core'
import { sql } from 'kysely'
import { noteAudit } from './audit-pending.ts'
import type { Db, Transaction } from './db.ts'
import { withTenant } from './tenant-transaction.ts'

/** At the most one cut a day and tenant is made by itself: each is an entry of its own. */
const CUT_PAUSE_HOURS = 24

/**
 * Notes a retention cut of a tenant's audit: all entries from its beginning to the last before the first that is not older
 * than `before`. They go once the cut has its place in the chain. Undefined: there is nothing that old.
 */
export async function noteAuditCut(
  db: Db,
  tenantId: string,
  { before, actor }: { readonly before: Date; readonly actor: NewAuditEntry['actor'] },
): Promise<ChainAnchor | undefined> {
  return withTenant(db, tenantId, async (trx) => {
    const anchor = await findAnchor(trx, before)
    if (anchor === undefined) return undefined
    const data = { anchor_seq: anchor.seq, anchor_hash: anchor.hash, count: anchor.count }
    await noteAudit(trx, { tenantId, kind: 'retention.cut', actor, data })
    return anchor
  })
}

async function findAnchor(trx: Transaction, before: Date): Promise<ChainAnchor | undefined> {
  const { rows } = await sql<ChainAnchor>`
    with chain as (
      select tenant_id, seq, coalesce(anchor_seq, 0) as begin from cimd.audit_heads
      where tenant_id = cimd.current_tenant()
    ), kept as (
      select a.seq from cimd.audit a, chain
      where a.tenant_id = cimd.current_tenant() and a.seq > chain.begin and a.at >= ${before.toISOString()}
      order by a.seq limit 1
    )
    select a.seq, encode(a.hash, 'hex') as hash, a.seq - chain.begin as count
    from chain, cimd.audit a
    where a.tenant_id = cimd.current_tenant() and a.seq = coalesce((select seq - 1 from kept), chain.seq)
      and a.seq > chain.begin`.execute(trx)
  return rows[0]
}

/**
 * Notes a cut of what is older than so many days in the audit of every tenant that was not cut within a day and whose last
 * cut has its place. Returns how many entries are to go.
 */
export async function noteOldAuditCuts(db: Db, days: number): Promise<number> {
  const { rows } = await sql<{ tenant_id: string; before: Date }>`
    select h.tenant_id, cimd.cimd_now() - make_interval(days => ${days}) as before from cimd.audit_heads h
    where exists (select from cimd.tenants t where t.id = h.tenant_id)
      and (h.cut_at is null or h.cut_at < cimd.cimd_now() - make_interval(hours => ${CUT_PAUSE_HOURS}))
      and not exists (
        select from cimd.audit_pending p where p.tenant_id = h.tenant_id and p.kind = 'retention.cut'
      )`.execute(db)
  let entries = 0
  for (const { tenant_id: tenantId, before } of rows) {
    const anchor = await noteAuditCut(db, tenantId, { before, actor: { kind: 'service', id: 'scheduler' } })
    entries += anchor?.count ?? 0
  }
  return entries
}

/** Deletes up to `limit` entries of tenants that were removed. Returns how many; 0: none is left. */
export async function deleteOrphanedAudit(db: Db, limit: number): Promise<number> {
  const { rows } = await sql<{ deleted: number }>`
    select cimd.remove_orphaned_audit(${limit}::integer) as deleted`.execute(db)
  return rows[0]?.deleted ?? 0
}

/** Tenants of one batch: each deletion is a question of its own. */
const CUT_TENANTS = 20

/** Deletes up to `limit` entries of each of some tenants that a retention cut lets go. Returns how many; 0: none is left. */
export async function deleteCutAudit(db: Db, limit: number): Promise<number> {
  const { rows } = await sql<{ deleted: number }>`
    select coalesce(sum(cimd.cut_audit(h.tenant_id, ${limit}::integer)), 0)::bigint as deleted from (
      select tenant_id from cimd.audit_heads h
      where exists (select from cimd.audit a where a.tenant_id = h.tenant_id and a.seq <= h.anchor_seq)
      limit ${CUT_TENANTS}
    ) h`.execute(db)
  return rows[0]?.deleted ?? 0
}
