import { createHostBudget, deleteEndedBudgets, type HostBudgetLimits } from '@cimd/store'
import { expect, it } from 'vitest'
import { describeStore, setup, type TestStore } from './store-bundle.ts'

const HOST = { urgent: true, host: 'client.example.net' }
const OTHER_HOST = { urgent: true, host: 'other.example.net' }
const LIMITS: HostBudgetLimits = { concurrentMax: 2, windowSeconds: 60, windowMax: 5, leaseSeconds: 8 }

describeStore('the budget of a host (FET-23)', () => {
  it('lets as many run at once as it says, and asks the next to come back in a second', async () => {
    await using store = await setup()
    const take = budgetOf(store)
    expect([(await take(HOST)).kind, (await take(HOST)).kind]).toEqual(['granted', 'granted'])
    expect(await take(HOST)).toEqual({ kind: 'deferred', code: 'host_budget', retryAfterSeconds: 1 })
  })

  it('keeps half of it for users: what nobody waits for is put off first', async () => {
    await using store = await setup()
    const take = budgetOf(store, { concurrentMax: 2 })
    const background = { ...HOST, urgent: false }
    expect([(await take(background)).kind, (await take(background)).kind]).toEqual(['granted', 'deferred'])
    expect((await take(HOST)).kind).toBe('granted')
  })

  it('is free again with each release, which may come twice', async () => {
    await using store = await setup()
    const take = budgetOf(store, { concurrentMax: 1 })
    const first = await take(HOST)
    if (first.kind !== 'granted') throw new Error('not granted')
    await first.release()
    const second = await take(HOST)
    expect(second.kind).toBe('granted')
    await first.release()
    expect((await take(HOST)).kind).toBe('deferred')
  })

  it('is free again when a lease ends by itself, as after a killed fetcher', async () => {
    await using store = await setup()
    const take = budgetOf(store, { concurrentMax: 1 })
    await take(HOST)
    await store.moveClock(LIMITS.leaseSeconds - 1)
    expect((await take(HOST)).kind).toBe('deferred')
    await store.moveClock(LIMITS.leaseSeconds + 1)
    expect((await take(HOST)).kind).toBe('granted')
  })

  it('bounds the attempts of a window and says how long the window still lasts', async () => {
    await using store = await setup()
    const take = budgetOf(store, { concurrentMax: 100 })
    for (let n = 0; n < LIMITS.windowMax; n += 1) expect((await take(HOST)).kind).toBe('granted')
    await store.moveClock(20)
    const answer = await take(HOST)
    if (answer.kind !== 'deferred') throw new Error('not deferred')
    expect(answer.retryAfterSeconds).toBeGreaterThan(35)
    expect(answer.retryAfterSeconds).toBeLessThanOrEqual(40)
    await store.moveClock(20 + answer.retryAfterSeconds)
    expect((await take(HOST)).kind).toBe('granted')
  })

  it('begins a new window with its own count', async () => {
    await using store = await setup()
    const take = budgetOf(store, { concurrentMax: 100 })
    for (const seconds of [0, 61]) {
      await store.moveClock(seconds)
      for (let n = 0; n < LIMITS.windowMax; n += 1) expect((await take(HOST)).kind).toBe('granted')
      expect((await take(HOST)).kind).toBe('deferred')
    }
  })

  it('does not count what it refused', async () => {
    await using store = await setup()
    const take = budgetOf(store, { concurrentMax: 1, windowMax: 2 })
    const first = await take(HOST)
    for (let n = 0; n < 5; n += 1) expect((await take(HOST)).kind).toBe('deferred')
    if (first.kind === 'granted') await first.release()
    expect((await take(HOST)).kind).toBe('granted')
  })

  it('is each host its own', async () => {
    await using store = await setup()
    const take = budgetOf(store, { concurrentMax: 1, windowMax: 1 })
    await take(HOST)
    expect((await take(HOST)).kind).toBe('deferred')
    expect((await take(OTHER_HOST)).kind).toBe('granted')
  })

  it.each([
    ['runs', { concurrentMax: 3, windowMax: 100 }],
    ['attempts', { concurrentMax: 100, windowMax: 3 }],
  ])('never grants more %s than its limit to 20 that ask at once', async (_what, limits) => {
    await using store = await setup({ connectionsMax: 20 })
    const take = budgetOf(store, limits)
    const answers = await Promise.all(Array.from({ length: 20 }, () => take(HOST)))
    expect(answers.filter(({ kind }) => kind === 'granted')).toHaveLength(3)
  })

  it('leaves nothing behind once it ended long ago', async () => {
    await using store = await setup()
    const take = budgetOf(store)
    await take(HOST)
    expect(await deleteEndedBudgets(store.scheduler)).toBe(0)
    await store.moveClock(2 * 3600)
    await take(OTHER_HOST)
    expect(await deleteEndedBudgets(store.scheduler)).toBe(2)
    expect(await deleteEndedBudgets(store.scheduler)).toBe(0)
  })
})

function budgetOf({ fetcher }: TestStore, limits: Partial<HostBudgetLimits> = {}) {
  return createHostBudget(fetcher, { ...LIMITS, ...limits })
}
