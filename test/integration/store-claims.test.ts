import type { ClientIdUrl } from '@cimd/core'
import { claimClient, deferClaim, findClient, recordAttempt, releaseClaim, withTenant } from '@cimd/store'
import { expect, it } from 'vitest'
import {
  CLAIM_LEASE_SECONDS,
  createGate,
  describeStore,
  failedRecord,
  identify,
  setup,
  type TestStore,
  validRecord,
} from './store-bundle.ts'

const tryClaim = (store: TestStore, client: string) => claimClient(store.fetcher, client, CLAIM_LEASE_SECONDS)

describeStore('a claim', () => {
  it('has one winner among 20 at once', async () => {
    await using store = await setup({ connectionsMax: 20 })
    const { client } = await store.demand(identify())
    const claims = await Promise.all(Array.from({ length: 20 }, () => tryClaim(store, client)))
    expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1)
  })

  it('finds nothing where nothing is wanted', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    const { client } = await store.demand(clientId)
    await recordAttempt(store.fetcher, validRecord(await store.claim(client)))
    expect(await tryClaim(store, client)).toBeUndefined()
    expect(await tryClaim(store, '999999')).toBeUndefined()
  })

  it('covers every demand up to the moment it is made, and none after', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.demand(clientId, { forced: true })
    const { client } = await store.demand(clientId, { forced: true })
    const claim = await store.claim(client)
    await store.demand(clientId, { forced: true })
    expect(claim.generation).toBe(2)
    await recordAttempt(store.fetcher, validRecord(claim))
    expect(await store.row(client)).toMatchObject({ wanted: 3, done: 2 })
  })

  it('covers a demand that commits while the claim waits for it', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId)
    const mayCommit = createGate()
    const raised = createGate()
    const raising = store.owner.transaction().execute(async (trx) => {
      await trx.updateTable('cimd.clients').set({ wanted: 2, forced: 2 }).where('id', '=', client).execute()
      raised.open()
      await mayCommit.opened
    })
    await raised.opened
    const claiming = store.claim(client)
    await store.untilBlocked()
    mayCommit.open()
    await raising
    expect(await claiming).toMatchObject({ generation: 2, forced: true })
  })

  it('carries the version that another attempt records while the claim waits for it', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    const { client } = await store.demand(clientId)
    const late = await store.claim(client)
    await store.demand(clientId, { forced: true })
    await store.owner
      .updateTable('cimd.clients')
      .set({ claim_until: new Date(0) })
      .where('id', '=', client)
      .execute()
    const record = validRecord(late, { client_name: 'changed' })
    const mayCommit = createGate()
    const written = createGate()
    const recording = store.fetcher.transaction().execute(async (trx) => {
      await recordAttempt(trx, record)
      written.open()
      await mayCommit.opened
    })
    await written.opened
    const claiming = store.claim(client)
    await store.untilBlocked()
    mayCommit.open()
    await recording
    const { version, standing, history } = await claiming
    expect(standing.digest).toBe(record.newVersion?.digest)
    expect(version?.digest).toBe(record.newVersion?.digest)
    expect(history?.at(-1)?.digest).toBe(record.newVersion?.digest)
    expect(await tryClaim(store, client)).toBeUndefined()
  })

  it('is forced when a demand it covers was, and no longer afterwards', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.demand(clientId, { forced: true })
    const { client } = await store.demand(clientId)
    const forced = await store.claim(client)
    expect(forced.forced).toBe(true)
    await recordAttempt(store.fetcher, validRecord(forced))
    await store.demand(clientId)
    expect((await store.claim(client)).forced).toBe(false)
  })

  it('carries the version, its standing and its validators', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId)
    const first = await store.claim(client)
    expect(first).toMatchObject({ clientId, host: 'client.example.net', version: undefined, validators: {} })
    const record = { ...validRecord(first), validators: { etag: '"1"', lastModified: 'Fri, 20 Nov 2026' } }
    await recordAttempt(store.fetcher, record)
    await store.demand(clientId)
    const { version, standing, validators } = await store.claim(client)
    expect(version).toMatchObject({ digest: record.newVersion?.digest, rulesVersion: 1 })
    expect(Buffer.from(version?.body ?? []).equals(Buffer.from(record.newVersion?.body ?? []))).toBe(true)
    expect(standing).toEqual(record.standing)
    expect(validators).toEqual(record.validators)
  })

  it('expires by itself on the clock of the database', async () => {
    await using store = await setup()
    const { client } = await store.demand(identify())
    const first = await claimClient(store.fetcher, client, 120)
    await store.moveClock(60)
    expect(await tryClaim(store, client)).toBeUndefined()
    await store.moveClock(121)
    const second = await store.claim(client)
    expect(second.generation).toBe(first?.generation)
    expect(second.token).not.toBe(first?.token)
  })

  it('can be made again at once after it was released', async () => {
    await using store = await setup()
    const { client } = await store.demand(identify())
    await releaseClaim(store.fetcher, await store.claim(client))
    expect(await dueAtOf(store, client)).toBeLessThanOrEqual(Date.now())
    await store.claim(client)
  })

  it('is not made before the time to which its budget deferred it (CAC-06)', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId)
    const claim = await store.claim(client)
    const deferredAt = Date.now()
    await deferClaim(store.fetcher, claim, 'host_budget', 30)
    const dueAt = await dueAtOf(store, client)
    expect(dueAt - deferredAt).toBeGreaterThanOrEqual(30_000)
    expect(dueAt - Date.now()).toBeLessThanOrEqual(30_000)
    expect(await tryClaim(store, client)).toBeUndefined()
    expect(await store.demand(clientId)).toMatchObject({ generation: 1, enqueue: false })
    expect(await viewOf(store, clientId)).toMatchObject({ deferred: { code: 'host_budget' } })
    await store.moveClock(31)
    expect(await viewOf(store, clientId)).toMatchObject({ deferred: undefined })
    expect((await store.claim(client)).generation).toBe(1)
    expect(await store.row(client)).toMatchObject({ deferred_until: null })
  })

  it('that was lost can neither be released nor deferred', async () => {
    await using store = await setup()
    const { client } = await store.demand(identify())
    const lost = await store.claim(client)
    await store.moveClock(CLAIM_LEASE_SECONDS + 1)
    const held = await store.claim(client)
    await releaseClaim(store.fetcher, lost)
    await deferClaim(store.fetcher, lost, 'host_budget', 3600)
    expect(await store.row(client)).toMatchObject({ claim_token: held.token, deferred_until: null })
    const record = failedRecord(held, 'status_404')
    expect(await recordAttempt(store.fetcher, record)).toMatchObject({ applied: true })
  })

  it("deferred as nobody's hurry does not make a user wait who came meanwhile (FET-23)", async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId, { urgent: false })
    const claim = await store.claim(client)
    await store.demand(clientId, { urgent: true })
    await deferClaim(store.fetcher, claim, 'host_budget', 55)
    expect(await tryClaim(store, client)).toMatchObject({ urgent: true })
  })

  it('deferred although a user waits is not tried before its time', async () => {
    await using store = await setup()
    const { client } = await store.demand(identify(), { urgent: true })
    await deferClaim(store.fetcher, await store.claim(client), 'host_budget', 55)
    expect(await tryClaim(store, client)).toBeUndefined()
  })
})

function viewOf(store: TestStore, clientId: ClientIdUrl) {
  return withTenant(store.api, store.tenant, (trx) => findClient(trx, clientId))
}

async function dueAtOf(store: TestStore, client: string): Promise<number> {
  const { due_at } = await store.owner
    .selectFrom('cimd.schedule')
    .select('due_at')
    .where('client_ref', '=', client)
    .executeTakeFirstOrThrow()
  return due_at.getTime()
}
