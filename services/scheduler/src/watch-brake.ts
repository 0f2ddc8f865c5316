import { type BrakeThresholds, decideBrake } from '@cimd/core'
import type { BrakeCount, BrakeStatus, EngagedBrake } from '@cimd/store'

/** What watching the brake needs from the world. */
export type WatchBrakeDeps = {
  readonly read: () => Promise<BrakeStatus>
  readonly count: () => Promise<Exclude<BrakeCount, { readonly uncounted: unknown }>>
  /** False: another was faster, or an operator has disarmed it meanwhile. */
  readonly engage: (decision: { readonly heldFrom: Date; readonly reason: string }) => Promise<boolean>
  /** Tells an operator that the brake is engaged, and what it holds if that could be counted. */
  readonly alert: (engaged: EngagedBrake, count: BrakeCount) => void
  /** Tells that an operator has released it. */
  readonly tellReleased: () => void
  readonly monotonicMs: () => number
}

/** An engaged brake is told again this often: often enough for an alert that looks at the last minutes. */
export const BRAKE_ALERT_INTERVAL_MS = 60_000

/**
 * Looks at the brake, each time it is called: engages it when too many clients would end, and alerts while it is engaged.
 * Nothing is counted while that can change nothing, since there may be very much to count then.
 */
export function createBrakeWatch(deps: WatchBrakeDeps, thresholds: BrakeThresholds): () => Promise<void> {
  let alerted: { readonly atMs: number; readonly engagedAt: number } | undefined
  return async () => {
    const engaged = await engageIfNeeded(deps, thresholds)
    if (engaged === undefined) {
      if (alerted !== undefined) deps.tellReleased()
      alerted = undefined
      return
    }
    const nowMs = deps.monotonicMs()
    const engagedAt = engaged.engagedAt.getTime()
    // It may have been released and engaged again between two looks: that is another alert.
    const isTold = alerted?.engagedAt === engagedAt && nowMs - alerted.atMs < BRAKE_ALERT_INTERVAL_MS
    if (isTold) return
    deps.alert(engaged, await countOrWhyNot(deps))
    alerted = { atMs: nowMs, engagedAt }
  }
}

// A store on which counting fails is one that an operator has to hear of all the more.
async function countOrWhyNot({ count }: WatchBrakeDeps): Promise<BrakeCount> {
  try {
    return await count()
  } catch (error) {
    return { uncounted: error }
  }
}

/** The brake if it is engaged, now or already. */
async function engageIfNeeded(
  deps: WatchBrakeDeps,
  thresholds: BrakeThresholds,
): Promise<EngagedBrake | undefined> {
  const before = await deps.read()
  if (before.engaged !== undefined || before.disarmedUntil !== undefined) return before.engaged
  const { facts, now } = await deps.count()
  const decision = decideBrake(facts, now, thresholds)
  if (decision.kind === 'leave') return undefined
  await deps.engage(decision)
  return (await deps.read()).engaged
}
