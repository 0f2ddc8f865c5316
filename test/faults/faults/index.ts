import { createClockStep } from './clock.ts'
import { crashingDocument } from './crash.ts'
import { DEPLOY_FAULTS } from './deploys.ts'
import type { Fault } from './fault.ts'
import { killsOf } from './kills.ts'
import { LINK_FAULTS } from './links.ts'
import { QUEUE_FAULTS } from './queue.ts'
import { STORE_FAULTS } from './store.ts'

/** Every fault of a run, with a memory of its own where it needs one. */
export function createFaults(): readonly Fault[] {
  return [
    ...[
      killsOf('api', 6, 8),
      killsOf('fetcher', 4, 16),
      killsOf('scheduler', 6, 8),
      killsOf('notifier', 6, 8),
    ],
    ...STORE_FAULTS,
    ...QUEUE_FAULTS,
    ...LINK_FAULTS,
    ...[createClockStep(), ...DEPLOY_FAULTS, crashingDocument],
  ]
}
