import {
  changeSubscription,
  claimLane,
  createSubscription,
  fanOut,
  findSubscription,
  type LaneClaim,
  leaseDueLanes,
  relayOutbox,
  releaseLane,
  settleDelivery,
  settleVerification,
  verifySubscription,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { describeStore, identify, setup, type TestStore } from './store-bundle.ts'

const LIMITS = { limit: 100, perTenant: 100, perSubscription: 10, failuresMax: 5 }
const VERIFIED = { verified: true, random: 0 }
const TAKEN = { outcome: { kind: 'answered', status: 204 }, answer: undefined, random: 0 } as const
const GONE = { outcome: { kind: 'answered', status: 410 }, answer: undefined, random: 0 } as const
const LATER = {
  outcome: { kind: 'answered', status: 429, retryAfterSeconds: 600 },
  answer: undefined,
  random: 0,
} as const

describeStore('claims of deliveries', () => {
  it('end with the URL: what the endpoint before answers late is not held against the new one', async () => {
    await using store = await setup()
    const id = await subscribe(store)
    await store.fetch(identify())
    const [late] = await claimDue(store)
    await withTenant(store.api, store.tenant, (trx) =>
      changeSubscription(trx, id, { url: 'https://new.example.net/' }),
    )
    await verifyDue(store)
    expect(late && (await settleDelivery(store.notifier, late, GONE))).toEqual({ kind: 'lost' })
    expect(await found(store, id)).toMatchObject({ state: 'active', failures: 0 })
    await store.moveClock(60)
    const [again] = await claimDue(store)
    expect(again).toMatchObject({ url: 'https://new.example.net/', told: { kind: 'event' } })
  })

  it('are one for each verification, however often it is asked for', async () => {
    await using store = await setup()
    const id = await subscribe(store, { verified: false })
    const [asked] = await claimDue(store)
    if (asked === undefined) throw new Error('there is nothing to verify')
    for (const url of ['https://two.example.net/', 'https://three.example.net/']) {
      await withTenant(store.api, store.tenant, (trx) => changeSubscription(trx, id, { url }))
      await withTenant(store.api, store.tenant, (trx) => verifySubscription(trx, id))
      expect(await leaseDueLanes(store.notifier, LIMITS)).toEqual([])
    }
    expect(await settleVerification(store.notifier, asked, VERIFIED)).toBeUndefined()
    expect(await found(store, id)).toMatchObject({ state: 'verifying' })
    const [next] = await claimDue(store)
    expect(next?.url).toBe('https://three.example.net/')
    expect(next && (await settleVerification(store.notifier, next, VERIFIED))).toBe('verified')
  })

  it('that are given back with a pause are due after it', async () => {
    await using store = await setup()
    await subscribe(store, { verified: false })
    const [claim] = await claimDue(store)
    if (claim !== undefined) await releaseLane(store.notifier, claim, 60_000)
    expect(await claimDue(store)).toEqual([])
    await store.moveClock(61)
    const [again] = await claimDue(store)
    expect(again).toBeDefined()
    if (again !== undefined) await releaseLane(store.notifier, again)
    expect(await claimDue(store)).toHaveLength(1)
  })

  it('that are given back have their next turn behind the lanes that have waited meanwhile', async () => {
    await using store = await setup()
    await subscribe(store)
    const oneAtATime = async () => {
      const lanes = await leaseDueLanes(store.notifier, { ...LIMITS, perSubscription: 1 })
      expect(lanes).toHaveLength(1)
      const claim = lanes[0] && (await claimLane(store.notifier, lanes[0]))
      if (claim === undefined) throw new Error('nothing is due')
      await releaseLane(store.notifier, claim)
      return claim.lane
    }
    for (const clientId of [identify(), identify()]) {
      await store.fetch(clientId)
      await divideFeeds(store)
    }
    const [first, second] = [await oneAtATime(), await oneAtATime()]
    expect(second).not.toBe(first)
    expect(await oneAtATime()).toBe(first)
  })

  it('are looked for without reading all that waits', async () => {
    await using store = await setup()
    const id = await subscribe(store)
    await sql`insert into cimd.lanes (subscription_id, lane, due_at)
      select ${id}, lane, cimd.cimd_now() from generate_series(1, 5000) as lane`.execute(store.owner)
    await sql`analyze cimd.lanes`.execute(store.owner)
    const read = await store.notifier.transaction().execute(async (trx) => {
      expect(await leaseDueLanes(trx, { ...LIMITS, limit: 10 })).toHaveLength(10)
      const { rows } = await sql<{ rows: number }>`
        select seq_tup_read + idx_tup_fetch as rows from pg_stat_xact_user_tables
        where relid = 'cimd.lanes'::regclass`.execute(trx)
      return rows[0]?.rows
    })
    expect(read).toBeLessThan(100)
  })

  it('of an event that is to come later wait for that, whatever else is taken', async () => {
    await using store = await setup()
    await subscribe(store)
    for (const clientId of [identify(), identify()]) await store.fetch(clientId)
    const [put, taken] = await claimDue(store)
    if (put === undefined || taken === undefined) throw new Error('there are not two lanes')
    await settleDelivery(store.notifier, put, LATER)
    await settleDelivery(store.notifier, taken, TAKEN)
    expect(await leaseDueLanes(store.notifier, LIMITS)).toEqual([])
    await store.moveClock(601)
    expect(await claimDue(store)).toHaveLength(1)
  })
})

async function subscribe(store: TestStore, { verified = true } = {}): Promise<string> {
  await relayOutbox(store.scheduler, 1000)
  const { subscription } = await withTenant(store.api, store.tenant, (trx) =>
    createSubscription(trx, { url: 'https://one.example.net/', filter: {}, after: undefined }),
  )
  if (verified) await verifyDue(store)
  return subscription.id
}

async function verifyDue(store: TestStore): Promise<void> {
  const [claim] = await claimDue(store)
  expect(claim?.told.kind).toBe('verification')
  if (claim !== undefined) await settleVerification(store.notifier, claim, VERIFIED)
}

async function divideFeeds(store: TestStore): Promise<void> {
  await relayOutbox(store.scheduler, 1000)
  while ((await fanOut(store.notifier, 100)) !== undefined);
}

/** Claims all that is due once every feed is divided. */
async function claimDue(store: TestStore): Promise<LaneClaim[]> {
  await divideFeeds(store)
  const lanes = await leaseDueLanes(store.notifier, LIMITS)
  const claims = await Promise.all(lanes.map((lane) => claimLane(store.notifier, lane)))
  return claims.filter((claim) => claim !== undefined)
}

const found = (store: TestStore, id: string) =>
  withTenant(store.api, store.tenant, (trx) => findSubscription(trx, id))
