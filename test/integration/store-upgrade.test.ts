import {
  authenticate,
  closeDb,
  createApiKey,
  type Db,
  ensureTenant,
  listApiKeys,
  migrate,
  openDb,
  SCHEMA_VERSION,
  type StoreRole,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { createDatabase } from '../harness/postgres.ts'
import { adminUrl, describeStore, identify } from './store-bundle.ts'

/** The newest without policies, roles of operators and audits. */
const OLDER_SCHEMA = 14

describeStore('an upgrade', () => {
  it('leaves keys what they were, for services that are older too', async () => {
    await using store = await olderStore()
    const { owner, tenant } = store
    const key = await createApiKey(owner, tenant, ['resolve'], { expiresInDays: 3 })
    const { rows: before } = await sql`select prefix, scopes, expires_at from cimd.api_keys`.execute(owner)
    await migrate(store.url, 'development')
    const api = store.open('cimd_api')
    expect(await authenticate(api, key)).toMatchObject({
      ...{ tenantId: tenant, scopes: ['resolve'], profile: 'cimd-02' },
      ...{ policyVersion: 0, reportPolicyVersion: undefined, quotas: {} },
    })
    const [listed] = await withTenant(api, tenant, (trx) => listApiKeys(trx, tenant))
    const { prefix, scopes, expiresAt: expires_at } = listed ?? {}
    expect([{ prefix, scopes, expires_at }]).toEqual(before)
    const { rows } = await sql`
      select tenant_id, scopes from cimd.authenticate_tenant(sha256(${key}::text::bytea))`.execute(api)
    expect(rows).toEqual([{ tenant_id: tenant, scopes: ['resolve'] }])
  })

  it('shows its tenants to a statement that began before it', async () => {
    await using store = await olderStore()
    const { migrating } = await store.owner
      .transaction()
      .setIsolationLevel('repeatable read')
      .execute(async (trx) => {
        // Takes the snapshot, and no table.
        await sql`select 1`.execute(trx)
        const migrating = migrate(store.url, 'development')
        await store.untilMigrated()
        expect((await sql`select id from cimd.tenants`.execute(trx)).rows).toEqual([{ id: store.tenant }])
        return { migrating }
      })
    await migrating
    const { rows } = await sql`select from cimd.tenants where octet_length(quota_key) = 32`.execute(
      store.owner,
    )
    expect(rows).toHaveLength(1)
  })

  it('ends no request that has a table it needs and comes to others it has taken', async () => {
    await using store = await olderStore()
    const { api, owner, tenant } = store
    const { rows } = await sql<{ id: string }>`
      insert into cimd.clients (client_id, host) values (${identify()}, 'client.example.net')
      returning id::text`.execute(owner)
    const { migrating } = await withTenant(api, tenant, async (trx) => {
      await sql`select from cimd.interest`.execute(trx)
      const migrating = migrate(store.url, 'development')
      await store.untilBlocked()
      await sql`insert into cimd.tickets (tenant_id, client_ref, generation, expires_at)
        values (${tenant}, ${rows[0]?.id}, 1, now())`.execute(trx)
      return { migrating }
    })
    expect(await migrating).not.toEqual([])
  })
})

/** A store as an older release has left it, with a tenant. */
async function olderStore() {
  const stack = new AsyncDisposableStack()
  const database = await createDatabase(adminUrl())
  stack.defer(() => database.drop())
  await migrate(database.url, 'development', OLDER_SCHEMA)
  const open = (role?: StoreRole): Db => {
    const db = openDb({ url: database.url, onError: () => {}, ...(role && { role }) })
    stack.defer(() => closeDb(db))
    return db
  }
  const owner = open()
  const tenant = await ensureTenant(owner, 'first')
  /** Asks until there is a row. */
  const until = async (question: string): Promise<void> => {
    for (let rows = 0; rows === 0; ) rows = (await sql.raw(question).execute(owner)).rows.length
  }
  return {
    ...{ url: database.url, open, owner, tenant, api: open('cimd_api') },
    untilBlocked: () =>
      until("select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"),
    untilMigrated: () => until(`select from cimd.schema_versions where version = ${SCHEMA_VERSION}`),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
