import { LOST_CLAIMS_MAX, QUARANTINE_SECONDS } from '@cimd/core'
import {
  type Claim,
  claimClient,
  deferClaim,
  findClient,
  hastenRefresh,
  lockDueClients,
  postponeClaim,
  recordAttempt,
  releaseClaim,
  releaseQuarantine,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import {
  CLAIM_LEASE_SECONDS,
  describeStore,
  failedRecord,
  identify,
  setup,
  type TestStore,
  validRecord,
} from './store-bundle.ts'

/** Claims that run out one after the other, each with the fetcher that had it; the clock has moved when this returns. */
async function lose(store: TestStore, client: string, count: number, from = 0): Promise<number> {
  for (let lost = 1; lost <= count; lost += 1) {
    await store.claim(client)
    await store.moveClock(from + lost * (CLAIM_LEASE_SECONDS + 1))
  }
  return from + count * (CLAIM_LEASE_SECONDS + 1)
}

/** A client whose work has killed two fetchers and a process of its own. */
async function setAside(store: TestStore, clientId = identify()) {
  const { client } = await store.demand(clientId)
  const clock = await lose(store, client, LOST_CLAIMS_MAX)
  await recordAttempt(store.fetcher, failedRecord(await store.claim(client), 'quarantined'))
  return { clientId, client, clock }
}
const view = (store: TestStore, clientId: ReturnType<typeof identify>) =>
  withTenant(store.api, store.tenant, (trx) => findClient(trx, clientId))
const examined = (claim: Claim) => ({ ...validRecord(claim), examined: true })

describeStore('a claim that is lost', () => {
  it('is counted by the next one, and forgotten once an answer was examined', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId)
    await lose(store, client, 3)
    const claim = await store.claim(client)
    expect(claim.lostClaims).toBe(3)
    await recordAttempt(store.fetcher, examined(claim))
    await store.demand(clientId, { forced: true })
    expect((await store.claim(client)).lostClaims).toBe(0)
  })

  it('still counts after an attempt that saw no answer: it shows nothing', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId)
    await lose(store, client, 1)
    await recordAttempt(store.fetcher, failedRecord(await store.claim(client), 'timeout_connect'))
    await store.demand(clientId)
    expect((await store.claim(client)).lostClaims).toBe(1)
  })

  it('is none that was given back, whether released, deferred or postponed', async () => {
    await using store = await setup()
    const { client } = await store.demand(identify())
    await releaseClaim(store.fetcher, await store.claim(client))
    await deferClaim(store.fetcher, await store.claim(client), 'host_budget', 1)
    await store.moveClock(10)
    await postponeClaim(store.fetcher, await store.claim(client), 1)
    await store.moveClock(20)
    expect((await store.claim(client)).lostClaims).toBe(0)
  })

  it('leaves a longer lease to the next, once that is to be worked alone', async () => {
    await using store = await setup()
    const { client } = await store.demand(identify())
    const clock = await lose(store, client, LOST_CLAIMS_MAX)
    const claim = () => claimClient(store.fetcher, client, CLAIM_LEASE_SECONDS, 120)
    expect(await claim()).toMatchObject({ lostClaims: LOST_CLAIMS_MAX })
    await store.moveClock(clock + 60)
    expect(await claim()).toBeUndefined()
    await store.moveClock(clock + 121)
    expect(await claim()).toMatchObject({ lostClaims: LOST_CLAIMS_MAX + 1 })
  })

  it('is told of no user who comes while it is postponed, and of nobody before', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId)
    await postponeClaim(store.fetcher, await store.claim(client), 30)
    expect(await claimClient(store.fetcher, client, CLAIM_LEASE_SECONDS)).toBeUndefined()
    // It waits as for any fetch: no budget says how long.
    expect((await view(store, clientId)).deferred).toBeUndefined()
  })
})

describeStore('a client in quarantine', () => {
  it('cannot be claimed before its time, whoever demands it, and then with its losses counted', async () => {
    await using store = await setup()
    const { clientId, client, clock } = await setAside(store)
    await store.demand(clientId, { forced: true })
    expect(await claimClient(store.fetcher, client, CLAIM_LEASE_SECONDS)).toBeUndefined()
    await store.moveClock(clock + QUARANTINE_SECONDS + 1)
    expect(await store.claim(client)).toMatchObject({
      lostClaims: LOST_CLAIMS_MAX,
      standing: { quarantine: { until: expect.any(Date) } },
    })
  })

  it('is told to whoever demands or waits, with the end of it', async () => {
    await using store = await setup()
    const { clientId } = await setAside(store)
    const { now, deferred, standing } = await view(store, clientId)
    expect(standing.quarantine?.until.getTime()).toBeGreaterThan(
      now.getTime() + (QUARANTINE_SECONDS - 60) * 1000,
    )
    expect(deferred).toEqual({ code: 'quarantined', until: standing.quarantine?.until })
  })

  it('tells the sweep when to look again', async () => {
    await using store = await setup()
    const { clientId, client, clock } = await setAside(store)
    await store.demand(clientId, { forced: true })
    await store.moveClock(clock + 60)
    const due = await store.scheduler.transaction().execute((trx) => lockDueClients(trx, 10))
    expect(due).toMatchObject([{ client, facts: { quarantinedUntil: expect.any(Date) } }])
  })

  it('is hastened by no publisher', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    const { client } = await store.demand(clientId, { forced: true })
    const clock = await lose(store, client, LOST_CLAIMS_MAX)
    await recordAttempt(store.fetcher, failedRecord(await store.claim(client), 'quarantined'))
    await store.moveClock(clock + 3600)
    expect(await hastenRefresh(store.api, clientId)).toBe(false)
  })

  it('leaves it, and its losses behind, with an answer that was examined', async () => {
    await using store = await setup()
    const { clientId, client, clock } = await setAside(store)
    await store.demand(clientId, { forced: true })
    await store.moveClock(clock + QUARANTINE_SECONDS + 1)
    await recordAttempt(store.fetcher, examined(await store.claim(client)))
    expect((await view(store, clientId)).standing).toMatchObject({ state: 'valid', quarantine: undefined })
    await store.demand(clientId, { forced: true })
    expect((await store.claim(client)).lostClaims).toBe(0)
  })

  it('is released by an operator, and fetched at once, once more alone', async () => {
    await using store = await setup()
    const { clientId, client } = await setAside(store)
    expect(await releaseQuarantine(store.owner, clientId)).toEqual({ document: true, resources: [] })
    expect(await view(store, clientId)).toMatchObject({
      deferred: undefined,
      standing: { quarantine: undefined },
    })
    const due = await store.scheduler.transaction().execute((trx) => lockDueClients(trx, 10))
    expect(due).toMatchObject([{ client }])
    expect(await store.claim(client)).toMatchObject({ lostClaims: LOST_CLAIMS_MAX })
    expect(await releaseQuarantine(store.owner, clientId)).toEqual({ document: false, resources: [] })
  })

  it('takes the claim of an attempt that is under way when it is released: it began before the mending', async () => {
    await using store = await setup()
    const { clientId, client, clock } = await setAside(store)
    await store.demand(clientId, { forced: true })
    await store.moveClock(clock + QUARANTINE_SECONDS + 1)
    const running = await store.claim(client)
    await releaseQuarantine(store.owner, clientId)
    expect(await recordAttempt(store.fetcher, failedRecord(running, 'quarantined'))).toMatchObject({
      applied: false,
    })
    expect((await store.claim(client)).generation).toBe(running.generation)
  })

  it('is nothing an operator can release of a client nobody knows', async () => {
    await using store = await setup()
    expect(await releaseQuarantine(store.owner, identify())).toEqual({ document: false, resources: [] })
  })

  it('is whole or not at all in the database', async () => {
    await using store = await setup()
    const { client } = await store.demand(identify())
    const half = sql`update cimd.clients set quarantined_until = cimd.cimd_now() where id = ${client}`
    await expect(half.execute(store.owner)).rejects.toThrow('clients_quarantine')
  })
})
