import { sql } from 'kysely'
import type { Transaction } from './db.ts'
import { SENT_AHEAD } from './prepared-pool.ts'

const INTEREST_LEASE_DAYS = 30

/**
 * Notes that the tenant of the transaction uses the client now, on behalf of an authenticated subject: renews
 * its lease, has it looked at again when its freshness ends, and the first time begins its view of the client at
 * the present event.
 */
export async function touchInterest(trx: Transaction, client: string): Promise<void> {
  // The client, its schedule, its interest: whoever locks several of them does so in this order.
  await sql`${sql.raw(SENT_AHEAD)}
    insert into cimd.schedule as s (client_ref, due_at)
    select id, fresh_until from cimd.clients
    where id = ${client} and failure_code is null and fresh_until > cimd.cimd_now()
    on conflict (client_ref) do update set due_at = least(s.due_at, excluded.due_at)`.execute(trx)
  await sql`${sql.raw(SENT_AHEAD)}
    insert into cimd.interest as i
      (tenant_id, client_ref, since_seq, first_demand_at, last_resolved_at, leased_until)
    select cimd.current_tenant(), c.id, c.event_seq, at.now, at.now,
      at.now + make_interval(days => ${INTEREST_LEASE_DAYS})
    from cimd.clients c, (select cimd.cimd_now() as now) as at
    where c.id = ${client}
    on conflict (tenant_id, client_ref) do update
      set last_resolved_at = excluded.last_resolved_at, leased_until = excluded.leased_until`.execute(trx)
}
