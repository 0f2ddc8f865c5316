import { randomBytes } from 'node:crypto'
import { deleteEndedBudgets, type ScopeLimits } from '@cimd/store'
import { describe, expect, it } from 'vitest'
import { secondsToWindow } from '../harness/fetch-windows.ts'
import {
  answersOf,
  budgetOf,
  granted,
  HOST,
  SIBLING,
  STRANGER,
  UNREACHED,
  windowsOf,
} from './budget-bundle.ts'
import { describeStore, setup, type TestStore } from './store-bundle.ts'

/** Per scope two targets that are one to it. */
const SCOPES = [
  { scope: 'host', code: 'host_budget', one: HOST, same: HOST, name: HOST.host },
  { scope: 'domain', code: 'domain_budget', one: HOST, same: SIBLING, name: HOST.domain },
  { scope: 'fleet', code: 'fleet_budget', one: HOST, same: STRANGER, name: '' },
] as const

describeStore('the budget of fetches (FET-23)', () => {
  it('is granted for a host that a document names, and that is longer than any name', async () => {
    await using store = await setup()
    // Of no pattern that an index could compress.
    const host = `${randomBytes(5000).toString('hex')}.example.net`
    const take = budgetOf(store)
    expect(await take({ urgent: true, host, domain: host })).toMatchObject({ kind: 'granted' })
  })

  describe.each(SCOPES)('per $scope', ({ scope, code, one, same, name }) => {
    it('lets as many run at once as it says, and asks the next to come back in a second', async () => {
      await using store = await setup()
      const take = budgetOf(store, { [scope]: { ...UNREACHED, concurrentMax: 2 } })
      expect([(await take(one)).kind, (await take(same)).kind]).toEqual(['granted', 'granted'])
      expect(await take(one)).toEqual({ kind: 'deferred', code, retryAfterSeconds: 1 })
      expect(await take(same)).toEqual({ kind: 'deferred', code, retryAfterSeconds: 1 })
    })

    it('bounds the attempts of a window and says how long the window still lasts', async () => {
      await using store = await setup()
      const take = budgetOf(store, { [scope]: { ...UNREACHED, windowMax: 5 }, windowSeconds: 60 })
      const begun = await moveToWindow(store, name)
      expect(await answersOf(take, 5, (n) => (n % 2 ? one : same))).toEqual({ granted: 5 })
      await store.moveClock(begun + 20)
      const answer = await take(same)
      if (answer.kind !== 'deferred') throw new Error('not deferred')
      expect(answer.code).toBe(code)
      expect(answer.retryAfterSeconds).toBeGreaterThan(10)
      expect(answer.retryAfterSeconds).toBeLessThanOrEqual(40)
      await store.moveClock(begun + 20 + answer.retryAfterSeconds)
      expect((await take(same)).kind).toBe('granted')
    })

    it('begins a new window with its own count', async () => {
      await using store = await setup()
      const take = budgetOf(store, { [scope]: { ...UNREACHED, windowMax: 5 }, windowSeconds: 60 })
      const begun = await moveToWindow(store, name)
      for (const seconds of [0, 60]) {
        await store.moveClock(begun + seconds)
        expect(await answersOf(take, 6, () => one)).toEqual({ granted: 5, [code]: 1 })
        expect((await take(same)).kind).toBe('deferred')
      }
    })

    it('keeps half of the runs for users, whatever backlog of refreshes there is', async () => {
      await using store = await setup()
      const take = budgetOf(store, { [scope]: { ...UNREACHED, concurrentMax: 4 } })
      const backlog = await answersOf(take, 10, () => ({ ...one, urgent: false }))
      expect(backlog).toEqual({ granted: 2, [code]: 8 })
      expect(await answersOf(take, 3, () => same)).toEqual({ granted: 2, [code]: 1 })
      expect((await take({ ...same, urgent: false })).kind).toBe('deferred')
    })

    it('keeps half of the attempts for users, whatever backlog of refreshes there is', async () => {
      await using store = await setup()
      const take = budgetOf(store, { [scope]: { ...UNREACHED, windowMax: 6 } })
      const backlog = await answersOf(take, 10, () => ({ ...one, urgent: false }))
      expect(backlog).toEqual({ granted: 3, [code]: 7 })
      expect(await answersOf(take, 4, () => same)).toEqual({ granted: 3, [code]: 1 })
    })

    it('counts what it refused nowhere', async () => {
      await using store = await setup({ connectionsMax: 20 })
      const take = budgetOf(store, { [scope]: { concurrentMax: 1, windowMax: 2 } })
      const first = await granted(take(one))
      expect(await answersOf(take, 20, () => same)).toEqual({ [code]: 20 })
      expect(await attemptsOf(store, one)).toEqual({ host: 1, domain: 1, fleet: 1 })
      await first.release()
      expect((await take(same)).kind).toBe('granted')
    })
  })

  it.each([
    { scope: 'host', same: HOST, apart: SIBLING },
    { scope: 'domain', same: SIBLING, apart: STRANGER },
  ])('is each $scope its own, in runs and in attempts', async ({ scope, same, apart }) => {
    await using store = await setup()
    const take = budgetOf(store, { [scope]: { concurrentMax: 1, windowMax: 1 } })
    await take(HOST)
    expect((await take(same)).kind).toBe('deferred')
    expect((await take(apart)).kind).toBe('granted')
  })

  it('asks to wait for the scope that refuses longest', async () => {
    await using store = await setup()
    await budgetOf(store, { host: { ...UNREACHED, windowMax: 1 } })(HOST)
    const full = { ...UNREACHED, concurrentMax: 1 }
    const take = budgetOf(store, { host: full, domain: { ...UNREACHED, windowMax: 1 }, fleet: full })
    const answer = await take(HOST)
    expect(answer).toMatchObject({ kind: 'deferred', code: 'domain_budget' })
    expect(answer.kind === 'deferred' && answer.retryAfterSeconds).toBeGreaterThan(1)
  })

  it('names the narrowest of the scopes that ask for the same wait', async () => {
    await using store = await setup()
    const full = { ...UNREACHED, concurrentMax: 1 }
    const take = budgetOf(store, { host: full, domain: full, fleet: full })
    await take(HOST)
    expect(await take(HOST)).toMatchObject({ code: 'host_budget', retryAfterSeconds: 1 })
    expect(await take(SIBLING)).toMatchObject({ code: 'domain_budget', retryAfterSeconds: 1 })
    expect(await take(STRANGER)).toMatchObject({ code: 'fleet_budget', retryAfterSeconds: 1 })
  })

  it('is free again in every scope with each release, which may come twice', async () => {
    await using store = await setup()
    const take = budgetOf(store, allScopes({ ...UNREACHED, concurrentMax: 1 }))
    const first = await granted(take(HOST))
    await first.release()
    expect((await take(HOST)).kind).toBe('granted')
    await first.release()
    for (const target of [HOST, SIBLING, STRANGER]) expect((await take(target)).kind).toBe('deferred')
  })

  it('is free again in every scope when a lease ends by itself, as after a killed fetcher', async () => {
    await using store = await setup()
    const leaseSeconds = 120
    const take = budgetOf(store, { ...allScopes({ ...UNREACHED, concurrentMax: 1 }), leaseSeconds })
    await take(HOST)
    await store.moveClock(leaseSeconds / 2)
    for (const target of [HOST, SIBLING, STRANGER]) expect((await take(target)).kind).toBe('deferred')
    await store.moveClock(leaseSeconds + 1)
    expect((await take(HOST)).kind).toBe('granted')
  })

  it('takes a host that is its own registrable domain for both', async () => {
    await using store = await setup()
    const take = budgetOf(store, { domain: { ...UNREACHED, concurrentMax: 1 } })
    const literal = { urgent: true, host: '192.0.2.1', domain: '192.0.2.1' }
    expect((await take(literal)).kind).toBe('granted')
    expect(await take(literal)).toMatchObject({ code: 'domain_budget' })
  })

  it('leaves nothing behind once it ended long ago', async () => {
    await using store = await setup()
    const take = budgetOf(store, { windowSeconds: 60 })
    await take(HOST)
    expect(await deleteEndedBudgets(store.scheduler)).toBe(0)
    await store.moveClock(2 * 3600)
    await take(STRANGER)
    // A lease and three windows.
    expect(await deleteEndedBudgets(store.scheduler)).toBe(4)
    expect(await deleteEndedBudgets(store.scheduler)).toBe(0)
    expect(await attemptsOf(store, STRANGER)).toEqual({ host: 1, domain: 1, fleet: 1 })
  })

  it('cleans up after code of before the three scopes', async () => {
    await using store = await setup()
    const long = new Date(Date.now() - 2 * 3600 * 1000)
    const host = HOST.host
    await store.owner
      .insertInto('cimd.host_windows')
      .values({ host, started_at: long, attempts: 1 })
      .execute()
    await store.owner
      .insertInto('cimd.host_leases')
      .values({ token: crypto.randomUUID(), host, leased_until: long })
      .execute()
    expect(await deleteEndedBudgets(store.scheduler)).toBe(2)
  })
})

function allScopes(limits: ScopeLimits) {
  return { host: limits, domain: limits, fleet: limits }
}

/** Moves the clock to where the next window of a name begins; the answer is how far. */
async function moveToWindow(store: TestStore, name: string): Promise<number> {
  const seconds = await secondsToWindow(store.owner, name)
  await store.moveClock(seconds)
  return seconds
}

async function attemptsOf(store: TestStore, { host, domain }: typeof HOST) {
  const names = new Set([`host ${host}`, `domain ${domain}`, 'fleet '])
  const windows = (await windowsOf(store)).filter(({ scope, name }) => names.has(`${scope} ${name}`))
  return Object.fromEntries(windows.map(({ scope, attempts }) => [scope, attempts]))
}
