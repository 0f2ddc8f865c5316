import type { LaneRef } from '@cimd/store'

/** What waking lanes needs from the world. */
export type WakeLanesDeps = {
  /** How many jobs wait in the queue. */
  readonly countWaiting: () => Promise<number>
  /** Up to so many lanes that are due, of each tenant in turn. */
  readonly lease: (limit: number) => Promise<readonly LaneRef[]>
  readonly enqueue: (lanes: readonly LaneRef[]) => Promise<void>
}

/**
 * Puts lanes that are due on the queue, which is kept short: whoever is in it goes before a tenant that has had nothing for
 * long. A lane whose job is lost, or could not be enqueued, is due again when its lease has run out.
 */
export async function wakeLanes(deps: WakeLanesDeps, waitingMax: number): Promise<number> {
  const room = waitingMax - (await deps.countWaiting())
  if (room <= 0) return 0
  const lanes = await deps.lease(room)
  await deps.enqueue(lanes)
  return lanes.length
}
