import { loadConfig as loadApiConfig, startApi } from '@cimd/api'
import { loadConfig as loadFetcherConfig, startFetcher } from '@cimd/fetcher'
import { loadConfig as loadNotifierConfig, startNotifier } from '@cimd/notifier'
import { prepareQueueStore } from '@cimd/queue'
import { loadConfig as loadSchedulerConfig, startScheduler } from '@cimd/scheduler'
import {
  closeDb,
  createApiKey,
  type Db,
  dangerouslySetClockOffset,
  ensureTenant,
  migrate,
  openDb,
  STORE_ROLES,
} from '@cimd/store'
import { type Publishers, startPublishers } from './publishers.ts'
import { connectRegistrar, type Registrar } from './registrar.ts'

/** Everything the story plays in. Disposing of it stops all of it. */
export type World = AsyncDisposable & {
  readonly apiUrl: string
  readonly registrar: Registrar
  readonly publishers: Publishers
  /** Moves the database's clock this far ahead of the real one. */
  readonly moveClockTo: (minutes: number) => Promise<void>
}

export type WorldOptions = {
  /** A new database, of a role that may create roles. */
  readonly databaseUrl: string
  /** The database itself by default. */
  readonly queueUrl: string | undefined
  /** Ends the start, and later every call to the api. */
  readonly signal: AbortSignal
}

/** Starts everything; what had been started is stopped again if a part fails. */
export async function startWorld({ databaseUrl, queueUrl, signal }: WorldOptions): Promise<World> {
  await using starting = new AsyncDisposableStack()
  const environment = environmentOf(databaseUrl, queueUrl ?? databaseUrl)
  await migrate(databaseUrl, 'development')
  await prepareQueueStore(environment.CIMD_QUEUE_URL, { grantTo: STORE_ROLES })
  signal.throwIfAborted()

  const db = starting.adopt(openDb({ url: databaseUrl, connectionsMax: 1, onError: () => {} }), closeDb)
  const key = await createTenantKey(db)
  const publishers = starting.adopt(await startPublishers(), ({ close }) => close())
  signal.throwIfAborted()

  const apiUrl = await startServices(starting, environment, publishers)
  signal.throwIfAborted()
  const started = starting.move()
  return {
    apiUrl,
    registrar: connectRegistrar(apiUrl, key, signal),
    publishers,
    moveClockTo: (minutes) => dangerouslySetClockOffset(db, minutes * 60),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

function environmentOf(databaseUrl: string, queueUrl: string) {
  return {
    CIMD_DATABASE_URL: databaseUrl,
    CIMD_QUEUE_URL: queueUrl,
    CIMD_LOG_LEVEL: 'silent',
    CIMD_SHUTDOWN_GRACE_MS: '2000',
    CIMD_API_PORT: '0',
    CIMD_FETCHER_HEALTH_PORT: '0',
    CIMD_SCHEDULER_HEALTH_PORT: '0',
    CIMD_NOTIFIER_HEALTH_PORT: '0',
    // All publishers of the demo live on this machine.
    CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS: 'true',
  }
}

async function createTenantKey(db: Db): Promise<string> {
  return await createApiKey(db, await ensureTenant(db, 'demo'), ['resolve', 'events'])
}

async function startServices(
  starting: AsyncDisposableStack,
  environment: ReturnType<typeof environmentOf>,
  { network }: Publishers,
): Promise<string> {
  const api = starting.adopt(await startApi(loadApiConfig(environment)), ({ stop }) => stop())
  starting.adopt(await startFetcher(loadFetcherConfig(environment), network), ({ stop }) => stop())
  starting.adopt(await startNotifier(loadNotifierConfig(environment), network), ({ stop }) => stop())
  starting.adopt(await startScheduler(loadSchedulerConfig(environment)), ({ stop }) => stop())
  return `http://127.0.0.1:${api.port}`
}
