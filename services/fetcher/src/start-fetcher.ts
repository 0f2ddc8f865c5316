import { fileURLToPath } from 'node:url'
import { type Consumer, createConsumer, createProducer, type Producer } from '@cimd/queue'
import {
  createLifecycle,
  createLogger,
  type Lifecycle,
  type Logger,
  needed,
  type Service,
  startHealthServer,
} from '@cimd/runtime'
import { checkDb, checkSchema, closeDb, type Db, endLife, openDb, signLife } from '@cimd/store'
import type { FetcherConfig } from './config.ts'
import { createDeps, createRegistrationDeps, createResourceDeps } from './deps.ts'
import { createIsolation, type TakeIsolation } from './isolation/isolate.ts'
import { logBrokenDecoder } from './log-broken-decoder.ts'
import { logDeath } from './log-death.ts'
import { logJobFailure } from './log-fetch-end.ts'
import { createDecoderCheck } from './logo/decoder-check.ts'
import { type RunJobDeps, runJob } from './run-job.ts'
import { signOfLife } from './sign-of-life.ts'
import {
  createNameServerQuestion,
  createWayOut,
  type FetcherNetwork,
  type IsolatedScript,
} from './way-out.ts'

const ROLE = 'cimd_fetcher'

/** Starts the fetcher: takes jobs from both queues until it is stopped. */
export async function startFetcher(config: FetcherConfig, network: FetcherNetwork = {}): Promise<Service> {
  const log = createLogger('fetcher', config.logLevel)
  // Aborting what runs and closing connections come after the grace.
  const lifecycle = createLifecycle(log, config.shutdownGraceMs + 5000)
  try {
    const { db, producer } = await connect(config, log, lifecycle)
    const stopping = new AbortController()
    const checks = { store: () => checkDb(db), queue: producer.check }
    const health = await needed(
      'address (CIMD_HOST, CIMD_FETCHER_HEALTH_PORT)',
      startHealthServer({ ...config.health, checks, isStopping: () => stopping.signal.aborted }),
    )
    lifecycle.onStop('health', health.close)

    const jobDeps = createJobDeps({ config, network, log, db, producer }, stopping.signal)
    const consumers = createConsumers(config, jobDeps)
    lifecycle.onStop('consumers', async () => {
      await Promise.all(consumers.map((consumer) => consumer.drain(config.shutdownGraceMs)))
      await Promise.all(consumers.map((consumer) => consumer.close()))
    })
    lifecycle.onStop('readiness', () => stopping.abort(new Error('the fetcher is stopping')))
    await Promise.all([...consumers.map((consumer) => consumer.ready()), jobDeps.canDecode()])
    lifecycle.onStop('sign of life', beginSigns(log, db, producer).stop)
    log.info({ event: 'service.started', health_port: health.port }, 'fetcher started')
    warnOfLoopback(config, log)
    return lifecycle
  } catch (error) {
    await lifecycle.stop()
    throw error
  }
}

async function connect(
  config: FetcherConfig,
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

type Parts = {
  readonly config: FetcherConfig
  readonly network: FetcherNetwork
  readonly log: Logger
  readonly db: Db
  readonly producer: Producer
}

function createJobDeps({ config, network, log, db, producer }: Parts, stopping: AbortSignal): RunJobDeps {
  const fetchResource = createWayOut(config, network)
  const takeIsolation = isolationOf(config, network, log)
  const askNameServers = createNameServerQuestion(config, network)
  const wayTo = { fetchResource, askNameServers }
  const documents = createDeps(db, config, wayTo, producer.enqueue, takeIsolation)
  const resources = createResourceDeps(db, config, fetchResource, takeIsolation)
  const { encodeLogo, monotonicMs } = resources
  const onBroken = (reason: unknown): void => logBrokenDecoder(log, reason)
  const canDecode = createDecoderCheck({ encodeLogo, monotonicMs, onBroken }, stopping)
  const registrations = createRegistrationDeps(db, config, fetchResource)
  return { log, documents, resources, registrations, canDecode }
}

function createConsumers(config: FetcherConfig, deps: RunJobDeps): readonly Consumer[] {
  return (['fetch', 'refresh'] as const).map((queue) =>
    createConsumer({
      ...{ url: config.queueUrl, role: ROLE, onError: connectionErrors(deps.log) },
      queue,
      concurrency: config.concurrency[queue],
      run: (job, signal) => runJob(deps, queue, job, signal),
      onFailed: (failure) => logJobFailure(deps.log, failure),
    }),
  )
}

// The consumers' queue is the producer's: what does not answer the one gives the others no jobs.
function beginSigns(log: Logger, db: Db, producer: Producer): ReturnType<typeof signOfLife> {
  return signOfLife({
    checkIntake: producer.check,
    sign: (id) => signLife(db, id),
    end: (id) => endLife(db, id),
    onError: (error) =>
      log.warn({ event: 'sign_of_life.failed', err: error }, 'a sign of life could not be given'),
  })
}

function connectionErrors(log: Logger): (error: Error) => void {
  return (error) => log.warn({ event: 'connection.error', err: error }, 'a connection failed')
}

function warnOfLoopback({ wayOut }: FetcherConfig, log: Logger): void {
  if (!wayOut.dangerouslyAllowLoopback) return
  const message = 'documents may be fetched from this machine: never in production'
  log.warn({ event: 'dangerous.loopback' }, message)
}

const ISOLATED_SCRIPT = fileURLToPath(new URL('./main-isolated.ts', import.meta.url))

// Where the network is another than the Internet, the script that has it has to be given as well.
function isolationOf(config: FetcherConfig, network: FetcherNetwork, log: Logger): TakeIsolation | undefined {
  const own: IsolatedScript = { script: ISOLATED_SCRIPT, environment: {} }
  const script = Object.keys(network).length === 0 ? own : network.isolated
  const { fetch, wayOut } = config
  return (
    script &&
    createIsolation({
      // Of the configuration no more than this, since the rest has secrets.
      config: { fetch, wayOut },
      script,
      onDeath: (url, death) => logDeath(log, url, death),
    })
  )
}
