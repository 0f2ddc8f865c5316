import type { HostPace } from '@cimd/core'
import { sql } from 'kysely'
import type { Db, Transaction } from './db.ts'

/**
 * Where the refreshes of each host stand, locked until the transaction ends, so that sweeps at once give out every
 * turn once. Rows are locked in the order of the hosts, and a sweep waits for nothing else: none can deadlock.
 */
export async function lockHostPaces(
  trx: Transaction,
  hosts: readonly string[],
): Promise<ReadonlyMap<string, HostPace>> {
  // A clock that was set back must not hold up a host until it gets there again.
  const isOnTime = sql`p.looked_at <= excluded.looked_at + interval '1 minute'`
  const { rows } = await sql<{ host: string; next_turn_at: Date; next_start_at: Date }>`
    insert into cimd.host_paces as p (host, next_turn_at, next_start_at, looked_at)
    select host, cimd.cimd_now(), cimd.cimd_now(), cimd.cimd_now()
    from unnest(${[...new Set(hosts)]}::text[]) as due (host)
    order by host
    on conflict (host) do update set looked_at = excluded.looked_at,
      next_turn_at = case when ${isOnTime} then p.next_turn_at else excluded.next_turn_at end,
      next_start_at = case when ${isOnTime} then p.next_start_at else excluded.next_start_at end
    returning host, next_turn_at, next_start_at`.execute(trx)
  return new Map(
    rows.map(({ host, next_turn_at, next_start_at }) => [
      host,
      { nextTurnAt: next_turn_at, nextStartAt: next_start_at },
    ]),
  )
}

/** Writes where the refreshes of each locked host stand now. */
export async function saveHostPaces(trx: Transaction, paces: ReadonlyMap<string, HostPace>): Promise<void> {
  const rows = [...paces].map(([host, { nextTurnAt, nextStartAt }]) => ({
    ...{ host, next_turn_at: nextTurnAt, next_start_at: nextStartAt },
  }))
  await sql`
    update cimd.host_paces p set next_turn_at = n.next_turn_at, next_start_at = n.next_start_at
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as n (host text, next_turn_at timestamptz, next_start_at timestamptz)
    where p.host = n.host`.execute(trx)
}

/** Deletes up to `limit` paces that hold nothing back any more; returns how many. */
export async function deleteEndedPaces(db: Db, limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from cimd.host_paces where host in (
      select host from cimd.host_paces where greatest(next_turn_at, next_start_at) <= cimd.cimd_now()
      limit ${limit} for update skip locked
    )`.execute(db)
  return Number(numAffectedRows)
}
