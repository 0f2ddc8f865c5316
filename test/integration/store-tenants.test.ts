import { findTicket, issueTicket, readFeed, relayOutbox, withTenant } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { describeStore, identify, setup, type TestStore } from './store-bundle.ts'

const INSUFFICIENT_PRIVILEGE = '42501'
const TABLES = ['tenants', 'interest', 'tickets', 'feed'] as const

// Raw SQL under the api's role: what a mistake in our own queries would get to see.
describeStore('row-level security', () => {
  it.each(TABLES)('shows a tenant only its own rows of %s', async (table) => {
    await using store = await setup()
    const populated = await populate(store)
    expect(await tenantsSeen(store, table, populated.tenant)).toEqual([populated.tenant])
    expect(await tenantsSeen(store, table, populated.otherTenant)).toEqual([populated.otherTenant])
  })

  it.each(TABLES)('shows nothing of %s without a tenant', async (table) => {
    await using store = await setup()
    await populate(store)
    expect(await tenantsSeen(store, table, '')).toEqual([])
    const { rows } = await sql`select from cimd.${sql.raw(table)}`.execute(store.open('cimd_api', 1))
    expect(rows).toEqual([])
  })

  it('shows a tenant the events since its own first demand, and what it was told about no client', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    await store.demand(clientId, { tenant: store.otherTenant })
    await store.fetch(identify())
    await tellAlone(store, store.tenant, 'first')
    await tellAlone(store, store.otherTenant, 'second')
    const seen = async (tenant: string) => {
      const { rows } = await withTenant(store.api, tenant, (trx) =>
        sql<{ type: string }>`select type from cimd.outbox order by id`.execute(trx),
      )
      return rows.map(({ type }) => type)
    }
    expect(await seen(store.tenant)).toEqual(['client.discovered', 'client.discovered', 'first'])
    expect(await seen(store.otherTenant)).toEqual(['second'])
    expect((await sql`select from cimd.outbox`.execute(store.api)).rows).toEqual([])
  })

  it('forgets the tenant of a connection with its transaction', async () => {
    await using store = await setup()
    await populate(store)
    const oneConnection = store.open('cimd_api', 1)
    const count = sql<{ n: number }>`select count(*) as n from cimd.interest`
    const inside = await withTenant(oneConnection, store.tenant, (trx) => count.execute(trx))
    expect(inside.rows).toEqual([{ n: 1 }])
    expect((await count.execute(oneConnection)).rows).toEqual([{ n: 0 }])
  })

  it.each([
    'insert into cimd.interest select tenant_id, client_ref, 0, now(), now(), now() from foreign_row',
    `insert into cimd.tickets (tenant_id, client_ref, generation, expires_at)
      select tenant_id, client_ref, 99, now() from foreign_row`,
  ])('lets no tenant write for another: %s', async (statement) => {
    await using store = await setup()
    const { client } = await store.demand(identify())
    const write = withTenant(store.api, store.tenant, (trx) =>
      sql`with foreign_row as (select ${store.otherTenant}::uuid as tenant_id, ${client}::bigint as client_ref)
        ${sql.raw(statement)}`.execute(trx),
    )
    await expect(write).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE })
  })

  it('hides the rows of another tenant from updates', async () => {
    await using store = await setup()
    await populate(store)
    const touched = await withTenant(store.api, store.tenant, (trx) =>
      sql`update cimd.interest set leased_until = 'infinity' where tenant_id = ${store.otherTenant}`.execute(
        trx,
      ),
    )
    expect(touched.numAffectedRows).toBe(0n)
  })

  it('shows the scheduler every tenant', async () => {
    await using store = await setup()
    await populate(store)
    for (const table of TABLES) {
      const { rows } = await sql`select from cimd.${sql.raw(table)}`.execute(store.scheduler)
      expect(rows, table).toHaveLength(2)
    }
  })
})

// The owner of the tables stands above row-level security: only our queries' own conditions are left.
describeStore('a query on behalf of a tenant', () => {
  it('keeps to the tenant even where row-level security does not hold', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client, generation } = await store.demand(clientId, { tenant: store.otherTenant })
    const theirs = await withTenant(store.api, store.otherTenant, (trx) =>
      issueTicket(trx, client, generation),
    )
    await store.fetch(clientId)
    await relayOutbox(store.scheduler, 10)
    const asOwner = await withTenant(store.owner, store.tenant, async (trx) => ({
      feed: await readFeed(trx, 0, 10),
      ticket: await findTicket(trx, theirs),
    }))
    expect(asOwner).toMatchObject({ feed: [{ position: 1 }], ticket: undefined })
    expect(asOwner.feed).toHaveLength(1)
  })
})

/** One row of each table for each of two tenants. */
async function populate(store: TestStore): Promise<TestStore> {
  const clientId = identify()
  for (const tenant of [store.tenant, store.otherTenant]) {
    const { client, generation } = await store.demand(clientId, { tenant })
    await withTenant(store.api, tenant, (trx) => issueTicket(trx, client, generation))
  }
  await store.fetch(clientId)
  expect((await relayOutbox(store.scheduler, 10)).tenants).toHaveLength(2)
  return store
}

/** Tells one tenant something about no client, as the notifier does. */
async function tellAlone({ notifier }: TestStore, tenant: string, type: string): Promise<void> {
  await withTenant(notifier, tenant, (trx) =>
    sql`
      with told as (
        insert into cimd.outbox (type, data, occurred_at, relayed_at) values (${type}, '{}', now(), now()) returning id
      )
      insert into cimd.feed (tenant_id, position, outbox_id) select ${tenant}, 1, id from told`.execute(trx),
  )
}

async function tenantsSeen(store: TestStore, table: string, tenant: string): Promise<string[]> {
  const column = table === 'tenants' ? 'id' : 'tenant_id'
  return store.api.transaction().execute(async (trx) => {
    await sql`select set_config('cimd.tenant_id', ${tenant}, true)`.execute(trx)
    const { rows } = await sql<{ tenant: string }>`
      select distinct ${sql.ref(column)}::text as tenant from cimd.${sql.raw(table)}`.execute(trx)
    return rows.map((row) => row.tenant)
  })
}
