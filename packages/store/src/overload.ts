import { type Line, OVERLOAD_LATELY_SECONDS, OVERLOAD_RATE_SECONDS, type OverloadFacts } from '@cimd/core'
import { sql } from 'kysely'
import { readAdvertise } from './advertise.ts'
import type { Db, Transaction } from './db.ts'
import { waitingUsers } from './waiting-users.ts'

/** Counted at most; of more, the wait expected is at least that of so many. */
const WAITING_MAX = 5000
/** Read at most, however many there are: enough to tell a rate. */
const ATTEMPTS_MAX = 500

type FactsRow = {
  waiting: number
  waiting_lately: number
  oldest_seconds: number | null
  answered: number
  window_seconds: number
  /** How far back the newest attempts reach; null where there are fewer than are read. */
  reach_seconds: number | null
}

/** How the demands that users wait for are being answered; what it reads does not grow with the store. */
export async function countOverloadFacts(db: Db | Transaction): Promise<OverloadFacts> {
  const { rows } = await sql<FactsRow>`
    with waiting as materialized (
      ${waitingUsers(WAITING_MAX, { overdueSeconds: OVERLOAD_LATELY_SECONDS })}
    ), lately as materialized (
      select count(*) as waiting, extract(epoch from cimd.cimd_now() - min(since))::float8 as oldest_seconds
      -- Asked once: for every row it would be a query of its own.
      from waiting where since > (select cimd.cimd_now() - make_interval(secs => ${OVERLOAD_LATELY_SECONDS}))
    ), span as materialized (
      -- Not while nobody waited, when nothing but the demand was slow.
      select waiting, oldest_seconds,
        least(greatest(1, coalesce(oldest_seconds, 'infinity')), ${OVERLOAD_RATE_SECONDS}::float8) as window_seconds
      from lately
    ), newest as materialized (
      select client_ref, generation, finished_at from cimd.attempts order by id desc limit ${ATTEMPTS_MAX}
    )
    select (select count(*) from waiting) as waiting, span.waiting as waiting_lately, span.oldest_seconds,
      span.window_seconds, (
        select count(*) from newest n join cimd.clients c on c.id = n.client_ref and c.urgent = n.generation
        where n.finished_at > (select cimd.cimd_now()) - make_interval(secs => span.window_seconds)
      ) as answered, (
        select case when count(*) = ${ATTEMPTS_MAX}
          then extract(epoch from cimd.cimd_now() - min(finished_at))::float8 end
        from newest
      ) as reach_seconds
    from span`.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('an aggregate gave no row')
  const { why } = await readAdvertise(db)
  return factsFromRow(row, why === 'fetchers_gone')
}

/** How many demands of each tenant wait in line for a place, each counted no further than `max`. */
export async function countInLine(db: Db, max: number): Promise<Line> {
  const { rows } = await sql<{ tenant_id: string; waiting: number }>`
    select tenant_id, waiting from cimd.count_in_line(${max})`.execute(db)
  return new Map(rows.map(({ tenant_id, waiting }) => [tenant_id, waiting]))
}

function factsFromRow(row: FactsRow, fetchersGone: boolean): OverloadFacts {
  const seconds = Math.min(row.window_seconds, row.reach_seconds ?? row.window_seconds)
  return {
    waiting: row.waiting,
    lately: { waiting: row.waiting_lately, oldestSeconds: Math.max(0, row.oldest_seconds ?? 0) },
    answered: { count: row.answered, seconds: Math.max(0.1, seconds) },
    fetchersGone,
  }
}
