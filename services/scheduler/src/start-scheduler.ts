import { createProducer } from '@cimd/queue'
import { createLifecycle, createLogger, needed, repeat, type Service, startHealthServer } from '@cimd/runtime'
import {
  chainAudit,
  checkAdvertise,
  checkBrake,
  checkDb,
  checkSchema,
  closeDb,
  type Db,
  listen,
  notify,
  openDb,
  relayOutbox,
} from '@cimd/store'
import { admitWaiting } from './admit-waiting.ts'
import { chainWaiting, logRefusedEntry } from './chain-audit.ts'
import type { SchedulerConfig } from './config.ts'
import { type DutyDeps, dutiesOf, logFailure } from './duties.ts'

const ROLE = 'cimd_scheduler'
const RELAY_ROWS_MAX = 500
const AUDIT_ROWS_MAX = 1000

/** Starts the scheduler: due refreshes, lost work, the order of events, what has expired, and what would end at once. */
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
    const checks = {
      store: () => checkDb(db),
      queue: producer.check,
      brake: { required: false, check: () => checkBrake(db) },
      advertise: { required: false, check: () => checkAdvertise(db) },
    } as const
    const health = await needed(
      'address (CIMD_HOST, CIMD_SCHEDULER_HEALTH_PORT)',
      startHealthServer({ ...config.health, checks, isStopping: () => stopping }),
    )
    lifecycle.onStop('health', health.close)

    const world: DutyDeps = { log, db, producer, config, isStopping: () => stopping }
    for (const { name, intervalMs, work } of dutiesOf(world)) {
      lifecycle.onStop(name, repeat(intervalMs, work, logFailure(log, name)).stop)
    }
    const relay = repeat(config.relayIntervalMs, () => runRelay(db), logFailure(log, 'relay'))
    lifecycle.onStop('relay', relay.stop)
    const admission = repeat(config.sweepIntervalMs, () => admitWaiting(world), logFailure(log, 'admission'))
    lifecycle.onStop('admission', admission.stop)
    const audit = repeat(config.auditIntervalMs, () => runChain(world), logFailure(log, 'audit'))
    lifecycle.onStop('audit', audit.stop)
    const loops = { cimd_outbox: relay, cimd_places: admission } as const
    const listener = await listen({
      ...storeOptions,
      channels: Object.keys(loops) as (keyof typeof loops)[],
      onNotification: (channel) => loops[channel as keyof typeof loops].wake(),
      onConnected: () => {
        for (const loop of Object.values(loops)) loop.wake()
      },
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

async function runChain({ db, log, isStopping }: DutyDeps): Promise<void> {
  await chainWaiting({
    chain: () => chainAudit(db, AUDIT_ROWS_MAX),
    tellRefused: (refused) => logRefusedEntry(log, refused),
    isStopping,
  })
}
