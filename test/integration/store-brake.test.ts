import { decideDueWork } from '@cimd/core'
import {
  addCanary,
  type Claim,
  checkBrake,
  claimClient,
  claimResources,
  countBrakeFacts,
  countEndingCodes,
  engageBrake,
  engageBrakeByHand,
  inTransaction,
  listCanaries,
  lockDueResources,
  readBrake,
  recordAttempt,
  releaseAccepting,
  removeCanary,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { dueOf, fail, idOf, plantResource, use, viewOf } from './brake-bundle.ts'
import {
  CLAIM_LEASE_SECONDS,
  describeStore,
  failedRecord,
  identify,
  setup,
  validRecord,
} from './store-bundle.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE

describeStore('the brake', () => {
  it('is engaged by the scheduler once, and seen by the api and the fetcher with what they read anyway', async () => {
    await using store = await setup()
    const [client = ''] = await use(store, 1)
    expect(await readBrake(store.scheduler)).toEqual({ engaged: undefined, disarmedUntil: undefined })
    const heldFrom = new Date(Date.now() - HOUR * 1000)
    const reason = 'as the test wants it'
    expect(await engageBrake(store.scheduler, { heldFrom, reason })).toBe(true)
    expect(await engageBrake(store.scheduler, { heldFrom, reason: 'later' })).toBe(false)
    expect((await readBrake(store.scheduler)).engaged).toMatchObject({ heldFrom, reason })
    await expect(checkBrake(store.api)).rejects.toThrow(/^engaged since .*: as the test wants it$/)
    const clientId = await idOf(store, client)
    expect((await viewOf(store, clientId)).terms.brake).toEqual({ heldFrom })
    expect((await viewOf(store, identify())).terms.brake).toEqual({ heldFrom })
    await store.demand(clientId, { forced: true })
    expect((await store.claim(client)).brake).toEqual({ heldFrom })
  })

  it('is not there for them while it is not engaged', async () => {
    await using store = await setup()
    const [client = ''] = await use(store, 1)
    const clientId = await idOf(store, client)
    expect((await viewOf(store, clientId)).terms.brake).toBeUndefined()
    await store.demand(clientId, { forced: true })
    expect((await store.claim(client)).brake).toBeUndefined()
    await checkBrake(store.scheduler)
  })

  it('is not engaged by counting while an operator has disarmed it, but by hand', async () => {
    await using store = await setup()
    await engageBrakeByHand(store.owner, 'to be released')
    expect(await releaseAccepting(store.owner)).toBe(0)
    const decision = { heldFrom: new Date(), reason: 'counted' }
    expect(await engageBrake(store.scheduler, decision)).toBe(false)
    expect((await readBrake(store.scheduler)).disarmedUntil).toBeInstanceOf(Date)
    expect(await engageBrakeByHand(store.owner, 'by hand')).toBe(true)
    expect(await engageBrakeByHand(store.owner, 'again')).toBe(false)
    const { engaged, disarmedUntil } = await readBrake(store.scheduler)
    expect([engaged?.reason, disarmedUntil]).toEqual(['by hand', undefined])
    expect((engaged?.engagedAt.getTime() ?? 0) - (engaged?.heldFrom.getTime() ?? 0)).toBe(HOUR * 1000)
  })

  it('may be engaged again by counting when the disarming is over', async () => {
    await using store = await setup()
    await engageBrakeByHand(store.owner, 'to be released')
    await releaseAccepting(store.owner)
    await store.moveClock(HOUR + 1)
    expect((await readBrake(store.scheduler)).disarmedUntil).toBeUndefined()
    expect(await engageBrake(store.scheduler, { heldFrom: new Date(), reason: 'counted' })).toBe(true)
  })
})

describeStore('what the brake counts', () => {
  it('is who is in use and whose use a finding of the last hour ends', async () => {
    await using store = await setup()
    const [gone = '', invalid = '', refused = '', down = '', dormant = ''] = await use(store, 8)
    await store.demand(identify())
    await fail(store, gone, 'status_404')
    await fail(store, invalid, 'json_invalid')
    await fail(store, refused, 'address_blocked')
    await fail(store, down, 'timeout_connect')
    await fail(store, dormant, 'status_404')
    await sql`update cimd.clients set dormant_since = now() where id = ${dormant}`.execute(store.owner)
    const { facts, now } = await countBrakeFacts(store.scheduler)
    const counted = { inUse: 7, ending: 3, endingByDomain: [3], failingCanaries: 0 }
    expect(facts).toEqual({ ...counted, engaged: false, disarmedUntil: undefined })
    expect(Math.abs(now.getTime() - Date.now())).toBeLessThan(10_000)
    expect(
      (await countEndingCodes(store.owner, undefined)).map(({ code, clients }) => [code, clients]),
    ).toEqual([
      ['status_404', 2],
      ['address_blocked', 1],
      ['json_invalid', 1],
    ])
    await store.moveClock(HOUR + 1)
    expect((await countBrakeFacts(store.scheduler)).facts.ending).toBe(0)
  })

  it('is told by registrable domain, or by host where an older release made the row', async () => {
    await using store = await setup()
    const clients = await use(store, 6)
    for (const client of clients) await fail(store, client, 'status_404')
    const [first = '', second = '', third = ''] = clients
    await sql`update cimd.clients set domain = 'other.net' where id in (${first}, ${second})`.execute(
      store.owner,
    )
    await sql`update cimd.clients set domain = null, host = 'a.old.net' where id = ${third}`.execute(
      store.owner,
    )
    const { facts } = await countBrakeFacts(store.scheduler)
    expect(facts.endingByDomain.toSorted()).toEqual([1, 2, 3])
    expect(facts.ending).toBe(6)
  })

  it('counts who loses its key set as well, each client once, and no logo', async () => {
    await using store = await setup()
    const [both = '', keys = '', refused = '', logo = '', down = '', early = '', dormant = ''] = await use(
      store,
      7,
    )
    await fail(store, both, 'status_404')
    for (const client of [both, keys, dormant]) await plantResource(store, client, 'jwks', 'status_404')
    await plantResource(store, refused, 'jwks', 'address_blocked')
    await plantResource(store, logo, 'logo', 'status_404')
    await plantResource(store, down, 'jwks', 'status_5xx')
    await plantResource(store, early, 'jwks', 'status_404')
    await sql`update cimd.resources set usable_until = now() - interval '1 day' where client_ref = ${early}`.execute(
      store.owner,
    )
    await sql`update cimd.clients set dormant_since = now() where id = ${dormant}`.execute(store.owner)
    expect((await countBrakeFacts(store.scheduler)).facts).toMatchObject({ inUse: 6, ending: 3 })
    const codes = await countEndingCodes(store.owner, undefined)
    expect(codes.map(({ code, clients, hosts }) => [code, clients, hosts])).toEqual([
      ['status_404', 3, 2],
      ['address_blocked', 1, 1],
    ])
    await store.moveClock(HOUR + 1)
    expect((await countBrakeFacts(store.scheduler)).facts.ending).toBe(0)
  })

  it('does not count a use that was over before', async () => {
    await using store = await setup()
    const [client = ''] = await use(store, 1)
    await store.moveClock(26 * HOUR)
    await fail(store, client, 'status_404')
    expect((await countBrakeFacts(store.scheduler)).facts.ending).toBe(0)
  })

  it('reads no more of those in use than could make a difference', async () => {
    await using store = await setup()
    const [client = ''] = await use(store, 8)
    await fail(store, client, 'status_404')
    expect((await countBrakeFacts(store.scheduler, 0.5)).facts).toMatchObject({ inUse: 3, ending: 1 })
    expect((await countBrakeFacts(store.scheduler, 0.02)).facts).toMatchObject({ inUse: 8, ending: 1 })
  })
})

describeStore('what is indexed for the brake', () => {
  it.each([
    ['costs an ordinary refresh nothing: its updates stay HOT', validRecord, 2],
    ['is written when a finding ends a client', (claim: Claim) => failedRecord(claim, 'status_404'), 1],
  ])('%s', async (_, recordOf, hot) => {
    await using store = await setup()
    const [client = ''] = await use(store, 1)
    await store.demand(await idOf(store, client), { forced: true })
    const updates = await store.owner.transaction().execute(async (trx) => {
      const claim = await claimClient(trx, client, CLAIM_LEASE_SECONDS)
      if (claim === undefined) throw new Error('it cannot be claimed')
      await recordAttempt(trx, recordOf(claim))
      const { rows } = await sql<{ updated: number; hot: number }>`
        select n_tup_upd as updated, n_tup_hot_upd as hot from pg_stat_xact_user_tables
        where relid = 'cimd.clients'::regclass`.execute(trx)
      return rows
    })
    expect(updates).toEqual([{ updated: 2, hot }])
  })
})

describeStore('what is indexed of resources', () => {
  it('costs a claim nothing: it stays HOT', async () => {
    await using store = await setup()
    const [client = ''] = await use(store, 1)
    await plantResource(store, client, 'jwks', 'status_5xx')
    await sql`update cimd.resources set wanted = wanted + 1`.execute(store.scheduler)
    const updates = await store.owner.transaction().execute(async (trx) => {
      expect(await claimResources(trx, client, ['jwks'], CLAIM_LEASE_SECONDS)).toHaveLength(1)
      const { rows } = await sql`
        select n_tup_upd as updated, n_tup_hot_upd as hot from pg_stat_xact_user_tables
        where relid = 'cimd.resources'::regclass`.execute(trx)
      return rows
    })
    expect(updates).toEqual([{ updated: 1, hot: 1 }])
  })
})

describeStore('a canary', () => {
  it('is fetched, and looked after although nobody uses it', async () => {
    await using store = await setup()
    const clientId = identify()
    const host = new URL(clientId).hostname
    expect(await addCanary(store.owner, { clientId, host })).toBe(true)
    expect(await addCanary(store.owner, { clientId, host })).toBe(false)
    const [due] = await dueOf(store)
    expect(due?.facts).toMatchObject({ wanted: 1, done: 0, canary: true, leasedUntil: undefined })
    await recordAttempt(store.fetcher, validRecord(await store.claim(due?.client ?? '')))
    await store.moveClock(2 * HOUR)
    const [again] = await dueOf(store)
    expect(again && decideDueWork(again.facts, again.now).kind).toBe('refresh')
    expect(await removeCanary(store.owner, clientId)).toBe(true)
    expect(await removeCanary(store.owner, clientId)).toBe(false)
    const [left] = await dueOf(store)
    expect(left && decideDueWork(left.facts, left.now).kind).toBe('retire')
  })

  it('is counted and listed when its document ends', async () => {
    await using store = await setup()
    const [client = '', other = ''] = await use(store, 2)
    const clientId = await idOf(store, client)
    await addCanary(store.owner, { clientId, host: new URL(clientId).hostname })
    const canary = { clientId, state: 'valid', failure: undefined, ending: false }
    expect(await listCanaries(store.owner)).toMatchObject([canary])
    await fail(store, other, 'status_404')
    expect((await countBrakeFacts(store.scheduler)).facts.failingCanaries).toBe(0)
    await fail(store, client, 'status_404')
    expect((await countBrakeFacts(store.scheduler)).facts.failingCanaries).toBe(1)
    const failing = { state: 'failing', failure: 'status_404', ending: true }
    expect(await listCanaries(store.owner)).toMatchObject([failing])
  })

  it('is counted although its lifetime was over when it was found to be gone, and not if it never was valid', async () => {
    await using store = await setup()
    const [client = ''] = await use(store, 1)
    const clientId = await idOf(store, client)
    const never = identify()
    for (const canary of [clientId, never])
      await addCanary(store.owner, { clientId: canary, host: new URL(canary).hostname })
    await sql`update cimd.clients set usable_until = now() - interval '1 second' where id = ${client}`.execute(
      store.owner,
    )
    for (const id of [client, (await viewOf(store, never)).id ?? '']) await fail(store, id, 'address_blocked')
    expect((await countBrakeFacts(store.scheduler)).facts).toMatchObject({ ending: 0, failingCanaries: 1 })
    await sql`delete from cimd.canaries`.execute(store.owner)
    expect((await countBrakeFacts(store.scheduler)).facts.failingCanaries).toBe(0)
  })

  it('is counted and listed when its key set ends', async () => {
    await using store = await setup()
    const [client = ''] = await use(store, 1)
    const clientId = await idOf(store, client)
    await addCanary(store.owner, { clientId, host: new URL(clientId).hostname })
    await plantResource(store, client, 'jwks', 'status_5xx')
    expect((await countBrakeFacts(store.scheduler)).facts.failingCanaries).toBe(0)
    expect(await listCanaries(store.owner)).toMatchObject([{ failure: undefined, ending: false }])
    await sql`delete from cimd.resources`.execute(store.owner)
    await plantResource(store, client, 'jwks', 'status_404')
    expect((await countBrakeFacts(store.scheduler)).facts.failingCanaries).toBe(1)
    const ending = { state: 'valid', failure: 'status_404', ending: true }
    expect(await listCanaries(store.owner)).toMatchObject([ending])
  })

  it('has its key set and its logo looked after although nobody uses it', async () => {
    await using store = await setup()
    const [client = ''] = await use(store, 1)
    const clientId = await idOf(store, client)
    await addCanary(store.owner, { clientId, host: new URL(clientId).hostname })
    await plantResource(store, client, 'jwks', 'status_5xx')
    await sql`delete from cimd.interest`.execute(store.owner)
    const actions = async () => {
      const due = await inTransaction(store.scheduler, (trx) => lockDueResources(trx, 10))
      return due.map(({ facts, now }) => decideDueWork(facts, now).kind)
    }
    expect(await actions()).toEqual(['refresh'])
    await removeCanary(store.owner, clientId)
    expect(await actions()).toEqual(['retire'])
  })
})
