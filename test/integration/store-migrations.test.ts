import { randomBytes } from 'node:crypto'
import {
  checkSchema,
  closeDb,
  type Db,
  dangerouslySetClockOffset,
  migrate,
  openDb,
  relayOutbox,
  SCHEMA_VERSION,
  SchemaError,
} from '@cimd/store'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase, type PostgresProvider, providePostgres } from '../harness/postgres.ts'
import { adminUrl, describeStore, identify, setup } from './store-bundle.ts'

const INDEXES = [
  'attempts_finished',
  'attempts_version',
  'feed_outbox',
  'outbox_for_all',
  'outbox_changes',
] as const
const CONSTRAINTS = ['attempts_version_id_fkey', 'outbox_place_of_client'] as const
const SETTLED = { indexes: INDEXES.length, valid: INDEXES.length, validated: true }
const QUERY_CANCELED = '57014'

describeStore('migrations', () => {
  it('apply from empty, once', async () => {
    await using database = await emptyDatabase()
    const applied = await migrate(database.url, 'development')
    expect(applied).toHaveLength(SCHEMA_VERSION)
    expect(applied).toEqual(applied.toSorted())
    expect(await migrate(database.url, 'development')).toEqual([])
  })

  it('apply once between them when several run at once', async () => {
    await using database = await emptyDatabase()
    const runs = await Promise.all([1, 2, 3, 4].map(() => migrate(database.url, 'development')))
    expect(runs.map((names) => names.length).toSorted()).toEqual([0, 0, 0, SCHEMA_VERSION])
  })

  it.each(INDEXES)('build %s, whose table grows with time, while others write', async (index) => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    await sql`drop index ${sql.table(`cimd.${index}`)}`.execute(store.owner)
    const { migrating } = await store.owner.transaction().execute(async (trx) => {
      // Somebody writes, for whose end the building of an index waits.
      await sql`lock table cimd.attempts, cimd.feed, cimd.outbox in row exclusive mode`.execute(trx)
      // Whatever is set for others must not end a build.
      const { name } =
        (await sql<{ name: string }>`select current_database() as name`.execute(trx)).rows[0] ?? {}
      await sql`alter database ${sql.ref(name ?? '')} set lock_timeout = '1ms'`.execute(store.owner)
      const migrating = migrate(store.url, 'development')
      await store.untilBlocked()
      await store.fetch(clientId)
      expect(await relayOutbox(store.scheduler, 100)).toEqual({ relayed: 1, tenants: [store.tenant] })
      return { migrating }
    })
    await migrating
    expect(await settled(store.owner)).toEqual(SETTLED)
  })

  it('validate what refers to versions while others write', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    await sql`alter table cimd.attempts drop constraint attempts_version_id_fkey,
      add constraint attempts_version_id_fkey foreign key (version_id) references cimd.versions (id)
        on delete set null not valid`.execute(store.owner)
    const { migrating } = await store.owner.transaction().execute(async (trx) => {
      await sql`lock table cimd.attempts in share update exclusive mode`.execute(trx)
      const migrating = migrate(store.url, 'development')
      await store.untilBlocked()
      await store.fetch(clientId)
      return { migrating }
    })
    await migrating
    expect(await settled(store.owner)).toEqual(SETTLED)
  })

  it('validate that an event has its place of a client, or none, while others write', async () => {
    await using store = await setup()
    await store.fetch(identify())
    await sql`alter table cimd.outbox drop constraint outbox_place_of_client,
      add constraint outbox_place_of_client check (num_nulls(client_ref, client_seq) in (0, 2)) not valid`.execute(
      store.owner,
    )
    const { migrating } = await store.owner.transaction().execute(async (trx) => {
      await sql`lock table cimd.outbox in share update exclusive mode`.execute(trx)
      const migrating = migrate(store.url, 'development')
      await store.untilBlocked()
      await store.fetch(identify())
      return { migrating }
    })
    await migrating
    expect(await settled(store.owner)).toEqual(SETTLED)
  })

  it('build anew an index whose building was interrupted', async () => {
    await using store = await setup()
    await sql`drop index cimd.attempts_version`.execute(store.owner)
    await store.owner.transaction().execute(async (trx) => {
      await sql`lock table cimd.attempts in row exclusive mode`.execute(trx)
      const migrating = expect(migrate(store.url, 'development')).rejects.toMatchObject({
        code: QUERY_CANCELED,
      })
      await store.untilBlocked()
      await sql`select pg_cancel_backend(pid) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`.execute(store.owner)
      await migrating
    })
    expect(await settled(store.owner)).toEqual({ ...SETTLED, valid: INDEXES.length - 1 })
    await migrate(store.url, 'development')
    expect(await settled(store.owner)).toEqual(SETTLED)
  })

  it('leave nothing unsettled when several run at once', async () => {
    await using database = await emptyDatabase()
    await Promise.all([1, 2, 3, 4].map(() => migrate(database.url, 'development')))
    await using stack = new AsyncDisposableStack()
    const db = stack.adopt(openDb({ url: database.url, connectionsMax: 1, onError: () => {} }), closeDb)
    expect(await settled(db)).toEqual(SETTLED)
  })

  it('refuse a database that cannot hold every document, and leave it as it was', async () => {
    await using latin = await latinDatabase()
    await expect(migrate(latin.url, 'development')).rejects.toThrow(/LATIN1.*ENCODING 'UTF8'/)
    const { rows } = await sql`select from pg_namespace where nspname = 'cimd'`.execute(latin.db)
    expect(rows).toEqual([])
  })

  it('keep a database that was marked production so', async () => {
    await using store = await setup()
    await migrate(store.url, 'production')
    await migrate(store.url, 'development')
    await expect(store.moveClock(60)).rejects.toMatchObject({ code: CHECK_VIOLATION })
  })

  it('record each version with the oldest code that can live with it', async () => {
    await using store = await setup()
    const versions = await store.owner
      .selectFrom('cimd.schema_versions')
      .select(['version', 'name', 'oldest_code'])
      .orderBy('version')
      .execute()
    expect(versions.map(({ version }) => version)).toEqual(
      Array.from({ length: SCHEMA_VERSION }, (_, i) => i + 1),
    )
    for (const { version, name, oldest_code } of versions) {
      expect(name).toMatch(new RegExp(`^${String(version).padStart(4, '0')}-`))
      expect(oldest_code).toBeLessThanOrEqual(version)
    }
  })
})

describeStore('migrations of a server that never had our roles', () => {
  let server: PostgresProvider | undefined
  beforeAll(async () => {
    server = await providePostgres()
  })
  afterAll(async () => {
    if (server?.kind === 'provided') await server.stop()
  })

  it('make the roles when several databases are migrated at once', async () => {
    await using databases = new AsyncDisposableStack()
    const url = server?.kind === 'provided' ? server.adminUrl : adminUrl()
    const made = await Promise.all([1, 2, 3].map(() => emptyDatabase(url)))
    for (const database of made) databases.use(database)
    const runs = await Promise.all(made.map((database) => migrate(database.url, 'development')))
    expect(runs.map((names) => names.length)).toEqual(made.map(() => SCHEMA_VERSION))
  })
})

describeStore('checkSchema', () => {
  it('accepts the schema this code is written for, under every role', async () => {
    await using store = await setup()
    for (const db of [store.api, store.fetcher, store.scheduler]) await checkSchema(db, 'production')
  })

  it('refuses a database that was never migrated', async () => {
    await using store = await setup()
    await sql`drop schema cimd cascade`.execute(store.owner)
    await expect(checkSchema(store.owner, 'development')).rejects.toThrow(/has schema 0 .*run the migrations/)
  })

  it('refuses an older schema', async () => {
    await using store = await setup()
    await store.owner.deleteFrom('cimd.schema_versions').where('version', '=', SCHEMA_VERSION).execute()
    await expect(checkSchema(store.api, 'development')).rejects.toThrow(SchemaError)
  })

  it('refuses a newer schema that needs newer code', async () => {
    await using store = await setup()
    await recordNewer(store.owner, SCHEMA_VERSION + 1)
    await expect(checkSchema(store.api, 'development')).rejects.toThrow(/deploy a newer release/)
  })

  it('accepts a newer schema that this code can live with', async () => {
    await using store = await setup()
    await recordNewer(store.owner, SCHEMA_VERSION)
    await checkSchema(store.api, 'development')
  })
})

describeStore('the clock offset', () => {
  it('moves cimd_now() for every connection and role', async () => {
    await using store = await setup()
    await store.moveClock(-7200)
    for (const db of [store.api, store.fetcher, store.scheduler]) {
      const { rows } = await sql`select now() - cimd.cimd_now() = interval '2 hours' as moved`.execute(db)
      expect(rows).toEqual([{ moved: true }])
    }
  })

  it('is refused by a production service, in both directions', async () => {
    await using store = await setup()
    for (const seconds of [1, -1]) {
      await store.moveClock(seconds)
      await expect(checkSchema(store.api, 'production')).rejects.toThrow(SchemaError)
      await checkSchema(store.api, 'development')
    }
  })

  it('is refused by a database marked production', async () => {
    await using store = await setup()
    await migrate(store.url, 'production')
    await expect(dangerouslySetClockOffset(store.owner, 1)).rejects.toMatchObject({ code: CHECK_VIOLATION })
    await dangerouslySetClockOffset(store.owner, 0)
  })

  it('keeps a database from being marked production', async () => {
    await using store = await setup()
    await store.moveClock(1)
    await expect(migrate(store.url, 'production')).rejects.toMatchObject({ code: CHECK_VIOLATION })
  })
})

const CHECK_VIOLATION = '23514'

async function recordNewer(owner: Db, oldestCode: number): Promise<void> {
  await owner
    .insertInto('cimd.schema_versions')
    .values({ version: SCHEMA_VERSION + 1, name: 'of a later release', oldest_code: oldestCode })
    .execute()
}

async function emptyDatabase(url = adminUrl()) {
  const database = await createDatabase(url)
  return { url: database.url, [Symbol.asyncDispose]: database.drop }
}

async function latinDatabase() {
  const stack = new AsyncDisposableStack()
  const open = (url: string): Db =>
    stack.adopt(openDb({ url, connectionsMax: 1, onError: () => {} }), closeDb)
  const admin = open(adminUrl())
  const name = `cimd_test_latin_${randomBytes(6).toString('hex')}`
  const run = (statement: string) => sql.raw(statement).execute(admin)
  await run(`create database ${name} template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'`)
  stack.defer(async () => void (await run(`drop database ${name} with (force)`)))
  const url = new URL(adminUrl())
  url.pathname = `/${name}`
  return { url: url.href, db: open(url.href), [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

async function settled(db: Db) {
  const { rows } = await sql<{ indexes: number; valid: number; validated: boolean }>`
    select count(*) as indexes, count(*) filter (where indisvalid) as valid,
      (
        select count(*) = ${CONSTRAINTS.length} from pg_constraint
        where conname = any(${[...CONSTRAINTS]}::text[]) and convalidated
      ) as validated
    from pg_index join pg_class on oid = indexrelid
    where relnamespace = 'cimd'::regnamespace and relname = any(${[...INDEXES]}::text[])`.execute(db)
  return rows[0]
}
