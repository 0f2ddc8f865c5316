import type { EventEmitter } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type BackendFactory,
  createPostgresBackend,
  createRedisBackend,
  type IQueueBackend,
  type IRedisClient,
  type KeepJobs,
  type PostgresPoolConfig,
  type RedisOptions,
  withBackend,
} from 'bullmq'

/** Where the queues live: Postgres schema, or key prefix in Redis. */
export const DEFAULT_SCHEMA = 'cimd_queue'

/** How long opening a connection may take before the attempt counts as failed. */
export const CONNECT_TIMEOUT_MS = 1_500

/** Names the queue store of a process. */
export type QueueStoreOptions = {
  /** `redis://`, `rediss://`, `postgres://` or `postgresql://`. */
  readonly url: string
  readonly schema?: string | undefined
  /** Postgres role to act as; the login must be a member of it. Redis has no such thing. */
  readonly role?: string | undefined
}

/** `redis` covers Valkey. */
export type BackendKind = 'redis' | 'postgres'

/** Producers fail fast (somebody waits); consumers outlast an outage. */
export type Side = 'producer' | 'consumer'

type Connection = RedisOptions | PostgresPoolConfig

// A producer's caller waits and a consumer's does not: 2 s is the producer's whole bound, 10 s is longer than
// a claim takes even while Postgres checkpoints.
const QUERY_TIMEOUT_MS = { producer: 2_000, consumer: 10_000 } as const
// A socket of Redis that stays silent this long after a command is dead. A consumer's command may rightly block
// for the 10 s that BullMQ allows it at most.
const SOCKET_TIMEOUT_MS = { producer: 4_000, consumer: 12_000 } as const
const POOL_MAX = { producer: 4, consumer: 10 } as const
const FAILED_CLAIM_PAUSE_MS = 500

/** Which backend a queue URL names. Throws on any other scheme, without repeating the URL's password. */
export function backendKind(url: string): BackendKind {
  const scheme = /^([a-z]+):\/\//.exec(url)?.[1]
  if (scheme === 'redis' || scheme === 'rediss') return 'redis'
  if (scheme === 'postgres' || scheme === 'postgresql') return 'postgres'
  throw new TypeError(
    `a queue URL starts with redis://, rediss://, postgres:// or postgresql://, not ${scheme}`,
  )
}

/** BullMQ's classes bound to the backend the URL names, with the options every Queue and Worker needs. */
export function openBackend(options: QueueStoreOptions, side: Side) {
  const kind = backendKind(options.url)
  const schema = simpleIdentifier(options.schema ?? DEFAULT_SCHEMA)
  const { factory, ...choice } =
    kind === 'redis' ? redisBackend(options.url, side) : postgresBackend(options, schema, side)
  return { kind, ...withBackend(factory), ...choice, base: { connection: choice.connection, prefix: schema } }
}

/** What `openBackend` returns. */
export type Backend = ReturnType<typeof openBackend>

/**
 * Finished jobs kept for an operator to look at. On Postgres every completion pays for a `count` with a scan of
 * the jobs kept (it halves the throughput), so completed jobs are bounded by age alone there.
 */
export function retention(kind: BackendKind): { removeOnComplete: KeepJobs; removeOnFail: KeepJobs } {
  return {
    removeOnComplete: kind === 'redis' ? { count: 1_000, age: 3_600 } : { age: 60 },
    removeOnFail: { count: 1_000, age: 7 * 24 * 3_600 },
  }
}

type BackendChoice = {
  factory: BackendFactory<IQueueBackend, Connection>
  connection: Connection
  /** False while Redis is away: BullMQ's orderly close would wait for it without end, its timers running. */
  connected: () => boolean
  /** After closing. A client that could not say goodbye keeps reconnecting, and with it the process alive. */
  abandon: () => void
}

/** How a client of Redis behaves, whoever it is for. */
export function redisSettings(side: Side): RedisOptions {
  return {
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: (times) => Math.min(times * 100, 2_000),
    // After a failover the old primary keeps the connection and refuses writes.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    socketTimeout: SOCKET_TIMEOUT_MS[side],
    ...(side === 'producer'
      ? { enableOfflineQueue: false, maxRetriesPerRequest: 1 }
      : { maxRetriesPerRequest: null }),
  }
}

function redisBackend(url: string, side: Side): BackendChoice {
  const connection: RedisOptions = { url, ...redisSettings(side) }
  const clients: IRedisClient[] = []
  return {
    connection,
    factory: (name, opts, extra) => {
      const backend = paced(createRedisBackend(name, { ...opts, connection }, extra))
      for (const client of [backend.client, backend.blockingClient]) {
        client?.then((opened) => clients.push(opened)).catch(() => undefined)
      }
      return backend
    },
    connected: () => clients.every(({ status }) => status === 'ready' || status === 'end'),
    abandon: () => {
      for (const client of clients) if (client.status !== 'end') client.disconnect()
    },
  }
}

function postgresBackend(options: QueueStoreOptions, schema: string, side: Side): BackendChoice {
  const connection: PostgresPoolConfig = {
    ...postgresConnection(options),
    schema,
    max: POOL_MAX[side],
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    // BullMQ holds one while it looks at the schema, and listens to none: one that ends then would end the process.
    onConnect: (client: EventEmitter) => void client.on('error', () => {}),
    query_timeout: QUERY_TIMEOUT_MS[side],
    idleTimeoutMillis: 60_000,
  }
  return {
    connection,
    factory: (name, opts, extra) => paced(createPostgresBackend(name, { ...opts, connection }, extra)),
    connected: () => true,
    abandon: () => undefined,
  }
}

/**
 * Connection string and start-up options. `options` in the URL would win over the search_path that BullMQ sets
 * the same way, so it moves out of the URL. Needs a session: not a transaction pooler.
 */
export function postgresConnection({ url, role }: QueueStoreOptions): {
  connectionString: string
  options?: string
  application_name: string
} {
  const parsed = new URL(url)
  const own = parsed.searchParams.get('options') ?? ''
  parsed.searchParams.delete('options')
  const options = [own, role === undefined ? '' : `-c role=${simpleIdentifier(role)}`]
    .filter(Boolean)
    .join(' ')
  return {
    connectionString: parsed.href,
    application_name: 'cimd-queue',
    ...(options === '' ? {} : { options }),
  }
}

// BullMQ asks again at once when a claim fails for any reason but a refused connection: against a database that
// is starting up or a read-only replica, that is a hot loop.
function paced<B extends IQueueBackend>(backend: B): B {
  const claim = backend.moveToActive.bind(backend)
  backend.moveToActive = async (token, name) => {
    try {
      return await claim(token, name)
    } catch (error) {
      if (!backend.closing) await delay(FAILED_CLAIM_PAUSE_MS)
      throw error
    }
  }
  return backend
}

function simpleIdentifier(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(name)) return name
  throw new TypeError(`not a simple identifier (letters, digits, underscores): ${JSON.stringify(name)}`)
}
