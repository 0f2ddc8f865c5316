import type { ClientIdUrl } from '@cimd/core'
import { type ClientLimits, findClient, findExhausted, withTenant } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { describeStore, identify, setup, type TestStore } from './store-bundle.ts'

const MANY: ClientLimits = { perDomainMax: 1000, perTenantMax: 1000 }

describeStore('the room for first uses (CAC-19)', () => {
  it('ends for a registrable domain, over all its hosts and all tenants', async () => {
    await using store = await setup()
    const limits = { ...MANY, perDomainMax: 3 }
    await store.demand(identify('https://a.example.net/1'))
    await store.demand(identify('https://b.example.net/2'), { tenant: store.otherTenant })
    expect(await exhausted(store, limits, 'https://c.example.net/3')).toBeUndefined()
    await store.demand(identify('https://c.example.net/3'))
    expect(await exhausted(store, limits, 'https://d.example.net/4')).toBe('domain_capacity')
    expect(await exhausted(store, limits, 'https://example.org/5')).toBeUndefined()
  })

  it('does not end for what is known, to this tenant or to another', async () => {
    await using store = await setup()
    const limits = { perDomainMax: 1, perTenantMax: 1 }
    await store.demand(identify('https://a.example.net/1'))
    expect(await exhausted(store, limits, 'https://a.example.net/1')).toBeUndefined()
    expect(await exhausted(store, limits, 'https://a.example.net/1', store.otherTenant)).toBeUndefined()
    expect(await exhausted(store, limits, 'https://a.example.net/2', store.otherTenant)).toBe(
      'domain_capacity',
    )
  })

  it('ends for a tenant, and not for the others', async () => {
    await using store = await setup()
    const limits = { ...MANY, perTenantMax: 2 }
    await store.demand(identify('https://example.org/1'))
    await store.demand(identify('https://example.com/2'), { tenant: store.otherTenant })
    expect(await exhausted(store, limits, 'https://example.com/2')).toBeUndefined()
    await store.demand(identify('https://example.com/2'))
    expect(await exhausted(store, limits, 'https://www.example.net/3')).toBe('tenant_capacity')
    expect(await exhausted(store, limits, 'https://www.example.net/3', store.otherTenant)).toBeUndefined()
  })

  it('is counted no further than to the limit', async () => {
    await using store = await setup({ connectionsMax: 1 })
    await sql`insert into cimd.clients (client_id, host, domain)
      select 'https://example.net/' || n, 'example.net', 'example.net' from generate_series(1, 20000) n`.execute(
      store.owner,
    )
    await sql`analyze cimd.clients`.execute(store.owner)
    const before = await readInIndex(store)
    const limits = { ...MANY, perDomainMax: 100 }
    expect(await exhausted(store, limits, 'https://example.net/new')).toBe('domain_capacity')
    expect((await readInIndex(store)) - before).toBeLessThan(1000)
  })
})

/** Entries of the index of domains that the api has read. */
async function readInIndex({ api, owner }: TestStore): Promise<number> {
  await sql`select pg_stat_force_next_flush()`.execute(api)
  await sql`select 1`.execute(api)
  const { rows } = await sql<{ read: number; sequential: number }>`
    select i.idx_tup_read as read, t.seq_tup_read as sequential
    from pg_stat_user_indexes i join pg_stat_user_tables t using (relid)
    where i.schemaname = 'cimd' and i.indexrelname = 'clients_domain'`.execute(owner)
  return (rows[0]?.read ?? 0) + (rows[0]?.sequential ?? 0)
}

function exhausted(store: TestStore, limits: ClientLimits, clientId: string, tenant = store.tenant) {
  return withTenant(store.api, tenant, async (trx) => {
    const view = await findClient(trx, clientId as ClientIdUrl)
    return findExhausted(trx, view, { host: new URL(clientId).hostname, limits })
  })
}
