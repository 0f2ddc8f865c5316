import {
  deleteOldInterest,
  type FeedEvent,
  readFeed,
  recordAttempt,
  relayOutbox,
  withTenant,
} from '@cimd/store'
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

describeStore('the feed of a tenant', () => {
  it('has every event of the clients it uses, with positions from 1 without gaps', async () => {
    await using store = await setup()
    const clientIds = [identify(), identify()]
    for (const name of ['one', 'two', 'three']) {
      for (const clientId of clientIds) await fetchNamed(store, clientId, name)
    }
    expect(await relayOutbox(store.scheduler, 4)).toEqual({ relayed: 4, tenants: [store.tenant] })
    expect(await relayOutbox(store.scheduler, 4)).toEqual({ relayed: 2, tenants: [store.tenant] })
    expect(await relayOutbox(store.scheduler, 4)).toEqual({ relayed: 0, tenants: [] })
    const feed = await feedOf(store)
    expect(feed.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5, 6])
    for (const clientId of clientIds) {
      const events = feed.filter((event) => event.clientId === clientId)
      expect(events.map(({ clientSeq }) => clientSeq)).toEqual([1, 2, 3])
      expect(events.map(({ type }) => type)).toEqual([
        'client.discovered',
        'client.metadata_changed',
        'client.metadata_changed',
      ])
    }
  })

  it('continues after any position, up to a limit', async () => {
    await using store = await setup()
    for (let n = 0; n < 5; n += 1) await store.fetch(identify())
    await relayOutbox(store.scheduler, 100)
    const all = await feedOf(store)
    expect(await feedOf(store, { after: 2, limit: 2 })).toEqual(all.slice(2, 4))
    expect(await feedOf(store, { after: 5 })).toEqual([])
  })

  it('stays in the order of each client and without gaps when a transaction commits late', async () => {
    await using store = await setup()
    const [slow, quick] = [identify(), identify()]
    const inserted = createGate()
    const mayCommit = createGate()
    const { client } = await store.demand(slow)
    const claim = await store.claim(client)
    const late = store.fetcher.transaction().execute(async (trx) => {
      await recordAttempt(trx, validRecord(claim))
      inserted.open()
      await mayCommit.opened
    })
    await inserted.opened
    await fetchNamed(store, quick, 'one')
    await fetchNamed(store, quick, 'two')
    expect(await relayOutbox(store.scheduler, 100)).toMatchObject({ relayed: 2 })
    const early = await feedOf(store)
    mayCommit.open()
    await late
    await fetchNamed(store, slow, 'two')
    await fetchNamed(store, quick, 'three')
    expect(await relayOutbox(store.scheduler, 100)).toMatchObject({ relayed: 3 })
    const feed = await feedOf(store)
    expect(feed.slice(0, 2)).toEqual(early)
    expect(feed.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5])
    expect(seqsOf(feed, slow)).toEqual([1, 2])
    expect(seqsOf(feed, quick)).toEqual([1, 2, 3])
  })

  it('begins with the first event after the first demand of the tenant', async () => {
    await using store = await setup()
    const clientId = identify()
    await fetchNamed(store, clientId, 'one')
    await fetchNamed(store, clientId, 'two')
    await store.demand(clientId, { tenant: store.otherTenant })
    await fetchNamed(store, clientId, 'three')
    const { tenants } = await relayOutbox(store.scheduler, 100)
    expect(tenants.toSorted()).toEqual([store.tenant, store.otherTenant].toSorted())
    expect(seqsOf(await feedOf(store), clientId)).toEqual([1, 2, 3])
    const other = await feedOf(store, { tenant: store.otherTenant })
    expect(other.map(({ position, clientSeq }) => [position, clientSeq])).toEqual([[1, 1]])
  })

  it('has nothing of clients the tenant never demanded', async () => {
    await using store = await setup()
    await store.fetch(identify())
    expect(await relayOutbox(store.scheduler, 100)).toEqual({ relayed: 1, tenants: [store.tenant] })
    expect(await feedOf(store, { tenant: store.otherTenant })).toEqual([])
  })

  it('goes on where it began when the tenant demands the client again', async () => {
    await using store = await setup()
    const clientId = identify()
    await fetchNamed(store, clientId, 'one')
    await relayOutbox(store.scheduler, 100)
    await store.demand(clientId)
    await fetchNamed(store, clientId, 'two')
    await relayOutbox(store.scheduler, 100)
    expect(seqsOf(await feedOf(store), clientId)).toEqual([1, 2])
  })

  it('begins anew, at the next position, for a tenant that had not used the client for a year', async () => {
    await using store = await setup()
    const [clientId, other] = [identify(), identify()]
    for (const name of ['one', 'two']) await fetchNamed(store, clientId, name)
    await fetchNamed(store, other, 'one')
    await relayOutbox(store.scheduler, 100)
    await store.moveClock(370 * 86_400)
    await store.demand(other)
    expect(await deleteOldInterest(store.scheduler, { limit: 100 })).toMatchObject({ deleted: 1 })
    await fetchNamed(store, clientId, 'three')
    await fetchNamed(store, other, 'two')
    await relayOutbox(store.scheduler, 100)
    const feed = await feedOf(store)
    expect(feed.map(({ position }) => position)).toEqual([3, 4, 5])
    expect([seqsOf(feed, clientId), seqsOf(feed, other)]).toEqual([[1], [1, 2]])
    expect(await feedOf(store, { limit: 2 })).toEqual(feed.slice(0, 2))
  })

  it('tells of a withdrawal what happened, and when', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    await store.fetch(clientId, (claim) => failedRecord(claim, 'status_404'))
    await store.moveClock(16 * 60)
    await store.fetch(clientId, (claim) => failedRecord(claim, 'status_404'))
    await relayOutbox(store.scheduler, 100)
    const withdrawn = (await feedOf(store)).at(-1)
    expect(withdrawn).toMatchObject({ type: 'client.withdrawn', clientSeq: 3, data: { code: 'status_404' } })
    expect((withdrawn?.occurredAt.getTime() ?? 0) - Date.now()).toBeGreaterThan(15 * 60_000)
  })
})

describeStore('relays at once', () => {
  it('give each position once', async () => {
    await using store = await setup()
    for (let n = 0; n < 10; n += 1) await store.fetch(identify())
    let relayed = 0
    while (relayed < 10) {
      const runs = await Promise.all([1, 2, 3, 4, 5].map(() => relayOutbox(store.scheduler, 3)))
      relayed += runs.reduce((sum, run) => sum + run.relayed, 0)
    }
    expect(relayed).toBe(10)
    const feed = await feedOf(store)
    expect(feed.map(({ position }) => position)).toEqual(Array.from({ length: 10 }, (_, n) => n + 1))
    expect(new Set(feed.map(({ id }) => id)).size).toBe(10)
  })

  it('leave the work to the one that began, without waiting', async () => {
    await using store = await setup()
    await store.fetch(identify())
    // A row lock on the tenant holds the first relay in the middle of its work.
    const mayGoOn = createGate()
    const locked = createGate()
    const holding = store.owner.transaction().execute(async (trx) => {
      await trx.selectFrom('cimd.tenants').select('id').forUpdate().execute()
      locked.open()
      await mayGoOn.opened
    })
    await locked.opened
    const first = relayOutbox(store.scheduler, 10)
    await store.untilBlocked()
    expect(await relayOutbox(store.scheduler, 10)).toEqual({ relayed: 0, tenants: [] })
    mayGoOn.open()
    await holding
    expect(await first).toEqual({ relayed: 1, tenants: [store.tenant] })
  })
})

function fetchNamed(store: TestStore, clientId: ReturnType<typeof identify>, name: string) {
  return store.fetch(clientId, (claim) => validRecord(claim, { client_name: name }))
}

function feedOf(
  store: TestStore,
  { tenant = store.tenant, after = 0, limit = 100 } = {},
): Promise<FeedEvent[]> {
  return withTenant(store.api, tenant, (trx) => readFeed(trx, after, limit))
}

function seqsOf(feed: readonly FeedEvent[], clientId: string): (number | undefined)[] {
  return feed.filter((event) => event.clientId === clientId).map(({ clientSeq }) => clientSeq)
}
