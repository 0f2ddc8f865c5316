import { prepareQueueStore } from '@cimd/queue'
import { createApiKey, type Db, ensureTenant, openDb, STORE_ROLES } from '@cimd/store'
import { type ApiClient, createApiClient } from './api-client.ts'
import { DEFAULT_ADDRESSES, type Origin } from './origin.ts'
import {
  type LogLine,
  type ServiceName,
  type ServiceProcess,
  startPatiently,
  type Wrapper,
} from './service-process.ts'

/** The whole system as it is deployed: each service a process, a real store and queue, an origin on loopback. */
export type Pipeline = {
  readonly databaseUrl: string
  readonly queueUrl: string
  /** As the owner of the database, for what only tests do. */
  readonly db: Db
  readonly tenantId: string
  readonly api: ApiClient
  /** Another tenant's client of the same api. */
  readonly addTenant: (name: string) => Promise<ApiClient>
  readonly running: (name: ServiceName) => ServiceProcess
  readonly logOf: (name: ServiceName) => readonly LogLine[]
  readonly start: (name: ServiceName, options?: StartOptions) => Promise<ServiceProcess>
  /** Stops one service in order and waits for its end. */
  readonly stop: (name: ServiceName) => Promise<number | undefined>
  readonly close: () => Promise<void>
}

export type StartOptions = {
  readonly environment?: Readonly<Record<string, string>>
  readonly wrapper?: Wrapper
}

export type PipelineOptions = {
  readonly databaseUrl: string
  readonly queueUrl: string
  readonly origin: Pick<Origin, 'port' | 'ca'>
  /** Names that resolve to something else than the origin's public-looking address. */
  readonly resolutions?: Readonly<Record<string, readonly string[]>>
  readonly services?: readonly ServiceName[]
  readonly environment?: Readonly<Record<string, string>>
  /** Nobody has judged yet what may be advertised; otherwise that was long ago, and no feed begins with it. */
  readonly unjudged?: boolean
  readonly options?: Partial<Record<ServiceName, StartOptions>>
}

const SERVICES: readonly ServiceName[] = ['api', 'fetcher', 'scheduler']
const SCOPES = ['resolve', 'events']

/** Starts the named services (all but the notifier by default) on a migrated database. */
export async function startPipeline(options: PipelineOptions): Promise<Pipeline> {
  const { databaseUrl, queueUrl } = options
  await prepareQueueStore(queueUrl, { grantTo: STORE_ROLES })
  const db = openDb({ url: databaseUrl, onError: () => {} })
  if (!options.unjudged) {
    const judged = { advertise: true, why: null, judged_at: new Date() }
    await db.updateTable('cimd.advertise').set(judged).execute()
  }
  const tenantId = await ensureTenant(db, 'first')
  const key = await createApiKey(db, tenantId, SCOPES)
  const running = new Map<ServiceName, ServiceProcess>()

  const start = async (name: ServiceName, given: StartOptions = {}): Promise<ServiceProcess> => {
    const environment = { ...environmentOf(options), ...options.environment, ...given.environment }
    const service = await startPatiently(name, environment, given.wrapper)
    running.set(name, service)
    return service
  }
  const get = (name: ServiceName): ServiceProcess => {
    const service = running.get(name)
    if (service === undefined) throw new Error(`the ${name} has not been started`)
    return service
  }
  const stop = (name: ServiceName): Promise<number | undefined> => {
    get(name).kill('SIGTERM')
    return get(name).exited
  }
  const baseUrl = (): string => `http://127.0.0.1:${get('api').port}`

  await Promise.all((options.services ?? SERVICES).map((name) => start(name, options.options?.[name])))
  return {
    databaseUrl,
    queueUrl,
    db,
    tenantId,
    api: createApiClient(baseUrl, key),
    addTenant: async (name) => {
      const id = await ensureTenant(db, name)
      return createApiClient(baseUrl, await createApiKey(db, id, SCOPES))
    },
    running: get,
    logOf: (name) => running.get(name)?.log ?? [],
    start,
    stop,
    close: async () => {
      await Promise.all([...running.keys()].map(stop))
      await db.destroy()
    },
  }
}

function environmentOf(options: PipelineOptions): Record<string, string> {
  const { databaseUrl, queueUrl, origin, resolutions = {} } = options
  const network = { port: origin.port, ca: origin.ca, resolutions, defaultAddresses: DEFAULT_ADDRESSES }
  return {
    CIMD_DATABASE_URL: databaseUrl,
    CIMD_QUEUE_URL: queueUrl,
    CIMD_API_PORT: '0',
    CIMD_FETCHER_HEALTH_PORT: '0',
    CIMD_SCHEDULER_HEALTH_PORT: '0',
    // When the clock is moved by hours, whoever waits has waited for hours.
    CIMD_OVERLOAD_ADMITTED_MIN: '100000',
    // Tests are one subject of one tenant, and ask for more than any would.
    CIMD_TENANT_CONTACTS_PER_HOUR: '1000000',
    CIMD_SUBJECT_CONTACTS_PER_HOUR: '1000000',
    CIMD_TENANT_RESOLVES_PER_SECOND: '1000000',
    CIMD_NOTIFIER_HEALTH_PORT: '0',
    CIMD_TEST_NETWORK: JSON.stringify(network),
  }
}
