import { type AdvertiseThresholds, type AdvertiseVerdict, judgeAdvertise } from '@cimd/core'
import type { JudgeAdvertise } from '@cimd/store'

/** What watching the way to publishers needs from the world. */
export type WatchAdvertiseDeps = {
  /** Undefined: another is at it. */
  readonly update: (
    judge: JudgeAdvertise,
  ) => Promise<{ readonly verdict: AdvertiseVerdict; readonly changed: boolean } | undefined>
  /** Wakes the relay for the event of a change. */
  readonly announce: () => Promise<void>
  readonly tell: (verdict: AdvertiseVerdict) => void
}

/** Judges, each time it is called, whether authorization servers may advertise, and tells of a change (SRV-04). */
export function createAdvertiseWatch(
  deps: WatchAdvertiseDeps,
  thresholds: AdvertiseThresholds,
): () => Promise<void> {
  const judge: JudgeAdvertise = (verdict, facts, now) => judgeAdvertise(verdict, facts, now, thresholds)
  return async () => {
    const updated = await deps.update(judge)
    if (!updated?.changed) return
    deps.tell(updated.verdict)
    await deps.announce()
  }
}
