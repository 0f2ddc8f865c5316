import {
  addCanary,
  forgetClients,
  inTransaction,
  lockDueClients,
  readFeed,
  recordAttempt,
  relayOutbox,
  retireUnscheduled,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { describeStore, failedRecord, identify, setup, type TestStore } from './store-bundle.ts'

const DAY = 86_400
const LEASE_DAYS = 30

describeStore('a canary no document of which was ever valid', () => {
  it('is looked at again an hour after it failed, and another client is not', async () => {
    await using store = await setup()
    const canary = identify()
    await addCanary(store.owner, { clientId: canary, host: 'client.example.net' })
    const client = await idOf(store, canary)
    await recordAttempt(store.fetcher, failedRecord(await store.claim(client), 'status_5xx'))
    await store.fetch(identify(), (claim) => failedRecord(claim, 'status_5xx'))
    expect(await dueClients(store)).toEqual([])
    await store.moveClock(3590)
    expect(await dueClients(store)).toEqual([])
    await store.moveClock(3660)
    expect(await dueClients(store)).toEqual([client])
  })

  it('is looked at again though it becomes one while the attempt that failed is recorded', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId)
    const claim = await store.claim(client)
    const { recording } = await store.owner.transaction().execute(async (trx) => {
      await addCanary(trx, { clientId, host: 'client.example.net' })
      const recording = recordAttempt(store.fetcher, failedRecord(claim, 'status_404'))
      await store.untilBlocked()
      return { recording }
    })
    expect(await recording).toEqual({ applied: true, next: 'refresh' })
    await store.moveClock(6)
    expect(await dueClients(store)).toEqual([client])
  })
})

describeStore('a client an older scheduler let go', () => {
  it('becomes dormant, which is told to those that used it, and is forgotten in its time (CAC-19)', async () => {
    await using store = await setup()
    const client = await unscheduled(store)
    // Never valid, so never on the schedule.
    await store.fetch(identify(), (claim) => failedRecord(claim, 'status_404'))
    await store.moveClock((LEASE_DAYS + 1) * DAY)
    expect(await retireAll(store)).toEqual([client])
    expect(await retireAll(store)).toEqual([client])
    await relayOutbox(store.scheduler, 100)
    const events = await withTenant(store.api, store.tenant, (trx) => readFeed(trx, 0, 100))
    expect(events.map(({ type }) => type)).toEqual(['client.discovered', 'client.dormant'])
    expect(await forgetClients(store.scheduler, 10)).toBe(1)
    expect(await forgetClients(store.scheduler, 10)).toBe(0)
    await store.moveClock((LEASE_DAYS + 62) * DAY)
    expect(await forgetClients(store.scheduler, 10)).toBe(1)
  })

  it.each<[string, ReturnType<typeof sql>]>([
    ['is scheduled', sql`insert into cimd.schedule (client_ref, due_at) select id, now() from cimd.clients`],
    ['is wanted', sql`update cimd.clients set wanted = wanted + 1`],
    ['is leased', sql`update cimd.interest set leased_until = leased_until + interval '1 year'`],
    ['is a canary', sql`insert into cimd.canaries (client_ref) select id from cimd.clients`],
  ])('is left alone where it %s', async (_, given) => {
    await using store = await setup()
    await unscheduled(store)
    await store.moveClock((LEASE_DAYS + 1) * DAY)
    await given.execute(store.owner)
    expect(await retireAll(store)).toEqual([])
  })

  it('is left alone while somebody holds it, and the walk does not wait', async () => {
    await using store = await setup()
    const client = await unscheduled(store)
    await store.moveClock((LEASE_DAYS + 1) * DAY)
    await store.owner.transaction().execute(async (trx) => {
      await sql`select from cimd.clients where id = ${client} for update`.execute(trx)
      expect(await retireAll(store)).toEqual([])
    })
    expect(await retireAll(store)).toEqual([client])
  })
})

/** Valid, and off the schedule without another word. */
async function unscheduled(store: TestStore): Promise<string> {
  const clientId = identify()
  await store.fetch(clientId)
  await sql`delete from cimd.schedule`.execute(store.owner)
  return idOf(store, clientId)
}

/** Walks through all clients one by one; those that are dormant then. */
async function retireAll({ scheduler, owner }: TestStore): Promise<string[]> {
  let after: string | undefined
  do {
    after = (await retireUnscheduled(scheduler, { after, limit: 1 })).next
  } while (after !== undefined)
  const { rows } = await sql<{ id: string }>`
    select id::text from cimd.clients where dormant_since is not null order by id`.execute(owner)
  return rows.map(({ id }) => id)
}

async function dueClients({ scheduler }: TestStore): Promise<string[]> {
  const locked = await inTransaction(scheduler, (trx) => lockDueClients(trx, 10))
  return locked.map(({ client }) => client)
}

async function idOf({ owner }: TestStore, clientId: string): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    select id::text from cimd.clients where client_id = ${clientId}`.execute(owner)
  return rows[0]?.id ?? ''
}
