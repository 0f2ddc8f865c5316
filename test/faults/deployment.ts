import { rmSync } from 'node:fs'
import { prepareQueueStore } from '@cimd/queue'
import { createApiKey, ensureTenant, migrate, openDb, STORE_ROLES } from '@cimd/store'
import { type ApiClient, createApiClient } from '../harness/api-client.ts'
import { createAuthority } from '../harness/authority.ts'
import { type CuttableLink, openCuttableLink } from '../harness/cuttable-link.ts'
import { freePort, makeDirectory } from '../harness/local-server.ts'
import { DEFAULT_ADDRESSES, type Origin, startOrigin } from '../harness/origin.ts'
import { createDatabase } from '../harness/postgres.ts'
import { withEdits } from './edits/environment.ts'
import { type OwnedPostgres, startOwnedPostgres } from './owned-postgres.ts'
import { type OwnedRedis, startOwnedRedis } from './owned-redis.ts'
import { queueOf } from './queue.ts'
import { createSupervisor, type Member, type Supervisor } from './supervisor.ts'
import type { Queue } from './world.ts'

/** The whole system as it is deployed, on servers of our own. */
export type Deployment = AsyncDisposable & {
  readonly postgres: OwnedPostgres
  readonly databaseUrl: string
  readonly queue: Queue
  readonly links: { readonly store: CuttableLink; readonly queue: CuttableLink }
  readonly origin: Origin
  readonly apiUrl: string
  readonly tenants: ReadonlyMap<string, ApiClient>
  readonly supervisor: Supervisor
}

export type DeploymentOptions = {
  readonly queue: 'redis' | 'postgres'
  /** What the processes of one service load otherwise than it is written, by service. */
  readonly releases: Readonly<Partial<Record<Member['service'], Readonly<Record<string, string>>>>>
  readonly onEvent: (line: string) => void
}

const MEMBERS: readonly Member[] = [
  { name: 'api', service: 'api' },
  { name: 'fetcher-1', service: 'fetcher' },
  { name: 'fetcher-2', service: 'fetcher' },
  { name: 'scheduler', service: 'scheduler' },
  { name: 'notifier', service: 'notifier' },
]
const TENANTS = ['first', 'second', 'third']

type Servers = Pick<Deployment, 'postgres' | 'databaseUrl' | 'queue' | 'links' | 'origin'>

/** Starts it; the fetchers end by a document with the marker unless they are of another release. */
export async function deploy(options: DeploymentOptions): Promise<Deployment> {
  await using stack = new AsyncDisposableStack()
  const servers = await startServers(options.queue, stack)
  const apiPort = await freePort()
  const apiUrl = `http://127.0.0.1:${apiPort}`
  const tenants = await createTenants(servers.databaseUrl, apiUrl)
  const compileCache = makeDirectory('cimd-faults-compiled-')
  stack.defer(() => rmSync(compileCache, { recursive: true, force: true }))
  const common = { ...environmentOf(servers, apiPort), NODE_COMPILE_CACHE: compileCache }
  const releases: DeploymentOptions['releases'] = {
    fetcher: withEdits('crash-on-marker'),
    ...options.releases,
  }
  const supervisor = createSupervisor({
    members: MEMBERS,
    environmentOf: ({ service }, id) => {
      return { ...common, CIMD_USER_AGENT: `cimd-faults/${id}`, ...releases[service] }
    },
    onEvent: options.onEvent,
  })
  stack.defer(supervisor.close)
  await supervisor.allReady()
  // Hundreds of starts on two cores: compiled once is enough, and what is compiled is written at an orderly end alone.
  await Promise.all(MEMBERS.map(({ name }) => supervisor.stop(name)))
  await supervisor.allReady()
  const kept = stack.move()
  return { ...servers, apiUrl, tenants, supervisor, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

async function startServers(
  queueKind: DeploymentOptions['queue'],
  stack: AsyncDisposableStack,
): Promise<Servers> {
  const postgres = await startOwnedPostgres()
  stack.defer(postgres.close)
  const redis = queueKind === 'redis' ? await startOwnedRedis() : undefined
  if (redis !== undefined) stack.defer(redis.close)
  const { url: databaseUrl } = await createDatabase(postgres.adminUrl, { prefix: 'cimd_faults_' })
  const queueUrl = await prepare(postgres, redis, databaseUrl)
  const origin = await startOrigin({ hosts: [], authority: await createAuthority() })
  stack.defer(origin.close)
  const links = { store: await openCuttableLink(databaseUrl), queue: await openCuttableLink(queueUrl) }
  for (const link of Object.values(links)) stack.defer(link.close)
  return { postgres, databaseUrl, queue: queueOf(queueUrl, redis), links, origin }
}

function environmentOf({ links, origin }: Servers, apiPort: number): Readonly<Record<string, string>> {
  const network = { port: origin.port, ca: origin.ca, defaultAddresses: DEFAULT_ADDRESSES }
  return {
    CIMD_DATABASE_URL: links.store.url,
    CIMD_QUEUE_URL: links.queue.url,
    CIMD_API_PORT: String(apiPort),
    CIMD_FETCHER_HEALTH_PORT: '0',
    CIMD_SCHEDULER_HEALTH_PORT: '0',
    CIMD_NOTIFIER_HEALTH_PORT: '0',
    CIMD_DELIVERY_DEADLINE_MS: '2000',
    CIMD_LOG_LEVEL: 'warn',
    // Every version is looked at in the end.
    CIMD_VERSIONS_KEPT: '100000',
    CIMD_TEST_NETWORK: JSON.stringify(network),
  }
}

async function prepare(
  postgres: OwnedPostgres,
  redis: OwnedRedis | undefined,
  databaseUrl: string,
): Promise<string> {
  await migrate(databaseUrl, 'development')
  const queueUrl =
    redis?.url ?? (await createDatabase(postgres.adminUrl, { prefix: 'cimd_faults_queue_' })).url
  await prepareQueueStore(queueUrl, { grantTo: STORE_ROLES })
  return queueUrl
}

async function createTenants(databaseUrl: string, apiUrl: string): Promise<ReadonlyMap<string, ApiClient>> {
  const db = openDb({ url: databaseUrl, onError: () => undefined })
  const tenants = new Map<string, ApiClient>()
  try {
    for (const name of TENANTS) {
      const key = await createApiKey(db, await ensureTenant(db, name), ['resolve', 'events'])
      tenants.set(
        name,
        createApiClient(() => apiUrl, key),
      )
    }
  } finally {
    await db.destroy()
  }
  return tenants
}
