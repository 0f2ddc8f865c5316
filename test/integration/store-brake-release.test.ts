import { generateKeyPairSync } from 'node:crypto'
import { judgeKeySet, sha256Hex } from '@cimd/core'
import {
  countBrakeFacts,
  engageBrake,
  engageBrakeByHand,
  readBrake,
  recordAttempt,
  releaseAccepting,
  releaseMended,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import {
  dueOf,
  eventsOf,
  fail,
  idOf,
  isDue,
  plant,
  plantResource,
  usabilityFor,
  use,
  viewOf,
} from './brake-bundle.ts'
import { describeStore, failedRecord, setup, validRecord } from './store-bundle.ts'

const MINUTE = 60
const LOGO = Buffer.from('a picture')

const released = (clients: number, resources = 0) => ({ kind: 'released', clients, resources })

describeStore('a release', () => {
  it('of what was not engaged is none', async () => {
    await using store = await setup()
    expect(await releaseMended(store.owner)).toEqual({ kind: 'not_engaged' })
    expect(await releaseAccepting(store.owner)).toBeUndefined()
  })

  it('as mended drops what was found of each client and has it fetched, unconditionally', async () => {
    await using store = await setup()
    const [held = '', refused = '', down = ''] = await use(store, 3)
    await fail(store, held, 'status_404')
    await fail(store, refused, 'address_blocked')
    await fail(store, down, 'status_5xx')
    await engageBrakeByHand(store.owner, 'a test')
    await store.moveClock(40 * MINUTE)
    await fail(store, held, 'status_404')
    expect((await store.row(held)).state).toBe('failing')
    expect(await usabilityFor(store, held)).toMatchObject({ kind: 'stale', why: 'status_404' })

    expect(await releaseMended(store.owner)).toEqual(released(2))
    expect((await readBrake(store.owner)).engaged).toBeUndefined()
    for (const client of [held, refused]) {
      const row = await store.row(client)
      expect([row.wanted - row.done, row.forced]).toEqual([1, row.wanted])
      const { standing } = await viewOf(store, await idOf(store, client))
      expect(standing).toMatchObject({ state: 'valid', failure: undefined, withdrawing: undefined })
      expect(await usabilityFor(store, client)).toMatchObject({ kind: 'stale', why: 'expired' })
      expect(await isDue(store, client)).toBe(true)
    }
    expect((await store.row(down)).wanted).toBe((await store.row(down)).done)

    await recordAttempt(store.fetcher, failedRecord(await store.claim(held), 'status_404'))
    await store.moveClock(56 * MINUTE)
    expect(await usabilityFor(store, held)).toMatchObject({ kind: 'unusable', why: 'status_404' })
    await fail(store, held, 'status_404')
    expect(await eventsOf(store, held)).toEqual([
      ...['client.discovered', 'client.stale', 'client.recovered', 'client.stale', 'client.withdrawn'],
    ])
    await recordAttempt(store.fetcher, validRecord(await store.claim(refused)))
    expect(await usabilityFor(store, refused)).toEqual({ kind: 'fresh' })
    expect(await eventsOf(store, refused)).toEqual(['client.discovered', 'client.stale', 'client.recovered'])
  })

  it('as mended withdraws nobody for a word that was never said: an outage after it is an outage', async () => {
    await using store = await setup()
    const [client = ''] = await use(store, 1)
    await fail(store, client, 'status_404')
    await engageBrakeByHand(store.owner, 'a test')
    await store.moveClock(40 * MINUTE)
    await releaseMended(store.owner)
    await recordAttempt(store.fetcher, failedRecord(await store.claim(client), 'status_5xx'))
    for (const minutes of [50, 56, 120, 20 * 60]) {
      await store.moveClock(minutes * MINUTE)
      await fail(store, client, 'status_5xx')
      expect(await usabilityFor(store, client)).toMatchObject({ kind: 'stale', why: 'status_5xx' })
    }
    expect(await eventsOf(store, client)).toEqual([
      ...['client.discovered', 'client.stale', 'client.recovered', 'client.stale'],
    ])
  })

  it('as mended drops what was found of a client whose use was over, and does not revive it (CHG-05)', async () => {
    await using store = await setup()
    const [client = ''] = await use(store, 1)
    await store.moveClock(26 * 60 * MINUTE)
    await fail(store, client, 'status_404')
    await engageBrakeByHand(store.owner, 'a test')
    expect(await releaseMended(store.owner)).toEqual(released(1))
    const { standing, wanted, done } = await viewOf(store, await idOf(store, client))
    expect(standing).toMatchObject({ state: 'valid', failure: undefined, withdrawing: undefined })
    expect(wanted - done).toBe(1)
    expect(await usabilityFor(store, client)).toMatchObject({ kind: 'unusable', why: 'expired' })
    expect(await eventsOf(store, client)).toEqual(['client.discovered', 'client.stale'])
    await recordAttempt(store.fetcher, validRecord(await store.claim(client)))
    expect(await eventsOf(store, client)).toEqual(['client.discovered', 'client.stale', 'client.recovered'])
  })

  it('as mended stands against nothing: what is found anew engages the brake at once', async () => {
    await using store = await setup()
    const clients = await use(store, 3)
    for (const client of clients) await fail(store, client, 'status_404')
    await engageBrakeByHand(store.owner, 'a test')
    await releaseMended(store.owner)
    const { facts } = await countBrakeFacts(store.scheduler)
    expect(facts).toMatchObject({ inUse: 3, ending: 0, engaged: false, disarmedUntil: undefined })
    for (const client of clients) {
      await recordAttempt(store.fetcher, failedRecord(await store.claim(client), 'status_404'))
    }
    expect((await countBrakeFacts(store.scheduler)).facts.ending).toBe(3)
    expect(await engageBrake(store.scheduler, { heldFrom: new Date(), reason: 'not mended' })).toBe(true)
  })

  it('as mended announces as recovered what was announced as withdrawn', async () => {
    await using store = await setup()
    const [client = ''] = await use(store, 1)
    await fail(store, client, 'status_404')
    await store.moveClock(16 * MINUTE)
    await fail(store, client, 'status_404')
    expect((await store.row(client)).state).toBe('withdrawn')
    await engageBrakeByHand(store.owner, 'too late for this one')
    expect(await usabilityFor(store, client)).toMatchObject({ kind: 'stale' })
    await releaseMended(store.owner)
    expect(await usabilityFor(store, client)).toMatchObject({ kind: 'stale' })
    await recordAttempt(store.fetcher, validRecord(await store.claim(client)))
    const events = ['client.discovered', 'client.stale', 'client.withdrawn', 'client.recovered']
    expect(await eventsOf(store, client)).toEqual(events)
    expect((await store.row(client)).event_seq).toBe(4)
  })

  it('accepting carries out what was found, and announces each withdrawal once', async () => {
    await using store = await setup()
    const [old = '', young = ''] = await use(store, 2)
    await fail(store, old, 'status_404')
    await engageBrakeByHand(store.owner, 'a test')
    await store.moveClock(20 * MINUTE)
    await fail(store, young, 'json_invalid')
    await store.moveClock(21 * MINUTE)
    expect(await releaseAccepting(store.owner)).toBe(2)
    expect(await usabilityFor(store, old)).toMatchObject({ kind: 'unusable', why: 'status_404' })
    expect((await store.row(young)).state).toBe('failing')
    expect(await usabilityFor(store, young)).toMatchObject({ kind: 'stale', why: 'json_invalid' })
    expect((await dueOf(store)).map(({ client }) => client).toSorted()).toEqual([old, young].toSorted())
    for (const _ of [1, 2]) await fail(store, old, 'status_404')
    expect((await store.row(old)).state).toBe('withdrawn')
    expect(await eventsOf(store, old)).toEqual(['client.discovered', 'client.stale', 'client.withdrawn'])
    expect(await eventsOf(store, young)).toEqual(['client.discovered', 'client.stale'])
  })

  it('as mended takes the claim of a fetch that was under way: what it found counts no more', async () => {
    await using store = await setup()
    const [client = ''] = await use(store, 1)
    await fail(store, client, 'status_404')
    await engageBrakeByHand(store.owner, 'a test')
    await store.moveClock(20 * MINUTE)
    await store.demand(await idOf(store, client), { forced: true })
    const claim = await store.claim(client)
    await releaseMended(store.owner)
    const recorded = await recordAttempt(store.fetcher, failedRecord(claim, 'status_404'))
    expect(recorded.applied).toBe(false)
    expect(await usabilityFor(store, client)).toMatchObject({ kind: 'stale' })
    expect(await isDue(store, client)).toBe(true)
    await recordAttempt(store.fetcher, failedRecord(await store.claim(client), 'status_404'))
    expect(await eventsOf(store, client)).toEqual([
      ...['client.discovered', 'client.stale', 'client.recovered', 'client.stale'],
    ])
  })

  it('as mended leaves alone what nobody uses any more', async () => {
    await using store = await setup()
    const [client = ''] = await use(store, 1)
    await fail(store, client, 'status_404')
    await sql`update cimd.clients set dormant_since = now() where id = ${client}`.execute(store.owner)
    await engageBrakeByHand(store.owner, 'a test')
    expect(await releaseMended(store.owner)).toEqual(released(0))
  })

  it('as mended drops what was found of key sets and logos as well', async () => {
    await using store = await setup()
    const [client = '', other = ''] = await use(store, 2)
    await plantResource(store, client, 'jwks', 'status_404')
    await plantResource(store, client, 'logo', 'address_blocked')
    await plantResource(store, other, 'jwks', 'status_5xx')
    await engageBrakeByHand(store.owner, 'a test')
    await store.moveClock(40 * MINUTE)
    expect(await releaseMended(store.owner)).toEqual(released(0, 2))
    const { rows } = await sql`
      select kind, state, wanted, done, due_at <= cimd.cimd_now() as due, failure_code, withdrawing_code,
        round(extract(epoch from revalidate_until - cimd.cimd_now()) / 60)::integer as answered_minutes,
        round(extract(epoch from usable_until - cimd.cimd_now()) / 3600)::integer as usable_hours
      from cimd.resources where client_ref = ${client} order by kind`.execute(store.owner)
    const dropped = {
      state: 'valid',
      wanted: 2,
      done: 1,
      due: true,
      failure_code: null,
      withdrawing_code: null,
    }
    const used = { answered_minutes: 15, usable_hours: 24 }
    expect(rows).toEqual([
      { kind: 'jwks', ...dropped, ...used },
      { kind: 'logo', ...dropped, ...used },
    ])
    const { rows: down } = await sql`
      select state, wanted, failure_code from cimd.resources where client_ref = ${other}`.execute(store.owner)
    expect(down).toEqual([{ state: 'failing', wanted: 1, failure_code: 'status_5xx' }])
  })

  it('as mended announces keys and logo to be back whose end was announced, in the order of the client', async () => {
    await using store = await setup()
    const [client = '', other = ''] = await use(store, 2)
    const keySet = keySetOf()
    await plantResource(store, client, 'jwks', 'status_404', Buffer.from(keySet.text))
    await plantResource(store, client, 'logo', 'status_404', LOGO)
    await sql`update cimd.resources set state = 'withdrawn'`.execute(store.owner)
    // Of this one nothing was announced yet.
    await plantResource(store, other, 'jwks', 'status_404', Buffer.from(keySet.text))
    await engageBrakeByHand(store.owner, 'too late for one')
    await releaseMended(store.owner)
    const { rows } = await sql`
      select client_ref::text as client, client_seq, type, data from cimd.outbox where client_seq > 1 order by client_seq`.execute(
      store.owner,
    )
    const keys = { to_digest: keySet.digest, added: [keySet.keys[0]?.thumbprint], removed: [] }
    expect(rows).toMatchObject([
      { client, client_seq: 2, type: 'client.keys_changed', data: { source: 'jwks_uri', ...keys } },
      { client, client_seq: 3, type: 'client.logo_changed', data: { to_digest: sha256Hex(LOGO) } },
    ])
    expect((await store.row(client)).event_seq).toBe(3)
    expect((await store.row(other)).event_seq).toBe(1)
  })

  it('as mended locks the client before its key set, as the recording of a fetch does', async () => {
    await using store = await setup()
    const [client = ''] = await use(store, 1)
    await plantResource(store, client, 'jwks', 'status_404')
    await engageBrakeByHand(store.owner, 'a test')
    const { releasing } = await store.owner.transaction().execute(async (trx) => {
      await sql`select from cimd.clients where id = ${client} for update`.execute(trx)
      const releasing = releaseMended(store.owner)
      await store.untilBlocked()
      await sql`select from cimd.resources for update nowait`.execute(trx)
      return { releasing }
    })
    expect(await releasing).toEqual(released(0, 1))
  })

  it('accepting has key sets and logos that it held tried at once as well', async () => {
    await using store = await setup()
    const [client = ''] = await use(store, 1)
    await plantResource(store, client, 'jwks', 'status_404')
    await sql`update cimd.resources set due_at = due_at + interval '1 hour'`.execute(store.owner)
    await engageBrakeByHand(store.owner, 'a test')
    await releaseAccepting(store.owner)
    const { rows } = await sql`select due_at <= cimd.cimd_now() as due from cimd.resources`.execute(
      store.owner,
    )
    expect(rows).toEqual([{ due: true }])
  })

  it('waits for the recording of a fetch and judges what that left', async () => {
    await using store = await setup()
    const [client = ''] = await use(store, 1)
    await fail(store, client, 'status_404')
    await engageBrakeByHand(store.owner, 'a test')
    await store.demand(await idOf(store, client), { forced: true })
    const claim = await store.claim(client)
    const recorded = await store.owner.transaction().execute(async (trx) => {
      await recordAttempt(trx, validRecord(claim))
      const releasing = releaseMended(store.owner)
      await store.untilBlocked()
      return { releasing }
    })
    expect(await recorded.releasing).toEqual(released(0))
    expect((await store.row(client)).state).toBe('valid')
  })

  it('takes more than one batch', async () => {
    await using store = await setup()
    await plant(store, 1200)
    await engageBrakeByHand(store.owner, 'a test')
    expect(await releaseMended(store.owner)).toEqual(released(1200))
    expect((await countBrakeFacts(store.owner)).facts).toMatchObject({ inUse: 1200, ending: 0 })
  })
})

function keySetOf() {
  const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
  const judged = judgeKeySet(Buffer.from(JSON.stringify({ keys: [jwk] })))
  if (!judged.ok) throw new Error(judged.code)
  return judged.keySet
}
