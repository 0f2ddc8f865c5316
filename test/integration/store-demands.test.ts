import { parseClientIdUrl } from '@cimd/core'
import { findAnswer, findClient, raiseDemand, recordAttempt, withTenant } from '@cimd/store'
import { expect, it } from 'vitest'
import {
  createGate,
  demandOf,
  describeStore,
  failedRecord,
  identify,
  setup,
  type TestStore,
  validRecord,
} from './store-bundle.ts'

const BACKGROUND = { urgent: false }

describeStore('a demand', () => {
  it('raises wanted to 1 and is the only one to enqueue, among 50 of an unknown client at once', async () => {
    await using store = await setup({ connectionsMax: 50 })
    const clientId = identify()
    const everyoneHasLooked = createGate()
    let looked = 0
    const demands = await Promise.all(
      Array.from({ length: 50 }, () =>
        withTenant(store.api, store.tenant, async (trx) => {
          const view = await findClient(trx, clientId)
          expect(view.id).toBeUndefined()
          looked += 1
          if (looked === 50) everyoneHasLooked.open()
          await everyoneHasLooked.opened
          return raiseDemand(trx, view, demandOf(clientId))
        }),
      ),
    )
    expect(demands.filter(({ enqueue }) => enqueue)).toHaveLength(1)
    expect(new Set(demands.map(({ generation }) => generation))).toEqual(new Set([1]))
    expect(new Set(demands.map(({ client }) => client)).size).toBe(1)
    expect(await store.row(demands[0]?.client ?? '')).toMatchObject({ wanted: 1, urgent: 1, done: 0 })
  })

  it('CID-12: keeps an identifier as presented where capitals are taken, its scheme included', async () => {
    await using store = await setup()
    const clientId = 'HTTPS://Client.example.net:443/oauth/client.json'
    const parsed = parseClientIdUrl(clientId, { allowNonCanonical: true })
    if (!parsed.ok) throw new Error(parsed.code)
    const { client } = await store.demand(parsed.value)
    const claim = await store.claim(client)
    expect(claim.clientId).toBe(clientId)
    expect(await recordAttempt(store.fetcher, validRecord(claim))).toMatchObject({ applied: true })
  })

  it('joins the fetch that is wanted', async () => {
    await using store = await setup()
    const clientId = identify()
    const first = await store.demand(clientId)
    expect(await store.demand(clientId)).toEqual({ ...first, enqueue: false })
  })

  it('joins the fetch that runs', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId)
    await store.claim(client)
    expect(await store.demand(clientId)).toEqual({ client, generation: 1, enqueue: false })
    expect(await store.row(client)).toMatchObject({ wanted: 1, claimed: 1 })
  })

  it('raises wanted each time it is forced, also while a fetch runs', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId)
    const forced = { forced: true }
    expect(await store.demand(clientId, forced)).toEqual({ client, generation: 2, enqueue: true })
    await store.claim(client)
    expect(await store.demand(clientId, forced)).toEqual({ client, generation: 3, enqueue: true })
    expect(await store.row(client)).toMatchObject({ wanted: 3, forced: 3, claimed: 2 })
  })

  it('raises wanted by exactly one per forced demand under contention', async () => {
    await using store = await setup({ connectionsMax: 20 })
    const clientId = identify()
    const demands = await Promise.all(
      Array.from({ length: 20 }, () => store.demand(clientId, { forced: true })),
    )
    const generations = demands.map(({ generation }) => generation)
    expect(generations.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
    expect(demands.every(({ enqueue }) => enqueue)).toBe(true)
  })

  it('of a user puts work that only the refresh queue has on the fetch queue, once', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId, BACKGROUND)
    expect(await store.demand(clientId, BACKGROUND)).toMatchObject({ enqueue: false })
    expect(await store.demand(clientId)).toEqual({ client, generation: 1, enqueue: true })
    expect(await store.demand(clientId)).toEqual({ client, generation: 1, enqueue: false })
    expect(await store.demand(clientId, BACKGROUND)).toMatchObject({ enqueue: false })
    expect(await store.row(client)).toMatchObject({ wanted: 1, urgent: 1 })
  })

  it('of a user does so once among 20 at once', async () => {
    await using store = await setup({ connectionsMax: 20 })
    const clientId = identify()
    await store.demand(clientId, BACKGROUND)
    const demands = await Promise.all(Array.from({ length: 20 }, () => store.demand(clientId)))
    expect(demands.filter(({ enqueue }) => enqueue)).toHaveLength(1)
  })

  it('raises again after an answer, were it a failure (ARC-02, CAC-04)', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId, (claim) => failedRecord(claim, 'status_404'))
    expect(await store.demand(clientId)).toMatchObject({ generation: 2, enqueue: true })
    await store.fetch(clientId)
    expect(await store.demand(clientId)).toMatchObject({ generation: 3, enqueue: true })
  })

  it('that meets the end of a fetch it would have joined raises wanted instead', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId, BACKGROUND)
    const claim = await store.claim(client)
    const recorded = createGate()
    const mayCommit = createGate()
    const recording = store.fetcher.transaction().execute(async (trx) => {
      await recordAttempt(trx, failedRecord(claim, 'status_404'))
      recorded.open()
      await mayCommit.opened
    })
    await recorded.opened
    const demanding = store.demand(clientId)
    await store.untilBlocked()
    mayCommit.open()
    await recording
    expect(await demanding).toEqual({ client, generation: 2, enqueue: true })
  })

  it('is looked for again soon, were the queue to lose it', async () => {
    await using store = await setup()
    const demandedAt = Date.now()
    const { client } = await store.demand(identify())
    await expectDue(store, client, { since: demandedAt, seconds: 5 })
  })

  it('brings a later look forward, and never puts one off', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    const demandedAt = Date.now()
    const { client } = await store.demand(clientId)
    await expectDue(store, client, { since: demandedAt, seconds: 5 })
    await store.owner
      .updateTable('cimd.schedule')
      .set({ due_at: new Date(0) })
      .execute()
    await store.demand(clientId, { forced: true })
    expect(await dueAtOf(store, client)).toBeLessThan(demandedAt)
  })
})

describeStore('the view of a client', () => {
  it('is empty but for the clock while nobody demanded it', async () => {
    await using store = await setup()
    await store.moveClock(86_400)
    const view = await viewOf(store)
    expect(view).toMatchObject({
      id: undefined,
      wanted: 0,
      done: 0,
      version: undefined,
      lastResolvedAt: undefined,
    })
    expect(view.now.getTime() - Date.now()).toBeGreaterThan(86_000_000)
  })

  it('shows another tenant the record but no use of its own', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    const mine = await viewOf(store, clientId)
    const others = await viewOf(store, clientId, store.otherTenant)
    expect(mine.lastResolvedAt).toBeInstanceOf(Date)
    expect({ ...others, now: mine.now }).toEqual({
      ...mine,
      ...{ lastResolvedAt: undefined, reputation: undefined },
    })
  })
})

describeStore('the answer to a demand', () => {
  it('is undefined until an attempt covers its generation', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId)
    expect(await answerTo(store, client, 1)).toBeUndefined()
    await store.fetch(clientId)
    expect(await answerTo(store, client, 1)).toEqual({ failure: undefined })
    expect(await answerTo(store, client, 2)).toBeUndefined()
  })

  it('is the first attempt that covers it, not a later one (ARC-02)', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId, (claim) => failedRecord(claim, 'status_404'))
    await store.fetch(clientId)
    const { client } = await store.demand(clientId)
    expect(await answerTo(store, client, 1)).toMatchObject({ failure: { code: 'status_404' } })
    expect(await answerTo(store, client, 2)).toEqual({ failure: undefined })
  })

  it('is never an attempt whose claim was lost', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId)
    const lost = await store.claim(client)
    await store.moveClock(60)
    await store.claim(client)
    await recordAttempt(store.fetcher, validRecord(lost))
    expect(await answerTo(store, client, 1)).toBeUndefined()
  })
})

function viewOf(store: TestStore, clientId = identify(), tenant = store.tenant) {
  return withTenant(store.api, tenant, (trx) => findClient(trx, clientId))
}

function answerTo(store: TestStore, client: string, generation: number) {
  return withTenant(store.api, store.tenant, (trx) => findAnswer(trx, client, generation))
}

/** Due so many seconds after a moment that was not before `since` and is over. */
async function expectDue(store: TestStore, client: string, { since = 0, seconds = 0 }): Promise<void> {
  const dueAt = await dueAtOf(store, client)
  expect(dueAt).toBeGreaterThanOrEqual(since + seconds * 1000)
  expect(dueAt).toBeLessThanOrEqual(Date.now() + seconds * 1000)
}

async function dueAtOf(store: TestStore, client: string): Promise<number> {
  const { due_at } = await store.owner
    .selectFrom('cimd.schedule')
    .select('due_at')
    .where('client_ref', '=', client)
    .executeTakeFirstOrThrow()
  return due_at.getTime()
}
