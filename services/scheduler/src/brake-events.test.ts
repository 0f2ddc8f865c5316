import { createLogger } from '@cimd/runtime'
import type { BrakeCount } from '@cimd/store'
import { describe, expect, it } from 'vitest'
import { logBrakeEngaged } from './brake-events.ts'

const engagedAt = new Date('2026-11-20T12:00:00Z')
const heldFrom = new Date('2026-11-20T11:00:00Z')
const counted = { inUse: 90_000, ending: 5000, endingByDomain: [5000], failingCanaries: 1 }
const count = {
  now: new Date('2026-11-20T20:00:00Z'),
  held: { clients: 4900, firstEndsAt: new Date('2026-11-21T11:05:00Z') },
  facts: { ...counted, engaged: true, disarmedUntil: undefined },
}

function linesOf(counted: BrakeCount) {
  const lines: string[] = []
  const log = createLogger('scheduler', 'info', { write: (line) => lines.push(line) })
  logBrakeEngaged(log, { engagedAt, heldFrom, reason: 'a test' }, counted)
  return lines.map((line) => JSON.parse(line))
}

describe('logBrakeEngaged', () => {
  it('says how many are held, and until when an operator has to decide', () => {
    expect(linesOf(count)).toMatchObject([
      {
        ...{ level: 50, event: 'brake.engaged', reason: 'a test' },
        ...{ engaged_at: '2026-11-20T12:00:00.000Z', held_from: '2026-11-20T11:00:00.000Z' },
        ...{ clients_in_use_at_least: 90_000, clients_ending: 5000, clients_held: 4900, canaries_failing: 1 },
        first_hold_ends_at: '2026-11-21T11:05:00.000Z',
        msg: expect.stringMatching(/a day at most.*`cimd brake`/),
      },
    ])
  })

  it('says that it is engaged without the numbers that could not be counted, and why there are none', () => {
    const [alert, why, ...more] = linesOf({ uncounted: new Error('the count took too long') })
    expect(alert).toMatchObject({ level: 50, event: 'brake.engaged', reason: 'a test' })
    expect(Object.keys(alert).filter((key) => /^(clients|canaries|first_hold)/.test(key))).toEqual([])
    expect(why).toMatchObject({
      ...{ level: 50, event: 'brake.uncounted', err: { message: 'the count took too long' } },
      msg: expect.stringContaining('holds all the same'),
    })
    expect(more).toEqual([])
  })
})
