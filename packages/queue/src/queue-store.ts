import { LATEST_SCHEMA_VERSION, MIGRATION_ADVISORY_LOCK_KEY, runMigrations } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'
import { backendKind, DEFAULT_SCHEMA, postgresConnection } from './backend.ts'
import { QueueUnavailableError } from './deadline.ts'
import { QUEUE_NAMES } from './jobs.ts'

/** What preparing may do beyond the defaults. */
export type PrepareOptions = {
  readonly schema?: string
  /** Postgres roles of the services: may use the queues, not change their schema. */
  readonly grantTo?: readonly string[]
  /** Told what could not be checked. */
  readonly onWarning?: (message: string) => void
}

/** The queue store must not be used as it is; the message says what to change. */
export class QueueStoreError extends Error {
  override readonly name = 'QueueStoreError'
  readonly code = 'queue_store_unfit'
}

/** No user waits: a server that is slow to answer is no reason to fail a deployment. */
const PATIENCE_MS = 10_000

// Redis 6.2 brought the commands BullMQ counts on; Valkey reports 7.2.4 as its Redis version.
const REDIS_VERSION_MIN = [6, 2] as const

/** Makes the queue store fit for use: one-shot, idempotent, run by whoever runs the migrations. */
export async function prepareQueueStore(url: string, options: PrepareOptions = {}): Promise<void> {
  if (backendKind(url) === 'redis') await checkRedis(url, options)
  else await preparePostgres(url, options)
}

async function preparePostgres(url: string, { schema = DEFAULT_SCHEMA, grantTo = [] }: PrepareOptions) {
  const client = new pg.Client({
    ...postgresConnection({ url }),
    connectionTimeoutMillis: PATIENCE_MS,
  })
  await client.connect().catch((cause: Error) => {
    throw new QueueUnavailableError(`cannot reach the Postgres of the queues: ${cause.message}`, { cause })
  })
  try {
    const version = await runMigrations(client, schema)
    if (version < LATEST_SCHEMA_VERSION) throw new QueueStoreError(`queue schema is at version ${version}`)
    await inMigrationLock(client, schema, async () => {
      await createIdSequences(client, schema)
      for (const role of grantTo) await grantUse(client, schema, role)
    })
  } finally {
    await client.end()
  }
}

// The same lock as BullMQ's migrations: concurrent GRANTs fail with "tuple concurrently updated".
async function inMigrationLock(client: pg.Client, schema: string, work: () => Promise<void>): Promise<void> {
  await client.query('BEGIN')
  try {
    await client.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [
      MIGRATION_ADVISORY_LOCK_KEY,
      schema,
    ])
    await work()
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  }
}

// BullMQ creates a queue's id sequence on its first job, as whoever adds it; services have no right to CREATE.
async function createIdSequences(client: pg.Client, schema: string): Promise<void> {
  const quoted = pg.escapeIdentifier(schema)
  const { rows } = await client.query<{ name: string }>(
    `SELECT ${quoted}.job_id_seq_name(queue) AS name FROM unnest($1::text[]) AS queue`,
    [QUEUE_NAMES],
  )
  for (const { name } of rows) {
    await client.query(`CREATE SEQUENCE IF NOT EXISTS ${quoted}.${pg.escapeIdentifier(name)}`)
  }
}

const GRANTS = [
  ['SELECT, INSERT, UPDATE, DELETE', 'TABLES'],
  ['USAGE, SELECT, UPDATE', 'SEQUENCES'],
  ['EXECUTE', 'FUNCTIONS'],
] as const

async function grantUse(client: pg.Client, schemaName: string, roleName: string): Promise<void> {
  const schema = pg.escapeIdentifier(schemaName)
  const role = pg.escapeIdentifier(roleName)
  await client.query(`GRANT USAGE ON SCHEMA ${schema} TO ${role}`)
  for (const [rights, objects] of GRANTS) {
    await client.query(`GRANT ${rights} ON ALL ${objects} IN SCHEMA ${schema} TO ${role}`)
    await client.query(
      `ALTER DEFAULT PRIVILEGES IN SCHEMA ${schema} GRANT ${rights} ON ${objects} TO ${role}`,
    )
  }
  // The ledger of migrations is read by every connection and written by this function alone.
  await client.query(`REVOKE INSERT, UPDATE, DELETE ON ${schema}.migration FROM ${role}`)
  await grantTemporary(client, roleName)
}

// Adding several jobs at once goes through temporary tables; hardened databases take that right from PUBLIC.
async function grantTemporary(client: pg.Client, role: string): Promise<void> {
  const { rows } = await client.query<{ database: string; allowed: boolean }>(
    `SELECT current_database() AS database, has_database_privilege($1, current_database(), 'TEMPORARY') AS allowed`,
    [role],
  )
  for (const { database, allowed } of rows) {
    if (allowed) continue
    await client.query(
      `GRANT TEMPORARY ON DATABASE ${pg.escapeIdentifier(database)} TO ${pg.escapeIdentifier(role)}`,
    )
  }
}

async function checkRedis(url: string, { onWarning }: PrepareOptions): Promise<void> {
  const info = parseInfo(await redisInfo(url))
  assertVersion(info.get('redis_version'))
  const policy = info.get('maxmemory_policy')
  if (policy === undefined) {
    onWarning?.('Redis does not tell its maxmemory-policy: make sure that it is noeviction')
  } else if (policy !== 'noeviction') {
    throw new QueueStoreError(
      `Redis would evict jobs (maxmemory-policy is ${policy}): ` +
        'run CONFIG SET maxmemory-policy noeviction, and set it in redis.conf or the parameter group',
    )
  }
}

// INFO carries the eviction policy too, and is allowed where managed services forbid CONFIG.
async function redisInfo(url: string): Promise<string> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: PATIENCE_MS,
    commandTimeout: PATIENCE_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
  let lastError: Error | undefined
  redis.on('error', (error: Error) => {
    lastError = error
  })
  try {
    await redis.connect()
    return await redis.info()
  } catch (cause) {
    const reason = lastError?.message ?? String(cause)
    throw new QueueUnavailableError(`cannot use the Redis of the queues: ${reason}`, { cause })
  } finally {
    redis.disconnect()
  }
}

function parseInfo(info: string): Map<string, string> {
  const lines = info.split(/\r?\n/).filter((line) => /^\w+:/.test(line))
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
}

function assertVersion(version: string | undefined): void {
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number)
  const [majorMin, minorMin] = REDIS_VERSION_MIN
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return
  throw new QueueStoreError(`Redis ${version ?? 'of unknown version'} is too old: 6.2 or newer, or Valkey`)
}
