import type { ClientIdUrl } from '@cimd/core'
import {
  deleteOldAttempts,
  deleteOldInterest,
  deleteOldVersions,
  type InterestPlace,
  type Retention,
  recordAttempt,
  reportBinding,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { describeStore, identify, setup, type TestStore, validRecord } from './store-bundle.ts'

const DAY = 86_400
const KEPT: Retention = { versionsKept: 3, versionDays: 90, attemptDays: 90 }

describeStore('retention of versions (CHG-09)', () => {
  it('keeps the newest by count, and the attempts outlive the others', async () => {
    await using store = await setup()
    const { names } = await publish(store, 5)
    expect(await names()).toEqual(['1', '2', '3', '4', '5'])
    expect(await pruneVersions(store)).toBe(2)
    expect(await names()).toEqual(['3', '4', '5'])
    const { rows } = await sql<{ all: number; without: number }>`
      select count(*) as all, count(*) filter (where version_id is null) as without from cimd.attempts`.execute(
      store.owner,
    )
    expect(rows).toEqual([{ all: 5, without: 2 }])
  })

  it('keeps a version for some time after another has replaced it, however old it is itself', async () => {
    await using store = await setup()
    const { names, clientId } = await publish(store, 1)
    await store.moveClock(100 * DAY)
    expect(await pruneVersions(store)).toBe(0)
    await publish(store, 1, clientId, 'newer')
    await store.moveClock(189 * DAY)
    expect(await pruneVersions(store)).toBe(0)
    await store.moveClock(191 * DAY)
    expect(await pruneVersions(store)).toBe(1)
    expect(await names()).toEqual(['newer1'])
  })

  it.each<[string, (store: TestStore, version: string) => Promise<unknown>]>([
    [
      'is bound',
      ({ owner, tenant }, version) =>
        sql`insert into cimd.bindings (tenant_id, client_ref, version_id, kind, bound_at, bound_until)
          select ${tenant}, id, ${version}, 'code', now(), now() + interval '1 minute' from cimd.clients`.execute(
          owner,
        ),
    ],
    [
      'is approved',
      ({ owner, tenant }, version) =>
        sql`insert into cimd.approvals (tenant_id, client_ref, version_id)
          select ${tenant}, id, ${version} from cimd.clients`.execute(owner),
    ],
    [
      'is part of an effective document',
      ({ owner, tenant }, version) =>
        sql`insert into cimd.effective_documents
          (tenant_id, digest, client_ref, approved_version_id, current_version_id, given_at)
          select ${tenant}, '\\x00', id, ${version}, version_id, now() from cimd.clients`.execute(owner),
    ],
  ])('keeps one that %s', async (_what, given) => {
    await using store = await setup()
    const { names, ids } = await publish(store, 5)
    await given(store, (await ids())[0] ?? '')
    expect(await pruneVersions(store)).toBe(1)
    expect(await names()).toEqual(['1', '3', '4', '5'])
  })

  it('lets go of a version whose binding has expired, together with the binding', async () => {
    await using store = await setup()
    const { names, ids } = await publish(store, 5)
    await sql`insert into cimd.bindings (tenant_id, client_ref, version_id, kind, bound_at, bound_until)
      select ${store.tenant}, id, ${(await ids())[0]}, 'code', now(), now() from cimd.clients`.execute(
      store.owner,
    )
    expect(await pruneVersions(store)).toBe(3)
    expect(await names()).toEqual(['3', '4', '5'])
  })

  it('keeps the effective document in force however old, and lets go of one that is not', async () => {
    await using store = await setup()
    const { ids } = await publish(store, 2)
    const [approved, current] = await ids()
    await sql`insert into cimd.approvals (tenant_id, client_ref, version_id)
      select ${store.tenant}, id, ${approved} from cimd.clients`.execute(store.owner)
    await sql`insert into cimd.effective_documents
      (tenant_id, digest, client_ref, approved_version_id, current_version_id, given_at)
      select ${store.tenant}, d.digest, c.id, d.approved, d.current, now()
      from cimd.clients c, (values ('\\x01'::bytea, ${approved}::bigint, ${current}::bigint),
        ('\\x02', ${current}, ${current})) as d (digest, approved, current)`.execute(store.owner)
    await store.moveClock(89 * DAY)
    expect(await pruneVersions(store)).toBe(0)
    await store.moveClock(91 * DAY)
    expect(await pruneVersions(store)).toBe(1)
    const left = await store.owner.selectFrom('cimd.effective_documents').select('digest').execute()
    expect(left.map(({ digest }) => digest.toString('hex'))).toEqual(['01'])
  })

  it('keeps only the newest effective documents of a tenant, so that they hold no more than versions do', async () => {
    await using store = await setup()
    const { names, ids } = await publish(store, 9)
    const [approved = '', ...others] = await ids()
    await give(store, approved, others)
    await give(store, others[0] ?? '', others.slice(0, 1), store.otherTenant)
    expect(await pruneVersions(store)).toBe(5 + 4)
    expect(await givenTo(store, store.tenant)).toEqual(others.slice(-KEPT.versionsKept))
    expect(await givenTo(store, store.otherTenant)).toEqual(others.slice(0, 1))
    expect(await names()).toEqual(['1', '2', '7', '8', '9'])
  })

  it('CHG-09: keeps one that is bound beside them, and one in force', async () => {
    await using store = await setup()
    const { clientId, ids } = await publish(store, 9)
    const [approved = '', bound = '', ...others] = await ids()
    await give(store, approved, [others.at(-1) ?? '', bound, ...others.slice(0, -1)])
    await sql`insert into cimd.approvals (tenant_id, client_ref, version_id)
      select ${store.tenant}, id, ${approved} from cimd.clients where client_id = ${clientId}`.execute(
      store.owner,
    )
    await sql`insert into cimd.bindings (tenant_id, client_ref, version_id, kind, bound_at, bound_until)
      select ${store.tenant}, id, unnest(${[approved, bound]}::bigint[]), 'consent', now(), now() + interval '100 days'
      from cimd.clients where client_id = ${clientId}`.execute(store.owner)
    await pruneVersions(store)
    expect(await givenTo(store, store.tenant)).toEqual([bound, ...others.slice(-4)])
    await store.moveClock(95 * DAY)
    await pruneVersions(store)
    expect(await givenTo(store, store.tenant)).toEqual([bound, others.at(-1)])
    await store.moveClock(101 * DAY)
    await pruneVersions(store)
    expect(await givenTo(store, store.tenant)).toEqual(others.slice(-1))
  })

  it('passes over a client that is in use at that moment', async () => {
    await using store = await setup()
    await publish(store, 5)
    await store.owner.transaction().execute(async (trx) => {
      await sql`select from cimd.clients for no key update`.execute(trx)
      expect(await pruneVersions(store)).toBe(0)
    })
    expect(await pruneVersions(store)).toBe(2)
  })

  it('CHG-09: keeps an effective document that a tenant builds on at that moment', async () => {
    await using store = await setup()
    const { ids } = await publish(store, 2)
    const [approved = '', current = ''] = await ids()
    await give(store, approved, [current])
    await store.moveClock(91 * DAY)
    await withTenant(store.api, store.tenant, async (trx) => {
      const { rows } = await sql<{ client: string; digest: string }>`
        select client_ref::text as client, encode(digest, 'hex') as digest from cimd.effective_documents`.execute(
        store.owner,
      )
      const report = { client: '', digest: '', ...rows[0], kind: 'code', leaseSeconds: 600 } as const
      expect(await reportBinding(trx, report)).toBeInstanceOf(Date)
      expect(await pruneVersions(store)).toBe(0)
    })
    expect(await givenTo(store, store.tenant)).toEqual([current])
  })

  it('walks through all versions in small steps', async () => {
    await using store = await setup()
    const { names } = await publish(store, 5)
    const other = await publish(store, 4)
    expect(await pruneVersions(store, 2)).toBe(3)
    expect([await names(), await other.names()]).toEqual([
      ['3', '4', '5'],
      ['2', '3', '4'],
    ])
  })
})

describeStore('retention of attempts', () => {
  it('deletes old ones, never the newest of a client, and no more than it is told to', async () => {
    await using store = await setup()
    await publish(store, 4)
    await publish(store, 1)
    await store.moveClock(89 * DAY)
    expect(await pruneAttempts(store)).toEqual([0])
    await store.moveClock(91 * DAY)
    expect(await pruneAttempts(store)).toEqual([2, 1, 0])
    const left = await store.owner.selectFrom('cimd.attempts').select('generation').orderBy('id').execute()
    expect(left.map(({ generation }) => generation)).toEqual([4, 1])
  })

  it('passes over what is kept, and ends before what is not old', async () => {
    await using store = await setup()
    for (let made = 0; made < 5; made += 1) await publish(store, 1)
    const { clientId } = await publish(store, 2)
    await store.moveClock(91 * DAY)
    await publish(store, 8, clientId, 'later')
    expect(await pruneAttempts(store)).toEqual([0, 0, 1, 1, 0])
  })
})

describeStore('retention of interest', () => {
  it('forgets what a tenant has not used for a year, unless it has built on it', async () => {
    await using store = await setup()
    const plain = await publish(store, 1)
    const bound = await publish(store, 1)
    await sql`insert into cimd.bindings (tenant_id, client_ref, version_id, kind, bound_at, bound_until)
      select ${store.tenant}, id, version_id, 'token', now(), now() + interval '2 years'
      from cimd.clients where client_id = ${bound.clientId}`.execute(store.owner)
    await store.moveClock(360 * DAY)
    await store.demand(plain.clientId, { tenant: store.otherTenant })
    expect(await pruneInterest(store)).toBe(0)
    await store.moveClock(370 * DAY)
    expect(await pruneInterest(store)).toBe(1)
    const left = await sql<{ tenant: string; client_id: string }>`
      select i.tenant_id::text as tenant, c.client_id from cimd.interest i join cimd.clients c on c.id = i.client_ref
      order by c.id`.execute(store.owner)
    expect(left.rows).toEqual([
      { tenant: store.otherTenant, client_id: plain.clientId },
      { tenant: store.tenant, client_id: bound.clientId },
    ])
  })
})

/** A client with so many versions; they are called by their names in the documents. */
async function publish(store: TestStore, count: number, clientId: ClientIdUrl = identify(), prefix = '') {
  for (let n = 1; n <= count; n += 1) {
    const { client } = await store.demand(clientId, { forced: true })
    const record = validRecord(await store.claim(client), { client_name: `${prefix}${n}` })
    await recordAttempt(store.fetcher, record)
  }
  const rows = async () =>
    (
      await sql<{ id: string; name: string }>`
        select id::text, convert_from(body, 'UTF8')::jsonb ->> 'client_name' as name from cimd.versions
        where client_id = ${clientId} order by versions.id`.execute(store.owner)
    ).rows
  return {
    clientId,
    ids: async () => (await rows()).map(({ id }) => id),
    names: async () => (await rows()).map(({ name }) => name),
  }
}

/** Notes that a tenant was given documents made of the approved version and each of these, one after the other. */
async function give({ owner, tenant }: TestStore, approved: string, current: string[], to = tenant) {
  await sql`insert into cimd.effective_documents
      (tenant_id, digest, client_ref, approved_version_id, current_version_id, given_at)
    select ${to}, sha256(v.id::text::bytea), c.id, ${approved}, v.id, now() + make_interval(secs => given.place)
    from unnest(${current}::bigint[]) with ordinality as given (id, place)
    join cimd.versions v on v.id = given.id join cimd.clients c on c.client_id = v.client_id`.execute(owner)
}

/** The current versions of the documents a tenant was given that are still kept. */
async function givenTo({ owner }: TestStore, tenant: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select current_version_id::text as id from cimd.effective_documents where tenant_id = ${tenant}
    order by current_version_id`.execute(owner)
  return rows.map(({ id }) => id)
}

async function pruneVersions({ scheduler }: TestStore, limit = 100): Promise<number> {
  let rows = 0
  for (let after: string | undefined; ; ) {
    const { deleted, next } = await deleteOldVersions(scheduler, KEPT, { after, limit })
    rows += deleted
    if (next === undefined) return rows
    after = next
  }
}

/** What each step of a walk deleted. */
async function pruneAttempts({ scheduler }: TestStore): Promise<number[]> {
  const steps: number[] = []
  for (let after: string | undefined; ; ) {
    const { deleted, next } = await deleteOldAttempts(scheduler, KEPT, { after, limit: 2 })
    steps.push(deleted)
    if (next === undefined) return steps
    after = next
  }
}

async function pruneInterest({ scheduler }: TestStore): Promise<number> {
  let rows = 0
  for (let after: InterestPlace | undefined; ; ) {
    const { deleted, next } = await deleteOldInterest(scheduler, { after, limit: 1 })
    rows += deleted
    if (next === undefined) return rows
    after = next
  }
}
