import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from './fault.ts'

/** All of it must stay below a day, after which clients that nobody asks for are looked after as well. */
const STEP_HOURS_MIN = 2
const STEP_HOURS_MAX = 3
const LATER_MS = 4000

/** The clock of the database leaps, so that every client in use is due at once. */
export function createClockStep(): Fault {
  let offsetSeconds = 0
  return {
    name: 'clock stepped by hours',
    turns: 4,
    disturbsStore: false,
    strike: async ({ moveClock, random }) => {
      offsetSeconds += Math.round(3600 * random.between(STEP_HOURS_MIN, STEP_HOURS_MAX))
      await moveClock(offsetSeconds)
      await sleep(LATER_MS)
      return 1
    },
  }
}
