import pg from 'pg'
import { afterAll, beforeAll, describe, inject } from 'vitest'
import type {} from './global-setup.ts'
import { createDatabase } from './postgres.ts'
import { createRedisDatabase } from './redis.ts'

/** A queue store of one suite, unprepared. Its members are usable from `beforeAll` on. */
export type TestBackend = {
  readonly kind: 'redis' | 'postgres'
  /** For CIMD_QUEUE_URL. */
  readonly url: string
  /** Forgets every job, as a lost Redis or a restored database does; a schema stays. */
  empty(): Promise<void>
}

type Store = { url: string; empty(): Promise<void>; drop(): Promise<void> }

const KINDS = ['redis', 'postgres'] as const

/** The suite once per queue backend, each on a store of its own; skipped with the reason where one is missing. */
export function describeEachBackend(name: string, suite: (backend: TestBackend) => void): void {
  for (const kind of KINDS) {
    const server = inject(kind)
    if (server.kind === 'missing')
      describe.skip(`${name} on ${kind} (${server.how})`, () => suite(missing(kind)))
    else describe(`${name} on ${kind}`, () => suite(storeOfSuite(kind, server.url)))
  }
}

function storeOfSuite(kind: TestBackend['kind'], serverUrl: string): TestBackend {
  let store: Store | undefined
  beforeAll(async () => {
    store = kind === 'redis' ? await redisStore(serverUrl) : await postgresStore(serverUrl)
  })
  afterAll(async () => {
    await store?.drop()
  })
  const opened = () => store ?? missing(kind)
  return {
    kind,
    get url() {
      return opened().url
    },
    empty: () => opened().empty(),
  }
}

function missing(kind: TestBackend['kind']): Store & TestBackend {
  const fail = () => {
    throw new Error(`the ${kind} of this suite is not there yet: use it from beforeAll on`)
  }
  return {
    kind,
    get url() {
      return fail()
    },
    empty: fail,
    drop: fail,
  }
}

async function redisStore(serverUrl: string): Promise<Store> {
  const { url, empty } = await createRedisDatabase(serverUrl)
  return { url, empty, drop: empty }
}

async function postgresStore(adminUrl: string): Promise<Store> {
  const { url, drop } = await createDatabase(adminUrl)
  return { url, drop, empty: () => truncateQueues(url) }
}

/** Forgets every job: every table but the ledger of migrations, in whatever schema the queues are. */
export async function truncateQueues(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string }>(
      `SELECT format('%I.%I', t.schemaname, t.tablename) AS name
         FROM pg_tables t
        WHERE EXISTS (SELECT 1 FROM pg_tables job WHERE job.schemaname = t.schemaname AND job.tablename = 'job')
          AND t.tablename <> 'migration'`,
    )
    if (rows.length > 0) await client.query(`TRUNCATE ${rows.map(({ name }) => name).join(', ')}`)
  } finally {
    await client.end()
  }
}
