import { type ClientIdUrl, IN_LINE_LOOK_SECONDS, registrableDomainOf } from '@cimd/core'
import { sql } from 'kysely'
import type { ClientView } from './clients.ts'
import type { Transaction } from './db.ts'
import { hasRoom, takePlace } from './fetch-places.ts'
import { SENT_AHEAD } from './prepared-pool.ts'
import {
  charge,
  chargeFirstUse,
  type QuotaCharge,
  type QuotaRefusal,
  QuotaRefusedError,
} from './quota-windows.ts'

export type Demand = {
  readonly clientId: ClientIdUrl
  readonly host: string
  /** Raise `wanted` even while a fetch runs: what runs now began before this demand. */
  readonly forced: boolean
  /** A user waits: the work belongs on the fetch queue. */
  readonly urgent: boolean
  /** When to look for the work if the queue lost it. */
  readonly lookAgainInSeconds: number
  /** So many of the tenant's urgent demands may be with the fetchers; the next wait in line. Absent: any number. */
  readonly placesMax?: number
  /** What it counts as; refused where one of these is used up. */
  readonly charges?: readonly QuotaCharge[]
}

/**
 * The generation that answers the demand, and whether a job has to be enqueued for it: not where it joins another, nor where
 * it waits in line for a place.
 */
export type RaisedDemand = {
  readonly client: string
  readonly generation: number
  readonly enqueue: boolean
  /** It was raised and waits in line. */
  readonly inLine?: true
}

type RaisedRow = Omit<RaisedDemand, 'inLine'> & { in_line: boolean; refused: QuotaRefusal | null }

/**
 * Demands a fetch: joins the one wanted or running, or raises `wanted` by one. `view` is what the same
 * transaction just read; a demand that joins according to it writes nothing but what a first use counts as. Throws
 * `QuotaRefusedError`.
 */
export async function raiseDemand(trx: Transaction, view: ClientView, demand: Demand): Promise<RaisedDemand> {
  const joins = !demand.forced && (demand.urgent ? hasPlace(view) : view.wanted > view.done)
  if (joins && view.id !== undefined) {
    await chargeFirstUse(trx, view.id, demand.charges ?? [])
    return { client: view.id, generation: view.wanted, enqueue: false }
  }
  if (view.id === undefined) await insertClient(trx, demand)
  const raised = await raiseWanted(trx, demand)
  if (raised !== undefined) return raised
  // It was forgotten after it was read (CAC-19).
  await insertClient(trx, demand)
  const anew = await raiseWanted(trx, demand)
  if (anew === undefined) throw new Error('a client was forgotten that had just been demanded')
  return anew
}

/** Whether a fetch is wanted for a user already, which another user's demand only joins. */
export function isAwaited({ wanted, urgent, done }: ClientView): boolean {
  return wanted > done && urgent >= wanted
}

// What another tenant has in line may have its turn at once by the place of this one; what a budget puts off has not. By a
// place of another tenant alone it would stand in the line of that one, once a budget puts it off.
function hasPlace(view: ClientView): boolean {
  const isPlaced = (view.placed ?? 0) >= view.wanted || view.deferred !== undefined
  return isAwaited(view) && isPlaced && view.standsIn === true
}

async function insertClient(trx: Transaction, { clientId, host }: Demand): Promise<void> {
  await sql`${sql.raw(SENT_AHEAD)} insert into cimd.clients (client_id, host, domain)
    values (${clientId}, ${host}, ${registrableDomainOf(host)})
    on conflict (client_id) do nothing`.execute(trx)
}

// The row is locked first, so that all that follows is of what the transaction that was waited for has committed.
async function raiseWanted(trx: Transaction, demand: Demand): Promise<RaisedDemand | undefined> {
  const { rows } = await sql<RaisedRow>`
    with held as (
      select id, wanted, done, placed, dormant_since,
        case when not ${demand.forced} and urgent >= wanted then greatest(deferred_until, quarantined_until) end as put_off_until
      from cimd.clients
      where client_id = ${demand.clientId} for no key update
    ), room as (${hasRoom(demand)}), raised as (${raise(demand)}), woken as (
      update cimd.resources r set due_at = coalesce(r.due_at, cimd.cimd_now())
      from held where r.client_ref = held.id and held.dormant_since is not null
    ), scheduled as (
      insert into cimd.schedule as s (client_ref, due_at, urgent_since)
      select id, cimd.cimd_now() + make_interval(secs =>
          case when ${demand.urgent} and not has_place then ${IN_LINE_LOOK_SECONDS}::double precision
            else ${demand.lookAgainInSeconds} end),
        case when ${demand.urgent} then cimd.cimd_now() end
      from raised
      on conflict (client_ref) do update set due_at = least(s.due_at, excluded.due_at),
        urgent_since = coalesce(excluded.urgent_since, s.urgent_since)
    ), place as (${takePlace(demand)}), ${charge(demand.charges ?? [])}
    select held.id::text as client, coalesce(raised.wanted, held.wanted) as generation,
      raised.id is not null and (raised.has_place or not ${demand.urgent}) as enqueue,
      raised.id is not null and ${demand.urgent} and not raised.has_place as in_line,
      (select to_jsonb(r) from refused r) as refused
    from held left join raised on raised.id = held.id`.execute(trx)
  const [row] = rows
  if (row === undefined) return undefined
  const { refused, in_line, ...raised } = row
  if (refused !== null) throw new QuotaRefusedError(refused)
  return in_line ? { ...raised, inLine: true } : raised
}

function raise({ forced, urgent }: Demand) {
  const by = sql`case when ${forced} or c.wanted = c.done then 1 else 0 end`
  const isRaised = sql`${forced} or c.wanted = c.done or (${urgent} and c.urgent < c.wanted)`
  return sql`
    update cimd.clients c set
      wanted = c.wanted + ${by},
      forced = case when ${forced} then c.wanted + ${by} else c.forced end,
      urgent = case when ${urgent} then c.wanted + ${by} else c.urgent end,
      placed = case when ${urgent} and room.free then c.wanted + ${by} else c.placed end,
      -- What was put off was nobody's hurry; the budget has room for users.
      deferred_until = case when ${urgent} and (${isRaised}) then null else c.deferred_until end,
      deferred_code = case when ${urgent} and (${isRaised}) then null else c.deferred_code end,
      dormant_since = null
    from held, room
    where c.id = held.id and (${isRaised} or (${urgent} and c.placed < c.wanted and room.free))
    returning c.id, c.wanted, c.placed >= c.wanted as has_place`
}
