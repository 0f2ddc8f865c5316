import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { EmbeddedPostgresError, systemCode, USE_ANOTHER } from './error.ts'
import type { Ended } from './run-as.ts'

// After a crash the server replays its log before it answers; one that takes longer than this has other trouble.
const START_PATIENCE_MS = 120_000
const RETRY_MS = 10
const CONNECT_TIMEOUT_MS = 5_000
// No socket yet, nobody behind it yet, "the database system is starting up", a server that ends while we connect.
const NOT_YET = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', '57P03'])

/** Resolves once the server answers a query; throws `start_failed` when it ends instead, or takes too long. */
export async function untilItAnswers(url: string, ended: Promise<Ended>, data: string): Promise<void> {
  const giveUp = new AbortController()
  const failed = ended.then(({ how, said }) => {
    throw startFailed(data, `${how}:\n${said}\n`)
  })
  try {
    await Promise.race([connectUntil(url, giveUp.signal, data), failed])
  } finally {
    giveUp.abort()
  }
}

async function connectUntil(url: string, giveUp: AbortSignal, data: string): Promise<void> {
  const deadline = performance.now() + START_PATIENCE_MS
  while (!giveUp.aborted) {
    const refused = await connectOnce(url)
    if (refused === undefined) return
    const late = performance.now() > deadline
    if (late || !NOT_YET.has(systemCode(refused) ?? ''))
      throw startFailed(data, `${refused.message}. `, refused)
    await delay(RETRY_MS)
  }
}

async function connectOnce(connectionString: string): Promise<Error | undefined> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: CONNECT_TIMEOUT_MS })
  // A connection that breaks later than at `connect` tells it here, and to no listener it would end the process.
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('SELECT 1')
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  } finally {
    await client.end().catch(() => undefined)
  }
}

function startFailed(data: string, why: string, cause?: Error): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'start_failed',
    `The embedded PostgreSQL on ${data} did not start (${why.trim()}). Mend that, use another folder, ${USE_ANOTHER}.`,
    { cause },
  )
}
