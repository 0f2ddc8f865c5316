import type { AddressInfo } from 'node:net'
import { createProducer } from '@cimd/queue'
import { createLifecycle, createLogger, type Lifecycle, needed, type Service } from '@cimd/runtime'
import {
  API_KEYS_PER_TENANT_MAX,
  type ClientView,
  checkAdvertise,
  checkBrake,
  checkDb,
  checkSchema,
  closeDb,
  type Db,
  listen,
  openDb,
} from '@cimd/store'
import { createApp } from './app.ts'
import { createAuditAnswer } from './audit-answers.ts'
import type { ApiConfig } from './config.ts'
import { createPolicies } from './policies.ts'
import { feedKey } from './read-events.ts'
import { createPublicRefreshBudget } from './refresh-budget.ts'
import { createResolveRate } from './resolve-rate.ts'
import { shareReads } from './shared-read.ts'
import { startOverloadWatch } from './start-overload-watch.ts'
import { createWaiters } from './waiters.ts'

const ROLE = 'cimd_api'

/** Operators are few, and nobody who logs in waits for them. */
const OPERATOR_CONNECTIONS = 2

/** Starts the api; `port` is the one it listens on. */
export async function startApi(config: ApiConfig): Promise<Service & { readonly port: number }> {
  const log = createLogger('api', config.logLevel)
  const lifecycle = createLifecycle(log, config.shutdownGraceMs)
  const onError = (error: Error): void =>
    log.warn({ event: 'connection.error', err: error }, 'a connection failed')
  const onQueueDown = (error: Error): void =>
    log.error(
      { event: 'queue.down', err: error },
      'the queue (CIMD_QUEUE_URL) cannot be used: first contacts wait for it',
    )
  try {
    const storeOptions = { url: config.databaseUrl, role: ROLE, onError } as const
    const db = openDb({ ...storeOptions, connectionsMax: config.databaseConnections })
    lifecycle.onStop('store', () => closeDb(db))
    await needed('database (CIMD_DATABASE_URL)', checkSchema(db, config.environment))

    const operatorDb = config.operatorRoutes ? await openOperatorDb(config, lifecycle, onError) : undefined

    const producer = createProducer({ url: config.queueUrl, role: ROLE, onError })
    lifecycle.onStop('producer', producer.close)
    await producer.check().catch(onQueueDown)

    const waiters = createWaiters()
    const listener = await listen({
      ...storeOptions,
      channels: ['cimd_done', 'cimd_feed'],
      onNotification: (channel, payload) =>
        waiters.wake(channel === 'cimd_feed' ? feedKey(payload) : payload),
      onConnected: waiters.wakeAll,
    })
    lifecycle.onStop('listener', listener.close)

    const overload = startOverloadWatch({ db, log }, config.overload)
    lifecycle.onStop('overload watch', overload.stop)

    let stopping = false
    const app = await createApp({
      db,
      enqueue: producer.enqueue,
      waiters,
      readShared: shareReads<ClientView>(),
      policies: createPolicies(db),
      auditAnswer: createAuditAnswer(db),
      log,
      waitMsMax: config.waitMsMax,
      eventSource: config.eventSource,
      eventStreamsPerTenantMax: config.eventStreamsPerTenantMax,
      subscriptionsPerTenantMax: config.subscriptionsPerTenantMax,
      tenantLimits: {
        subscriptions: config.subscriptionsPerTenantMax,
        event_streams: config.eventStreamsPerTenantMax,
        keys: API_KEYS_PER_TENANT_MAX,
      },
      operatorDb,
      takePublicRefresh: config.publicRefresh.enabled
        ? createPublicRefreshBudget(config.publicRefresh.perMinute, () => performance.now())
        : undefined,
      identifiers: config.identifiers,
      clientLimits: config.clientLimits,
      fleetReputation: config.fleetReputation,
      placesMax: config.placesMax,
      quotas: config.quotas,
      takeResolve: createResolveRate(() => performance.now()),
      overload,
      random: Math.random,
      // Without the queue a known client is answered all the same, and a first contact once it is back.
      checks: {
        store: () => checkDb(db),
        queue: { required: false, check: producer.check },
        brake: { required: false, check: () => checkBrake(db) },
        advertise: { required: false, check: () => checkAdvertise(db) },
        load: { required: false, check: overload.check },
      },
      isStopping: () => stopping,
    })
    lifecycle.onStop('server', () => app.close())
    // Whoever waits is answered `pending` now, so that a stop is not held up by them.
    lifecycle.onStop('waiters', waiters.stop)
    lifecycle.onStop('readiness', () => {
      stopping = true
    })
    await needed('address (CIMD_HOST, CIMD_API_PORT)', app.listen(config.listen))
    const { port } = app.server.address() as AddressInfo
    log.info({ event: 'service.started', port }, 'api started')
    return { port, stop: lifecycle.stop }
  } catch (error) {
    await lifecycle.stop()
    throw error
  }
}

async function openOperatorDb(
  { databaseUrl, environment }: ApiConfig,
  lifecycle: Lifecycle,
  onError: (error: Error) => void,
): Promise<Db> {
  const role = 'cimd_operator'
  const db = openDb({ url: databaseUrl, role, connectionsMax: OPERATOR_CONNECTIONS, onError })
  lifecycle.onStop('store of operators', () => closeDb(db))
  await needed('database (CIMD_DATABASE_URL, for CIMD_OPERATOR_ROUTES)', checkSchema(db, environment))
  return db
}
