import { describe, expect, it } from 'vitest'
import { createWorld, mostWithinAMinute } from './sweep-world.fixture.ts'

const HOST = 'busy.example.net'
const MINUTE_MS = 60_000
const GRACE_MS = 15 * MINUTE_MS

describe('retries after a publisher\u2019s word (CAC-14)', () => {
  it('come after 1, 2, 4, 8 and 13 minutes and at the end, behind 10,000 documents of the same host', async () => {
    const world = createWorld()
    const [falseAlarm = ''] = world.add(HOST, 1, { isGone: true })
    world.add(HOST, 10_000)
    await world.sweepUntil(34 * MINUTE_MS)
    const minutes = world.startsOf(falseAlarm).map((startedMs) => startedMs / MINUTE_MS)
    expect(minutes).toHaveLength(7)
    for (const [n, planned] of [0, 1, 2, 4, 8, 13, 15].entries()) {
      // Late by the sweeps that first look at what is new, and by what the host is asked just then.
      expect(minutes[n]).toBeGreaterThanOrEqual(planned)
      expect(minutes[n]).toBeLessThanOrEqual(planned + 0.25)
    }
    expect(world.startsAt(HOST)).toHaveLength(10_007)
    expect(mostWithinAMinute(world.startsAt(HOST))).toBeLessThanOrEqual(306)
  })

  it('of 10,000 documents gone at once keep to the pace of the host, and none is tried twice before each was once', async () => {
    const world = createWorld()
    const clients = world.add(HOST, 10_000, { isGone: true })
    world.failAll()
    await world.sweepUntil(GRACE_MS)
    const starts = world.startsAt(HOST)
    expect(mostWithinAMinute(starts)).toBeLessThanOrEqual(306)
    // All that the pace allows in the time from the first retry to the end.
    expect(starts.length).toBeGreaterThanOrEqual(14 * 300 - 10)
    const tries = clients.map((client) => world.startsOf(client).length)
    expect(Math.max(...tries)).toBe(1)
  })

  it('of 300 documents gone at once are spread evenly over them', async () => {
    const world = createWorld()
    const clients = world.add(HOST, 300, { isGone: true })
    world.add(HOST, 10_000)
    world.failAll()
    await world.sweepUntil(GRACE_MS + MINUTE_MS)
    const tries = clients.map((client) => world.startsOf(client).length)
    expect(Math.min(...tries)).toBeGreaterThanOrEqual(5)
    expect(mostWithinAMinute(world.startsAt(HOST))).toBeLessThanOrEqual(306)
  })
})
