import type { ClientIdUrl } from '@cimd/core'
import {
  findClient,
  findClientLife,
  type HistoryEntry,
  isHistoryCursor,
  readClientHistory,
  readFeed,
  recordAttempt,
  relayOutbox,
  reportBinding,
  withTenant,
} from '@cimd/store'
import { expect, it } from 'vitest'
import { describeStore, failedRecord, identify, setup, type TestStore, validRecord } from './store-bundle.ts'

const named = (client_name: string) => (claim: Parameters<typeof validRecord>[0]) =>
  validRecord(claim, { client_name })

/** A client with three documents before the other tenant came to use it, and two after. */
async function lateTenantOf(store: TestStore, clientId: ClientIdUrl): Promise<string> {
  for (const name of ['one', 'two', 'three']) await store.fetch(clientId, named(name))
  await store.moveClock(60)
  const { client } = await store.demand(clientId, { tenant: store.otherTenant })
  await recordAttempt(store.fetcher, named('four')(await store.claim(client)))
  await store.fetch(clientId, named('five'))
  return client
}

async function clientOf(store: TestStore, clientId: ClientIdUrl): Promise<string> {
  const { id } = await withTenant(store.api, store.tenant, (trx) => findClient(trx, clientId))
  if (id === undefined) throw new Error('the client was never demanded')
  return id
}

const historyOf = (
  store: TestStore,
  client: string,
  given: { tenant?: string; before?: string; limit?: number } = {},
) =>
  withTenant(store.api, given.tenant ?? store.tenant, (trx) =>
    readClientHistory(trx, client, { before: given.before, limit: given.limit ?? 100 }),
  )

/** Entries without their cursors, which say no more than where to go on. */
const told = (entries: readonly HistoryEntry[]) =>
  entries.map(({ cursor: _, ...entry }) => JSON.stringify(entry))

const lines = (entries: Awaited<ReturnType<typeof historyOf>>) =>
  entries.map((entry) => (entry.kind === 'event' ? entry.type : (entry.failure?.code ?? entry.outcome)))

describeStore('the history of a client', () => {
  it('has attempts and events, newest first, an event above the attempt that caused it', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId, named('one'))
    await store.moveClock(60)
    await store.fetch(clientId, (claim) => failedRecord(claim, 'status_404'))
    await store.moveClock(120)
    await store.fetch(clientId, named('two'))
    const client = await clientOf(store, clientId)
    const entries = await historyOf(store, client)
    expect(lines(entries)).toEqual([
      'client.metadata_changed',
      'client.recovered',
      'fetched',
      'client.stale',
      'status_404',
      'client.discovered',
      'fetched',
    ])
    expect(entries[4]).toMatchObject({ kind: 'attempt', failure: { detail: 'as the test wants it' } })
    expect(entries[2]).toMatchObject({ digest: expect.stringMatching(/^[0-9a-f]{64}$/) })
  })

  it('is read page by page without a gap or a line told twice', async () => {
    await using store = await setup()
    const clientId = identify()
    for (const name of ['one', 'two', 'three']) await store.fetch(clientId, named(name))
    const client = await clientOf(store, clientId)
    const all = await historyOf(store, client)
    const paged: (typeof all)[number][] = []
    for (let before: string | undefined; ; ) {
      const page = await historyOf(store, client, { limit: 2, ...(before && { before }) })
      if (page.length === 0) break
      paged.push(...page)
      before = page.at(-1)?.cursor
      expect(isHistoryCursor(before ?? '')).toBe(true)
    }
    expect(paged).toEqual(all)
    expect(all).toHaveLength(6)
  })

  it('begins for each tenant with its own first demand', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId, named('one'))
    const client = await clientOf(store, clientId)
    expect(await historyOf(store, client, { tenant: store.otherTenant })).toEqual([])
    await store.moveClock(60)
    const { client: same } = await store.demand(clientId, { tenant: store.otherTenant })
    await recordAttempt(store.fetcher, named('two')(await store.claim(same)))
    const theirs = await historyOf(store, client, { tenant: store.otherTenant })
    expect(lines(theirs)).toEqual(['client.metadata_changed', 'fetched'])
    expect(await historyOf(store, client)).toHaveLength(4)
  })

  it('counts its places for each tenant from there, events as the feed does', async () => {
    await using store = await setup()
    const clientId = identify()
    const client = await lateTenantOf(store, clientId)
    await relayOutbox(store.scheduler, 100)
    const theirs = await historyOf(store, client, { tenant: store.otherTenant })
    const seqs = theirs.flatMap((entry) => (entry.kind === 'event' ? [entry.clientSeq] : []))
    expect(seqs).toEqual([2, 1])
    const feed = await withTenant(store.api, store.otherTenant, (trx) => readFeed(trx, 0, 100))
    expect(feed.map(({ clientSeq }) => clientSeq)).toEqual(seqs.toReversed())
    expect(theirs.map(({ cursor }) => cursor)).toEqual(['3.2', '2.2', '2.1', '1.1'])
  })

  it('is read without a gap even if all of it happened at one instant', async () => {
    await using store = await setup()
    const clientId = identify()
    const client = await lateTenantOf(store, clientId)
    const at = new Date(Date.now() + 120_000)
    await store.owner
      .updateTable('cimd.outbox')
      .set({ occurred_at: at })
      .where('client_seq', '>', 3)
      .execute()
    await store.owner
      .updateTable('cimd.attempts')
      .set({ finished_at: at })
      .where('generation', '>', 3)
      .execute()
    const given = { tenant: store.otherTenant }
    const all = await historyOf(store, client, given)
    expect(lines(all)).toEqual(['client.metadata_changed', 'client.metadata_changed', 'fetched', 'fetched'])
    for (const [place, { cursor }] of all.entries()) {
      expect(await historyOf(store, client, { ...given, before: cursor })).toEqual(all.slice(place + 1))
    }
  })

  it.each(['noted by this release', 'noted by an older one, and renewed since'])(
    'goes on where a page ended whatever is no longer kept by then, for a use %s',
    async (noted) => {
      await using store = await setup()
      const clientId = identify()
      await store.fetch(clientId, named('before'))
      await store.moveClock(60)
      const { client } = await store.demand(clientId, { tenant: store.otherTenant })
      const theirs = { tenant: store.otherTenant }
      for (const name of ['one', 'two', 'three', 'four']) {
        await recordAttempt(store.fetcher, named(name)(await store.claim(client)))
        await store.demand(clientId, theirs)
      }
      if (noted !== 'noted by this release') {
        await store.owner.updateTable('cimd.interest').set({ since_generation: null }).execute()
        await store.demand(clientId, theirs)
      }
      const all = await historyOf(store, client, theirs)
      expect(all).toHaveLength(8)
      await store.owner.deleteFrom('cimd.attempts').where('generation', '<=', 3).execute()
      const left = await historyOf(store, client, theirs)
      expect(left.filter(({ kind }) => kind === 'attempt')).toHaveLength(2)
      for (const [place, { cursor }] of all.entries()) {
        const page = await historyOf(store, client, { ...theirs, before: cursor })
        const rest = told(all.slice(place + 1)).filter((line) => told(left).includes(line))
        expect(told(page)).toEqual(rest)
      }
    },
  )

  it('has nothing of what comes between two pages', async () => {
    await using store = await setup()
    const clientId = identify()
    for (const name of ['one', 'two']) await store.fetch(clientId, named(name))
    const client = await clientOf(store, clientId)
    const all = await historyOf(store, client)
    const [first] = await historyOf(store, client, { limit: 1 })
    await store.fetch(clientId, named('three'))
    const rest = await historyOf(store, client, { before: first?.cursor ?? '' })
    expect([first, ...rest]).toEqual(all)
  })

  it('is in the order in which it happened, whatever the clock said', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId, named('one'))
    await store.moveClock(-3600)
    await store.fetch(clientId, (claim) => failedRecord(claim, 'status_404'))
    await store.fetch(clientId, named('two'))
    const client = await clientOf(store, clientId)
    const all = await historyOf(store, client)
    expect(lines(all.filter(({ kind }) => kind === 'attempt'))).toEqual(['fetched', 'status_404', 'fetched'])
    for (const [place, { cursor }] of all.entries()) {
      expect(await historyOf(store, client, { before: cursor })).toEqual(all.slice(place + 1))
    }
  })

  it('of a use that an older release noted begins with the first attempt since', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId, named('before'))
    await store.moveClock(60)
    const { client } = await store.demand(clientId, { tenant: store.otherTenant })
    await recordAttempt(store.fetcher, named('since')(await store.claim(client)))
    const theirs = { tenant: store.otherTenant }
    const all = await historyOf(store, client, theirs)
    await store.owner.updateTable('cimd.interest').set({ since_generation: null }).execute()
    expect(await historyOf(store, client, theirs)).toEqual(all)
    expect(lines(all)).toEqual(['client.metadata_changed', 'fetched'])
  })

  it('leaves out what came too late to count', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId)
    const lost = await store.claim(client)
    await store.moveClock(60)
    await recordAttempt(store.fetcher, validRecord(await store.claim(client)))
    await recordAttempt(store.fetcher, validRecord(lost, { client_name: 'late' }))
    expect(lines(await historyOf(store, client))).toEqual(['client.discovered', 'fetched'])
  })
})

describeStore('the life of a client', () => {
  it('is unknown to whoever never asked for it', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    const client = await clientOf(store, clientId)
    const life = (tenant: string) => withTenant(store.api, tenant, (trx) => findClientLife(trx, client))
    expect(await life(store.otherTenant)).toBeUndefined()
    expect(await life(store.tenant)).toMatchObject({ dormantSince: undefined, dueAt: expect.any(Date) })
  })

  it('tells of no version that it was seen before the first demand', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId, named('one'))
    await store.moveClock(3600)
    const { client } = await store.demand(clientId, { tenant: store.otherTenant })
    const life = (tenant: string) => withTenant(store.api, tenant, (trx) => findClientLife(trx, client))
    const [mine, theirs] = [await life(store.tenant), await life(store.otherTenant)]
    expect(theirs?.versions[0]?.firstSeenAt).toEqual(theirs?.firstDemandAt)
    expect(Number(mine?.versions[0]?.firstSeenAt)).toBeGreaterThan(Number(mine?.firstDemandAt))
  })

  it('CHG-09: tells each version, when it was seen, when it was confirmed, and what is built on it', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId, named('one'))
    await store.moveClock(60)
    await store.fetch(clientId, named('one'))
    await store.moveClock(120)
    await store.fetch(clientId, named('two'))
    const client = await clientOf(store, clientId)
    const before = await withTenant(store.api, store.tenant, (trx) => findClientLife(trx, client))
    const digest = before?.versions[1]?.digest ?? ''
    await withTenant(store.api, store.tenant, (trx) =>
      reportBinding(trx, { client, digest, kind: 'code', leaseSeconds: 60 }),
    )
    const life = await withTenant(store.api, store.tenant, (trx) => findClientLife(trx, client))
    const [second, first] = life?.versions ?? []
    expect(second).toMatchObject({ isCurrent: true, isApproved: false, bound: [] })
    expect(first).toMatchObject({ isCurrent: false, bound: [{ kind: 'code', until: expect.any(Date) }] })
    const confirmedAfterMs = Number(first?.lastConfirmedAt) - Number(first?.firstSeenAt)
    expect(confirmedAfterMs).toBeGreaterThanOrEqual(60_000)
    expect(confirmedAfterMs).toBeLessThan(120_000)
    await store.moveClock(240)
    const ended = await withTenant(store.api, store.tenant, (trx) => findClientLife(trx, client))
    expect(ended?.versions[1]?.bound).toEqual([])
  })
})
