import {
  claimLane,
  createSubscription,
  disableSubscription,
  fanOut,
  findSubscription,
  type LaneClaim,
  type LaneRef,
  leaseDueLanes,
  listDeliveries,
  readFeed,
  recordAttempt,
  relayOutbox,
  replayDeliveries,
  rotateSecret,
  settleDelivery,
  settleVerification,
  verifySubscription,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { describeStore, identify, setup, type TestStore, validRecord } from './store-bundle.ts'

const HOUR = 3600
const DAY = 24 * HOUR
const LIMITS = { limit: 100, perTenant: 100, perSubscription: 10, failuresMax: 5 }
const TAKEN = { outcome: { kind: 'answered', status: 204 }, answer: undefined, random: 0 } as const
const REFUSED = { outcome: { kind: 'answered', status: 500 }, answer: 'no', random: 0 } as const

describeStore('deliveries', () => {
  it('are made of what the tenant is told after the subscription, one lane per client, in order', async () => {
    await using store = await setup()
    const [one, two] = [identify(), identify()]
    await store.fetch(one)
    const subscription = await subscribe(store)
    await change(store, one, 'second')
    await store.fetch(two)
    await change(store, one, 'third')
    await distribute(store)
    // Lanes that are due at one instant are told in any order.
    expect(Object.groupBy(await deliverAll(store), ([clientId]) => clientId ?? '')).toEqual({
      [one]: [
        [one, 'client.metadata_changed', 2],
        [one, 'client.metadata_changed', 3],
      ],
      [two]: [[two, 'client.discovered', 1]],
    })
    expect(await leaseDueLanes(store.notifier, LIMITS)).toEqual([])
    const all = await deliveriesOf(store, subscription)
    expect(all.map(({ state, attempts, status }) => [state, attempts, status])).toEqual(
      Array(3).fill(['delivered', 1, 204]),
    )
  })

  it('that are refused are tried again until three days have passed, and given up only where others are taken', async () => {
    await using store = await setup()
    const [bad, good] = [identify(), identify()]
    const subscription = await subscribe(store)
    for (const clientId of [bad, good]) await store.fetch(clientId)
    await change(store, bad, 'second')
    await distribute(store)
    const skipped: number[] = []
    for (const elapsed of [0, DAY, 2 * DAY, 3 * DAY + 1]) {
      await store.moveClock(elapsed)
      await change(store, good, `at ${elapsed}`)
      await distribute(store)
      await deliverAll(store, (claim) => {
        if (isAbout(claim, bad, 1)) return REFUSED
        if (isAbout(claim, bad, 2)) skipped.push(claim.told.skipped)
        return TAKEN
      })
    }
    expect(skipped).toEqual([1])
    const states = (await deliveriesOf(store, subscription)).filter(({ clientId }) => clientId === bad)
    expect(states.map(({ state, code }) => [state, code])).toEqual([
      ['delivered', undefined],
      ['dead', 'endpoint_status'],
    ])
    const found = await withTenant(store.api, store.tenant, (trx) => findSubscription(trx, subscription))
    expect(found).toMatchObject({ state: 'active', failures: 0 })
    expect(await skippedOfNext(store, bad, 'third')).toBe(0)
  })

  it('that come while the lane ends are not left behind', async () => {
    await using store = await setup()
    const subscription = await subscribe(store)
    const clientId = identify()
    await store.fetch(clientId)
    await distribute(store)
    const [lane] = await leaseDueLanes(store.notifier, LIMITS)
    const claim = lane && (await claimLane(store.notifier, lane))
    if (claim?.told.kind !== 'event') throw new Error('there is nothing to tell')
    await change(store, clientId, 'second')
    await relayOutbox(store.scheduler, 1000)
    // As a fan-out that has not committed yet.
    const { settling } = await store.owner.transaction().execute(async (trx) => {
      await sql`select from cimd.subscriptions for no key update`.execute(trx)
      const settling = settleDelivery(store.notifier, claim, TAKEN)
      await store.untilBlocked()
      await sql`insert into cimd.deliveries (tenant_id, subscription_id, lane, position, event_id, type)
        select d.tenant_id, d.subscription_id, d.lane, f.position, o.event_id, o.type
        from cimd.deliveries d, cimd.feed f join cimd.outbox o on o.id = f.outbox_id where f.position = 2`.execute(
        trx,
      )
      return { settling }
    })
    expect(await settling).toMatchObject({ next: { told: { event: { clientSeq: 2 } } } })
    expect(await deliveriesOf(store, subscription)).toHaveLength(2)
  })

  it('of a client that is forgotten are given up, and the next follow', async () => {
    await using store = await setup()
    const subscription = await subscribe(store)
    const clientId = identify()
    await store.fetch(clientId)
    await change(store, clientId, 'second')
    await distribute(store)
    await sql`delete from cimd.feed where position = 1`.execute(store.owner)
    expect((await deliverAll(store)).map(([, , seq]) => seq)).toEqual([2])
    const [, first] = await deliveriesOf(store, subscription)
    expect(first).toMatchObject({ state: 'dead', code: 'event_forgotten' })
  })

  it('wait for an endpoint that takes nothing, which is asked with one at a time, and go on in order when it does', async () => {
    await using store = await setup()
    const clientIds = Array.from({ length: 8 }, () => identify())
    await subscribe(store)
    for (const clientId of clientIds) await store.fetch(clientId)
    await distribute(store)
    const first = await leaseDueLanes(store.notifier, { ...LIMITS, perSubscription: 5 })
    expect(first).toHaveLength(5)
    for (const lane of first) await settleOne(store, lane, REFUSED)
    await store.moveClock(HOUR)
    const probes = await leaseDueLanes(store.notifier, LIMITS)
    expect(probes).toHaveLength(1)
    for (const lane of probes) await settleOne(store, lane, TAKEN)
    expect(await deliverAll(store)).toHaveLength(7)
  })

  it('of one tenant leave room for those of another, however many endpoints it has', async () => {
    await using store = await setup()
    const clientIds = Array.from({ length: 4 }, () => identify())
    for (const tenant of [store.tenant, store.tenant, store.otherTenant]) {
      await subscribe(store, { tenant })
    }
    for (const tenant of [store.tenant, store.otherTenant]) {
      for (const clientId of clientIds) await store.demand(clientId, { tenant })
    }
    for (const clientId of clientIds) await store.fetch(clientId)
    await distribute(store)
    const first = await leaseDueLanes(store.notifier, { ...LIMITS, limit: 8, perTenant: 5 })
    expect(await tenantsOf(store, first)).toEqual({ [store.tenant]: 4, [store.otherTenant]: 4 })
    const second = await leaseDueLanes(store.notifier, { ...LIMITS, perTenant: 5 })
    expect(await tenantsOf(store, second)).toEqual({ [store.tenant]: 1 })
    expect(await leaseDueLanes(store.notifier, { ...LIMITS, perTenant: 5 })).toEqual([])
  })

  it('end for an endpoint that took nothing for three days: its tenant alone is told, and nothing is given up', async () => {
    await using store = await setup()
    const subscription = await subscribe(store)
    const clientId = identify()
    await store.fetch(clientId)
    await store.demand(clientId, { tenant: store.otherTenant })
    await distribute(store)
    for (const elapsed of [0, 3 * DAY + 1]) {
      await store.moveClock(elapsed)
      await deliverAll(store, () => REFUSED)
    }
    const found = await withTenant(store.api, store.tenant, (trx) => findSubscription(trx, subscription))
    expect(found).toMatchObject({ state: 'disabled', disabledCode: 'endpoint_failing' })
    expect((await feedOf(store, store.tenant)).at(-1)).toMatchObject({
      type: 'subscription.disabled',
      clientId: undefined,
      data: { subscription_id: subscription, code: 'endpoint_failing' },
    })
    const others = await feedOf(store, store.otherTenant)
    expect(others.map(({ type }) => type)).not.toContain('subscription.disabled')
    expect((await deliveriesOf(store, subscription)).map(({ state }) => state)).toEqual(['waiting'])
  })

  it('that waited for an endpoint to be enabled again are not given up by its first failure after that', async () => {
    await using store = await setup()
    const subscription = await subscribe(store)
    await store.fetch(identify())
    await distribute(store)
    for (const elapsed of [0, 3 * DAY + 1]) {
      await store.moveClock(elapsed)
      await deliverAll(store, () => REFUSED)
    }
    await withTenant(store.api, store.tenant, (trx) => verifySubscription(trx, subscription))
    await verify(store)
    await deliverAll(store, () => REFUSED)
    expect((await deliveriesOf(store, subscription)).map(({ state }) => state)).not.toContain('dead')
    await store.moveClock(3 * DAY + 60)
    expect((await deliverAll(store)).map(([, type]) => type)).toContain('client.discovered')
  })

  it('are made again on request: one, all that is dead, and a range', async () => {
    await using store = await setup()
    const subscription = await subscribe(store)
    const clientId = identify()
    await store.fetch(clientId)
    await change(store, clientId, 'second')
    await distribute(store)
    await deliverAll(store)
    const [newest] = await deliveriesOf(store, subscription)
    const replay = (given: Parameters<typeof replayDeliveries>[2]) =>
      replayDeliveries(store.api, { tenant: store.tenant, subscription }, given)
    expect(await replay({ eventId: newest?.eventId ?? '' })).toBe(1)
    expect(await deliverAll(store)).toHaveLength(1)
    expect(await replay({ dead: true })).toBe(0)
    expect(await replay({ after: 0 })).toBe(2)
    expect((await deliverAll(store)).map(([, , seq]) => seq)).toEqual([1, 2])
    const ofAnother = { tenant: store.otherTenant, subscription }
    expect(await replayDeliveries(store.api, ofAnother, { after: 0 })).toBeUndefined()
  })

  it('are made again so many in one transaction, the oldest first and none twice', async () => {
    await using store = await setup()
    const subscription = await subscribe(store)
    const clientIds = Array.from({ length: 5 }, () => identify())
    for (const clientId of clientIds) await store.fetch(clientId)
    await distribute(store)
    await deliverAll(store)
    const mine = { tenant: store.tenant, subscription }
    const replay = (given: Parameters<typeof replayDeliveries>[2]) =>
      replayDeliveries(store.api, mine, given, { atOnce: 2 })
    expect(await replay({ after: 0, upTo: 4 })).toBe(4)
    expect(await replay({ after: 0 })).toBe(1)
    expect((await deliverAll(store)).map(([clientId]) => clientId).toSorted()).toEqual(clientIds.toSorted())
  })

  it('are not made while the endpoint is not verified or the subscription is disabled, and made then', async () => {
    await using store = await setup()
    const subscription = await subscribe(store, { verified: false })
    await store.fetch(identify())
    await distribute(store)
    await verify(store)
    await distribute(store)
    expect(await deliverAll(store)).toHaveLength(1)
    await withTenant(store.api, store.tenant, (trx) => disableSubscription(trx, subscription))
    await store.fetch(identify())
    await distribute(store)
    expect(await leaseDueLanes(store.notifier, LIMITS)).toEqual([])
  })

  it('are signed by the new secret and by the one before until the overlap is over', async () => {
    await using store = await setup()
    const subscription = await subscribe(store)
    const rotated = await withTenant(store.api, store.tenant, (trx) => rotateSecret(trx, subscription, HOUR))
    await store.fetch(identify())
    await distribute(store)
    const secretsNow = async () => {
      const [lane] = await leaseDueLanes(store.notifier, LIMITS)
      const claim = lane && (await claimLane(store.notifier, lane))
      return claim?.secrets
    }
    const both = await secretsNow()
    expect(both).toHaveLength(2)
    expect(both?.[0]).toEqual(rotated?.secret)
    await store.moveClock(HOUR + 1)
    expect(await secretsNow()).toEqual([rotated?.secret])
  })

  it('go on with another worker when the one that has a lane dies', async () => {
    await using store = await setup()
    await subscribe(store)
    await store.fetch(identify())
    await distribute(store)
    const [lane] = await leaseDueLanes(store.notifier, LIMITS)
    const lost = lane && (await claimLane(store.notifier, lane))
    expect(lane && (await claimLane(store.notifier, lane))).toBeUndefined()
    await store.moveClock(60)
    expect(await deliverAll(store)).toHaveLength(1)
    expect(lost && (await settleDelivery(store.notifier, lost, TAKEN))).toEqual({ kind: 'lost' })
  })
})

type ToldEvent = Extract<LaneClaim['told'], { kind: 'event' }>

async function subscribe(
  store: TestStore,
  { verified = true, tenant = store.tenant }: { readonly verified?: boolean; readonly tenant?: string } = {},
): Promise<string> {
  await relayOutbox(store.scheduler, 1000)
  const { subscription } = await withTenant(store.api, tenant, (trx) =>
    createSubscription(trx, { url: 'https://hooks.example.net/', filter: {}, after: undefined }),
  )
  if (verified) await verify(store)
  return subscription.id
}

/** How many of some lanes each tenant has. */
async function tenantsOf(store: TestStore, lanes: readonly LaneRef[]): Promise<Record<string, number>> {
  const subscriptions = lanes.map(({ subscription }) => subscription)
  const { rows } = await sql<{ tenant: string; lanes: number }>`
    select s.tenant_id as tenant, count(*) as lanes
    from unnest(${subscriptions}::uuid[]) as l (id) join cimd.subscriptions s using (id) group by 1`.execute(
    store.owner,
  )
  return Object.fromEntries(rows.map(({ tenant, lanes }) => [tenant, lanes]))
}

async function verify(store: TestStore): Promise<void> {
  const [lane] = await leaseDueLanes(store.notifier, LIMITS)
  const claim = lane && (await claimLane(store.notifier, lane))
  if (claim?.told.kind !== 'verification') throw new Error('there is nothing to verify')
  expect(await settleVerification(store.notifier, claim, { verified: true, random: 0 })).toBe('verified')
}

async function change(store: TestStore, clientId: ReturnType<typeof identify>, name: string): Promise<void> {
  const { client } = await store.demand(clientId, { forced: true })
  await recordAttempt(store.fetcher, validRecord(await store.claim(client), { client_name: name }))
}

/** Until every feed is divided. */
async function distribute(store: TestStore): Promise<void> {
  await relayOutbox(store.scheduler, 1000)
  while ((await fanOut(store.notifier, 2)) !== undefined);
}

/** Tells all that is due; what was taken, as [client_id, type, clientseq], by lane. */
async function deliverAll(
  store: TestStore,
  answer: (claim: LaneClaim) => Parameters<typeof settleDelivery>[2] = () => TAKEN,
): Promise<[string | undefined, string, number | undefined][]> {
  const taken: [string | undefined, string, number | undefined][] = []
  for (;;) {
    const lanes = await leaseDueLanes(store.notifier, LIMITS)
    if (lanes.length === 0) return taken
    for (const lane of lanes) {
      let claim = await claimLane(store.notifier, lane)
      while (claim?.told.kind === 'event') {
        const given = answer(claim)
        const { event } = claim.told
        if (given === TAKEN) taken.push([event.clientId, event.type, event.clientSeq])
        const settled = await settleDelivery(store.notifier, claim, given)
        claim = settled.kind === 'settled' ? settled.next : undefined
      }
    }
  }
}

/** How many given-up events the next change of a client announces. */
async function skippedOfNext(
  store: TestStore,
  clientId: ReturnType<typeof identify>,
  name: string,
): Promise<number | undefined> {
  await change(store, clientId, name)
  await distribute(store)
  let skipped: number | undefined
  await deliverAll(store, ({ told }) => {
    if (told.kind === 'event' && told.event.clientId === clientId) skipped = told.skipped
    return TAKEN
  })
  return skipped
}

async function settleOne(
  store: TestStore,
  lane: LaneRef,
  told: Parameters<typeof settleDelivery>[2],
): Promise<void> {
  const claim = await claimLane(store.notifier, lane)
  if (claim === undefined) throw new Error('the lane cannot be claimed')
  expect((await settleDelivery(store.notifier, claim, told)).kind).toBe('settled')
}

const deliveriesOf = (store: TestStore, subscription: string) =>
  withTenant(store.api, store.tenant, (trx) =>
    listDeliveries(trx, { subscription, state: undefined, before: undefined, limit: 100 }),
  )

const feedOf = (store: TestStore, tenant: string) =>
  withTenant(store.api, tenant, (trx) => readFeed(trx, 0, 100))

function isAbout(claim: LaneClaim, clientId: string, seq: number): claim is LaneClaim & { told: ToldEvent } {
  const { told } = claim
  return told.kind === 'event' && told.event.clientId === clientId && told.event.clientSeq === seq
}
