import { RULES_VERSION } from '@cimd/core'
import { type Kysely, sql } from 'kysely'
import { type Migration, type MigrationProvider, Migrator } from 'kysely/migration'
import { closeDb, type Db, openDb, STORE_ROLES } from './db.ts'
import { MIGRATIONS, type NumberedMigration } from './migrations/index.ts'
import { takeTables } from './migrations/take-tables.ts'
import { beginRules } from './revalidation.ts'
import { settle } from './settle.ts'

/** The schema this code is written for: the number of its newest migration. */
export const SCHEMA_VERSION = MIGRATIONS.length

/** Why a service may not start on this database; the message says what to do. */
export class SchemaError extends Error {
  override name = 'SchemaError'
}

/**
 * Brings the database to `SCHEMA_VERSION` and records what kind of deployment it is; a database once marked
 * `production` stays so and refuses a clock offset. Rules count as approved from here on only where none were before (CAC-12).
 * Safe to run from several places at once. Returns the names applied. Throws a `SchemaError` when the database cannot hold every
 * document, and when who migrates may neither make the roles nor is a member of them. Tests stop at an older schema.
 */
export async function migrate(
  url: string,
  environment: 'development' | 'production',
  schemaVersion = SCHEMA_VERSION,
): Promise<string[]> {
  const db = openDb({ url, connectionsMax: 1, statementTimeoutMs: 0, onError: () => {} })
  try {
    await refuseOtherEncodings(db)
    const migrations = MIGRATIONS.slice(0, schemaVersion)
    const provider = createProvider(migrations)
    const migrator = new Migrator({ db, provider, migrationTableSchema: 'cimd' })
    const { error, results } = await migrator.migrateToLatest()
    if (error !== undefined) throw (await explainRights(db, error)) ?? error
    await settle(
      db,
      migrations.flatMap(({ settling }) => settling ?? []),
    )
    await db
      .updateTable('cimd.deployment')
      .set({ environment })
      .where('environment', '<>', 'production')
      .execute()
    await beginRules(db, RULES_VERSION)
    return (results ?? []).map((result) => result.migrationName)
  } finally {
    await closeDb(db)
  }
}

const INSUFFICIENT_PRIVILEGE = '42501'

// From Postgres 16 on only a superuser, or who made a role, may hand out a role that another database of the server has already.
async function explainRights(db: Db, error: unknown): Promise<SchemaError | undefined> {
  if (!(error instanceof Error && 'code' in error && error.code === INSUFFICIENT_PRIVILEGE)) return undefined
  const { rows } = await sql<{ user: string; missing: string | null }>`
    select quote_ident(current_user) as user, string_agg(needed, ', ' order by needed) as missing
    from unnest(${[...STORE_ROLES, 'cimd_definer']}::text[]) as needed
    where not exists (select from pg_roles where rolname = needed)`.execute(db)
  const [{ user, missing } = { user: 'the user', missing: null }] = rows
  const made = missing === null ? '' : `create role … nologin for each of ${missing}; `
  return new SchemaError(
    `The migration lacks a right: ${error.message}. As a superuser: ${made}` +
      `grant ${[...STORE_ROLES, 'cimd_definer'].join(', ')} to ${user}; then migrate again.`,
    { cause: error },
  )
}

// A document may hold any character; in another encoding its attempt could never be recorded.
async function refuseOtherEncodings(db: Db): Promise<void> {
  const { rows } = await sql<{ encoding: string }>`
    select current_setting('server_encoding') as encoding`.execute(db)
  const encoding = rows[0]?.encoding
  if (encoding !== 'UTF8') {
    throw new SchemaError(`The database is encoded in ${encoding}: make it anew with ENCODING 'UTF8'.`)
  }
}

/** Refuses a schema this code cannot live with, and a clock offset in production. */
export async function checkSchema(db: Db, environment: 'development' | 'production'): Promise<void> {
  const found = await newestVersion(db)
  if (found === undefined || found.version < SCHEMA_VERSION) {
    throw new SchemaError(
      `The database has schema ${found?.version ?? 0} and this code needs ${SCHEMA_VERSION}: run the migrations first.`,
    )
  }
  if (found.oldest_code > SCHEMA_VERSION) {
    throw new SchemaError(
      `The database has schema ${found.version}, which needs code of schema ${found.oldest_code} or newer; ` +
        `this code is of schema ${SCHEMA_VERSION}: deploy a newer release.`,
    )
  }
  if (environment === 'production' && (await clockOffsetSeconds(db)) !== 0) {
    throw new SchemaError(
      'The database clock has an offset, which is for tests and the demo only: set it to zero.',
    )
  }
}

/**
 * Moves `cimd_now()` for the whole database. For tests and the demo: a database marked `production` refuses.
 */
export async function dangerouslySetClockOffset(db: Db, seconds: number): Promise<void> {
  await db
    .updateTable('cimd.deployment')
    .set({ clock_offset: `${seconds} seconds` })
    .execute()
}

async function clockOffsetSeconds(db: Db): Promise<number> {
  const { rows } = await sql<{ seconds: number }>`
    select extract(epoch from clock_offset)::float8 as seconds from cimd.deployment`.execute(db)
  return rows[0]?.seconds ?? 0
}

async function newestVersion(db: Db): Promise<{ version: number; oldest_code: number } | undefined> {
  if (!(await hasVersions(db))) return undefined
  return db
    .selectFrom('cimd.schema_versions')
    .select(['version', 'oldest_code'])
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()
}

const INVALID_PARAMETER_VALUE = '22023'

async function hasVersions(db: Db): Promise<boolean> {
  try {
    const { rows } = await sql<{ present: boolean }>`
      select to_regclass('cimd.schema_versions') is not null as present`.execute(db)
    return rows[0]?.present === true
  } catch (error) {
    // The role the connection takes on is made by the first migration ever run on the server.
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === INVALID_PARAMETER_VALUE) return false
    if (code !== INSUFFICIENT_PRIVILEGE) throw error
    throw new SchemaError(`${(error as Error).message}: grant the role to the user who logs in.`, {
      cause: error,
    })
  }
}

function createProvider(migrations: readonly NumberedMigration[]): MigrationProvider {
  let taken: Promise<void> | undefined
  // All that is new is done in one transaction, which the first begins.
  const takeOnce = (db: Kysely<unknown>): Promise<void> => {
    taken ??= takeTables(db)
    return taken
  }
  return {
    getMigrations: async () =>
      Object.fromEntries(
        migrations.map((entry, index) => [entry.name, recorded(entry, index + 1, takeOnce)]),
      ),
  }
}

function recorded(
  { name, up, oldestCode }: NumberedMigration,
  version: number,
  takeOnce: (db: Kysely<unknown>) => Promise<void>,
): Migration {
  return {
    up: async (db: Kysely<unknown>) => {
      await takeOnce(db)
      await up(db)
      await sql`insert into cimd.schema_versions (version, name, oldest_code)
        values (${version}, ${name}, ${oldestCode})`.execute(db)
    },
  }
}
