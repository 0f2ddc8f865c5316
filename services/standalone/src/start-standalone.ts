import { startApi } from '@cimd/api'
import { startEmbeddedPostgres } from '@cimd/embedded'
import { type FetcherNetwork, startFetcher } from '@cimd/fetcher'
import { startNotifier } from '@cimd/notifier'
import { prepareQueueStore } from '@cimd/queue'
import { createLifecycle, createLogger, type Lifecycle, type Service } from '@cimd/runtime'
import { startScheduler } from '@cimd/scheduler'
import {
  closeDb,
  hasApiKey,
  inTransaction,
  issueKey,
  migrate,
  openDb,
  openTenant,
  STORE_ROLES,
} from '@cimd/store'
import type { StandaloneConfig, Stores } from './config.ts'
import { writeConnectionFile } from './connection-file.ts'

/** Everything in one process. `apiKey` is there only at the first start: it is not kept. */
export type Standalone = Service & { readonly apiUrl: string; readonly apiKey: string | undefined }

const SCOPES = ['resolve', 'events']

/** Longer than the services' own shutdowns one after the other, which are bounded themselves. */
const STOP_BOUND_MS = 60_000

/**
 * Starts the database (embedded unless one is named), migrates it, makes the tenant and its first key, and runs
 * all services on it. `tell` gets what a person at the terminal should know.
 */
export async function startStandalone(
  config: StandaloneConfig,
  tell: (message: string) => void,
  network: FetcherNetwork = {},
): Promise<Standalone> {
  const lifecycle = createLifecycle(createLogger('standalone', 'warn'), STOP_BOUND_MS)
  try {
    const stores = await openStores(config, lifecycle, tell)
    await migrate(stores.databaseUrl, config.environment)
    await prepareQueueStore(stores.queueUrl, { grantTo: STORE_ROLES, onWarning: tell })
    const apiKey = await makeFirstKey(stores.databaseUrl, config.tenant)

    const services = config.services(stores)
    const scheduler = await startScheduler(services.scheduler)
    lifecycle.onStop('scheduler', scheduler.stop)
    const fetcher = await startFetcher(services.fetcher, network)
    lifecycle.onStop('fetcher', fetcher.stop)
    const notifier = await startNotifier(services.notifier, network)
    lifecycle.onStop('notifier', notifier.stop)
    const api = await startApi(services.api)
    lifecycle.onStop('api', api.stop)

    const apiUrl = `http://${services.api.listen.host}:${api.port}`
    lifecycle.onStop('connection file', writeConnectionFile(config.dataDirectory, { ...stores, apiUrl }))
    return { apiUrl, apiKey, stop: lifecycle.stop }
  } catch (error) {
    await lifecycle.stop()
    throw error
  }
}

async function openStores(
  config: StandaloneConfig,
  lifecycle: Lifecycle,
  tell: (message: string) => void,
): Promise<Stores> {
  if (config.databaseUrl !== undefined) {
    return { databaseUrl: config.databaseUrl, queueUrl: config.queueUrl ?? config.databaseUrl }
  }
  const embedded = await startEmbeddedPostgres({ directory: config.dataDirectory, onNotice: tell })
  lifecycle.onStop('embedded database', embedded.stop)
  return { databaseUrl: embedded.url, queueUrl: config.queueUrl ?? embedded.url }
}

const STARTED_BY = { kind: 'service', id: 'standalone' } as const

async function makeFirstKey(databaseUrl: string, tenant: string): Promise<string | undefined> {
  const db = openDb({ url: databaseUrl, role: 'cimd_operator', connectionsMax: 1, onError: () => {} })
  try {
    return await inTransaction(db, async (trx) => {
      const { id: tenantId } = await openTenant(trx, tenant, STARTED_BY)
      if (await hasApiKey(trx, tenantId)) return undefined
      return (await issueKey(trx, { tenantId, by: STARTED_BY }, { scopes: SCOPES })).key
    })
  } finally {
    await closeDb(db)
  }
}
