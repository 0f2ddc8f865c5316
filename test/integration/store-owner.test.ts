import {
  authenticate,
  createApiKey,
  migrate,
  readFeed,
  relayOutbox,
  SchemaError,
  STORE_ROLES,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase, type PostgresProvider, providePostgres } from '../harness/postgres.ts'
import { describeStore, identify, setup } from './store-bundle.ts'

const ROLES = [...STORE_ROLES, 'cimd_definer']

// A managed database gives nobody a superuser: whoever owns the schema may make roles, and no more.
describeStore('a schema whose owner is no superuser', () => {
  let server: Extract<PostgresProvider, { kind: 'provided' }>
  beforeAll(async () => {
    const provided = await providePostgres()
    if (provided.kind === 'missing') throw new Error(provided.how)
    server = provided
  })
  afterAll(() => server?.stop())

  it('serves a tenant from its key to its feed', async () => {
    await using store = await setup({ database: await migratedByOwner(server.adminUrl, 'createrole') })
    const key = await createApiKey(store.operator, store.tenant, ['resolve'])
    expect(await authenticate(store.api, key)).toMatchObject({ tenantId: store.tenant })
    const clientId = identify()
    await store.fetch(clientId)
    expect(await relayOutbox(store.scheduler, 10)).toEqual({ relayed: 1, tenants: [store.tenant] })
    const read = (tenant: string) => withTenant(store.api, tenant, (trx) => readFeed(trx, 0, 10))
    expect(await read(store.tenant)).toMatchObject([{ clientId, clientSeq: 1 }])
    expect(await read(store.otherTenant)).toEqual([])
    const leased = await sql`select cimd.is_leased(c.id) as leased from cimd.clients c`.execute(store.api)
    expect(leased.rows).toEqual([{ leased: true }])
  })

  it('is no exception to row-level security', async () => {
    await using store = await setup({ database: await migratedByOwner(server.adminUrl, 'createrole') })
    const { rows } = await sql`
      select bool_and(row_security_active(c.oid)) as active from pg_class c
      where c.relnamespace = 'cimd'::regnamespace and c.relrowsecurity`.execute(store.owner)
    expect(rows).toEqual([{ active: true }])
  })

  it('is made by an owner who is a member of the roles and may make none, and by nobody else', async () => {
    await using first = await setup({ database: await migratedByOwner(server.adminUrl, 'createrole') })
    expect(first.tenant).toBeDefined()
    const refused = migratedByOwner(server.adminUrl, 'nocreaterole')
    await expect(refused).rejects.toThrow(SchemaError)
    await expect(refused).rejects.toThrow(
      /As a superuser: grant cimd_api, .* to owner_\w+; then migrate again/,
    )
    await using second = await setup({
      database: await migratedByOwner(server.adminUrl, 'nocreaterole', ROLES),
    })
    const key = await createApiKey(second.operator, second.tenant, [])
    expect(await authenticate(second.api, key)).toMatchObject({ tenantId: second.tenant })
  })
})

let owners = 0

/**
 * A database migrated by an owner of its own. Who may make roles makes them, and is given those that somebody else has made; who
 * may not is a member of these.
 */
async function migratedByOwner(
  adminUrl: string,
  right: 'createrole' | 'nocreaterole',
  roles: readonly string[] = [],
) {
  owners += 1
  const owner = `owner_${process.pid}_${owners}`
  const database = await createDatabase(adminUrl)
  const url = new URL(database.url)
  const name = url.pathname.slice(1)
  url.username = owner
  await administer(adminUrl, [
    `create role ${owner} login ${right}`,
    `alter database ${name} owner to ${owner}`,
    ...roles.map((role) => `grant ${role} to ${owner}`),
    ...(right === 'createrole' ? ROLES.map((role) => grantIfMade(role, owner)) : []),
  ])
  const drop = async () => {
    await database.drop()
    await administer(adminUrl, [`drop owned by ${owner}`, `drop role ${owner}`])
  }
  try {
    await migrate(url.href, 'development')
  } catch (error) {
    await drop()
    throw error
  }
  return { url: url.href, drop }
}

function grantIfMade(role: string, owner: string): string {
  return `do $$ begin
    if exists (select from pg_roles where rolname = '${role}') then grant ${role} to ${owner}; end if;
  end $$`
}

async function administer(url: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}
