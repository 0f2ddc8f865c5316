import type { FetchPhase, PhaseTimes } from '@cimd/core'

/** Which phase a fetch is in, and how long each took. */
export type PhaseClock = { phase(): FetchPhase; enter(next: FetchPhase): void; times(): PhaseTimes }

/** Starts in the phase `url`. */
export function startPhaseClock(): PhaseClock {
  const startedAt = performance.now()
  const spent: { -readonly [K in keyof PhaseTimes]?: PhaseTimes[K] } = {}
  let current: FetchPhase = 'url'
  let enteredAt = startedAt
  const settle = (now: number) => {
    spent[`${current}Ms`] = now - enteredAt
  }
  return {
    phase: () => current,
    enter: (next) => {
      const now = performance.now()
      settle(now)
      current = next
      enteredAt = now
    },
    times: () => {
      const now = performance.now()
      settle(now)
      return { ...spent, totalMs: now - startedAt }
    },
  }
}
