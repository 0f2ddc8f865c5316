import type { Db } from '@cimd/store'
import { sql } from 'kysely'

/** A table whose rows are a tenant's: `owner` says, of a row `r`, whose. */
export type TenantTable = { readonly name: string; readonly owner: string }

type Reached = { name: string; column: string; of: string; key: string }

/**
 * Every table of the schema that has a tenant, as the database itself tells: by a column of its own, by being the table of
 * tenants, or by a foreign key to one of these that is not a shared client.
 */
export async function tenantTables(owner: Db): Promise<TenantTable[]> {
  const { rows: direct } = await sql<{ name: string }>`
    select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'cimd'::regnamespace and c.relkind in ('r', 'p') and a.attname = 'tenant_id' and not a.attisdropped
    order by 1`.execute(owner)
  const own = direct.map(({ name }) => ({ name, owner: 'r.tenant_id' }))
  const { rows: reached } = await sql<Reached>`
    select c.relname as name, a.attname as column, f.relname as of, k.attname as key
    from pg_constraint n
    join pg_class c on c.oid = n.conrelid join pg_class f on f.oid = n.confrelid
    join pg_attribute a on a.attrelid = c.oid and a.attnum = n.conkey[1]
    join pg_attribute k on k.attrelid = f.oid and k.attnum = n.confkey[1]
    where n.contype = 'f' and c.relnamespace = 'cimd'::regnamespace and cardinality(n.conkey) = 1
      and f.relname = any(${direct.map(({ name }) => name)}) and c.relname <> all(${direct.map(({ name }) => name)})
    order by 1`.execute(owner)
  const through = reached.map(({ name, column, of, key }) => ({
    name,
    owner: `(select p.tenant_id from cimd.${of} p where p.${key} = r.${column})`,
  }))
  return [{ name: 'tenants', owner: 'r.id' }, ...own, ...through]
}

/** Every row of one tenant in every table, as text: what may not change while another tenant asks. */
export async function rowsOf(owner: Db, tenant: string): Promise<Record<string, string[]>> {
  const tables = await tenantTables(owner)
  const rows = await Promise.all(
    tables.map(async ({ name, owner: whose }) => {
      const { rows: found } = await sql<{ row: string }>`
        select to_jsonb(r)::text as row from ${sql.raw(`cimd.${name}`)} r
        where ${sql.raw(whose)} = ${tenant}::uuid order by 1`.execute(owner)
      return [name, found.map(({ row }) => row)] as const
    }),
  )
  return Object.fromEntries(rows)
}
