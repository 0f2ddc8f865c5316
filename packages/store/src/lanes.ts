import { sql } from 'kysely'
import type { Db, Transaction } from './db.ts'
import { type FeedEvent, readFeed } from './feed.ts'
import { VERIFICATION_LANE } from './subscriptions.ts'
import { enterTenant } from './tenant-transaction.ts'

/** One client's events for one subscription, or the verification of its endpoint. */
export type LaneRef = { readonly subscription: string; readonly lane: string }

/** The right to tell one endpoint one thing, until the claim ends on the database's clock. */
export type LaneClaim = LaneRef & {
  readonly token: string
  readonly tenant: string
  readonly url: string
  /** Each signs; the newest first. */
  readonly secrets: readonly Uint8Array[]
  readonly now: Date
  readonly told: Told
}

/** What there is to tell. */
export type Told =
  | { readonly kind: 'verification'; readonly challenge: string; readonly askedSince: Date }
  | {
      readonly kind: 'event'
      readonly delivery: string
      readonly attempts: number
      /** How many events of the lane before this one were given up and not told of: it announces the gap. */
      readonly skipped: number
      readonly event: FeedEvent
    }

/** How long a lane may be on its way to a worker before it is sent again. */
const LEASE_SECONDS = 10
/** Longer than a delivery may take, its recording included. */
const CLAIM_SECONDS = 40

// Asked once: for every lane it would be a query of its own.
const NOW = sql`(select cimd.cimd_now())`

/** How many lanes are leased at once, and how many may be under way, over all notifiers. */
export type LaneLimits = {
  readonly limit: number
  readonly perTenant: number
  readonly perSubscription: number
  /** An endpoint that has failed so often in a row has one lane at a time. */
  readonly failuresMax: number
}

/**
 * Lanes that are due, leased to be put on the queue: of each tenant in turn, those with the fewest under way first, so that
 * nobody waits for the slow endpoints of another.
 */
export async function leaseDueLanes(
  db: Db,
  { limit, perTenant, perSubscription, failuresMax }: LaneLimits,
): Promise<LaneRef[]> {
  const { rows } = await sql<LaneRef>`
    with open as (
      select s.id, s.tenant_id, s.state,
        case when s.failures >= ${failuresMax} then 1 else ${perSubscription}::int end - u.lanes as room,
        sum(u.lanes) over (partition by s.tenant_id) as of_tenant
      from cimd.subscriptions s, lateral (
        -- That it is not null follows; said, the planner knows how few they are.
        select count(*) as lanes from cimd.lanes u
        where u.subscription_id = s.id and u.leased_until is not null and u.leased_until > ${NOW}
      ) u
      where s.state <> 'disabled' and (s.paused_until is null or s.paused_until <= cimd.cimd_now())
    ), ranked as (
      select d.*, o.of_tenant + row_number() over (partition by o.tenant_id order by d.due_at) as turn
      from open o, lateral (
        select l.subscription_id, l.lane, l.due_at from cimd.lanes l
        where l.subscription_id = o.id and l.due_at <= ${NOW}
          and (l.leased_until is null or l.leased_until <= ${NOW})
          and (l.lane = ${VERIFICATION_LANE}) = (o.state = 'verifying')
        order by l.due_at limit greatest(o.room, 0)
      ) d
    ), due as (
      select * from ranked where turn <= ${perTenant} order by turn, due_at limit ${limit}
    ), locked as (
      select l.subscription_id, l.lane from cimd.lanes l join due using (subscription_id, lane)
      where l.due_at <= ${NOW} and (l.leased_until is null or l.leased_until <= ${NOW})
      for no key update of l skip locked
    )
    update cimd.lanes l set claim_token = null, leased_until = cimd.cimd_now() + make_interval(secs => ${LEASE_SECONDS})
    from locked where l.subscription_id = locked.subscription_id and l.lane = locked.lane
    returning l.subscription_id as subscription, l.lane::text as lane`.execute(db)
  return rows
}

/** Claims what is first in a lane. Undefined if another has it, it is not due, or there is nothing to tell. */
export async function claimLane(db: Db, ref: LaneRef): Promise<LaneClaim | undefined> {
  return db.transaction().execute(async (trx) => {
    const subscription = await lockToTell(trx, ref)
    if (subscription === undefined) return undefined
    const { rows } = await sql<{ token: string }>`
      update cimd.lanes set claim_token = gen_random_uuid(), leased_until = cimd.cimd_now() + make_interval(secs => ${CLAIM_SECONDS})
      where subscription_id = ${ref.subscription} and lane = ${ref.lane} and due_at <= cimd.cimd_now()
        and (claim_token is null or leased_until <= cimd.cimd_now())
      returning claim_token as token`.execute(trx)
    const token = rows[0]?.token
    return token === undefined ? undefined : claimNext(trx, subscription, { ...ref, token })
  })
}

/** What is first in a lane that is claimed, with the claim prolonged; a lane in which nothing waits ends. */
export async function claimNext(
  trx: Transaction,
  subscription: ToldSubscription,
  claim: LaneRef & { readonly token: string },
): Promise<LaneClaim | undefined> {
  const told = await firstOf(trx, subscription, claim)
  const { subscription: id, lane, token } = claim
  if (told === undefined) {
    await sql`delete from cimd.lanes where subscription_id = ${id} and lane = ${lane} and claim_token = ${token}`.execute(
      trx,
    )
    return undefined
  }
  await sql`
    update cimd.lanes set leased_until = cimd.cimd_now() + make_interval(secs => ${CLAIM_SECONDS})
    where subscription_id = ${id} and lane = ${lane} and claim_token = ${token}`.execute(trx)
  const { tenant, url, secrets, now } = subscription
  return { ...claim, tenant, url, secrets, now, told }
}

/** What a subscription says of whom to tell, and how. Its row is locked. */
export type ToldSubscription = {
  readonly tenant: string
  readonly url: string
  readonly state: 'verifying' | 'active' | 'disabled'
  readonly stateSince: Date
  readonly challenge: string
  readonly secrets: readonly Uint8Array[]
  readonly failures: number
  readonly failingSince: Date | undefined
  readonly now: Date
}

type SubscriptionRow = {
  tenant: string
  url: string
  state: ToldSubscription['state']
  state_since: Date
  challenge: string
  failures: number
  failing_since: Date | null
  now: Date
}

/** Locks the subscription of a lane; undefined where the lane has nothing to be told now. */
export async function lockToTell(trx: Transaction, ref: LaneRef): Promise<ToldSubscription | undefined> {
  // Always before its lanes, in every transaction: whoever adds to a lane or ends it waits here.
  const { rows } = await sql<SubscriptionRow>`
    select tenant_id as tenant, url, state, state_since, challenge, failures, failing_since, cimd.cimd_now() as now
    from cimd.subscriptions where id = ${ref.subscription} for no key update`.execute(trx)
  const [row] = rows
  if (row === undefined) return undefined
  if ((row.state === 'verifying') !== (ref.lane === VERIFICATION_LANE) || row.state === 'disabled')
    return undefined
  const { rows: secrets } = await sql<{ secret: Buffer }>`
    select secret from cimd.subscription_secrets
    where subscription_id = ${ref.subscription} and (expires_at is null or expires_at > cimd.cimd_now())
    order by created_at desc, expires_at nulls first`.execute(trx)
  const { state_since: stateSince, failing_since, ...rest } = row
  const known = { ...rest, stateSince, failingSince: failing_since ?? undefined }
  return { ...known, secrets: secrets.map(({ secret }) => secret) }
}

type HeadRow = { delivery: string; position: number; attempts: number; skipped: number }

async function firstOf(
  trx: Transaction,
  subscription: ToldSubscription,
  ref: LaneRef,
): Promise<Told | undefined> {
  if (ref.lane === VERIFICATION_LANE) {
    return { kind: 'verification', challenge: subscription.challenge, askedSince: subscription.stateSince }
  }
  await enterTenant(trx, subscription.tenant)
  for (;;) {
    const head = await headOf(trx, ref)
    if (head === undefined) return undefined
    const { delivery, position, attempts, skipped } = head
    const [event] = await readFeed(trx, position - 1, 1)
    if (event?.position === position) return { kind: 'event', delivery, attempts, skipped, event }
    await giveUpForgotten(trx, ref, delivery)
  }
}

// With all others of the lane whose events are not in the feed any more: there may be many, and its subscription is locked.
async function giveUpForgotten(
  trx: Transaction,
  { subscription, lane }: LaneRef,
  delivery: string,
): Promise<void> {
  await sql`
    update cimd.deliveries d set state = 'dead', code = 'event_forgotten'
    where d.subscription_id = ${subscription} and d.lane = ${lane} and d.state = 'waiting' and (
      d.id = ${delivery}
      or not exists (select from cimd.feed f where f.tenant_id = d.tenant_id and f.position = d.position)
    )`.execute(trx)
}

async function headOf(trx: Transaction, { subscription, lane }: LaneRef): Promise<HeadRow | undefined> {
  const { rows } = await sql<HeadRow>`
    select h.id::text as delivery, h.position, h.attempts, (
      select count(*) from cimd.deliveries d
      where d.subscription_id = h.subscription_id and d.lane = h.lane and d.state = 'dead' and not d.gap_told
        and d.position < h.position
    ) as skipped
    from cimd.deliveries h
    where h.subscription_id = ${subscription} and h.lane = ${lane} and h.state = 'waiting'
    order by h.position limit 1`.execute(trx)
  return rows[0]
}
