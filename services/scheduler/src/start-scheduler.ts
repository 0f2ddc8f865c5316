import { createProducer } from '@cimd/queue'
import {
  createLifecycle,
  createLogger,
  type Logger,
  needed,
  type Service,
  startHealthServer,
} from '@cimd/runtime'
import {
  applyDueActions,
  checkDb,
  checkSchema,
  closeDb,
  type Db,
  deleteEndedBudgets,
  deleteExpiredTickets,
  inTransaction,
  listen,
  lockDueClients,
  notify,
  openDb,
  relayOutbox,
} from '@cimd/store'
import type { SchedulerConfig } from './config.ts'
import { repeat } from './repeat.ts'
import { type SweepDeps, sweepDueWork } from './sweep-due-work.ts'

const ROLE = 'cimd_scheduler'
const RELAY_ROWS_MAX = 500
const PRUNE_INTERVAL_MS = 10 * 60 * 1000

/** Starts the scheduler: due refreshes, lost work, the order of events, and what has expired. */
export async function startScheduler(config: SchedulerConfig): Promise<Service> {
  const log = createLogger('scheduler', config.logLevel)
  const lifecycle = createLifecycle(log, config.shutdownGraceMs)
  const onError = (error: Error): void =>
    log.warn({ event: 'connection.error', err: error }, 'a connection failed')
  try {
    const storeOptions = { url: config.databaseUrl, role: ROLE, onError } as const
    const db = openDb(storeOptions)
    lifecycle.onStop('store', () => closeDb(db))
    await needed('database (CIMD_DATABASE_URL)', checkSchema(db, config.environment))

    const producer = createProducer({ url: config.queueUrl, role: ROLE, onError })
    lifecycle.onStop('producer', producer.close)
    await needed('queue (CIMD_QUEUE_URL)', producer.check())

    let stopping = false
    const checks = { store: () => checkDb(db), queue: producer.check }
    const health = await needed(
      'address (CIMD_HOST, CIMD_SCHEDULER_HEALTH_PORT)',
      startHealthServer({ ...config.health, checks, isStopping: () => stopping }),
    )
    lifecycle.onStop('health', health.close)

    const sweepDeps: SweepDeps = {
      withDueClients: ({ limit, urgentOnly }, decide) =>
        inTransaction(db, async (trx) => {
          const decided = decide(await lockDueClients(trx, limit, { urgentOnly }))
          if (decided.length > 0) await applyDueActions(trx, decided)
          return decided
        }),
      waitingRefreshes: () => producer.waitingCount('refresh'),
      enqueue: producer.enqueue,
    }
    const sweep = repeat(
      config.sweepIntervalMs,
      () => runSweep(log, sweepDeps, config.refreshQueueMax),
      failed(log, 'sweep'),
    )
    lifecycle.onStop('sweep', sweep.stop)
    const prune = repeat(PRUNE_INTERVAL_MS, () => runPrune(log, db), failed(log, 'prune'))
    lifecycle.onStop('prune', prune.stop)

    const relay = repeat(config.relayIntervalMs, () => runRelay(db), failed(log, 'relay'))
    lifecycle.onStop('relay', relay.stop)
    const listener = await listen({
      ...storeOptions,
      channels: ['cimd_outbox'],
      onNotification: relay.wake,
      onConnected: relay.wake,
    })
    lifecycle.onStop('listener', listener.close)
    lifecycle.onStop('readiness', () => {
      stopping = true
    })
    log.info({ event: 'service.started', health_port: health.port }, 'scheduler started')
    return lifecycle
  } catch (error) {
    await lifecycle.stop()
    throw error
  }
}

async function runSweep(log: Logger, deps: SweepDeps, refreshQueueMax: number): Promise<void> {
  const enqueued = await sweepDueWork(deps, refreshQueueMax)
  if (enqueued > 0) log.info({ event: 'sweep.enqueued', jobs: enqueued }, 'due work enqueued')
}

// Until the outbox is empty: a burst must not wait for one interval per batch.
async function runRelay(db: Db): Promise<void> {
  for (;;) {
    const { relayed, tenants } = await relayOutbox(db, RELAY_ROWS_MAX)
    await notify(
      db,
      tenants.map((tenant) => ({ channel: 'cimd_feed', payload: tenant })),
    )
    if (relayed === 0) return
  }
}

async function runPrune(log: Logger, db: Db): Promise<void> {
  const deleted = (await deleteExpiredTickets(db)) + (await deleteEndedBudgets(db))
  if (deleted > 0) log.info({ event: 'prune.deleted', rows: deleted }, 'expired rows deleted')
}

function failed(log: Logger, work: string): (error: unknown) => void {
  return (error) =>
    log.error({ event: `${work}.failed`, err: error }, `the ${work} failed and will be tried again`)
}
