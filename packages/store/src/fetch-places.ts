import { LOST_URGENT_WORK_SECONDS } from '@cimd/core'
import { type RawBuilder, sql } from 'kysely'
import type { Db } from './db.ts'
import type { Demand } from './demands.ts'
import { SENT_AHEAD } from './prepared-pool.ts'

/** As many as any tenant may have. */
const ANY_NUMBER = 2 ** 31 - 1

/**
 * Of the statement that raises a demand: whether the tenant has a place left for the client `held`, or has one for it
 * already. What is put off needs none yet.
 */
export function hasRoom({ placesMax = ANY_NUMBER }: Demand): RawBuilder<unknown> {
  return sql`
    select not exists (select from held where put_off_until > cimd.cimd_now()) and ((
      select count(*) from (
        select from cimd.fetch_places where tenant_id = cimd.current_tenant() and taken_at is not null limit ${placesMax}
      ) taken
    ) < ${placesMax} or exists (
      select from cimd.fetch_places p join held on held.id = p.client_ref
      where p.tenant_id = cimd.current_tenant() and p.taken_at is not null
    )) as free`
}

/** Of the same: the demand takes its place, or stands in line. */
export function takePlace({ urgent }: Demand): RawBuilder<unknown> {
  return sql`
    insert into cimd.fetch_places as p (tenant_id, client_ref, ready_at, taken_at)
    select cimd.current_tenant(), held.id, greatest(cimd.cimd_now(), held.put_off_until),
      case when room.free then cimd.cimd_now() end
    from held cross join room left join raised on raised.id = held.id
    where ${urgent} and (raised.id is not null or held.wanted > held.done)
    on conflict (client_ref, tenant_id) do update set taken_at = excluded.taken_at where p.taken_at is null`
}

/**
 * Of the statement that records an attempt: gives back every place of the client, unless a user waits for the next. What is
 * set aside comes in a day at the soonest.
 */
export function leavePlaces(recorded: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    delete from cimd.fetch_places where client_ref = (select id from ${recorded} where not urgent or set_aside)`
}

/**
 * Has up to `limit` demands of a tenant leave its line, for good; how many. What no other tenant waits for is nobody's hurry
 * any more, and would otherwise pass by every line.
 */
export async function leaveLine(db: Db, tenant: string, limit: number): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const { rows } = await sql<{ client: string }>`
      select id::text as client from cimd.clients where id in (
        select client_ref from cimd.fetch_places where tenant_id = ${tenant} and taken_at is null limit ${limit}
      ) order by id for no key update`.execute(trx)
    const clients = rows.map(({ client }) => client)
    await sql`
      with left_line as (
        delete from cimd.fetch_places where client_ref = any(${clients}::bigint[]) and tenant_id = ${tenant}
      )
      update cimd.clients c set urgent = c.done
      where c.id = any(${clients}::bigint[]) and c.urgent > c.done and c.placed < c.urgent and not exists (
        select from cimd.fetch_places where client_ref = c.id and tenant_id <> ${tenant}
      )`.execute(trx)
    return clients.length
  })
}

/** Whether anybody waits in line. */
export const IS_LINE = sql<boolean>`exists (select from cimd.fetch_places where taken_at is null limit 1)`

/** What has its turn; `more`: there may be others that have. */
export type AdmittedDemands = { readonly clients: readonly string[]; readonly more: boolean }

/** Looked at in one go; a longer line takes more. */
const ADMITTED_MAX = 500

const ADMISSION_LOCK = 0x63_69_6d_66

/**
 * Gives the places that are free to those who wait in line: to each tenant up to `placesMax`, to the tenants in turn, to the
 * demands of each in the order of time. Each is to be enqueued; what the queue loses is found again by the schedule. One
 * caller at a time: another finds nothing. What was answered while it stood in line leaves it; what got a place by another
 * tenant takes one of this tenant too, and is with the fetchers already.
 */
export async function admitInTurn(db: Db, placesMax: number): Promise<AdmittedDemands> {
  return db.transaction().execute(async (trx) => {
    const { rows: locks } = await sql<{ locked: boolean }>`
      select pg_try_advisory_xact_lock(${ADMISSION_LOCK}) as locked`.execute(trx)
    if (locks[0]?.locked !== true) return { clients: [], more: false }
    await sql`${sql.raw(SENT_AHEAD)} ${BY_INDEX}`.execute(trx)
    await sql`${sql.raw(SENT_AHEAD)} ${DROP_ANSWERED}`.execute(trx)
    const { rows: called } = await sql<{ client: string; tenant_id: string }>`${call(placesMax)}`.execute(trx)
    if (called.length === 0) return { clients: [], more: false }
    const { rows } = await sql<{ client: string; waited: boolean }>`${admit(called)}`.execute(trx)
    const admitted = rows.filter(({ waited }) => waited)
    return { clients: admitted.map(({ client }) => client), more: rows.length > 0 }
  })
}

// Statistics of a table that grows and shrinks by thousands within seconds mislead: each look is into an index, by few rows.
const BY_INDEX = sql`select set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
  set_config('enable_mergejoin', 'off', true)`

// Older code records an attempt without giving places back, and what is taken while an attempt is recorded is not seen by it.
const DROP_ANSWERED = sql`
  delete from cimd.fetch_places p using cimd.clients c
  where p.taken_at is not null and c.id = p.client_ref and (c.urgent <= c.done or c.quarantined_until > cimd.cimd_now())`

// From tenant to tenant through the index: a line of many thousands costs as much as one of a few.
function call(placesMax: number): RawBuilder<unknown> {
  return sql`
    with recursive in_line as (
      (select tenant_id from cimd.fetch_places where taken_at is null order by tenant_id limit 1)
      union all
      select (
        select p.tenant_id from cimd.fetch_places p
        where p.taken_at is null and p.tenant_id > l.tenant_id order by p.tenant_id limit 1
      ) from in_line l where l.tenant_id is not null
    )
    select t.client_ref::text as client, l.tenant_id
    from in_line l cross join lateral (
      select count(*) as taken from (
        select from cimd.fetch_places where tenant_id = l.tenant_id and taken_at is not null limit ${placesMax}
      ) p
    ) n cross join lateral (
      select client_ref, row_number() over (order by ready_at, client_ref) as turn from cimd.fetch_places
      where tenant_id = l.tenant_id and taken_at is null and ready_at <= (select cimd.cimd_now())
      order by ready_at, client_ref limit greatest(0, ${placesMax} - n.taken)
    ) t
    where l.tenant_id is not null
    order by t.turn, l.tenant_id limit ${ADMITTED_MAX}`
}

// The client before its places and its schedule, as everybody does; who has one of them locked is asked again the next time.
function admit(called: readonly { client: string; tenant_id: string }[]): RawBuilder<unknown> {
  const clients = called.map(({ client }) => client)
  const tenants = called.map(({ tenant_id }) => tenant_id)
  return sql`
    with called as (
      select * from unnest(${clients}::bigint[], ${tenants}::uuid[]) with ordinality as c (client_ref, tenant_id, turn)
    ), held as (
      select id, urgent > done as is_wanted, urgent > done and placed < urgent as waits from cimd.clients
      where id = any(${clients}::bigint[]) for no key update skip locked
    ), placed as (
      update cimd.clients c set placed = c.wanted from held where c.id = held.id and held.waits returning c.id
    ), taken as (
      update cimd.fetch_places p set taken_at = cimd.cimd_now() from called, held
      where called.client_ref = held.id and held.is_wanted
        and p.client_ref = called.client_ref and p.tenant_id = called.tenant_id
    ), left_line as (
      delete from cimd.fetch_places p using called, held
      where called.client_ref = held.id and not held.is_wanted and p.taken_at is null
        and p.client_ref = called.client_ref and p.tenant_id = called.tenant_id
    ), scheduled as (
      insert into cimd.schedule as s (client_ref, due_at, urgent_since)
      select id, cimd.cimd_now() + make_interval(secs => ${LOST_URGENT_WORK_SECONDS}), cimd.cimd_now() from placed
      on conflict (client_ref) do update set due_at = excluded.due_at, urgent_since = excluded.urgent_since
    )
    select held.id::text as client, held.waits as waited from held join called on called.client_ref = held.id
    group by held.id, held.waits order by min(called.turn)`
}
