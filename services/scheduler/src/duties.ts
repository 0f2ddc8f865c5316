import type { HostPace } from '@cimd/core'
import type { Producer } from '@cimd/queue'
import type { Logger } from '@cimd/runtime'
import {
  applyDueActions,
  applyResourceActions,
  type BrakeCount,
  countBrakeFacts,
  type Db,
  type EngagedBrake,
  engageBrake,
  findOutdated,
  inTransaction,
  lockDueClients,
  lockDueResources,
  lockHostPaces,
  lockOutdated,
  notify,
  readBrake,
  readRulesStatus,
  recordRevalidated,
  saveHostPaces,
  updateAdvertise,
} from '@cimd/store'
import { logAdvertiseChanged } from './advertise-events.ts'
import { logBrakeEngaged, logBrakeReleased } from './brake-events.ts'
import type { SchedulerConfig } from './config.ts'
import { createJudging } from './judge-decisions.ts'
import { prune, pruneTasks } from './prune.ts'
import { createRevalidation, type RevalidateDeps } from './revalidate.ts'
import { logRevalidated, logRulesPending } from './rules-events.ts'
import { type ResourceSweepDeps, sweepDueResources } from './sweep-due-resources.ts'
import { type SweepDeps, type SweepLimits, sweepDueWork } from './sweep-due-work.ts'
import { createAdvertiseWatch, type WatchAdvertiseDeps } from './watch-advertise.ts'
import { createBrakeWatch } from './watch-brake.ts'

const BRAKE_INTERVAL_MS = 2000
const ADVERTISE_INTERVAL_MS = 1000
const REVALIDATE_INTERVAL_MS = 1000
const DECISIONS_INTERVAL_MS = 1000
const PRUNE_INTERVAL_MS = 10 * 60 * 1000

/** What the scheduler does again and again, besides the relay, which others wake. */
export type Duty = {
  readonly name: string
  readonly intervalMs: number
  readonly work: () => Promise<void>
}

/** What duties are done with. */
export type DutyDeps = {
  readonly log: Logger
  readonly db: Db
  readonly producer: Pick<Producer, 'waitingCount' | 'enqueue'>
  readonly config: SchedulerConfig
  readonly isStopping: () => boolean
}

/** Every duty, each with a rhythm of its own: none waits for another, and none runs twice at once. */
export function dutiesOf({ log, db, producer, config, isStopping }: DutyDeps): readonly Duty[] {
  const { sweepIntervalMs } = config
  const clients = createSweepDeps(db, producer)
  const resources = createResourceSweepDeps(db, producer)
  const tasks = pruneTasks(db, config.retention, config.auditRetentionDays)
  return [
    { name: 'sweep', intervalMs: sweepIntervalMs, work: () => runSweep(log, clients, config) },
    {
      name: 'resource_sweep',
      intervalMs: sweepIntervalMs,
      work: () => runResourceSweep(log, resources, config.refreshQueueMax),
    },
    { name: 'prune', intervalMs: PRUNE_INTERVAL_MS, work: () => runPrune(log, tasks, isStopping) },
    { name: 'brake_watch', intervalMs: BRAKE_INTERVAL_MS, work: createBrakeDuty(log, db, config) },
    {
      name: 'advertise_watch',
      intervalMs: ADVERTISE_INTERVAL_MS,
      work: createAdvertiseDuty(log, db, config),
    },
    {
      name: 'revalidation',
      intervalMs: REVALIDATE_INTERVAL_MS,
      work: createRevalidationDuty(log, db, config),
    },
    { name: 'decisions', intervalMs: DECISIONS_INTERVAL_MS, work: createDecisionsDuty(log, db, isStopping) },
  ]
}

async function runSweep(log: Logger, deps: SweepDeps, limits: SweepLimits): Promise<void> {
  const enqueued = await sweepDueWork(deps, limits)
  if (enqueued > 0) log.info({ event: 'sweep.enqueued', jobs: enqueued }, 'due work enqueued')
}

function createDecisionsDuty(log: Logger, db: Db, isStopping: () => boolean): () => Promise<void> {
  const judge = createJudging(db)
  return async () => {
    const { judged, changed, tenants, unreadable } = await judge(isStopping)
    await notify(
      db,
      tenants.map((payload) => ({ channel: 'cimd_feed', payload })),
    )
    if (judged > 0) log.info({ event: 'decisions.judged', clients: judged, changed }, 'clients judged anew')
    if (unreadable.length > 0) {
      log.error(
        { event: 'policy.unreadable', tenants: unreadable },
        'policies cannot be read by this release',
      )
    }
  }
}

/** The store and the queue of a sweep. */
export function createSweepDeps(
  db: Db,
  { waitingCount, enqueue }: Pick<Producer, 'waitingCount' | 'enqueue'>,
): SweepDeps {
  return {
    withDueClients: ({ limit, urgentOnly }, decide) =>
      inTransaction(db, async (trx) => {
        const paces = {
          read: (hosts: readonly string[]) => lockHostPaces(trx, hosts),
          write: (after: ReadonlyMap<string, HostPace>) => saveHostPaces(trx, after),
        }
        const decided = await decide(await lockDueClients(trx, limit, { urgentOnly }), paces)
        if (decided.length > 0) await applyDueActions(trx, decided)
        return decided
      }),
    waitingRefreshes: () => waitingCount('refresh'),
    enqueue,
  }
}

/** The same for key sets and logos. */
export function createResourceSweepDeps(
  db: Db,
  { waitingCount, enqueue }: Pick<Producer, 'waitingCount' | 'enqueue'>,
): ResourceSweepDeps {
  return {
    withDueResources: ({ limit, urgentOnly }, decide) =>
      inTransaction(db, async (trx) => {
        const decided = decide(await lockDueResources(trx, limit, { urgentOnly }))
        if (decided.length > 0) await applyResourceActions(trx, decided)
        return decided
      }),
    waitingRefreshes: () => waitingCount('refresh'),
    enqueue,
  }
}

async function runResourceSweep(
  log: Logger,
  deps: ResourceSweepDeps,
  refreshQueueMax: number,
): Promise<void> {
  const enqueued = await sweepDueResources(deps, refreshQueueMax)
  if (enqueued > 0) log.info({ event: 'resource_sweep.enqueued', jobs: enqueued }, 'due resources enqueued')
}

async function runPrune(
  log: Logger,
  tasks: ReturnType<typeof pruneTasks>,
  isStopping: () => boolean,
): Promise<void> {
  const onError = (task: string, error: unknown): void => logFailure(log, `prune_${task}`)(error)
  const deleted = await prune(tasks, { onError, isStopping })
  if (Object.keys(deleted).length > 0) log.info({ event: 'prune.deleted', rows: deleted }, 'old rows deleted')
}

function createBrakeDuty(log: Logger, db: Db, config: SchedulerConfig): () => Promise<void> {
  const deps = {
    read: () => readBrake(db),
    count: () => countBrakeFacts(db, config.brake.share),
    engage: (decision: Parameters<typeof engageBrake>[1]) => engageBrake(db, decision),
    alert: (engaged: EngagedBrake, count: BrakeCount) => logBrakeEngaged(log, engaged, count),
    tellReleased: () => logBrakeReleased(log),
    monotonicMs: () => performance.now(),
  }
  return createBrakeWatch(deps, config.brake)
}

function createAdvertiseDuty(log: Logger, db: Db, config: SchedulerConfig): () => Promise<void> {
  const deps: WatchAdvertiseDeps = {
    update: (judge) => updateAdvertise(db, judge),
    announce: () => notify(db, [{ channel: 'cimd_outbox', payload: '' }]),
    tell: (verdict) => logAdvertiseChanged(log, verdict),
  }
  return createAdvertiseWatch(deps, config.advertise)
}

function createRevalidationDuty(log: Logger, db: Db, config: SchedulerConfig): () => Promise<void> {
  const deps: RevalidateDeps = {
    readStatus: () => readRulesStatus(db),
    find: (rulesVersion, slice) => findOutdated(db, rulesVersion, slice),
    withLocked: (rulesVersion, clients, decide) =>
      inTransaction(db, async (trx) =>
        recordRevalidated(trx, rulesVersion, decide(await lockOutdated(trx, rulesVersion, clients))),
      ),
    tellPending: (approved) => logRulesPending(log, approved),
    tellWalked: (counts) => logRevalidated(log, counts),
    monotonicMs: () => performance.now(),
  }
  return createRevalidation(deps, config.revalidationsPerSecond)
}

/** Tells of a failure of work that will be tried again. */
export function logFailure(log: Logger, work: string): (error: unknown) => void {
  return (error) =>
    log.error({ event: `${work}.failed`, err: error }, `the ${work} failed and will be tried again`)
}
