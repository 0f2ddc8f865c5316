import { countBrakeFacts, engageBrakeByHand, recordAttempt, releaseMended } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { eventsOf, fail, idOf, isDue, plantResource, usabilityFor, use, viewOf } from './brake-bundle.ts'
import { describeStore, setup, type TestStore, validRecord } from './store-bundle.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE

describeStore('what the brake counts', () => {
  it('is all that it holds while it is engaged, whatever of that is older than an hour', async () => {
    await using store = await setup()
    const [first = '', second = '', keys = ''] = await use(store, 8)
    expect((await countBrakeFacts(store.owner)).held).toEqual({ clients: 0, firstEndsAt: undefined })
    await fail(store, first, 'status_404')
    await engageBrakeByHand(store.owner, 'a test')
    await store.moveClock(3 * HOUR)
    await fail(store, second, 'address_blocked')
    await store.moveClock(4 * HOUR)
    for (const client of [second, keys]) await plantResource(store, client, 'jwks', 'status_404')
    const held = { clients: 3, firstEndsAt: await endOf(store, first) }
    const { facts, ...count } = await countBrakeFacts(store.scheduler, 0.5)
    // Three could be half of six: no more than seven are counted, engaged or not.
    expect(facts).toMatchObject({ inUse: 7, ending: 3, engaged: true })
    expect((await countBrakeFacts(store.owner)).facts.inUse).toBe(8)
    expect(facts.endingByDomain).toEqual([3])
    expect(count.held).toEqual(held)

    await store.moveClock(24 * HOUR + MINUTE)
    const later = await countBrakeFacts(store.scheduler)
    expect(later.facts.ending).toBe(3)
    expect(later.held).toEqual({ clients: 2, firstEndsAt: await endOf(store, second) })
    await store.moveClock(28 * HOUR + MINUTE)
    expect((await countBrakeFacts(store.scheduler)).held).toEqual({ clients: 0, firstEndsAt: undefined })
  })
})

describeStore('a release after the hold', () => {
  it('as mended leaves a client withdrawn whose hold is over, and has it fetched, unconditionally (CAC-13)', async () => {
    await using store = await setup()
    const [client = ''] = await use(store, 1)
    await plantResource(store, client, 'jwks', 'status_404')
    await sql`update cimd.resources set state = 'withdrawn', failure_detail = 'gone'`.execute(store.owner)
    await fail(store, client, 'status_404')
    await store.moveClock(16 * MINUTE)
    await fail(store, client, 'status_404')
    await engageBrakeByHand(store.owner, 'too late for this one')
    await store.moveClock(26 * 60 * MINUTE)
    const { standing: before } = await viewOf(store, await idOf(store, client))
    expect(await releaseMended(store.owner)).toEqual({ kind: 'released', clients: 1, resources: 1 })
    expect((await viewOf(store, await idOf(store, client))).standing).toEqual(before)
    expect(await usabilityFor(store, client)).toMatchObject({ kind: 'unusable', why: 'status_404' })
    const { wanted, done, forced } = await store.row(client)
    expect([wanted - done, forced]).toEqual([1, wanted])
    expect(await isDue(store, client)).toBe(true)
    const { rows } = await sql`
      select state, wanted - done as missing, failure_detail, withdrawing_code from cimd.resources`.execute(
      store.owner,
    )
    expect(rows).toEqual([
      { state: 'withdrawn', missing: 1, failure_detail: 'gone', withdrawing_code: 'status_404' },
    ])
    expect(await eventsOf(store, client)).toEqual(['client.discovered', 'client.stale', 'client.withdrawn'])
    await recordAttempt(store.fetcher, validRecord(await store.claim(client)))
    expect(await eventsOf(store, client)).toEqual([
      ...['client.discovered', 'client.stale', 'client.withdrawn', 'client.recovered'],
    ])
  })
})

/** When the brake lets go of a client that fails, whoever has decided anything. */
async function endOf(store: TestStore, client: string): Promise<Date> {
  const { standing } = await viewOf(store, await idOf(store, client))
  return new Date((standing.failure?.since.getTime() ?? 0) + 24 * HOUR * 1000)
}
