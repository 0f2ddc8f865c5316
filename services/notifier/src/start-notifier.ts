import { createGuardedPost, guardedOptions, type InjectedNetwork } from '@cimd/egress'
import { type Consumer, createConsumer, createProducer, type Producer } from '@cimd/queue'
import {
  createLifecycle,
  createLogger,
  type Lifecycle,
  type Logger,
  needed,
  type Repetition,
  repeat,
  type Service,
  startHealthServer,
} from '@cimd/runtime'
import { checkDb, checkSchema, closeDb, type Db, listen, openDb } from '@cimd/store'
import { startBridges } from './bridge/start-bridges.ts'
import type { NotifierConfig } from './config.ts'
import { type DeliverLaneDeps, deliverLane } from './deliver-lane.ts'
import { createDeliverLaneDeps, createDistributeDeps, createWakeLanesDeps } from './deps.ts'
import { distribute } from './distribute.ts'
import { logJobFailure } from './log-events.ts'
import { wakeLanes } from './wake-lanes.ts'

const ROLE = 'cimd_notifier'

/** Lanes that may wait in the queue; more stay due in the store, where each tenant has its turn. */
const WAITING_LANES_MAX = 200
const WAKE_INTERVAL_MS = 500
/** How often feeds are looked at when no notification came. */
const DISTRIBUTE_INTERVAL_MS = 1000

type World = {
  readonly config: NotifierConfig
  readonly log: Logger
  readonly db: Db
  readonly producer: Producer
  readonly isStopping: () => boolean
}

/** Starts the notifier: divides feeds into deliveries, wakes their lanes and tells what waits in them, until it is stopped. */
export async function startNotifier(config: NotifierConfig, network: InjectedNetwork = {}): Promise<Service> {
  const log = createLogger('notifier', config.logLevel)
  // Aborting what runs and closing connections come after the grace.
  const lifecycle = createLifecycle(log, config.shutdownGraceMs + 5000)
  try {
    const { db, producer } = await connect(config, log, lifecycle)
    let stopping = false
    const world: World = { config, log, db, producer, isStopping: () => stopping }
    const bridges = startBridges({ log, db, config: config.bridges, source: config.eventSource })
    lifecycle.onStop('bridges', bridges.stop)
    const checks = { store: () => checkDb(db), queue: producer.check, ...bridges.checks }
    const health = await needed(
      'address (CIMD_HOST, CIMD_NOTIFIER_HEALTH_PORT)',
      startHealthServer({ ...config.health, checks, isStopping: world.isStopping }),
    )
    lifecycle.onStop('health', health.close)
    const rounds = beginRounds(world)
    const consumer = createDeliveries(world, rounds, network)
    lifecycle.onStop('deliveries', () => consumer.drain(config.shutdownGraceMs))
    lifecycle.onStop('lanes', rounds.lanes.stop)
    lifecycle.onStop('feeds', rounds.feeds.stop)
    lifecycle.onStop('listener', await listenToFeeds(world, [rounds.feeds, bridges]))
    lifecycle.onStop('readiness', () => {
      stopping = true
    })
    await consumer.ready()
    log.info({ event: 'service.started', health_port: health.port }, 'notifier started')
    warnOfLoopback(config, log)
    return lifecycle
  } catch (error) {
    await lifecycle.stop()
    throw error
  }
}

async function connect(
  config: NotifierConfig,
  log: Logger,
  lifecycle: Lifecycle,
): Promise<{ readonly db: Db; readonly producer: Producer }> {
  const onError = connectionErrors(log)
  const db = openDb({ url: config.databaseUrl, role: ROLE, connectionsMax: 20, onError })
  lifecycle.onStop('store', () => closeDb(db))
  await needed('database (CIMD_DATABASE_URL)', checkSchema(db, config.environment))

  const producer = createProducer({ url: config.queueUrl, role: ROLE, onError })
  lifecycle.onStop('producer', producer.close)
  await needed('queue (CIMD_QUEUE_URL)', producer.check())
  return { db, producer }
}

/** What is done again and again: `feeds` are divided into deliveries, `lanes` that are due are put on the queue. */
type Rounds = { readonly feeds: Repetition; readonly lanes: Repetition }

function beginRounds({ config, log, db, producer, isStopping }: World): Rounds {
  const wakeLanesDeps = createWakeLanesDeps(db, producer, config)
  const lanes = repeat(
    WAKE_INTERVAL_MS,
    async () => void (await wakeLanes(wakeLanesDeps, WAITING_LANES_MAX)),
    logFailure(log, 'wake_lanes'),
  )
  const distributeDeps = createDistributeDeps(db, isStopping)
  const feeds = repeat(
    DISTRIBUTE_INTERVAL_MS,
    async () => {
      if ((await distribute(distributeDeps)) > 0) lanes.wake()
    },
    logFailure(log, 'distribute'),
  )
  return { feeds, lanes }
}

function createDeliveries(world: World, { feeds, lanes }: Rounds, network: InjectedNetwork): Consumer {
  const { config, log } = world
  const { deadlineMs, wayOut } = config
  const post = createGuardedPost({ deadlineMs, ...guardedOptions(wayOut), ...network })
  const deps: DeliverLaneDeps = createDeliverLaneDeps(world, config, post, feeds.wake)
  return createConsumer({
    ...{ url: config.queueUrl, role: ROLE, onError: connectionErrors(log) },
    queue: 'deliver',
    concurrency: config.concurrency,
    run: async (lane, signal) => {
      await deliverLane(deps, lane, signal)
      lanes.wake()
    },
    onFailed: (failure) => logJobFailure(log, failure),
  })
}

type Woken = { readonly wake: () => void }

async function listenToFeeds({ config, log }: World, woken: readonly Woken[]): Promise<() => Promise<void>> {
  const wakeAll = (): void => {
    for (const { wake } of woken) wake()
  }
  const listener = await listen({
    ...{ url: config.databaseUrl, role: ROLE, onError: connectionErrors(log) },
    channels: ['cimd_feed'],
    onNotification: wakeAll,
    onConnected: wakeAll,
  })
  return listener.close
}

function connectionErrors(log: Logger): (error: Error) => void {
  return (error) => log.warn({ event: 'connection.error', err: error }, 'a connection failed')
}

function logFailure(log: Logger, work: string): (error: unknown) => void {
  return (error) =>
    log.error({ event: `${work}.failed`, err: error }, `the ${work} failed and will be tried again`)
}

function warnOfLoopback({ wayOut }: NotifierConfig, log: Logger): void {
  if (!wayOut.dangerouslyAllowLoopback) return
  const message = 'webhooks may lead to this machine: never in production'
  log.warn({ event: 'dangerous.loopback' }, message)
}
