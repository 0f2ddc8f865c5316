import {
  ADVERTISE_DOMAINS_MAX,
  type AdvertiseFacts,
  type AdvertiseVerdict,
  type AdvertiseWhy,
  BROKEN_PATH_CODES,
  type EventType,
  SILENT_PATH_CODES,
  tellAdvertise,
} from '@cimd/core'
import { sql } from 'kysely'
import type { Db, Transaction } from './db.ts'
import { waitingUsers } from './waiting-users.ts'

/** What an authorization server is told of the way to publishers. */
export type ToldAdvertise = ReturnType<typeof tellAdvertise>

type VerdictRow = {
  now: Date
  advertise: boolean
  why: AdvertiseWhy | null
  since: Date
  turning_since: Date | null
  judged_at: Date | null
}

const VERDICT = sql`select cimd.cimd_now() as now, advertise, why, since, turning_since, judged_at from cimd.advertise`

/** Whether an authorization server may advertise, and why not: nothing is said for whoever judged long ago. */
export async function readAdvertise(db: Db | Transaction): Promise<ToldAdvertise> {
  const { rows } = await sql<VerdictRow>`${VERDICT}`.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('the store has lost the row that says what to advertise')
  return tellAdvertise(verdictFromRow(row), row.now)
}

/** Rejects while nothing may be advertised: nothing an orchestrator should act on, and all an operator should read. */
export async function checkAdvertise(db: Db): Promise<void> {
  const { advertise, why, since } = await readAdvertise(db)
  if (!advertise) throw new Error(`not to be advertised since ${since.toISOString()}: ${why}`)
}

/** Judges by the verdict before and the facts. */
export type JudgeAdvertise = (verdict: AdvertiseVerdict, facts: AdvertiseFacts, now: Date) => AdvertiseVerdict

/**
 * Judges anew, and writes the event of a change with it. One judge at a time: undefined where another is at it. `changed`:
 * it is advertised now, or no longer.
 */
export async function updateAdvertise(
  db: Db,
  judge: JudgeAdvertise,
): Promise<{ readonly verdict: AdvertiseVerdict; readonly changed: boolean } | undefined> {
  return db.transaction().execute(async (trx) => {
    const { rows } = await sql<VerdictRow>`${VERDICT} for update skip locked`.execute(trx)
    const [row] = rows
    if (row === undefined) return undefined
    const before = verdictFromRow(row)
    const verdict = judge(before, await countAdvertiseFacts(trx), row.now)
    await saveVerdict(trx, verdict)
    const changed = verdict.advertise !== before.advertise
    if (changed) await announce(trx, verdict)
    return { verdict, changed }
  })
}

async function saveVerdict(trx: Transaction, verdict: AdvertiseVerdict): Promise<void> {
  const { advertise, why = null, since, turningSince = null, judgedAt = null } = verdict
  await sql`
    update cimd.advertise set advertise = ${advertise}, why = ${why}, since = ${since},
      turning_since = ${turningSince}, judged_at = ${judgedAt}`.execute(trx)
}

const CHANGED: EventType = 'service.advertise_changed'

async function announce(trx: Transaction, { advertise, why, since }: AdvertiseVerdict): Promise<void> {
  const data = JSON.stringify({ advertise, why })
  // Not null, which a relay of older code would take for an event of which no tenant is to hear.
  await sql`
    insert into cimd.outbox (type, data, occurred_at, relayed_at)
    values (${CHANGED}, ${data}::jsonb, ${since}, '-infinity')`.execute(trx)
}

/** How far back attempts say something of now. */
const WINDOW_SECONDS = 5 * 60
/** Read at most, however many there are: one busy domain must not hide all others, and none must cost more. */
const ATTEMPTS_MAX = 500
/** Looked at for a user who waits: what is due soonest after a sweep has put it off. */
const WAITING_MAX = 1000

type FactsRow = {
  fetcher_seen_at: Date | null
  attempted_at: Date | null
  tried: number
  broken: number
  waiting_since: Date | null
}

/** What is known of the way to publishers; what it reads does not grow with the store. */
export async function countAdvertiseFacts(db: Db | Transaction): Promise<AdvertiseFacts> {
  const { rows } = await sql<FactsRow>`
    with newest as (
      select id, client_ref, finished_at, coalesce(failure_code = any(${BROKEN_PATH_CODES}::text[]), false) as broken,
        coalesce(failure_code = any(${SILENT_PATH_CODES}::text[]), false) as silent
      from cimd.attempts order by id desc limit ${ATTEMPTS_MAX}
    ), telling as (
      select n.id, n.broken, coalesce(c.domain, c.host) as domain
      from newest n join cimd.clients c on c.id = n.client_ref
      where not n.silent and n.finished_at > cimd.cimd_now() - make_interval(secs => ${WINDOW_SECONDS})
        -- Anybody may name a host that does not answer; before the first document there is nothing else to judge by.
        and (not n.broken or c.version_id is not null or not exists (select from cimd.versions)
          or exists (select from cimd.canaries where client_ref = c.id))
    ), domains as (
      select broken from (select distinct on (domain) id, broken from telling order by domain, id desc) d
      order by id desc limit ${ADVERTISE_DOMAINS_MAX}
    )
    select (
        select max(seen_at) from cimd.fetchers where seen_at <= cimd.cimd_now() + interval '1 minute'
      ) as fetcher_seen_at,
      (select max(finished_at) from newest) as attempted_at,
      count(*) as tried, count(*) filter (where broken) as broken,
      (select min(since) from (${waitingUsers(WAITING_MAX)}) w) as waiting_since
    from domains`.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('an aggregate gave no row')
  return {
    fetcherSeenAt: row.fetcher_seen_at ?? undefined,
    attemptedAt: row.attempted_at ?? undefined,
    domains: { tried: row.tried, broken: row.broken },
    waitingSince: row.waiting_since ?? undefined,
  }
}

function verdictFromRow(row: VerdictRow): AdvertiseVerdict {
  const { advertise, why, since, turning_since, judged_at } = row
  return {
    ...{ advertise, why: why ?? undefined, since },
    ...{ turningSince: turning_since ?? undefined, judgedAt: judged_at ?? undefined },
  }
}
