import {
  countUse,
  eraseSubject,
  eraseUnusedSubjects,
  findClient,
  findFleetReputation,
  findPseudonym,
  forgetClients,
  notePseudonym,
  type StoreRole,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { ACTOR } from './audit-bundle.ts'
import { describeStore, identify, setup, shareStore, type TestStore } from './store-bundle.ts'

const DAY = 86_400
const DOMAIN = 'example.net'

const use = (store: TestStore, client: string, subject: string, tenant = store.tenant) =>
  withTenant(store.api, tenant, async (trx) => {
    const pseudonym = await notePseudonym(trx, subject)
    await countUse(trx, { client, domain: DOMAIN, pseudonym }, { fleet: true })
    return pseudonym
  })

describeStore('reputation', () => {
  it('is exact while many report at once, with the counts over all tenants', async () => {
    await using store = await setup({ connectionsMax: 20 })
    const clientIds = [identify(), identify(), identify()]
    for (const clientId of clientIds) await store.fetch(clientId)
    const { rows: clients } = await sql<{
      id: string
    }>`select id::text from cimd.clients order by id`.execute(store.owner)
    const reports = clients.flatMap(({ id }, place) =>
      [store.tenant, store.otherTenant].flatMap((tenant) =>
        Array.from({ length: 60 }, (_, index) => use(store, id, `user ${(index % 20) + place}`, tenant)),
      ),
    )
    await Promise.all(reports)
    for (const [place, { id }] of clients.entries()) {
      const view = await withTenant(store.api, store.tenant, (trx) =>
        findClient(trx, clientIds[place] ?? identify()),
      )
      expect(view.reputation).toMatchObject({ subjects: 20, domainSubjects: 22, domainClients: 3 })
      expect(await findFleetReputation(store.api, id)).toMatchObject({
        ...{ subjects: 40, domainSubjects: 44, domainClients: 3 },
      })
    }
  })

  it('of a domain loses the client that is forgotten, and keeps its users (CAC-19)', async () => {
    await using store = await setup()
    const [gone, kept] = [identify(), identify()]
    const { client } = await store.demand(gone)
    await store.fetch(gone)
    await use(store, client, 'alice')
    const { client: other } = await store.demand(kept)
    await store.fetch(kept)
    await use(store, other, 'bob')
    await sql`update cimd.clients set dormant_since = cimd.cimd_now() where id = ${client}`.execute(
      store.owner,
    )
    await store.moveClock(61 * DAY)
    expect(await forgetClients(store.scheduler, 10)).toBe(1)
    const view = await withTenant(store.api, store.tenant, (trx) => findClient(trx, kept))
    expect(view.reputation).toMatchObject({ subjects: 1, domainSubjects: 2, domainClients: 1 })
    expect(await findFleetReputation(store.api, other)).toMatchObject({ domainSubjects: 2, domainClients: 1 })
  })

  it('is told to no tenant that never asked for the client', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    const view = await withTenant(store.api, store.otherTenant, (trx) => findClient(trx, clientId))
    expect(view.reputation).toBeUndefined()
  })
})

describeStore('pseudonyms (ARC-10)', () => {
  it('are one per subject and tenant, however many ask at once', async () => {
    await using store = await setup()
    const ask = (tenant: string) => withTenant(store.api, tenant, (trx) => notePseudonym(trx, 'alice'))
    const asked = await Promise.all(Array.from({ length: 20 }, () => ask(store.tenant)))
    expect(new Set(asked).size).toBe(1)
    expect(await ask(store.otherTenant)).not.toBe(asked[0])
    const { rows } = await sql<{ subject_hash: Buffer }>`
      select subject_hash from cimd.subjects where subject_hash = sha256('alice')`.execute(store.owner)
    expect(rows).toEqual([])
  })

  it('are found until the subject is erased', async () => {
    await using store = await setup()
    const inTenant = <T>(work: Parameters<typeof withTenant<T>>[2]) =>
      withTenant(store.api, store.tenant, work)
    expect(await inTenant((trx) => findPseudonym(trx, 'alice'))).toBeUndefined()
    expect(await inTenant((trx) => eraseSubject(trx, 'alice', ACTOR))).toBeUndefined()
    const first = await inTenant((trx) => notePseudonym(trx, 'alice'))
    expect(await inTenant((trx) => findPseudonym(trx, 'alice'))).toBe(first)
    expect(await inTenant((trx) => eraseSubject(trx, 'alice', ACTOR))).toBe(first)
    expect(await inTenant((trx) => findPseudonym(trx, 'alice'))).toBeUndefined()
    expect(await inTenant((trx) => notePseudonym(trx, 'alice'))).not.toBe(first)
  })

  it('are erased 400 days after the last report', async () => {
    await using store = await setup()
    const note = (subject: string) =>
      withTenant(store.api, store.tenant, (trx) => notePseudonym(trx, subject))
    await note('alice')
    const bob = await note('bob')
    await store.moveClock(200 * DAY)
    expect(await note('bob')).toBe(bob)
    await store.moveClock(400 * DAY + 60)
    expect(await eraseUnusedSubjects(store.scheduler, 10)).toBe(1)
    expect(await note('bob')).toBe(bob)
  })
})

describeStore('row-level security of reputation', () => {
  const shared = shareStore()
  const TABLES = [
    'subject_keys',
    'subjects',
    'client_subjects',
    'domain_subjects',
    'client_reputation',
    'domain_reputation',
    'reviewed',
  ]

  it.each(TABLES)(
    'of %s holds for its owner too, and shows the api nothing without a tenant',
    async (table) => {
      const store = shared()
      const clientId = identify()
      const { client } = await store.demand(clientId)
      await use(store, client, 'alice')
      await sql`insert into cimd.reviewed (tenant_id, kind, name, reviewed_by)
      values (${store.tenant}, 'client', ${clientId}, 'a test')`.execute(store.owner)
      const { rows } = await sql<{ forced: boolean }>`
      select relrowsecurity and relforcerowsecurity as forced from pg_class
      where oid = ${`cimd.${table}`}::regclass`.execute(store.owner)
      expect(rows).toEqual([{ forced: true }])
      const count = sql<{ rows: number }>`select count(*) as rows from ${sql.table(`cimd.${table}`)}`
      expect((await count.execute(store.owner)).rows[0]?.rows).toBeGreaterThan(0)
      expect((await count.execute(store.api)).rows).toEqual([{ rows: 0 }])
      const seen = await withTenant(store.api, store.otherTenant, (trx) => count.execute(trx))
      expect(seen.rows).toEqual([{ rows: 0 }])
    },
  )

  it.each<[StoreRole, string]>([['cimd_api', 'insert into cimd.reviewed values ($1, $2, $3, now(), $4)']])(
    'keeps %s from writing for another tenant',
    async (role) => {
      const store = shared()
      const db = store.open(role, 1)
      const write = withTenant(db, store.otherTenant, (trx) =>
        sql`insert into cimd.reviewed (tenant_id, kind, name, reviewed_by)
        values (${store.tenant}, 'domain', 'example.org', 'a test')`.execute(trx),
      )
      await expect(write).rejects.toMatchObject({ code: '42501' })
    },
  )
})
