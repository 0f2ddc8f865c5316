import { randomUUID } from 'node:crypto'
import { type AdvertiseVerdict, judgeAdvertise } from '@cimd/core'
import {
  addCanary,
  admitInTurn,
  countAdvertiseFacts,
  type Db,
  deferClaim,
  deleteGoneFetchers,
  endLife,
  type FeedEvent,
  type JudgeAdvertise,
  readAdvertise,
  readFeed,
  recordAttempt,
  relayOutbox,
  signLife,
  updateAdvertise,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import {
  createGate,
  describeStore,
  failedRecord,
  identify,
  setup,
  type TestStore,
  validRecord,
} from './store-bundle.ts'

const CHANGED = 'service.advertise_changed'

describeStore('the verdict on what may be advertised', () => {
  it('is that nobody has judged, until somebody has', async () => {
    await using store = await setup()
    expect(await readAdvertise(store.api)).toMatchObject({ advertise: false, why: 'unjudged' })
    await signLife(store.fetcher, randomUUID())
    const updated = await updateAdvertise(store.scheduler, judgeAdvertise)
    expect(updated).toMatchObject({ changed: true, verdict: { advertise: true } })
    const told = await readAdvertise(store.api)
    expect(told).toEqual({ advertise: true, since: updated?.verdict.since })
    expect(await updateAdvertise(store.scheduler, judgeAdvertise)).toMatchObject({ changed: false })
    expect(await readAdvertise(store.api)).toEqual(told)
  })

  it('is none once it is old, and is told to nobody for that', async () => {
    await using store = await setup()
    await updateAdvertise(store.scheduler, say(true))
    await store.moveClock(31)
    expect(await readAdvertise(store.api)).toMatchObject({ advertise: false, why: 'unjudged' })
    expect(await eventsOf(store)).toHaveLength(1)
  })

  it('changes once, with one event, however many judge at once', async () => {
    await using store = await setup({ connectionsMax: 20 })
    for (const advertise of [true, false, true]) {
      const updates = await Promise.all(
        Array.from({ length: 20 }, () => updateAdvertise(store.scheduler, say(advertise))),
      )
      expect(updates.filter((updated) => updated?.changed)).toHaveLength(1)
    }
    const told = [{ advertise: true }, { advertise: false, why: 'fetchers_gone' }, { advertise: true }]
    expect((await eventsOf(store)).map(({ data }) => data)).toEqual(told)
  })

  it('is judged by one at a time, and nobody waits for that', async () => {
    await using store = await setup()
    const counted = createGate()
    const mayGoOn = createGate()
    const first = store.owner.transaction().execute(async (trx) => {
      await sql`select from cimd.advertise for update`.execute(trx)
      counted.open()
      await mayGoOn.opened
    })
    await counted.opened
    expect(await updateAdvertise(store.scheduler, say(true))).toBeUndefined()
    mayGoOn.open()
    await first
    expect(await updateAdvertise(store.scheduler, say(true))).toMatchObject({ changed: true })
  })

  it('does not change without its event', async () => {
    await using store = await setup()
    await updateAdvertise(store.scheduler, say(true))
    const before = await readAdvertise(store.api)
    const refuse = sql`alter table cimd.outbox add constraint refused check (type is null) not valid`
    await refuse.execute(store.owner)
    await expect(updateAdvertise(store.scheduler, say(false))).rejects.toThrow('refused')
    expect(await readAdvertise(store.api)).toEqual(before)
  })
})

describeStore('an event about no client', () => {
  it('is told to every tenant, among those of clients, in order and without gaps', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    await updateAdvertise(store.scheduler, say(true))
    await store.fetch(identify())
    await updateAdvertise(store.scheduler, say(false))
    const tenants = [store.tenant, store.otherTenant].toSorted()
    const first = await relayOutbox(store.scheduler, 3)
    expect([first.relayed, ...first.tenants.toSorted()]).toEqual([3, ...tenants])
    const second = await relayOutbox(store.scheduler, 3)
    expect([second.relayed, ...second.tenants.toSorted()]).toEqual([1, ...tenants])
    expect(await relayOutbox(store.scheduler, 3)).toEqual({ relayed: 0, tenants: [] })
    const feed = await feedOf(store)
    expect(feed.map(({ position }) => position)).toEqual([1, 2, 3, 4])
    const types = ['client.discovered', CHANGED, 'client.discovered', CHANGED]
    expect(feed.map(({ type }) => type)).toEqual(types)
    expect(feed.map(({ clientSeq }) => clientSeq)).toEqual([1, undefined, 1, undefined])
    expect(feed[0]?.clientId).toBe(clientId)
    expect(feed[1]).toMatchObject({ clientId: undefined, data: { advertise: true } })
    const other = await feedOf(store, store.otherTenant)
    expect(other.map(({ position, id }) => [position, id])).toEqual([
      [1, feed[1]?.id],
      [2, feed[3]?.id],
    ])
  })

  it('leaves no gap when it commits late', async () => {
    await using store = await setup()
    const inserted = createGate()
    const mayCommit = createGate()
    const late = store.owner.transaction().execute(async (trx) => {
      await sql`insert into cimd.outbox (type, data, occurred_at, relayed_at)
        values (${CHANGED}, '{"advertise":true}', now(), '-infinity')`.execute(trx)
      inserted.open()
      await mayCommit.opened
    })
    await inserted.opened
    await store.fetch(identify())
    expect(await relayOutbox(store.scheduler, 100)).toMatchObject({ relayed: 1 })
    const early = await feedOf(store)
    mayCommit.open()
    await late
    await store.fetch(identify())
    expect(await relayOutbox(store.scheduler, 100)).toMatchObject({ relayed: 2 })
    const feed = await feedOf(store)
    expect(feed.slice(0, 1)).toEqual(early)
    expect(feed.map(({ position, type }) => [position, type])).toEqual([
      [1, 'client.discovered'],
      [2, CHANGED],
      [3, 'client.discovered'],
    ])
  })

  it('is left by a relay of older code, which would tell nobody, to one that knows it', async () => {
    await using store = await setup()
    await updateAdvertise(store.scheduler, say(true))
    await store.fetch(identify())
    // All that the older one asks by.
    const older = sql`update cimd.outbox set relayed_at = cimd.cimd_now() where relayed_at is null`
    expect(await older.execute(store.scheduler)).toMatchObject({ numAffectedRows: 1n })
    expect(await relayOutbox(store.scheduler, 100)).toMatchObject({ relayed: 1 })
    expect((await feedOf(store)).map(({ type }) => type)).toEqual([CHANGED])
  })

  it('has no place of a client without the client', async () => {
    await using store = await setup()
    const half = sql`insert into cimd.outbox (client_seq, type, data, occurred_at) values (1, 'x', '{}', now())`
    await expect(half.execute(store.scheduler)).rejects.toThrow('outbox_place_of_client')
  })
})

describeStore('the facts', () => {
  it('have the newest sign of life, until its fetcher ends in order or is long gone', async () => {
    await using store = await setup()
    const [quiet, ending] = [randomUUID(), randomUUID()]
    expect(await countAdvertiseFacts(store.scheduler)).toEqual({
      ...{ fetcherSeenAt: undefined, attemptedAt: undefined, waitingSince: undefined },
      domains: { tried: 0, broken: 0 },
    })
    await signLife(store.fetcher, quiet)
    const { fetcherSeenAt: first } = await countAdvertiseFacts(store.scheduler)
    await signLife(store.fetcher, ending)
    await signLife(store.fetcher, ending)
    const { fetcherSeenAt: newest } = await countAdvertiseFacts(store.scheduler)
    expect(newest?.getTime()).toBeGreaterThan(first?.getTime() ?? 0)
    await endLife(store.fetcher, ending)
    expect((await countAdvertiseFacts(store.scheduler)).fetcherSeenAt).toEqual(first)
    expect(await deleteGoneFetchers(store.scheduler)).toBe(0)
    await store.moveClock(3601)
    expect(await deleteGoneFetchers(store.scheduler)).toBe(1)
    // Nor is one believed that came from a clock which was set back.
    await signLife(store.fetcher, quiet)
    await store.moveClock(-1)
    expect((await countAdvertiseFacts(store.scheduler)).fetcherSeenAt).toBeUndefined()
    expect(await deleteGoneFetchers(store.scheduler)).toBe(1)
  })

  it('count each domain by its newest attempt that tells something', async () => {
    await using store = await setup()
    const [down, mended, wordless] = ['down.com', 'mended.com', 'wordless.com'].map((domain) =>
      identify(`https://www.${domain}/c.json`),
    ) as [Id, Id, Id]
    for (const clientId of [down, mended, wordless]) await store.fetch(clientId)
    expect(await domainsOf(store)).toEqual({ tried: 3, broken: 0 })
    await failWith(store, down, 'connect_failed')
    await failWith(store, identify('https://api.mended.com/c.json'), 'status_5xx')
    await failWith(store, wordless, 'timeout_connect')
    await failWith(store, wordless, 'address_blocked')
    await failWith(store, mended, 'egress_denied')
    expect(await domainsOf(store)).toEqual({ tried: 3, broken: 3 })
    await failWith(store, mended, 'status_404')
    expect(await domainsOf(store)).toEqual({ tried: 3, broken: 2 })
    await store.moveClock(301)
    expect(await domainsOf(store)).toEqual({ tried: 0, broken: 0 })
  })

  it('believe whoever never answered only before anybody has, or a canary', async () => {
    await using store = await setup()
    const strangers = ['one.com', 'two.com'].map((domain) => identify(`https://${domain}/c.json`)) as [Id, Id]
    for (const clientId of strangers) await failWith(store, clientId, 'dns_not_found')
    expect(await domainsOf(store)).toEqual({ tried: 2, broken: 2 })
    await store.fetch(identify('https://three.com/c.json'))
    expect(await domainsOf(store)).toEqual({ tried: 1, broken: 0 })
    await addCanary(store.owner, { clientId: strangers[0], host: 'one.com' })
    expect(await domainsOf(store)).toEqual({ tried: 2, broken: 1 })
  })

  it('have since when a user waits whose demand nobody takes up', async () => {
    await using store = await setup()
    const waiting = async () => (await countAdvertiseFacts(store.scheduler)).waitingSince
    await store.demand(identify(), { urgent: false })
    expect(await waiting()).toBeUndefined()
    const clientId = identify()
    const { client } = await store.demand(clientId)
    const since = await waiting()
    expect(since).toBeInstanceOf(Date)
    // Neither who joins nor who comes later changes that.
    await store.demand(clientId, { tenant: store.otherTenant })
    const { client: later } = await store.demand(identify())
    expect(await waiting()).toEqual(since)
    await recordClaimed(store, later)
    expect(await waiting()).toEqual(since)
    await store.claim(client)
    expect(await waiting()).toBeUndefined()
    await store.moveClock(10)
    // Whoever had claimed it is gone, and only since then could another have taken it up.
    expect((await waiting())?.getTime()).toBeGreaterThan((since?.getTime() ?? 0) + 7000)
    await recordClaimed(store, client)
    expect(await waiting()).toBeUndefined()
  })

  it('have nobody who waits while a budget asks to wait, and nobody who waited for an earlier attempt', async () => {
    await using store = await setup()
    const waiting = async () => (await countAdvertiseFacts(store.scheduler)).waitingSince
    const clientId = identify()
    const { client } = await store.demand(clientId)
    await deferClaim(store.fetcher, await store.claim(client), 'host_budget', 5)
    expect(await waiting()).toBeUndefined()
    await store.moveClock(6)
    // Its turn comes again.
    expect(await waiting()).toBeUndefined()
    await admitInTurn(store.scheduler, 1)
    expect(await waiting()).toBeInstanceOf(Date)
    const claim = await store.claim(client)
    // As older code raises it: nobody knows when.
    await sql`update cimd.clients set wanted = wanted + 1, urgent = wanted + 1 where id = ${client}`.execute(
      store.owner,
    )
    await recordAttempt(store.fetcher, validRecord(claim))
    expect((await store.row(client)).wanted).toBe(2)
    expect(await waiting()).toBeUndefined()
  })
})

async function recordClaimed(store: TestStore, client: string): Promise<void> {
  await recordAttempt(store.fetcher, validRecord(await store.claim(client)))
}

type Id = ReturnType<typeof identify>

/** A judge who always says the same. */
function say(advertise: boolean): JudgeAdvertise {
  return (before, _facts, now): AdvertiseVerdict => {
    const judged = { ...before, judgedAt: now }
    if (before.advertise === advertise) return judged
    return { ...judged, advertise, why: advertise ? undefined : 'fetchers_gone', since: now }
  }
}

function failWith(store: TestStore, clientId: Id, code: Parameters<typeof failedRecord>[1]) {
  return store.fetch(clientId, (claim) => failedRecord(claim, code))
}

async function domainsOf(store: { readonly scheduler: Db }) {
  return (await countAdvertiseFacts(store.scheduler)).domains
}

function feedOf({ api, tenant: own }: TestStore, tenant = own): Promise<FeedEvent[]> {
  return withTenant(api, tenant, (trx) => readFeed(trx, 0, 100))
}

async function eventsOf(store: TestStore): Promise<FeedEvent[]> {
  await relayOutbox(store.scheduler, 100)
  return feedOf(store)
}
