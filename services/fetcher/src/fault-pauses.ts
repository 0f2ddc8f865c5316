import type { ResourceClaim } from '@cimd/store'

/** How long to leave alone what faults of ours keep from being fetched. */
export type FaultPauses = {
  /** Notes a fault that struck a claim; gives the seconds to leave its resource alone. */
  readonly secondsAfter: (struck: Pick<ResourceClaim, 'resource' | 'generation' | 'urgent'>) => number
}

/** At first what a lost claim takes to be free again, so that whoever waits for keys loses no more by a passing fault. */
const PAUSE_SECONDS = { min: 20, max: 60 * 60 } as const
/** Whatever was left alone for longest has been tried again by then, here or by another fetcher. */
const FORGOTTEN_AFTER_SECONDS = 2 * PAUSE_SECONDS.max

/**
 * Pauses that grow while a fault lasts, except where somebody waits: who comes later joins a pause of urgent work, and
 * cannot end it. They are of this process, as most faults of ours are: another fetcher may have what it takes.
 * `monotonicMs`: of a clock that never jumps.
 */
export function createFaultPauses(monotonicMs: () => number): FaultPauses {
  /** In the order of the last fault. */
  const struck = new Map<
    string,
    { readonly generation: number; readonly sinceMs: number; readonly lastMs: number }
  >()
  const forgetOld = (nowMs: number): void => {
    for (const [resource, { lastMs }] of struck) {
      if (nowMs - lastMs <= FORGOTTEN_AFTER_SECONDS * 1000) return
      struck.delete(resource)
    }
  }
  return {
    secondsAfter: ({ resource, generation, urgent }) => {
      const nowMs = monotonicMs()
      forgetOld(nowMs)
      const before = struck.get(resource)
      // A resource is wanted anew once it was fetched, be it by another fetcher, or has moved: this fault is then a first one.
      const sinceMs = before?.generation === generation ? before.sinceMs : nowMs
      struck.delete(resource)
      struck.set(resource, { generation, sinceMs, lastMs: nowMs })
      if (urgent) return PAUSE_SECONDS.min
      // Waiting as long again as it has lasted so far doubles the pause each time without a counter.
      return Math.min(Math.max((nowMs - sinceMs) / 1000, PAUSE_SECONDS.min), PAUSE_SECONDS.max)
    },
  }
}
