import {
  type DeliveryOutcome,
  type DeliveryVerdict,
  type DisabledCode,
  ENDPOINT_FAILURES_MAX,
  judgeDelivery,
  judgeVerification,
} from '@cimd/core'
import { sql } from 'kysely'
import type { Db, Transaction } from './db.ts'
import { claimNext, type LaneClaim, lockToTell, type ToldSubscription } from './lanes.ts'
import { tellTenant } from './outbox.ts'

/** How an attempt to tell an endpoint something ended. */
export type ToldOutcome = {
  readonly outcome: DeliveryOutcome
  /** The first words of the answer, for whoever looks for the fault. */
  readonly answer: string | undefined
  /** In [0, 1). */
  readonly random: number
}

/** What followed; `next` is what the lane has to tell now, with the same claim. */
export type SettledDelivery =
  /** Another has the lane by now: it tells the same once more. */
  | { readonly kind: 'lost' }
  | {
      readonly kind: 'settled'
      readonly verdict: DeliveryVerdict
      readonly next: LaneClaim | undefined
    }

/** Records an attempt to deliver an event, and what follows for its lane and its subscription, in one transaction. */
export async function settleDelivery(db: Db, claim: LaneClaim, told: ToldOutcome): Promise<SettledDelivery> {
  return db.transaction().execute(async (trx) => {
    const subscription = await lockClaimed(trx, claim)
    if (subscription === undefined || claim.told.kind !== 'event') return { kind: 'lost' }
    const verdict = judgeDelivery({
      ...{ outcome: told.outcome, random: told.random, at: subscription.now },
      triedSince: latest(await recordTry(trx, claim.told.delivery), subscription.stateSince),
      endpoint: { ...subscription, pausedUntil: undefined },
    })
    await recordEnd(trx, claim.told.delivery, verdict, told)
    if (verdict.delivery === 'delivered' && claim.told.skipped > 0)
      await recordGapTold(trx, claim, claim.told.delivery)
    await recordEndpoint(trx, claim, subscription, verdict)
    if (verdict.delivery !== 'waiting') {
      return { kind: 'settled', verdict, next: await claimNext(trx, subscription, claim) }
    }
    await giveBack(trx, claim, verdict.nextAt)
    return { kind: 'settled', verdict, next: undefined }
  })
}

/** Records whether an endpoint returned its challenge, and what follows. Undefined where another has the claim by now. */
export async function settleVerification(
  db: Db,
  claim: LaneClaim,
  { verified, random }: { readonly verified: boolean; readonly random: number },
): Promise<'verified' | 'again' | 'given_up' | undefined> {
  return db.transaction().execute(async (trx) => {
    const subscription = await lockClaimed(trx, claim)
    if (subscription === undefined || claim.told.kind !== 'verification') return undefined
    if (claim.told.challenge !== subscription.challenge) {
      // Another URL, or the same once more, is to be verified since: at once.
      await giveBack(trx, claim, undefined)
      return undefined
    }
    const { stateSince: askedSince, now: at } = subscription
    const judged = judgeVerification({ verified, askedSince, at, random })
    if (judged.kind === 'again') {
      await giveBack(trx, claim, judged.nextAt)
      return judged.kind
    }
    await sql`delete from cimd.lanes where subscription_id = ${claim.subscription} and lane = ${claim.lane}`.execute(
      trx,
    )
    if (judged.kind === 'verified') await activate(trx, claim.subscription)
    else await disable(trx, claim, { code: 'unverified', since: askedSince })
    return judged.kind
  })
}

/**
 * Gives a claim back untold, for another to take at once, or after a pause: behind the lanes that have waited meanwhile, or those
 * with the oldest events would have every turn until they are empty.
 */
export async function releaseLane(db: Db, claim: LaneClaim, pauseMs = 0): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const subscription = await lockClaimed(trx, claim)
    if (subscription === undefined) return
    await giveBack(trx, claim, new Date(subscription.now.getTime() + pauseMs))
  })
}

async function lockClaimed(trx: Transaction, claim: LaneClaim): Promise<ToldSubscription | undefined> {
  const subscription = await lockToTell(trx, claim)
  if (subscription === undefined) return undefined
  const { rows } = await sql`
    select from cimd.lanes
    where subscription_id = ${claim.subscription} and lane = ${claim.lane} and claim_token = ${claim.token}
    for no key update`.execute(trx)
  return rows.length === 0 ? undefined : subscription
}

// While the endpoint was not active its events were not tried: one that was mended has as long for them as any other.
function latest(one: Date, other: Date): Date {
  return one > other ? one : other
}

async function recordTry(trx: Transaction, delivery: string): Promise<Date> {
  const { rows } = await sql<{ tried_since: Date }>`
    update cimd.deliveries set attempts = attempts + 1, tried_at = cimd.cimd_now(), tried_since = coalesce(tried_since, cimd.cimd_now())
    where id = ${delivery} returning tried_since`.execute(trx)
  const [row] = rows
  if (row === undefined) throw new Error(`delivery ${delivery} is gone while its lane is claimed`)
  return row.tried_since
}

async function recordEnd(
  trx: Transaction,
  delivery: string,
  { delivery: state, code }: DeliveryVerdict,
  { outcome, answer }: ToldOutcome,
): Promise<void> {
  const status = outcome.kind === 'answered' ? outcome.status : null
  await sql`
    update cimd.deliveries set state = ${state}, code = ${code ?? null}, status = ${status}, answer = ${answer ?? null}
    where id = ${delivery}`.execute(trx)
}

async function recordGapTold(
  trx: Transaction,
  { subscription, lane }: LaneClaim,
  delivery: string,
): Promise<void> {
  await sql`
    update cimd.deliveries set gap_told = true
    where subscription_id = ${subscription} and lane = ${lane} and state = 'dead' and not gap_told
      and position < (select position from cimd.deliveries where id = ${delivery})`.execute(trx)
}

// A row that says already what it should is left alone: an endpoint that works costs nothing.
async function recordEndpoint(
  trx: Transaction,
  claim: LaneClaim,
  before: ToldSubscription,
  { endpoint, disabled }: DeliveryVerdict,
): Promise<void> {
  if (before.failures === 0 && endpoint.failures === 0) return
  const { failures, failingSince, pausedUntil } = endpoint
  await sql`
    update cimd.subscriptions
    set failures = ${failures}, failing_since = ${failingSince ?? null}, paused_until = ${pausedUntil ?? null}
    where id = ${claim.subscription}`.execute(trx)
  // Of an endpoint that works each event keeps its own pause: others it refuses, perhaps with a Retry-After.
  if (failures === 0 && before.failures >= ENDPOINT_FAILURES_MAX) await wakeLanes(trx, claim.subscription)
  if (disabled !== undefined) await disable(trx, claim, { code: disabled, since: failingSince ?? before.now })
}

// What waits for an endpoint waits no longer than it must once that takes something again.
async function wakeLanes(trx: Transaction, subscription: string): Promise<void> {
  await sql`
    update cimd.lanes set due_at = cimd.cimd_now()
    where subscription_id = ${subscription} and due_at > cimd.cimd_now()`.execute(trx)
}

async function activate(trx: Transaction, subscription: string): Promise<void> {
  await sql`
    update cimd.subscriptions set state = 'active', state_since = cimd.cimd_now() where id = ${subscription}`.execute(
    trx,
  )
  await wakeLanes(trx, subscription)
}

async function disable(
  trx: Transaction,
  { subscription, tenant }: LaneClaim,
  { code, since }: { readonly code: DisabledCode; readonly since: Date },
): Promise<void> {
  await sql`
    update cimd.subscriptions set state = 'disabled', disabled_code = ${code}, state_since = cimd.cimd_now()
    where id = ${subscription}`.execute(trx)
  await tellTenant(trx, tenant, {
    type: 'subscription.disabled',
    data: { subscription_id: subscription, code, since: since.toISOString() },
  })
}

async function giveBack(
  trx: Transaction,
  { subscription, lane, token }: LaneClaim,
  dueAt: Date | undefined,
): Promise<void> {
  await sql`
    update cimd.lanes set claim_token = null, leased_until = null, due_at = coalesce(${dueAt ?? null}::timestamptz, due_at)
    where subscription_id = ${subscription} and lane = ${lane} and claim_token = ${token}`.execute(trx)
}
