import type { RegistrarEvent } from '@cimd/core'
import { type RawBuilder, sql } from 'kysely'
import type { Db, Transaction } from './db.ts'
import { enterTenant } from './tenant-transaction.ts'

// Any constant: the one lock that makes the relay the only giver of positions.
const RELAY_LOCK = 0x63_69_6d_64

/** Rows of all feeds after which a batch is full: one popular client's events must not make it outlast its bound. */
const PLACED_MAX = 10_000

/**
 * Gives up to `limit` waiting outbox rows their position in the feed of every tenant that used the client when
 * the event happened, or of every tenant where it is about no client. One relay at a time; a row that commits late is
 * simply relayed later, so a feed has no gaps. Returns the tenants that have news.
 */
export async function relayOutbox(db: Db, limit: number): Promise<{ relayed: number; tenants: string[] }> {
  return db.transaction().execute(async (trx) => {
    const lock = await sql<{ locked: boolean }>`
      select pg_try_advisory_xact_lock(${RELAY_LOCK}) as locked`.execute(trx)
    if (lock.rows[0]?.locked !== true) return { relayed: 0, tenants: [] }
    const { rows } = await sql<{ relayed: number; tenants: string[] | null }>`
      with ${batchOf(limit)}, addressed as (
        select id, tenant_id, row_number() over (partition by tenant_id order by id) as step from (
          select b.id, i.tenant_id
          from batch b join cimd.interest i on i.client_ref = b.client_ref and b.client_seq > i.since_seq
          union all
          select b.id, t.id from batch b, cimd.tenants t where b.client_ref is null
        ) a
      ), advanced as (
        update cimd.tenants t set feed_position = t.feed_position + a.steps
        from (select tenant_id, count(*) as steps from addressed group by tenant_id) a
        where t.id = a.tenant_id
        returning t.id, t.feed_position - a.steps as before
      ), placed as (
        insert into cimd.feed (tenant_id, position, outbox_id)
        select a.tenant_id, advanced.before + a.step, a.id
        from addressed a join advanced on advanced.id = a.tenant_id
      ), relayed as (
        update cimd.outbox o set relayed_at = cimd.cimd_now() from batch where o.id = batch.id returning o.id
      )
      select (select count(*) from relayed) as relayed, (select array_agg(id::text) from advanced) as tenants`.execute(
      trx,
    )
    return { relayed: rows[0]?.relayed ?? 0, tenants: rows[0]?.tenants ?? [] }
  })
}

/**
 * Tells one tenant something about no client, in the transaction that makes it true. The tenant's row is locked until the
 * commit, by the relay as well, so its feed has no gaps.
 */
export async function tellTenant(trx: Transaction, tenantId: string, event: RegistrarEvent): Promise<void> {
  await enterTenant(trx, tenantId)
  await sql`
    with told as (
      insert into cimd.outbox (type, data, occurred_at, relayed_at)
      values (${event.type}, ${JSON.stringify(event.data)}::jsonb, cimd.cimd_now(), cimd.cimd_now())
      returning id
    ), advanced as (
      update cimd.tenants set feed_position = feed_position + 1 where id = ${tenantId} returning id, feed_position
    )
    insert into cimd.feed (tenant_id, position, outbox_id)
    select advanced.id, advanced.feed_position, told.id from advanced, told`.execute(trx)
}

// Two questions, each of an index of its own.
function batchOf(limit: number): RawBuilder<unknown> {
  return sql`waiting as (
    (select id, client_ref, client_seq from cimd.outbox where relayed_at is null order by id limit ${limit})
    union all
    (select id, client_ref, client_seq from cimd.outbox where relayed_at = '-infinity' order by id limit ${limit})
  ), batch as (
    select id, client_ref, client_seq from (
      select o.id, o.client_ref, o.client_seq, a.tenants, sum(a.tenants) over (order by o.id) as total
      from (select * from waiting order by id limit ${limit}) o, lateral (
        select case when o.client_ref is null then (select count(*) from cimd.tenants)
          else (select count(*) from cimd.interest where client_ref = o.client_ref) end as tenants
      ) a
    ) counted where total - tenants < ${PLACED_MAX}
  )`
}
