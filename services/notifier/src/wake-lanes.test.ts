import { describe, expect, it, vi } from 'vitest'
import { wakeLanes } from './wake-lanes.ts'

const LANES = [
  { subscription: 'a', lane: '1' },
  { subscription: 'b', lane: '0' },
]

function setup(waiting: number) {
  return {
    countWaiting: async () => waiting,
    lease: vi.fn(async (limit: number) => LANES.slice(0, limit)),
    enqueue: vi.fn(async () => {}),
  }
}

describe(wakeLanes, () => {
  it('puts what is due on the queue, as far as there is room', async () => {
    const deps = setup(198)
    expect(await wakeLanes(deps, 200)).toBe(2)
    expect(deps.lease).toHaveBeenCalledExactlyOnceWith(2)
    expect(deps.enqueue).toHaveBeenCalledExactlyOnceWith(LANES)
  })

  it('leases nothing while the queue is full', async () => {
    const deps = setup(200)
    expect(await wakeLanes(deps, 200)).toBe(0)
    expect(deps.lease).not.toHaveBeenCalled()
  })
})
