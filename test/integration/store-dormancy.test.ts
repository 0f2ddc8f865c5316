import type { ClientIdUrl } from '@cimd/core'
import { decideDueWork, EVENT_DATA } from '@cimd/core'
import {
  applyDueActions,
  demandKeys,
  inTransaction,
  lockDueResources,
  readFeed,
  recordAttempt,
  relayOutbox,
  touchInterest,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { describeStore, failedRecord, identify, setup, type TestStore, validRecord } from './store-bundle.ts'

describeStore('a client that is retired', () => {
  it('is dormant, no longer due, and told once to those that used it', async () => {
    await using store = await setup()
    const { client } = await known(store)
    await retire(store, client)
    const { dormantSince } = await dormancyOf(store, client)
    expect(dormantSince).toBeInstanceOf(Date)
    expect(await dueRows(store)).toEqual({ clients: 0, resources: 0 })
    await retire(store, client)
    expect(await dormancyOf(store, client)).toEqual({ dormantSince })

    await relayOutbox(store.scheduler, 100)
    const events = await withTenant(store.api, store.tenant, (trx) => readFeed(trx, 0, 100))
    expect(events.map(({ type, clientSeq }) => [type, clientSeq])).toEqual([
      ['client.discovered', 1],
      ['client.dormant', 2],
    ])
    const data = EVENT_DATA['client.dormant'].parse(events[1]?.data)
    expect(data.since).toBe(dormantSince?.toISOString())
    expect(data.digest).toMatch(/^[0-9a-f]{64}$/)
  })

  it('is told to nobody if it never had a document', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId, (claim) => failedRecord(claim, 'status_404'))
    const client = await idOf(store, clientId)
    await retire(store, client)
    expect((await dormancyOf(store, client)).dormantSince).toBeInstanceOf(Date)
    expect((await store.row(client)).event_seq).toBe(0)
    expect((await relayOutbox(store.scheduler, 100)).relayed).toBe(0)
  })

  it('leaves alone a resource that is being recorded at that moment, and does not wait for it', async () => {
    await using store = await setup()
    const { client } = await known(store)
    await store.owner.transaction().execute(async (trx) => {
      await sql`update cimd.resources set attempted_at = now() where client_ref = ${client}`.execute(trx)
      await retire(store, client)
    })
    expect(await dueRows(store)).toEqual({ clients: 0, resources: 1 })
  })

  it('has keys that somebody waits for fetched all the same', async () => {
    await using store = await setup()
    const { client } = await known(store)
    const demand = await withTenant(store.api, store.tenant, (trx) => demandKeys(trx, client))
    expect(demand).toMatchObject({ kind: 'demanded', enqueue: true })
    await retire(store, client)
    await store.moveClock(6)
    const due = await inTransaction(store.scheduler, (trx) => lockDueResources(trx, 10))
    const actions = due.map(({ facts, now }) => decideDueWork(facts, now))
    expect(actions).toMatchObject([{ kind: 'enqueue', queue: 'fetch' }])
  })
})

describeStore('a dormant client', () => {
  it('wakes with a demand, and so do its keys', async () => {
    await using store = await setup()
    const { clientId, client } = await known(store)
    await retire(store, client)
    expect(await store.demand(clientId)).toMatchObject({ client, enqueue: true })
    expect(await dormancyOf(store, client)).toEqual({ dormantSince: null })
    expect(await dueRows(store)).toEqual({ clients: 1, resources: 1 })
  })

  it('wakes with a use that is answered from what is stored', async () => {
    await using store = await setup()
    const { client } = await known(store)
    await retire(store, client)
    await withTenant(store.api, store.tenant, (trx) => touchInterest(trx, client))
    expect(await dormancyOf(store, client)).toEqual({ dormantSince: null })
    expect(await dueRows(store)).toEqual({ clients: 1, resources: 1 })
  })

  it('wakes even when it falls asleep while the demand waits for it', async () => {
    await using store = await setup()
    const { clientId, client } = await known(store)
    const demand = await inTransaction(store.scheduler, async (trx) => {
      await applyDueActions(trx, [{ client, action: { kind: 'retire' } }])
      const waiting = store.demand(clientId)
      await store.untilBlocked()
      return { waiting }
    })
    await demand.waiting
    expect(await dormancyOf(store, client)).toEqual({ dormantSince: null })
    expect(await dueRows(store)).toEqual({ clients: 1, resources: 1 })
  })

  it('wakes with an attempt, whatever caused it', async () => {
    await using store = await setup()
    const { client } = await known(store)
    await retire(store, client)
    await sql`update cimd.clients set wanted = wanted + 1 where id = ${client}`.execute(store.owner)
    await recordAttempt(store.fetcher, validRecord(await store.claim(client)))
    expect(await dormancyOf(store, client)).toEqual({ dormantSince: null })
  })
})

/** A client with a valid document and a key set that is due one day. */
async function known(store: TestStore): Promise<{ clientId: ClientIdUrl; client: string }> {
  const clientId = identify()
  await store.fetch(clientId)
  const client = await idOf(store, clientId)
  await sql`insert into cimd.resources (client_ref, kind, url, host, done, due_at) values
    (${client}, 'jwks', 'https://client.example.net/jwks', 'client.example.net', 1, now() + interval '1 day')`.execute(
    store.owner,
  )
  return { clientId, client }
}

async function idOf({ owner }: TestStore, clientId: ClientIdUrl): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    select id::text from cimd.clients where client_id = ${clientId}`.execute(owner)
  return rows[0]?.id ?? ''
}

async function retire({ scheduler }: TestStore, client: string): Promise<void> {
  await inTransaction(scheduler, (trx) => applyDueActions(trx, [{ client, action: { kind: 'retire' } }]))
}

async function dormancyOf({ owner }: TestStore, client: string): Promise<{ dormantSince: Date | null }> {
  return owner
    .selectFrom('cimd.clients')
    .select('dormant_since as dormantSince')
    .where('id', '=', client)
    .executeTakeFirstOrThrow()
}

async function dueRows({ owner }: TestStore): Promise<{ clients: number; resources: number }> {
  const { rows } = await sql<{ clients: number; resources: number }>`
    select (select count(*) from cimd.schedule) as clients,
      (select count(*) from cimd.resources where due_at is not null) as resources`.execute(owner)
  return rows[0] ?? { clients: -1, resources: -1 }
}
