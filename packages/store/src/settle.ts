import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Db } from './db.ts'

/** What is made of tables that may be large by now, while others write to them. */
export type Settling = {
  /** What each index is on, by its name in the schema. */
  readonly indexes: Readonly<Record<string, string>>
  /** Constraints that were added as not valid. */
  readonly constraints: readonly { readonly table: string; readonly name: string }[]
}

/** Of no meaning but to be another than the relay's, which goes on meanwhile. */
const SETTLING_LOCK = 0x63_69_6d_65
const LOCK_RETRY_MS = 200

/**
 * Makes what is not there yet, each by a statement of its own that waits for writers but does not hold them up. What an
 * interrupted one has left is made anew. One caller at a time: an index that two make at once fails for one of them.
 */
export async function settle(db: Db, settlings: readonly Settling[]): Promise<void> {
  await db.connection().execute(async (connection) => {
    // A bound that is set on the role or the database would end each build in its middle, again and again.
    await sql`select set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false)`.execute(
      connection,
    )
    // After a failure the lock ends with the connection.
    await lockSettling(connection)
    for (const { indexes, constraints } of settlings) {
      for (const [name, on] of Object.entries(indexes)) await buildIndex(connection, name, on)
      for (const constraint of constraints) await validate(connection, constraint)
    }
    await unlockSettling(connection)
  })
}

// Asked for again and again: a statement that waits for the lock keeps a snapshot, for the end of which whoever has the lock
// waits while it builds an index.
async function lockSettling(db: Db): Promise<void> {
  for (;;) {
    const { rows } = await sql<{ locked: boolean }>`
      select pg_try_advisory_lock(${SETTLING_LOCK}) as locked`.execute(db)
    if (rows[0]?.locked === true) return
    await delay(LOCK_RETRY_MS)
  }
}

// Behind a pooler of transactions this may be another session, and the lock would be kept by one that lives on.
async function unlockSettling(db: Db): Promise<void> {
  const { rows } = await sql<{ unlocked: boolean }>`
    select pg_advisory_unlock(${SETTLING_LOCK}) as unlocked`.execute(db)
  if (rows[0]?.unlocked === true) return
  throw new Error(
    'The migration runs in more than one session: give it a direct connection, not one through a pooler.',
  )
}

async function buildIndex(db: Db, name: string, on: string): Promise<void> {
  const { rows } = await sql<{ valid: boolean }>`
    select indisvalid as valid from pg_index where indexrelid = to_regclass(${`cimd.${name}`})`.execute(db)
  if (rows[0]?.valid === true) return
  if (rows[0]?.valid === false) await sql`drop index concurrently ${sql.table(`cimd.${name}`)}`.execute(db)
  await sql`create index concurrently if not exists ${sql.ref(name)} on ${sql.raw(on)}`.execute(db)
}

async function validate(db: Db, { table, name }: Settling['constraints'][number]): Promise<void> {
  const { rows } = await sql`
    select from pg_constraint
    where conrelid = ${table}::regclass and conname = ${name} and not convalidated`.execute(db)
  if (rows.length === 0) return
  await sql`alter table ${sql.table(table)} validate constraint ${sql.ref(name)}`.execute(db)
}
