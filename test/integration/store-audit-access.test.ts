import { chainAudit, type StoreRole } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { ACTOR, chainAll, chainOf, decided, exportOf, noteAs, verifyLines } from './audit-bundle.ts'
import { describeStore, setup, shareStore } from './store-bundle.ts'

const INSUFFICIENT_PRIVILEGE = { code: '42501' }
const ROLES: readonly StoreRole[] = ['cimd_api', 'cimd_fetcher', 'cimd_scheduler', 'cimd_notifier']
const CHANGES = [
  "update cimd.audit set entry = '{}'",
  'delete from cimd.audit',
  'truncate cimd.audit',
  'update cimd.audit_pending set at = now()',
  'truncate cimd.audit_pending',
]

describeStore('the audit is append-only', () => {
  const shared = shareStore()

  it.each(
    [...ROLES, 'cimd_operator', 'cimd_definer'].flatMap((role) =>
      CHANGES.map((statement) => [role, statement] as const),
    ),
  )('%s may not: %s', async (role, statement) => {
    // What a role may not do is refused before any row is looked at, except where its grant is for the cut alone.
    if (role === 'cimd_definer' && statement.startsWith('delete')) return
    const work = shared()
      .owner.transaction()
      .execute(async (trx) => {
        await sql.raw(`set local role ${role}`).execute(trx)
        await sql.raw(statement).execute(trx)
      })
    await expect(work).rejects.toMatchObject(INSUFFICIENT_PRIVILEGE)
  })

  it.each(CHANGES.slice(0, 3))('its owner, who may do all, is refused: %s', async (statement) => {
    await using store = await setup()
    await chainOf(store, 2)
    await expect(sql.raw(statement).execute(store.owner)).rejects.toMatchObject(INSUFFICIENT_PRIVILEGE)
    expect(await exportOf(store.owner, store.tenant)).toHaveLength(3)
  })

  it.each<[StoreRole, string]>([
    ['cimd_api', "values ('$other', 'resolve.decided', '{}', '{}')"],
    ['cimd_api', "values ('$own', 'retention.cut', '{}', '{}')"],
    ['cimd_scheduler', "values ('$own', 'resolve.decided', '{}', '{}')"],
  ])('%s notes nothing that is not its to note: %s', async (role, row) => {
    const { tenant, otherTenant, owner } = shared()
    const values = row.replace('$own', tenant).replace('$other', otherTenant)
    const work = owner.transaction().execute(async (trx) => {
      await sql`select set_config('cimd.tenant_id', ${tenant}, true)`.execute(trx)
      await sql.raw(`set local role ${role}`).execute(trx)
      await sql.raw(`insert into cimd.audit_pending (tenant_id, kind, actor, data) ${values}`).execute(trx)
    })
    await expect(work).rejects.toMatchObject(INSUFFICIENT_PRIVILEGE)
  })

  it('of a fetcher that was taken over no tenant hears more than that something was fetched', async () => {
    const note = (kind: string) =>
      sql`insert into cimd.audit_pending (client_ref, at, kind, actor, data)
        values (1, now(), ${kind}, '{}', '{}')`.execute(shared().fetcher)
    await expect(note('policy.put')).rejects.toMatchObject(INSUFFICIENT_PRIVILEGE)
    await expect(
      sql`insert into cimd.audit_pending (tenant_id, kind, actor, data)
        values (${shared().tenant}, 'fetch.recorded', '{}', '{}')`.execute(shared().fetcher),
    ).rejects.toMatchObject(INSUFFICIENT_PRIVILEGE)
  })

  it.each<[StoreRole, string, string]>([
    [
      'cimd_api',
      'a client_id that no index takes',
      "tenant_id, kind, client_id) values ('{}', '{}', '$own', 'a.b', $long)",
    ],
    [
      'cimd_api',
      'a kind that no reader takes',
      "tenant_id, kind) values ('{}', '{}', '$own', 'a.' || $long)",
    ],
    [
      'cimd_fetcher',
      'no end of time',
      "client_ref, kind, at) values ('{}', '{}', 1, 'fetch.recorded', 'infinity')",
    ],
    [
      'cimd_fetcher',
      'a far year',
      "client_ref, kind, at) values ('{}', '{}', 1, 'fetch.recorded', '290000-01-01')",
    ],
    [
      'cimd_fetcher',
      'a client_id that no index takes',
      "client_ref, kind, at, client_id) values ('{}', '{}', 1, 'fetch.recorded', now(), $long)",
    ],
  ])('%s cannot note what would hold up every chain: %s', async (role, _, row) => {
    const { tenant, owner } = shared()
    const long = "(select string_agg(md5(i::text), '') from generate_series(1, 300) i)"
    const values = row.replace('$own', tenant).replace('$long', long)
    const work = owner.transaction().execute(async (trx) => {
      await sql`select set_config('cimd.tenant_id', ${tenant}, true)`.execute(trx)
      await sql.raw(`set local role ${role}`).execute(trx)
      await sql.raw(`insert into cimd.audit_pending (actor, data, ${values}`).execute(trx)
    })
    await expect(work).rejects.toMatchObject({ constraint: 'audit_pending_fits' })
  })

  it('is seen by a tenant as its own alone, and by the api without a tenant not at all', async () => {
    await using store = await setup()
    await chainOf(store, 2)
    const { rows } = await sql`select (select count(*) from cimd.audit) as entries,
      (select count(*) from cimd.audit_heads) as heads`.execute(store.api)
    expect(rows).toEqual([{ entries: 0, heads: 0 }])
    expect(await exportOf(store.api, store.otherTenant)).toHaveLength(1)
  })
})

describeStore('a chain under way', () => {
  it('is whole whatever writes at once, with several chainers, one of which is killed again and again', async () => {
    await using store = await setup()
    const tenants = [store.tenant, store.otherTenant]
    const write = async (writer: number) => {
      for (let index = 0; index < 25; index += 1) {
        const tenantId = tenants[(writer + index) % 2] ?? store.tenant
        await noteAs(store.api, { ...decided(tenantId), actor: { ...ACTOR, id: `${writer}.${index}` } })
      }
    }
    let writing = true
    const chain = async () => {
      // A connection that is ended in the middle of a batch is the end of whatever it did.
      while (writing) await chainAudit(store.scheduler, 7).catch(() => {})
    }
    const kill = async () => {
      let killed = 0
      while (writing || killed === 0) {
        const { rows } = await sql<{ ended: boolean }>`
          select pg_terminate_backend(pid) as ended from pg_stat_activity
          where datname = current_database() and application_name = 'cimd_scheduler query'
            and state <> 'idle'`.execute(store.owner)
        killed += rows.length
      }
      return killed
    }
    const chaining = [chain(), chain()]
    const killing = kill()
    await Promise.all(Array.from({ length: 8 }, (_, writer) => write(writer)))
    writing = false
    await Promise.all(chaining)
    expect(await killing).toBeGreaterThan(0)
    while ((await chainAudit(store.scheduler, 7).catch(() => ({ more: true }))).more);
    await chainAll(store)
    const verdicts = await Promise.all(
      tenants.map(async (tenant) => verifyLines(await exportOf(store.api, tenant))),
    )
    expect(verdicts.map(({ problems }) => problems)).toEqual([[], []])
    const lines = (await Promise.all(tenants.map((tenant) => exportOf(store.api, tenant)))).flat()
    const written = lines.flatMap((line) => /"id":"(\d+\.\d+)"/.exec(line)?.[1] ?? [])
    expect([written.length, new Set(written).size]).toEqual([200, 200])
  }, 120_000)
})
