import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLifecycle } from './lifecycle.ts'

function setup(boundMs = 1000) {
  const logged: { event: string; step: string }[] = []
  const log = pino({}, { write: (line: string) => logged.push(JSON.parse(line)) })
  return { lifecycle: createLifecycle(log, boundMs), logged }
}
const never = () => new Promise<void>(() => {})

describe('createLifecycle', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('stops the newest first, each only when the one before has ended', async () => {
    const { lifecycle, logged } = setup()
    const order: string[] = []
    lifecycle.onStop('store', () => {
      order.push('store')
    })
    lifecycle.onStop('server', async () => {
      order.push('server begins')
      await Promise.resolve()
      order.push('server ends')
    })
    await lifecycle.stop()
    expect(order).toEqual(['server begins', 'server ends', 'store'])
    expect(logged).toEqual([])
  })

  it('stops once, however often it is asked', async () => {
    const { lifecycle } = setup()
    const stop = vi.fn()
    lifecycle.onStop('store', stop)
    await Promise.all([lifecycle.stop(), lifecycle.stop()])
    await lifecycle.stop()
    expect(stop).toHaveBeenCalledOnce()
  })

  it.each<[string, () => Promise<void>]>([
    ['rejects', () => Promise.reject(new Error('broken'))],
    [
      'throws',
      () => {
        throw new Error('broken')
      },
    ],
  ])('goes on after a step that %s, and says so', async (_, step) => {
    const { lifecycle, logged } = setup()
    const stop = vi.fn()
    lifecycle.onStop('store', stop)
    lifecycle.onStop('server', step)
    await lifecycle.stop()
    expect(stop).toHaveBeenCalledOnce()
    expect(logged).toMatchObject([{ event: 'stop.failed', step: 'server', err: { message: 'broken' } }])
  })

  it('leaves a late step behind at the bound, and says so', async () => {
    const { lifecycle, logged } = setup(1000)
    const stop = vi.fn()
    lifecycle.onStop('store', stop)
    lifecycle.onStop('server', never)
    const stopped = lifecycle.stop()
    await vi.advanceTimersByTimeAsync(999)
    expect(stop).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    await stopped
    expect(stop).toHaveBeenCalledOnce()
    expect(logged).toMatchObject([{ event: 'stop.late', step: 'server' }])
  })

  it('has one bound for all steps together, and still asks each of them to stop', async () => {
    const { lifecycle, logged } = setup(1000)
    const begun: string[] = []
    for (const name of ['a', 'b', 'c']) {
      lifecycle.onStop(name, () => {
        begun.push(name)
        return never()
      })
    }
    const stopped = lifecycle.stop()
    // The last timers are of no length, but of the event loop.
    await vi.advanceTimersByTimeAsync(1000)
    await vi.advanceTimersByTimeAsync(2)
    await stopped
    expect(begun).toEqual(['c', 'b', 'a'])
    expect(logged.map(({ event, step }) => [event, step])).toEqual([
      ['stop.late', 'c'],
      ['stop.late', 'b'],
      ['stop.late', 'a'],
    ])
  })

  it('does not call a step late that ends at once after the bound', async () => {
    const { lifecycle, logged } = setup(1000)
    lifecycle.onStop('store', async () => {})
    lifecycle.onStop('server', never)
    const stopped = lifecycle.stop()
    await vi.advanceTimersByTimeAsync(1000)
    await stopped
    expect(logged.map(({ step }) => step)).toEqual(['server'])
  })

  it('leaves no timer behind', async () => {
    const { lifecycle } = setup()
    lifecycle.onStop('store', async () => {})
    await lifecycle.stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})
