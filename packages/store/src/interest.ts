import { sql } from 'kysely'
import type { Transaction } from './db.ts'
import { SENT_AHEAD } from './prepared-pool.ts'

const INTEREST_LEASE_DAYS = 30

/**
 * The generation that was done when the tenant of interest `i` first asked. Where an older release noted the use, it is what
 * the attempts say, as long as they are kept.
 */
export const sinceGeneration = sql<number>`coalesce(i.since_generation, (
  select min(a.generation) - 1 from cimd.attempts a
  where a.client_ref = i.client_ref and a.applied and a.finished_at >= i.first_demand_at
))`

/**
 * Notes that the tenant of the transaction uses the client now, on behalf of an authenticated subject: renews
 * its lease, wakes it if it was dormant, has it looked at again when its freshness ends, and the first time begins
 * its view of the client at the present event.
 */
export async function touchInterest(trx: Transaction, client: string): Promise<void> {
  // The client, its schedule, its resources, its interest: whoever locks several of them does so in this order. The lock
  // on the client comes first also so that what is read of it is what a sweep that lets it go has committed.
  await sql`${sql.raw(SENT_AHEAD)}
    with held as (
      select id, dormant_since, failure_code, fresh_until from cimd.clients where id = ${client} for no key update
    ), woken as (
      update cimd.clients c set dormant_since = null from held where c.id = held.id and held.dormant_since is not null
    ), rested as (
      update cimd.resources r set due_at = coalesce(r.due_at, cimd.cimd_now())
      from held where r.client_ref = held.id and held.dormant_since is not null
    )
    insert into cimd.schedule as s (client_ref, due_at)
    select id, fresh_until from held where failure_code is null and fresh_until > cimd.cimd_now()
    on conflict (client_ref) do update set due_at = least(s.due_at, excluded.due_at)`.execute(trx)
  // Keys and logo of a client that was cold were put off for a day, those of one whose last lease had ended were let go.
  // What was never valid and failed waits for a demand of its own (CAC-04). Rows that need nothing are written too: only so
  // does this wait for a sweep that puts one off at this moment.
  await sql`${sql.raw(SENT_AHEAD)}
    update cimd.resources set due_at = case
      when due_at is null then greatest(coalesce(fresh_until, cimd.cimd_now()), retry_at)
      when failure_code is null then least(due_at, fresh_until)
      else due_at end
    where client_ref = ${client} and (fresh_until is not null or (due_at is null and wanted > done))`.execute(
    trx,
  )
  await sql`${sql.raw(SENT_AHEAD)}
    insert into cimd.interest as i
      (tenant_id, client_ref, since_seq, since_version_id, since_generation, first_demand_at, last_resolved_at, leased_until)
    select cimd.current_tenant(), c.id, c.event_seq, coalesce(c.version_id, 0), c.done, at.now, at.now,
      at.now + make_interval(days => ${INTEREST_LEASE_DAYS})
    from cimd.clients c, (select cimd.cimd_now() as now) as at
    where c.id = ${client}
    on conflict (tenant_id, client_ref) do update
      set last_resolved_at = excluded.last_resolved_at, leased_until = excluded.leased_until,
        since_generation = coalesce(${sinceGeneration}, excluded.since_generation)`.execute(trx)
}
