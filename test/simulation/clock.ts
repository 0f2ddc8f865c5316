import { type Db, dangerouslySetClockOffset } from '@cimd/store'
import type { Instant } from './kinds.ts'

/** The clock of the simulation: the database's own, moved on again and again; between two moves it runs. */
export type VirtualClock = {
  /** Moves the database's clock to an instant, unless it is past it already. */
  readonly moveTo: (at: Instant) => Promise<void>
  readonly now: () => Instant
  /** As an instant of the simulation. */
  readonly since: (date: Date) => Instant
}

/** Begins at the present; `db` and this process read the clock of one machine. */
export function createClock(db: Db): VirtualClock {
  const beganMs = Date.now()
  let offsetSeconds = 0
  const since = (date: Date): Instant => (date.getTime() - beganMs) / 1000
  const now = (): Instant => (Date.now() - beganMs) / 1000 + offsetSeconds
  return {
    now,
    since,
    moveTo: async (at) => {
      const ahead = at - now()
      if (ahead <= 0) return
      offsetSeconds += ahead
      await dangerouslySetClockOffset(db, offsetSeconds)
    },
  }
}
