import type { Db, StoreRole } from '@cimd/store'
import { type RawBuilder, sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeStore, setup, type TestStore } from '../integration/store-bundle.ts'
import { type TenantTable, tenantTables } from './catalogue.ts'
import { buildWorld } from './world.ts'

/** The roles that act for one tenant at a time; all others serve every tenant, and say so in their policies. */
const BOUND: readonly StoreRole[] = ['cimd_api']

/**
 * Which roles read which tenants' tables whole, and what for: a policy that is for every row is one of these. What is not
 * here is refused, or empty without a tenant.
 */
const SEES_EVERY_TENANT: Readonly<Record<string, readonly string[]>> = {
  cimd_scheduler: [
    ...[
      'approvals',
      'audit',
      'audit_heads',
      'audit_pending',
      'bindings',
      'client_reputation',
      'client_subjects',
    ],
    ...['decisions', 'deliveries', 'domain_eras', 'domain_reputation', 'effective_documents', 'feed'],
    ...[
      'fetch_places',
      'interest',
      'policies',
      'quota_windows',
      'registrations',
      'subjects',
      'tenants',
      'tickets',
    ],
  ],
  // Which clients have a place, and since when, but not whose it is: the column of the tenant is not granted.
  cimd_fetcher: ['fetch_places'],
  cimd_notifier: ['bridges', 'deliveries', 'lanes', 'subscription_secrets', 'subscriptions', 'tenants'],
}

const DENIED = '42501'

describeStore('raw SQL as each role of a service', () => {
  let store: TestStore
  let tables: TenantTable[]
  beforeAll(async () => {
    store = await setup()
    await buildWorld(store)
    tables = await tenantTables(store.owner)
  })
  afterAll(() => store?.[Symbol.asyncDispose]())

  const open = (role: StoreRole): Db => store.open(role, 1)
  /** How many rows of each tenant a role finds; `denied` where it may not look. */
  const seen = async (db: Db, { name, owner }: TenantTable, tenant?: string): Promise<unknown> => {
    const whose: RawBuilder<unknown> = sql.raw(owner)
    try {
      return await db.transaction().execute(async (trx) => {
        if (tenant !== undefined) await sql`select set_config('cimd.tenant_id', ${tenant}, true)`.execute(trx)
        const { rows } = await sql<{ tenant: string }>`
          select distinct ${whose}::text as tenant from ${sql.raw(`cimd.${name}`)} r`.execute(trx)
        return rows.map((row) => row.tenant)
      })
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === DENIED) return 'denied'
      throw error
    }
  }

  it('every role that serves tenants is bound or named with what it sees', async () => {
    const { rows } = await sql<{ role: string; table: string }>`
      select r.rolname as role, c.relname as table
      from pg_policy p join pg_class c on c.oid = p.polrelid join pg_roles r on r.oid = any(p.polroles)
      where c.relnamespace = 'cimd'::regnamespace and p.polcmd in ('*', 'r')
        and pg_get_expr(p.polqual, p.polrelid) = 'true' and c.relname = any(${tables.map(({ name }) => name)})
        and r.rolname not in ('cimd_operator', 'cimd_definer')
      order by 1, 2`.execute(store.owner)
    const whole: Record<string, string[]> = {}
    for (const { role, table } of rows) whole[role] = [...(whole[role] ?? []), table]
    expect(whole).toEqual(
      Object.fromEntries(
        Object.entries(SEES_EVERY_TENANT).map(([role, names]) => [role, [...names].toSorted()]),
      ),
    )
  })

  it.each<StoreRole>(['cimd_api', 'cimd_fetcher', 'cimd_scheduler', 'cimd_notifier'])(
    '%s sees nothing of any tenant while none is set, save what it serves all tenants by',
    async (role) => {
      const db = open(role)
      const found = await Promise.all(
        tables
          .filter(({ name }) => !SEES_EVERY_TENANT[role]?.includes(name))
          .map(async (table) => [table.name, await seen(db, table)]),
      )
      expect(found.filter(([, tenants]) => tenants !== 'denied' && String(tenants) !== '')).toEqual([])
    },
  )

  it.each(BOUND)(
    '%s sees no row of what is bound by a policy and is of no one tenant, while none is set',
    async (role) => {
      const { rows } = await sql<{ name: string }>`
      select relname as name from pg_class where relnamespace = 'cimd'::regnamespace and relrowsecurity
        and relname <> all(${tables.map(({ name }) => name)})`.execute(store.owner)
      expect(rows.map(({ name }) => name)).toContain('outbox')
      const db = open(role)
      for (const { name } of rows) {
        expect([name, (await sql`select from ${sql.raw(`cimd.${name}`)} limit 1`.execute(db)).rows]).toEqual([
          name,
          [],
        ])
      }
    },
  )

  it.each(BOUND)('%s sees the rows of the tenant that is set, and of no other', async (role) => {
    const db = open(role)
    const { tenant } = store
    const found = await Promise.all(
      tables.map(async (table) => [table.name, await seen(db, table, tenant)] as const),
    )
    expect(
      found.filter(([, tenants]) => tenants !== 'denied' && !['', tenant].includes(String(tenants))),
    ).toEqual([])
    expect(found.filter(([, tenants]) => String(tenants) === tenant).length).toBeGreaterThan(8)
  })

  it.each(BOUND)('%s can neither write for another tenant nor move, change or end its rows', async (role) => {
    const db = open(role)
    const before = await countRows(store, tables)
    const through: string[] = []
    for (const { name, owner } of tables) {
      for (const statement of attacksOn(name, owner, store.otherTenant)) {
        if (!(await isRefused(db, store.tenant, statement))) through.push(statement)
      }
    }
    expect(through).toEqual([])
    expect(await countRows(store, tables)).toEqual(before)
  })

  it('a tenant is set until the transaction ends, and no longer', async () => {
    const db = open('cimd_api')
    const current = () => sql<{ tenant: string | null }>`select cimd.current_tenant() as tenant`
    const { rows } = await db.transaction().execute(async (trx) => {
      await sql`select set_config('cimd.tenant_id', ${store.tenant}, true)`.execute(trx)
      return current().execute(trx)
    })
    expect([rows, (await current().execute(db)).rows]).toEqual([
      [{ tenant: store.tenant }],
      [{ tenant: null }],
    ])
  })

  it('row-level security is on for every table of a tenant, for its owner too', async () => {
    const { rows } = await sql<{ name: string }>`
      select relname as name from pg_class
      where relnamespace = 'cimd'::regnamespace
        and (relrowsecurity or relname = any(${tables.map(({ name }) => name)}))
        and not (relrowsecurity and relforcerowsecurity)`.execute(store.owner)
    expect(rows.map(({ name }) => name)).toEqual([])
  })
})

/** What somebody would try who could send any statement for one tenant. */
function attacksOn(table: string, owner: string, victim: string): string[] {
  const [name, whose] = [`cimd.${table}`, `${owner} = '${victim}'`]
  const column = /^r\.(\w+)$/.exec(owner)?.[1]
  return [
    `delete from ${name} r where ${whose}`,
    ...(column === undefined
      ? []
      : [
          `update ${name} r set ${column} = ${column} where ${whose}`,
          `update ${name} r set ${column} = '${victim}'`,
          `insert into ${name} (${column}) values ('${victim}')`,
        ]),
  ]
}

/** Whether a statement reached no row. One that would add a row has to be refused for want of the right to it. */
async function isRefused(db: Db, tenant: string, statement: string): Promise<boolean> {
  try {
    return await db.transaction().execute(async (trx) => {
      await sql`select set_config('cimd.tenant_id', ${tenant}, true)`.execute(trx)
      const { numAffectedRows = 0n } = await sql.raw(statement).execute(trx)
      return numAffectedRows === 0n
    })
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === DENIED
  }
}

async function countRows(
  { owner }: TestStore,
  tables: readonly TenantTable[],
): Promise<Record<string, number>> {
  const counts = await Promise.all(
    tables.map(async ({ name }) => {
      const { rows } = await sql<{
        rows: number
      }>`select count(*) as rows from ${sql.raw(`cimd.${name}`)}`.execute(owner)
      return [name, rows[0]?.rows ?? 0] as const
    }),
  )
  return Object.fromEntries(counts)
}
