import type { ClientIdUrl } from '@cimd/core'
import { findClient, hastenRefresh, recordAttempt, withTenant } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { describeStore, failedRecord, identify, setup, type TestStore, validRecord } from './store-bundle.ts'

const DAY = 86_400

async function clientOf(store: TestStore, clientId: ClientIdUrl): Promise<string> {
  const { id } = await withTenant(store.api, store.tenant, (trx) => findClient(trx, clientId))
  if (id === undefined) throw new Error('the client was never demanded')
  return id
}

describeStore("a publisher's word", () => {
  /** A client with a document, whose one lease ends so many seconds from now. */
  async function leasedUntil(store: TestStore, clientId: ClientIdUrl, seconds: number): Promise<string> {
    await store.fetch(clientId)
    await sql`update cimd.interest set leased_until = cimd.cimd_now() + make_interval(secs => ${seconds})`.execute(
      store.owner,
    )
    return clientOf(store, clientId)
  }
  const dueOf = (store: TestStore, client: string) =>
    store.owner
      .selectFrom('cimd.schedule')
      .select('due_at')
      .where('client_ref', '=', client)
      .executeTakeFirst()

  it('makes a client due now, once, and not within a minute of an attempt', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    const client = await clientOf(store, clientId)
    expect(await hastenRefresh(store.api, clientId)).toBe(false)
    await store.moveClock(61)
    const before = await dueOf(store, client)
    expect(await hastenRefresh(store.api, clientId)).toBe(true)
    expect(await hastenRefresh(store.api, clientId)).toBe(false)
    expect(Number((await dueOf(store, client))?.due_at)).toBeLessThan(Number(before?.due_at))
    expect(await store.row(client)).toMatchObject({ wanted: 2, urgent: 1, forced: 0, done: 1 })
    await recordAttempt(store.fetcher, validRecord(await store.claim(client)))
    expect(await hastenRefresh(store.api, clientId)).toBe(false)
  })

  it('makes no client, and wakes none that nobody uses', async () => {
    await using store = await setup()
    const stranger = identify()
    expect(await hastenRefresh(store.api, stranger)).toBe(false)
    const rows = await store.owner.selectFrom('cimd.clients').select('id').execute()
    expect(rows).toEqual([])
    const clientId = identify()
    await store.fetch(clientId)
    await store.moveClock(61)
    await store.owner.updateTable('cimd.clients').set({ dormant_since: new Date() }).execute()
    expect(await hastenRefresh(store.api, clientId)).toBe(false)
  })

  it('keeps no client alive that no tenant uses any more', async () => {
    await using store = await setup()
    const clientId = identify()
    const client = await leasedUntil(store, clientId, 31 * DAY)
    await store.moveClock(30 * DAY)
    expect(await hastenRefresh(store.api, clientId)).toBe(true)
    await recordAttempt(store.fetcher, validRecord(await store.claim(client)))
    await store.moveClock(31 * DAY + 1)
    expect(await hastenRefresh(store.api, clientId)).toBe(false)
    await store.demand(clientId, { tenant: store.otherTenant })
    await recordAttempt(store.fetcher, validRecord(await store.claim(client)))
    await store.moveClock(31 * DAY + 62)
    expect(await hastenRefresh(store.api, clientId)).toBe(true)
  })

  it('does not come before the time at which an origin out of reach is asked again', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    const retryAfterSeconds = 3600
    await store.fetch(clientId, (claim) => failedRecord(claim, 'status_429', { retryAfterSeconds }))
    await store.moveClock(61)
    expect(await hastenRefresh(store.api, clientId)).toBe(false)
    await store.moveClock(retryAfterSeconds + 61)
    expect(await hastenRefresh(store.api, clientId)).toBe(true)
  })

  it('hastens the next look at a client whose publisher says that it is gone', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    await store.fetch(clientId, (claim) => failedRecord(claim, 'status_404', { retryAfterSeconds: 300 }))
    await store.moveClock(61)
    expect(await hastenRefresh(store.api, clientId)).toBe(true)
  })

  it('keeps nothing alive that was never valid (CAC-19)', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId, (claim) => failedRecord(claim, 'status_404'))
    await store.moveClock(61)
    expect(await hastenRefresh(store.api, clientId)).toBe(false)
  })
})
