import {
  BRAKE_HOLD_SECONDS,
  BRAKE_WINDOW_SECONDS,
  type BrakeFacts,
  classOf,
  FAILURES,
  isFailureCode,
} from '@cimd/core'
import { type RawBuilder, sql } from 'kysely'
import type { Db } from './db.ts'

/** The brake as it stands. */
export type BrakeStatus = {
  readonly engaged: EngagedBrake | undefined
  /** Until then counting does not engage it; undefined once that is over. */
  readonly disarmedUntil: Date | undefined
}

export type EngagedBrake = {
  readonly engagedAt: Date
  /** Findings made since then end no client's use. */
  readonly heldFrom: Date
  readonly reason: string
}

type BrakeRow = {
  engaged_at: Date | null
  held_from: Date | null
  reason: string | null
  disarmed_until: Date | null
}

const windowStart = sql`cimd.cimd_now() - make_interval(secs => ${BRAKE_WINDOW_SECONDS})`

/** Reads the brake. */
export async function readBrake(db: Db): Promise<BrakeStatus> {
  const { rows } = await sql<BrakeRow>`
    select engaged_at, held_from, reason,
      case when disarmed_until > cimd.cimd_now() then disarmed_until end as disarmed_until
    from cimd.brake`.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('the store has lost the row of the brake')
  const { engaged_at: engagedAt, held_from: heldFrom, reason, disarmed_until } = row
  const engaged = engagedAt && heldFrom && reason !== null ? { engagedAt, heldFrom, reason } : undefined
  return { engaged, disarmedUntil: disarmed_until ?? undefined }
}

/** Rejects while the brake is engaged: nothing an orchestrator should act on, and all an operator should read. */
export async function checkBrake(db: Db): Promise<void> {
  const { engaged } = await readBrake(db)
  if (engaged !== undefined)
    throw new Error(`engaged since ${engaged.engagedAt.toISOString()}: ${engaged.reason}`)
}

/** What `decideBrake` of core decides by, what is held, and when it was counted on the database's clock. */
export type CountedBrake = { readonly facts: BrakeFacts; readonly held: HeldClients; readonly now: Date }

/** The same, or why it could not be counted: what is told of an engaged brake must not wait for its numbers. */
export type BrakeCount = CountedBrake | { readonly uncounted: unknown }

/** How many clients in use an engaged brake holds, and when the first of these holds is over. */
export type HeldClients = { readonly clients: number; readonly firstEndsAt: Date | undefined }

type CountRow = {
  now: Date
  in_use: number
  ending: number
  ending_by_domain: number[]
  failing_canaries: number
  held: number
  first_ends_at: Date | null
  engaged: boolean
  disarmed_until: Date | null
}

/**
 * Counts for the brake what was found within the last hour, or all that it doubts while it is engaged. With a `share` those
 * in use are counted, engaged or not, only as far as they matter to engaging it, one more than those that end could be
 * that share of: what it reads then grows with what was found, not with the store.
 */
export async function countBrakeFacts(db: Db, share?: number): Promise<CountedBrake> {
  const matter = share === undefined ? sql`null` : sql`floor(e.clients / ${share}::float8)::bigint + 1`
  // Not joined to the brake's row: the planner has to see from when on it looks.
  const { engaged } = await readBrake(db)
  const from = engaged ? sql`${engaged.heldFrom}::timestamptz` : windowStart
  const hold = sql`make_interval(secs => ${BRAKE_HOLD_SECONDS})`
  const { rows } = await sql<CountRow>`
    with found as (
      select c.id, coalesce(c.domain, c.host) as domain, e.ends_at,
        c.dormant_since is null and exists (select from cimd.schedule where client_ref = c.id) as in_use
      from cimd.clients c
      join (select client_ref, min(since) + ${hold} as ends_at from (${endingSince(from)}) as e group by 1) as e
        on e.client_ref = c.id
    ), ending as (
      select count(*) filter (where in_use) as clients,
        count(*) filter (where in_use and ends_at > cimd.cimd_now()) as held,
        min(ends_at) filter (where in_use and ends_at > cimd.cimd_now()) as first_ends_at
      from found
    )
    select cimd.cimd_now() as now, e.clients as ending, e.held,
      (${failingCanaries(from)}) as failing_canaries, e.first_ends_at,
      array(select count(*)::integer from found where in_use group by domain) as ending_by_domain,
      b.engaged_at is not null as engaged, b.disarmed_until,
      (select count(*) from (
        select from cimd.schedule s join cimd.clients c on c.id = s.client_ref
        where c.version_id is not null and c.dormant_since is null
        limit ${matter}
      ) as used) as in_use
    from ending e, cimd.brake b`.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('the store has lost the row of the brake')
  return countFromRow(row)
}

// Whatever was left of its use: a look that comes a moment after a short lifetime must not miss what only it can say.
function failingCanaries(from: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    select count(*) from cimd.canaries k join cimd.clients c on c.id = k.client_ref
    where (c.version_id is not null and ${doubtedSince(from)}) or exists (
      select from cimd.resources c
      where c.client_ref = k.client_ref and c.kind = 'jwks' and c.digest is not null and ${doubtedSince(from)}
    )`
}

function countFromRow(row: CountRow): CountedBrake {
  const { ending, engaged, ending_by_domain: endingByDomain, failing_canaries: failingCanaries } = row
  const counted = { inUse: row.in_use, ending, endingByDomain, failingCanaries, engaged }
  const held = engaged
    ? { clients: row.held, firstEndsAt: row.first_ends_at ?? undefined }
    : { clients: 0, firstEndsAt: undefined }
  return { now: row.now, held, facts: { ...counted, disarmedUntil: row.disarmed_until ?? undefined } }
}

/** How many clients, on how many hosts, the same finding would end, of a document or of a key set. */
export type EndingCode = { readonly code: string; readonly clients: number; readonly hosts: number }

/** What was found that ends clients, the most frequent first: since `from`, or within the last hour. */
export async function countEndingCodes(db: Db, from: Date | undefined): Promise<EndingCode[]> {
  const since = sql`coalesce(${from ?? null}, ${windowStart})`
  const { rows } = await sql<EndingCode>`
    select code, count(distinct client_ref) as clients, count(distinct host) as hosts
    from (${endingSince(since)}) as e group by 1 order by clients desc, code`.execute(db)
  return rows
}

/** A client that a finding would end, the finding, and since when it is out. */
export type EndingClient = {
  readonly clientId: string
  readonly code: string
  readonly since: Date
  readonly inUse: boolean
}

/** The first `limit` of the clients that `countEndingCodes` counts, those in use and found first before the others. */
export async function listEnding(db: Db, from: Date | undefined, limit: number): Promise<EndingClient[]> {
  const start = sql`coalesce(${from ?? null}, ${windowStart})`
  const { rows } = await sql<EndingClient>`
    select c.client_id as "clientId", e.code, e.since,
      c.dormant_since is null and exists (select from cimd.schedule where client_ref = c.id) as "inUse"
    from (${endingSince(start)}) as e join cimd.clients c on c.id = e.client_ref
    order by "inUse" desc, e.since, c.client_id, e.code limit ${limit}`.execute(db)
  return rows
}

// A client whose key set ends can log nobody in either.
function endingSince(from: RawBuilder<unknown>): RawBuilder<unknown> {
  const ending = sql`coalesce(c.withdrawing_code, c.failure_code) as code, c.host,
    coalesce(c.withdrawing_since, c.failing_since) as since`
  return sql`
    select c.id as client_ref, ${ending} from cimd.clients c where ${endsSince(from)}
    union all
    select c.client_ref, ${ending} from cimd.resources c where c.kind = 'jwks' and ${endsSince(from)}`
}

/** What is found at an address that is never dialled. */
export const REFUSED_CODES = Object.keys(FAILURES).filter(
  (code) => isFailureCode(code) && classOf(code) === 'refused',
)

/**
 * Clients or resources `c` whose use something ended that was found at `from` or later: what the brake counts and holds, as `heldUntil`
 * of core says. One whose use was over before is not meant.
 */
export function endsSince(from: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql<boolean>`(
    c.usable_until >= coalesce(c.withdrawing_since, c.failing_since) and ${doubtedSince(from)}
  )`
}

/** Clients or resources `c` of which something was found at `from` or later that ends a use, as `isDoubted` of core says. */
export function doubtedSince(from: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql<boolean>`(
    c.withdrawing_since >= ${from}
    or (c.withdrawing_since is null and c.failure_code = any(${REFUSED_CODES}::text[]) and c.failing_since >= ${from})
  )`
}

/** Engages the brake on what was counted. False: it is engaged already, or disarmed. */
export async function engageBrake(
  db: Db,
  { heldFrom, reason }: { readonly heldFrom: Date; readonly reason: string },
): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    update cimd.brake set engaged_at = cimd.cimd_now(), held_from = ${heldFrom}, reason = ${reason}
    where engaged_at is null and (disarmed_until is null or disarmed_until <= cimd.cimd_now())`.execute(db)
  return numAffectedRows > 0n
}

/** Engages it because an operator says so, disarmed or not, for what was found within the last hour. */
export async function engageBrakeByHand(db: Db, reason: string): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    update cimd.brake set engaged_at = cimd.cimd_now(), reason = ${reason}, disarmed_until = null,
      held_from = ${windowStart}
    where engaged_at is null`.execute(db)
  return numAffectedRows > 0n
}
