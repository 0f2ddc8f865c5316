import { readStatus, relayOutbox, SCHEMA_VERSION } from '@cimd/store'
import { expect, it } from 'vitest'
import { chainAll, decided, noteAs } from './audit-bundle.ts'
import { describeStore, failedRecord, identify, setup, validRecord } from './store-bundle.ts'

describeStore('readStatus', () => {
  it('counts nothing where nothing is', async () => {
    await using store = await setup()
    expect(await readStatus(store.owner)).toEqual({
      schemaVersion: SCHEMA_VERSION,
      environment: 'development',
      clients: { discovering: 0, valid: 0, failing: 0, withdrawn: 0, rejected: 0 },
      versions: 0,
      attemptsLastHour: [],
      dueNow: 0,
      oldestDueSeconds: undefined,
      outboxWaiting: 0,
      auditWaiting: 0,
    })
  })

  it('counts clients by state, versions, and the attempts of the last hour by how they ended', async () => {
    await using store = await setup()
    await store.fetch(identify(), (claim) => failedRecord(claim, 'timeout_dns'))
    await store.moveClock(2 * 3600)
    await store.fetch(identify(), validRecord)
    for (const _ of [1, 2]) await store.fetch(identify(), (claim) => failedRecord(claim, 'status_404'))
    const { clients, versions, attemptsLastHour } = await readStatus(store.owner)
    expect(clients).toMatchObject({ valid: 1, discovering: 3 })
    expect(versions).toBe(1)
    expect(attemptsLastHour).toEqual([
      { outcome: 'failed', failureCode: 'status_404', count: 2 },
      { outcome: 'fetched', failureCode: undefined, count: 1 },
    ])
  })

  it('tells how much is due and since when', async () => {
    await using store = await setup()
    await store.demand(identify())
    await store.moveClock(-60)
    expect(await readStatus(store.owner)).toMatchObject({ dueNow: 0, oldestDueSeconds: undefined })
    await store.moveClock(3)
    await store.demand(identify())
    // Looked for again after 5 seconds: the first 25 seconds ago, the second 22.
    await store.moveClock(30)
    const { dueNow, oldestDueSeconds } = await readStatus(store.owner)
    expect(dueNow).toBe(2)
    expect(oldestDueSeconds).toBeGreaterThanOrEqual(25)
    expect(oldestDueSeconds).toBeLessThan(60)
  })

  it('counts the events that no feed has yet', async () => {
    await using store = await setup()
    await store.fetch(identify(), validRecord)
    expect((await readStatus(store.owner)).outboxWaiting).toBe(1)
    await relayOutbox(store.scheduler, 10)
    expect((await readStatus(store.owner)).outboxWaiting).toBe(0)
  })

  it('counts the entries that no chain has yet', async () => {
    await using store = await setup()
    await noteAs(store.api, decided(store.tenant), decided(store.tenant))
    expect((await readStatus(store.operator)).auditWaiting).toBe(2)
    await chainAll(store)
    expect((await readStatus(store.operator)).auditWaiting).toBe(0)
  })
})
