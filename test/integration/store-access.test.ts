import {
  authenticate,
  createApiKey,
  deleteExpiredTickets,
  ensureTenant,
  findTicket,
  issueTicket,
  listTenants,
  removeTenant,
  setTenantProfile,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { describeStore, identify, setup, type TestStore } from './store-bundle.ts'

const SCOPES = ['resolve', 'events']

describeStore('tickets', () => {
  it('are the same for the same demand, and another for the next', async () => {
    await using store = await setup()
    const { client } = await store.demand(identify())
    const first = await issue(store, client, 1)
    expect(await issue(store, client, 1)).toBe(first)
    expect(await issue(store, client, 2)).not.toBe(first)
  })

  it('are one ticket when asked for many times at once', async () => {
    await using store = await setup({ connectionsMax: 20 })
    const { client } = await store.demand(identify())
    const tickets = await Promise.all(Array.from({ length: 20 }, () => issue(store, client, 1)))
    expect(new Set(tickets).size).toBe(1)
  })

  it('name the client and the generation', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId)
    expect(await find(store, await issue(store, client, 1))).toEqual({ clientId, client, generation: 1 })
  })

  it('are unknown to another tenant, whose own are others', async () => {
    await using store = await setup()
    const { client } = await store.demand(identify())
    const mine = await issue(store, client, 1)
    const theirs = await issue(store, client, 1, store.otherTenant)
    expect(theirs).not.toBe(mine)
    expect(await find(store, mine, store.otherTenant)).toBeUndefined()
    expect(await find(store, theirs)).toBeUndefined()
  })

  it('expire after an hour, which asking again renews', async () => {
    await using store = await setup()
    const { client } = await store.demand(identify())
    const ticket = await issue(store, client, 1)
    await store.moveClock(50 * 60)
    expect(await issue(store, client, 1)).toBe(ticket)
    await store.moveClock(70 * 60)
    expect(await find(store, ticket)).toMatchObject({ generation: 1 })
    expect(await deleteExpiredTickets(store.scheduler)).toBe(0)
    await store.moveClock(111 * 60)
    expect(await find(store, ticket)).toBeUndefined()
    expect(await deleteExpiredTickets(store.scheduler)).toBe(1)
  })
})

describeStore('an API key', () => {
  it('tells whose it is and what it may do', async () => {
    await using store = await setup()
    const key = await createApiKey(store.owner, store.tenant, SCOPES)
    expect(await authenticate(store.api, key)).toEqual({
      tenantId: store.tenant,
      keyPrefix: key.split('_')[1],
      scopes: SCOPES,
      profile: 'cimd-02',
      ...{ policyVersion: 0, reportPolicyVersion: undefined, quotas: {} },
    })
    expect(await setTenantProfile(store.owner, 'no such tenant', 'atproto')).toBe(false)
    const [{ name = '' } = {}] = (await listTenants(store.owner)).filter(({ id }) => id === store.tenant)
    expect(await setTenantProfile(store.owner, name, 'atproto')).toBe(true)
    expect(await authenticate(store.api, key)).toMatchObject({ profile: 'atproto' })
    const other = await createApiKey(store.owner, store.otherTenant, [])
    expect(await authenticate(store.api, other)).toMatchObject({
      tenantId: store.otherTenant,
      scopes: [],
      profile: 'cimd-02',
    })
  })

  it.each([
    ['unknown', (key: string) => `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`],
    ['cut short', (key: string) => key.slice(0, -1)],
    ['only the prefix', (key: string) => key.slice(0, 'cimd_'.length + 12)],
    ['empty', () => ''],
  ])('is nobody when it is %s', async (_what, change) => {
    await using store = await setup()
    const key = await createApiKey(store.owner, store.tenant, SCOPES)
    expect(await authenticate(store.api, change(key))).toBeUndefined()
  })

  it('is nobody once it is revoked', async () => {
    await using store = await setup()
    const key = await createApiKey(store.owner, store.tenant, SCOPES)
    await sql`update cimd.api_keys set revoked_at = cimd.cimd_now()`.execute(store.owner)
    expect(await authenticate(store.api, key)).toBeUndefined()
  })

  it('is nobody once it has expired', async () => {
    await using store = await setup()
    const key = await createApiKey(store.owner, store.tenant, SCOPES)
    await sql`update cimd.api_keys set expires_at = cimd.cimd_now() + interval '1 minute'`.execute(
      store.owner,
    )
    expect(await authenticate(store.api, key)).toBeDefined()
    await store.moveClock(60)
    expect(await authenticate(store.api, key)).toBeUndefined()
  })

  it('is nowhere in the database, only its digest', async () => {
    await using store = await setup()
    const key = await createApiKey(store.owner, store.tenant, SCOPES)
    const secret = key.split('_').slice(2).join('_')
    const hex = [key, secret].map((text) => Buffer.from(text).toString('hex'))
    const raw = Buffer.from(secret, 'base64url').toString('hex')
    expect(await tablesHolding(store, [key, secret, ...hex, raw])).toEqual([])
    expect(await tablesHolding(store, [key.slice('cimd_'.length, 'cimd_'.length + 12)])).toEqual(['api_keys'])
  })
})

describeStore('a tenant', () => {
  it('is made once, however many ask for its name at once', async () => {
    await using store = await setup()
    const ids = await Promise.all([1, 2, 3, 4, 5].map(() => ensureTenant(store.owner, 'new')))
    expect(new Set(ids).size).toBe(1)
    expect(ids).not.toContain(store.tenant)
    expect(await ensureTenant(store.owner, 'first')).toBe(store.tenant)
  })

  it('that is removed has nothing left of what it may have very many of when its own row goes', async () => {
    await using store = await setup()
    const { client } = await store.demand(identify())
    await fillTables(store, client)
    expect(await filledTables(store)).toEqual(LARGE)
    const { removing } = await store.owner.transaction().execute(async (trx) => {
      await sql`select from cimd.tenants where id = ${store.tenant} for key share`.execute(trx)
      const removing = removeTenant(store.operator, 'first')
      await store.untilBlocked()
      expect(await filledTables(store)).toEqual([])
      return { removing }
    })
    expect(await removing).toBe(true)
  })
})

function issue(store: TestStore, client: string, generation: number, tenant = store.tenant) {
  return withTenant(store.api, tenant, (trx) => issueTicket(trx, client, generation))
}

function find(store: TestStore, id: string, tenant = store.tenant) {
  return withTenant(store.api, tenant, (trx) => findTicket(trx, id))
}

/** Tables that may have a row for each client, domain or user of a tenant. */
const LARGE = [
  ...['client_reputation', 'client_subjects', 'decisions', 'domain_eras', 'domain_reputation'],
  ...['domain_subjects', 'interest', 'policy_reports', 'registrations', 'subjects'],
]

async function fillTables({ owner, tenant }: TestStore, client: string): Promise<void> {
  await sql`
    with known as (
      insert into cimd.subjects (tenant_id, subject_hash) values (${tenant}, sha256('x')) returning tenant_id, pseudonym
    ), of_client as (
      insert into cimd.client_subjects select tenant_id, pseudonym, ${client}, now() from known
    ), of_domain as (
      insert into cimd.domain_subjects select tenant_id, pseudonym, 'example.net', now() from known
    ), decided as (
      insert into cimd.decisions (tenant_id, client_ref) values (${tenant}, ${client})
    ), registered as (
      insert into cimd.registrations (tenant_id, client_ref, mode, created_by) values (${tenant}, ${client}, 'periodic', 'test')
    ), reported as (
      insert into cimd.policy_reports (tenant_id, client_ref, policy_version, difference, reasons)
      values (${tenant}, ${client}, 1, 'newly_held', '[]')
    ), of_clients as (
      insert into cimd.client_reputation values (${tenant}, ${client}, 'example.net', 1, now(), now())
    ), of_domains as (
      insert into cimd.domain_reputation values (${tenant}, 'example.net', 1, 1, now(), now())
    )
    insert into cimd.domain_eras (tenant_id, domain, era) values (${tenant}, 'example.net', 1)`.execute(owner)
}

async function filledTables({ owner, tenant }: TestStore): Promise<string[]> {
  const found = await Promise.all(
    LARGE.map(async (name) => {
      const { rows } = await sql`
        select from ${sql.table(`cimd.${name}`)} where tenant_id = ${tenant} limit 1`.execute(owner)
      return rows.length > 0 ? [name] : []
    }),
  )
  return found.flat()
}

/** The tables with a row whose text has one of these. */
async function tablesHolding({ owner }: TestStore, texts: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select tablename as name from pg_tables where schemaname = 'cimd'`.execute(owner)
  const holding: string[] = []
  for (const { name } of rows) {
    const found = await sql`select from cimd.${sql.ref(name)} t
      where exists (select from unnest(${texts}::text[]) as wanted where strpos(t::text, wanted) > 0)`.execute(
      owner,
    )
    if (found.rows.length > 0) holding.push(name)
  }
  return holding
}
