import { createFetchDocument, type Dial, dangerousEnvironment, type Resolve } from '@cimd/egress'
import { createConsumer, createProducer, type QueueName } from '@cimd/queue'
import {
  ConfigError,
  createLifecycle,
  createLogger,
  needed,
  type Service,
  startHealthServer,
} from '@cimd/runtime'
import {
  checkDb,
  checkSchema,
  claimClient,
  closeDb,
  createHostBudget,
  type Db,
  deferClaim,
  doneKey,
  notify,
  openDb,
  recordAttempt,
  releaseClaim,
} from '@cimd/store'
import type { FetcherConfig } from './config.ts'
import { logFetchEnd, logJobFailure } from './events.ts'
import { type FetchClientDeps, fetchClient } from './fetch-client.ts'

/** What tests and the demo put in place of the real Internet. */
export type InjectedNetwork = { readonly resolve?: Resolve; readonly dial?: Dial; readonly ca?: string }

const ROLE = 'cimd_fetcher'

/** The claim outlasts the longest fetch and its recording; a killed fetcher's work is free after it. */
const CLAIM_LEASE_SECONDS = 8

/** Variables that would weaken TLS or DNS behind our back. Throws when one is set. */
export function refuseDangerousEnvironment(environment: Readonly<Record<string, string | undefined>>): void {
  const names = dangerousEnvironment(environment)
  if (names.length === 0) return
  throw new ConfigError(
    names.map((name) => `${name}: unset it, the fetcher decides on TLS, DNS and proxies itself`),
  )
}

/** Starts the fetcher: takes jobs from both queues until it is stopped. */
export async function startFetcher(config: FetcherConfig, network: InjectedNetwork = {}): Promise<Service> {
  const log = createLogger('fetcher', config.logLevel)
  // Aborting what runs and closing connections come after the grace.
  const lifecycle = createLifecycle(log, config.shutdownGraceMs + 5000)
  const onError = (error: Error): void =>
    log.warn({ event: 'connection.error', err: error }, 'a connection failed')
  try {
    const db = openDb({ url: config.databaseUrl, role: ROLE, connectionsMax: 20, onError })
    lifecycle.onStop('store', () => closeDb(db))
    await needed('database (CIMD_DATABASE_URL)', checkSchema(db, config.environment))

    const queueOptions = { url: config.queueUrl, role: ROLE, onError }
    const producer = createProducer(queueOptions)
    lifecycle.onStop('producer', producer.close)
    await needed('queue (CIMD_QUEUE_URL)', producer.check())

    let stopping = false
    const checks = { store: () => checkDb(db), queue: producer.check }
    const health = await needed(
      'address (CIMD_HOST, CIMD_FETCHER_HEALTH_PORT)',
      startHealthServer({ ...config.health, checks, isStopping: () => stopping }),
    )
    lifecycle.onStop('health', health.close)

    const deps = createDeps(db, config, network, producer.enqueue)
    const consumers = (['fetch', 'refresh'] as const).map((queue) =>
      createConsumer({
        ...queueOptions,
        queue,
        concurrency: config.concurrency[queue],
        run: async ({ client }, signal) => {
          logFetchEnd(log, queue, client, await fetchClient(deps, client, signal))
        },
        onFailed: (failure) => logJobFailure(log, failure),
      }),
    )
    lifecycle.onStop('consumers', async () => {
      await Promise.all(consumers.map((consumer) => consumer.drain(config.shutdownGraceMs)))
      await Promise.all(consumers.map((consumer) => consumer.close()))
    })
    lifecycle.onStop('readiness', () => {
      stopping = true
    })
    await Promise.all(consumers.map((consumer) => consumer.ready()))
    log.info({ event: 'service.started', health_port: health.port }, 'fetcher started')
    if (config.fetch.dangerouslyAllowLoopback) {
      log.warn(
        { event: 'dangerous.loopback' },
        'documents may be fetched from this machine: never in production',
      )
    }
    return lifecycle
  } catch (error) {
    await lifecycle.stop()
    throw error
  }
}

function createDeps(
  db: Db,
  config: FetcherConfig,
  network: InjectedNetwork,
  enqueue: (queue: QueueName, clients: readonly string[]) => Promise<void>,
): FetchClientDeps {
  return {
    claim: (client) => claimClient(db, client, CLAIM_LEASE_SECONDS),
    takeBudget: createHostBudget(db, {
      concurrentMax: config.hostBudget.concurrentMax,
      windowSeconds: 60,
      windowMax: config.hostBudget.attemptsPerMinute,
      leaseSeconds: CLAIM_LEASE_SECONDS,
    }),
    fetchDocument: createFetchDocument({ ...config.fetch, ...network }),
    record: (record) => recordAttempt(db, record),
    announce: (claim, events) =>
      notify(db, [
        { channel: 'cimd_done', payload: doneKey(claim.clientId) },
        ...(events > 0 ? [{ channel: 'cimd_outbox' as const, payload: '' }] : []),
      ]),
    enqueue: (queue, client) => enqueue(queue, [client]),
    defer: (claim, code, seconds) => deferClaim(db, claim, code, seconds),
    release: (claim) => releaseClaim(db, claim),
    monotonicMs: () => performance.now(),
    random: Math.random,
  }
}
