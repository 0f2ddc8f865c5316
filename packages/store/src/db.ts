import { Kysely, type Transaction as KyselyTransaction, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { GatheringSocket } from './gathering-socket.ts'
import { preparedPool } from './prepared-pool.ts'
import type { Database } from './tables.ts'

/** An open connection pool to the store. Opaque outside this package. */
export type Db = Kysely<Database>
export type Transaction = KyselyTransaction<Database>

export type StoreOptions = {
  readonly url: string
  /** The role every connection takes on, so that a service has its own grants whoever it logs in as. */
  readonly role?: StoreRole
  readonly connectionsMax?: number
  /** 0: none of ours. */
  readonly statementTimeoutMs?: number
  /** For a new connection, and for a free one of the pool. */
  readonly connectTimeoutMs?: number
  /** Called for faults of idle connections, which no query would report. */
  readonly onError: (error: Error) => void
}

/** One role per service, and that of the tools of an operator, who sees every tenant. */
export const STORE_ROLES = [
  'cimd_api',
  'cimd_fetcher',
  'cimd_scheduler',
  'cimd_notifier',
  'cimd_operator',
] as const
export type StoreRole = (typeof STORE_ROLES)[number]

const INT8_OID = 20
const CONNECT_TIMEOUT_MS = 3000
const STATEMENT_TIMEOUT_MS = 10_000
/** The server's bound first, then ours: a server that has vanished keeps no bound. */
const ANSWER_GRACE_MS = 2000

/** Connection settings shared by the pool and by the listening connection. */
export function connectionConfig(
  options: Pick<StoreOptions, 'url' | 'role' | 'connectTimeoutMs'>,
  purpose: 'query' | 'listen',
): pg.ClientConfig {
  const { role, connectTimeoutMs = CONNECT_TIMEOUT_MS } = options
  const { url, startupOptions } = splitOptions(options.url)
  // To compile the statements of services, where the planner expects many rows, takes far longer than to run them.
  const allOptions = [role && '-c jit=off', startupOptions, role && `-c role=${role}`]
    .filter(Boolean)
    .join(' ')
  return {
    connectionString: url,
    // What an operator sees in pg_stat_activity.
    application_name: `${role ?? 'cimd'} ${purpose}`,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    stream: () => new GatheringSocket(),
    ...(allOptions !== '' && { options: allOptions }),
    types: { getTypeParser: typeParser },
  }
}

// `options` in the URL would replace the role, and with it row-level security.
function splitOptions(url: string): { url: string; startupOptions: string } {
  const parsed = URL.parse(url)
  const startupOptions = parsed?.searchParams.get('options') ?? null
  if (parsed === null || startupOptions === null) return { url, startupOptions: '' }
  parsed.searchParams.delete('options')
  return { url: parsed.href, startupOptions }
}

/** Opens the pool. Nothing is connected until the first query. */
export function openDb(options: StoreOptions): Db {
  const { role, connectionsMax = 10, statementTimeoutMs = STATEMENT_TIMEOUT_MS } = options
  const pool = new pg.Pool({
    ...connectionConfig(options, 'query'),
    max: connectionsMax,
    // Statements go out without waiting for the answer to the one before; see prepared-pool.ts.
    pipeline: true,
    ...(statementTimeoutMs > 0 && {
      statement_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs + ANSWER_GRACE_MS,
      // A process whose host has vanished in a transaction would hold its locks for as long as the server keeps the connection.
      idle_in_transaction_session_timeout: statementTimeoutMs,
    }),
    ...(role !== undefined && { verify: verifyRole(role) }),
  })
  pool.on('error', options.onError)
  // The pool listens to idle connections only: one that ends while it is asked for its role would end the process. Whatever
  // is asked of it fails then.
  pool.on('connect', (client) => client.on('error', () => {}))
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool: preparedPool(pool) }) })
}

// A pooler may drop the start-up options; what logged in instead could see every tenant.
function verifyRole(role: StoreRole): NonNullable<pg.PoolConfig['verify']> {
  return (client, done) => {
    client.query<{ user: string }>('select current_user as user').then(({ rows }) => {
      const user = rows[0]?.user
      done(
        user === role
          ? undefined
          : new Error(`connected as ${user} instead of ${role}: is a pooler in between?`),
      )
    }, done)
  }
}

/** Takes no more queries; each connection ends once its query is done. */
export async function closeDb(db: Db): Promise<void> {
  await db.destroy()
}

/** Rejects when the database does not answer. */
export async function checkDb(db: Db): Promise<void> {
  await sql`select 1`.execute(db)
}

/** Whether an error says that the database cannot be reached, rather than that it disliked a statement. */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof AggregateError) return error.errors.some(isUnreachable)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return UNREACHABLE_CODES.has(code) || code.startsWith('08') || UNREACHABLE_MESSAGE.test(error.message)
}

// admin_shutdown, crash_shutdown, cannot_connect_now, too_many_connections, and the sockets' own.
const UNREACHABLE_CODES = new Set([
  '57P01',
  '57P02',
  '57P03',
  '53300',
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
])
// pg gives its own connection faults no code.
const UNREACHABLE_MESSAGE =
  /^(Connection terminated|timeout exceeded when trying to connect|connection error|Query read timeout)/i

function typeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  return oid === INT8_OID && format !== 'binary' ? safeInteger : pg.types.getTypeParser(oid, format)
}

function safeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} does not fit a JavaScript number`)
  return value
}
