import { setTimeout as delay } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'

/**
 * How long each try waits for a table, in milliseconds. At first too short for the server to look for deadlocks (after a second),
 * which might end a request; at last long enough for it to end an autovacuum.
 */
const WAITS_MS = [...Array<number>(20).fill(250), ...Array<number>(10).fill(2000)]
const PAUSE_MS = 500
/** What was under way when no key could be looked up any more has mostly ended by then. */
const DRAIN_MS = 100
/** lock_not_available, and deadlock_detected where the server ends us and not the other. */
const TAKEN_BY_ANOTHER = ['55P03', '40P01']

/**
 * Takes every table of ours, all or none: services go on while a migration runs, and whoever waits for one table while it has
 * another ends in a deadlock with a request that takes them in another order, or holds up all others behind one that does not end.
 * Throws where somebody keeps a table for long.
 */
export async function takeTables(db: Kysely<unknown>): Promise<void> {
  const tables = await tablesOf(db)
  if (tables === '') return
  for (const waitMs of WAITS_MS) {
    if (await hasTaken(db, tables, waitMs)) return
    await delay(PAUSE_MS)
  }
  throw new Error(
    'another session keeps a table that the migration needs, as a dump does: pg_stat_activity has it. Nothing was changed; migrate again once it has ended',
  )
}

// Those last that a transaction comes to at its end: by the clock, and by references to its tenant.
async function tablesOf(db: Kysely<unknown>): Promise<string> {
  const { rows } = await sql<{ tables: string | null }>`
    select string_agg(oid::regclass::text, ', ' order by relname in ('deployment', 'tenants'), oid) as tables
    from pg_class
    where relnamespace = to_regnamespace('cimd') and relkind = 'r' and relname not like 'kysely%'`.execute(db)
  return rows[0]?.tables ?? ''
}

async function hasTaken(db: Kysely<unknown>, tables: string, waitMs: number): Promise<boolean> {
  await sql`savepoint tables`.execute(db)
  try {
    await sql`select set_config('lock_timeout', ${String(waitMs)}, true)`.execute(db)
    // Every request of the api begins with its key: while it waits there it holds nothing.
    await sql`lock table cimd.api_keys`.execute(db)
    await delay(DRAIN_MS)
    await sql`lock table ${sql.raw(tables)}`.execute(db)
    await sql`set local lock_timeout to default`.execute(db)
    return true
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && TAKEN_BY_ANOTHER.includes(String(error.code))))
      throw error
    await sql`rollback to savepoint tables`.execute(db)
    return false
  }
}
