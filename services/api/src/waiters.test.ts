import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createWaiters } from './waiters.ts'

describe('createWaiters', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('wakes everybody who waits for the key, and nobody else', async () => {
    const waiters = createWaiters()
    const woken = ['a', 'a', 'b'].map((key) => waiters.register(key).woken(1000))
    waiters.wake('a')
    await vi.advanceTimersByTimeAsync(1000)
    expect(await Promise.all(woken)).toEqual([true, true, false])
  })

  it('wakes at once, not at the bound', async () => {
    const waiters = createWaiters()
    const woken = waiters.register('a').woken(1000)
    waiters.wake('a')
    expect(await woken).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('keeps a wake that comes between registering and waiting', async () => {
    const waiters = createWaiters()
    const waiter = waiters.register('a')
    waiters.wake('a')
    expect(await waiter.woken(1000)).toBe(true)
  })

  it('keeps a wake that comes between two waits', async () => {
    const waiters = createWaiters()
    const waiter = waiters.register('a')
    waiters.wake('a')
    await waiter.woken(1000)
    waiters.wake('a')
    expect(await waiter.woken(1000)).toBe(true)
  })

  it('takes each wake for one wait', async () => {
    const waiters = createWaiters()
    const waiter = waiters.register('a')
    waiters.wake('a')
    waiters.wake('a')
    expect(await waiter.woken(1000)).toBe(true)
    const again = waiter.woken(1000)
    await vi.advanceTimersByTimeAsync(1000)
    expect(await again).toBe(false)
  })

  it.each([0, -1])('does not wait when %d ms are left, but tells of a wake', async (leftMs) => {
    const waiters = createWaiters()
    const waiter = waiters.register('a')
    expect(await waiter.woken(leftMs)).toBe(false)
    waiters.wake('a')
    expect(await waiter.woken(leftMs)).toBe(true)
  })

  it('waits no longer than it may', async () => {
    const ended = vi.fn()
    const waiter = createWaiters().register('a')
    const waited = waiter.woken(1000).then(ended)
    await vi.advanceTimersByTimeAsync(999)
    expect(ended).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    await waited
    expect(ended).toHaveBeenCalledWith(false)
  })

  it('wakes all after a reconnect: what was notified meanwhile is unknown', async () => {
    const waiters = createWaiters()
    const woken = ['a', 'b'].map((key) => waiters.register(key).woken(1000))
    waiters.wakeAll()
    expect(await Promise.all(woken)).toEqual([true, true])
  })

  it('wakes nobody who has cancelled, and everybody who has not', async () => {
    const waiters = createWaiters()
    const [gone, waiting] = [waiters.register('a'), waiters.register('a')]
    gone.cancel()
    waiters.wake('a')
    expect(await gone.woken(0)).toBe(false)
    expect(await waiting.woken(0)).toBe(true)
  })

  it('does not let a second cancel touch who came later', async () => {
    const waiters = createWaiters()
    const gone = waiters.register('a')
    gone.cancel()
    const waiter = waiters.register('a')
    gone.cancel()
    waiters.wake('a')
    expect(await waiter.woken(0)).toBe(true)
  })

  it('ends every wait when it stops, and lets none begin', async () => {
    const waiters = createWaiters()
    const waiter = waiters.register('a')
    const waiting = waiter.woken(1000)
    waiters.stop()
    expect(await waiting).toBe(false)
    expect(await waiter.woken(1000)).toBe(false)
    expect(await waiters.register('b').woken(1000)).toBe(false)
    expect(vi.getTimerCount()).toBe(0)
  })
})
