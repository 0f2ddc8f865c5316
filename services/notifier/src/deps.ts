import { randomUUID } from 'node:crypto'
import { ENDPOINT_FAILURES_MAX, type GuardedPost } from '@cimd/core'
import type { Producer } from '@cimd/queue'
import type { Logger } from '@cimd/runtime'
import {
  claimLane,
  type Db,
  fanOut,
  leaseDueLanes,
  notify,
  releaseLane,
  settleDelivery,
  settleVerification,
} from '@cimd/store'
import type { NotifierConfig } from './config.ts'
import type { DeliverLaneDeps } from './deliver-lane.ts'
import type { DistributeDeps } from './distribute.ts'
import { logTold, logVerification } from './log-events.ts'
import { createTenantTurns } from './tenant-turns.ts'
import type { WakeLanesDeps } from './wake-lanes.ts'

/** Events of one feed that are divided in one transaction. */
const FAN_OUT_EVENTS_MAX = 500

/** The store of distributing. */
export function createDistributeDeps(db: Db, isStopping: () => boolean): DistributeDeps {
  return { fanOut: () => fanOut(db, FAN_OUT_EVENTS_MAX), isStopping }
}

/** The store and the queue of waking lanes. */
export function createWakeLanesDeps(
  db: Db,
  producer: Pick<Producer, 'waitingCount' | 'wakeLanes'>,
  { perTenant, perSubscription }: Pick<NotifierConfig, 'perTenant' | 'perSubscription'>,
): WakeLanesDeps {
  return {
    countWaiting: () => producer.waitingCount('deliver'),
    lease: (limit) =>
      leaseDueLanes(db, { limit, perTenant, perSubscription, failuresMax: ENDPOINT_FAILURES_MAX }),
    enqueue: producer.wakeLanes,
  }
}

/** The store of delivering, around any way to post. `onVerified`: a subscription has begun to be told its feed. */
export function createDeliverLaneDeps(
  { db, log, isStopping }: { readonly db: Db; readonly log: Logger; readonly isStopping: () => boolean },
  { eventSource, perTenant }: Pick<NotifierConfig, 'eventSource' | 'perTenant'>,
  post: GuardedPost,
  onVerified: () => void,
): DeliverLaneDeps {
  // Of its subscription that is disabled a tenant learns by its feed.
  const announce = (tenant: string) => notify(db, [{ channel: 'cimd_feed', payload: tenant }])
  return {
    claim: (lane) => claimLane(db, lane),
    takeTurn: createTenantTurns(perTenant),
    post,
    settle: (claim, told) => settleDelivery(db, claim, told),
    settleVerification: (claim, given) => settleVerification(db, claim, given),
    release: (claim, pauseMs) => releaseLane(db, claim, pauseMs),
    onTold: async (told) => {
      logTold(log, told)
      const { claim, settled } = told
      if (settled.kind === 'settled' && settled.verdict.disabled !== undefined) await announce(claim.tenant)
    },
    onVerification: async (end) => {
      logVerification(log, end)
      if (end.settled === 'verified') onVerified()
      if (end.settled === 'given_up') await announce(end.claim.tenant)
    },
    ...{ eventSource, isStopping, monotonicMs: () => performance.now(), now: () => new Date() },
    random: Math.random,
    randomId: randomUUID,
  }
}
