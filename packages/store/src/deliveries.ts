import { type RawBuilder, sql } from 'kysely'
import type { Db, Transaction } from './db.ts'
import { lockSubscription } from './subscriptions.ts'
import { withTenant } from './tenant-transaction.ts'

/** What became of one event for one subscription. */
export type Delivery = {
  readonly id: string
  readonly eventId: string
  readonly type: string
  /** The place in the tenant's feed. */
  readonly position: number
  readonly clientId: string | undefined
  readonly state: DeliveryState
  readonly attempts: number
  readonly createdAt: Date
  readonly triedSince: Date | undefined
  readonly triedAt: Date | undefined
  /** How the newest attempt failed. */
  readonly code: string | undefined
  readonly status: number | undefined
  /** The first words of the newest answer. */
  readonly answer: string | undefined
}

export type DeliveryState = 'waiting' | 'delivered' | 'dead'

/** What to deliver again: one event, all that is dead, or what lies after a position and up to another (or now). */
export type Replay =
  | { readonly eventId: string }
  | { readonly dead: true }
  | { readonly after: number; readonly upTo?: number | undefined }

type Row = {
  id: string
  event_id: string
  type: string
  position: number
  client_id: string | null
  state: DeliveryState
  attempts: number
  created_at: Date
  tried_since: Date | null
  tried_at: Date | null
  code: string | null
  status: number | null
  answer: string | null
}

/** Deliveries of a subscription of the tenant of the transaction in the order of its feed, the newest first. */
export async function listDeliveries(
  trx: Transaction,
  asked: {
    readonly subscription: string
    readonly state: DeliveryState | undefined
    /** Only those with a smaller position. */
    readonly before: number | undefined
    readonly limit: number
  },
): Promise<Delivery[]> {
  const { rows } = await sql<Row>`
    select d.id::text, d.event_id, d.type, d.position, c.client_id, d.state, d.attempts, d.created_at, d.tried_since, d.tried_at,
      d.code, d.status, d.answer
    from cimd.deliveries d left join cimd.clients c on c.id = d.lane
    where d.tenant_id = cimd.current_tenant() and d.subscription_id = ${asked.subscription}
      and ${asked.state === undefined ? sql`true` : sql`d.state = ${sql.lit(asked.state)}`}
      and (${asked.before ?? null}::bigint is null or d.position < ${asked.before ?? null})
    order by d.position desc limit ${asked.limit}`.execute(trx)
  return rows.map(fromRow)
}

/** What one transaction has delivered again: nothing of the subscription is told meanwhile, and a statement has its bound. */
const REPLAYED_AT_ONCE = 5000

/**
 * Has events delivered again in the order of the feed, each client's as ever; what never was for this subscription, or
 * still waits, is not touched. Returns how many; undefined if the tenant has no such subscription. Where it fails, what came
 * first may wait already: the same replay once more does the rest.
 */
export async function replayDeliveries(
  db: Db,
  { tenant, subscription }: { readonly tenant: string; readonly subscription: string },
  replay: Replay,
  { atOnce = REPLAYED_AT_ONCE }: { readonly atOnce?: number } = {},
): Promise<number | undefined> {
  let replayed: number | undefined
  let [after, upTo] = [0, Number.MAX_SAFE_INTEGER]
  for (;;) {
    const slice = { after, upTo, limit: atOnce }
    const batch = await withTenant(db, tenant, (trx) => replaySlice(trx, subscription, replay, slice))
    if (batch === undefined) return replayed
    replayed = (replayed ?? 0) + batch.positions.length
    if (batch.positions.length < atOnce) return replayed
    after = Math.max(...batch.positions)
    // What is divided into deliveries meanwhile is told for the first time.
    upTo = Math.min(upTo, batch.upTo)
  }
}

type Slice = { readonly after: number; readonly upTo: number; readonly limit: number }

async function replaySlice(
  trx: Transaction,
  subscription: string,
  replay: Replay,
  { after, upTo, limit }: Slice,
): Promise<{ readonly positions: readonly number[]; readonly upTo: number } | undefined> {
  const found = await lockSubscription(trx, subscription)
  if (found === undefined) return undefined
  const { rows } = await sql<{ lane: string; position: number }>`
    with chosen as (
      select id from cimd.deliveries
      where tenant_id = cimd.current_tenant() and subscription_id = ${subscription} and state <> 'waiting'
        and position > ${after} and position <= ${upTo} and ${isMeant(replay)}
      order by position limit ${limit}
      -- What is too old to be kept may be deleted at this moment.
      for no key update skip locked
    )
    update cimd.deliveries d
    set state = 'waiting', gap_told = false, attempts = 0, tried_since = null, code = null, status = null, answer = null
    from chosen where d.id = chosen.id
    returning d.lane::text as lane, d.position`.execute(trx)
  await openLanes(trx, subscription, new Set(rows.map(({ lane }) => lane)))
  return { positions: rows.map(({ position }) => position), upTo: found.position }
}

/** Has the lanes of a subscription looked at now. Its row is locked. */
export async function openLanes(
  trx: Transaction,
  subscription: string,
  lanes: ReadonlySet<string>,
): Promise<void> {
  if (lanes.size === 0) return
  // In one order, so that nobody waits for each other.
  await sql`
    insert into cimd.lanes (subscription_id, lane, due_at)
    select ${subscription}, lane, cimd.cimd_now() from unnest(${[...lanes]}::bigint[]) as lane order by lane
    on conflict (subscription_id, lane) do nothing`.execute(trx)
}

function isMeant(replay: Replay): RawBuilder<unknown> {
  if ('eventId' in replay) return sql`event_id = ${replay.eventId}::uuid`
  if ('dead' in replay) return sql`state = 'dead'`
  return sql`position > ${replay.after} and position <= coalesce(${replay.upTo ?? null}::bigint, position)`
}

function fromRow(row: Row): Delivery {
  return {
    ...{ id: row.id, eventId: row.event_id, type: row.type, position: row.position, state: row.state },
    clientId: row.client_id ?? undefined,
    ...{ attempts: row.attempts, createdAt: row.created_at },
    triedSince: row.tried_since ?? undefined,
    triedAt: row.tried_at ?? undefined,
    code: row.code ?? undefined,
    status: row.status ?? undefined,
    answer: row.answer ?? undefined,
  }
}
