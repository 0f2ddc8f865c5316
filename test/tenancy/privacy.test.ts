import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { describeStore, shareStore } from '../integration/store-bundle.ts'
import { tenantTables } from './catalogue.ts'

const DATA_MAP = fileURLToPath(new URL('../../docs/privacy.md', import.meta.url))

type Row = {
  readonly table: string
  readonly columns: readonly string[]
  readonly readers: readonly string[]
}

describeStore('the data map of docs/privacy.md', () => {
  const store = shareStore()

  it('has every table of the store, and no other', async () => {
    const { rows } = await sql<{ name: string }>`
      select c.relname as name from pg_class c where c.relnamespace = 'cimd'::regnamespace and c.relkind in ('r', 'p')
        and c.relname not like 'kysely%' order by 1`.execute(store().owner)
    expect(
      mapped()
        .map(({ table }) => table)
        .toSorted(),
    ).toEqual(rows.map(({ name }) => name).toSorted())
  })

  it('names columns that are there, and of every table of a tenant all of them', async () => {
    const { rows } = await sql<{ table: string; columns: string[] }>`
      select c.relname as table, array_agg(a.attname::text order by a.attname) as columns
      from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.relnamespace = 'cimd'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
      group by 1`.execute(store().owner)
    const there = new Map(rows.map(({ table, columns }) => [table, columns]))
    const ofTenants = new Set((await tenantTables(store().owner)).map(({ name }) => name))
    const wrong = mapped().flatMap(({ table, columns }) => {
      const real = there.get(table) ?? []
      const unknown = columns.filter((column) => !real.includes(column))
      const missing = ofTenants.has(table) ? real.filter((column) => !columns.includes(column)) : []
      return unknown.length + missing.length > 0 ? [{ table, unknown, missing }] : []
    })
    expect(wrong).toEqual([])
  })

  it('says who reads each: the roles that may select of it, and no others', async () => {
    const { rows } = await sql<{ table: string; readers: string[] }>`
      select c.relname as table, array_remove(array_agg(
        case when has_any_column_privilege(r.oid, c.oid, 'select') then substr(r.rolname, 6) end order by r.rolname
      ), null) as readers
      from pg_class c, pg_roles r
      where c.relnamespace = 'cimd'::regnamespace and c.relkind in ('r', 'p') and c.relname not like 'kysely%'
        and r.rolname in ('cimd_api', 'cimd_fetcher', 'cimd_scheduler', 'cimd_notifier', 'cimd_operator')
      group by 1`.execute(store().owner)
    const wrong = mapped().flatMap(({ table, readers }) => {
      const real = rows.find((row) => row.table === table)?.readers ?? []
      return readers.toSorted().join(' ') === real.join(' ') ? [] : [{ table, readers: real.join(', ') }]
    })
    expect(wrong).toEqual([])
  })
})

/** The rows of the map: table, columns, purpose, how long, who reads it. */
function mapped(): Row[] {
  return readFileSync(DATA_MAP, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => {
      const [, table = '', columns = '', , , readers = ''] = line.split('|').map((cell) => cell.trim())
      const names = [...columns.matchAll(/`(\w+)`/g)].map(([, name = '']) => name)
      return {
        table: table.replaceAll('`', ''),
        columns: names,
        readers: readers.split(', ').filter(Boolean),
      }
    })
}
