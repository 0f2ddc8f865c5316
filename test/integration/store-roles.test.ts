import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { checkDb, closeDb, type Db, dangerouslySetClockOffset, openDb, type StoreRole } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { serverAddress, throughPort } from '../harness/addresses.ts'
import { describeStore, shareStore } from './store-bundle.ts'

const INSUFFICIENT_PRIVILEGE = '42501'

const ATTEMPT_COLUMNS =
  'attempted_at claim_token claim_until claimed deferred_code deferred_until done etag event_seq failing_since ' +
  'failure_code fresh_until last_modified retry_at revalidate_until stale_forbidden stale_if_error_seconds state usable_until ' +
  'validated_at version_id withdrawing_code withdrawing_since'

// All a role may do, besides calling functions. What is missing here is refused.
const GRANTS: Record<StoreRole, readonly string[]> = {
  cimd_api: [
    'attempts: SELECT',
    'clients: INSERT (client_id host)',
    'clients: SELECT',
    'clients: UPDATE (deferred_code deferred_until forced urgent wanted)',
    'deployment: SELECT',
    'feed: SELECT',
    'interest: INSERT SELECT UPDATE',
    'outbox: SELECT',
    'schedule: DELETE INSERT SELECT UPDATE',
    'schema_versions: SELECT',
    'tenants: SELECT',
    'tickets: INSERT SELECT UPDATE',
    'versions: SELECT',
  ],
  cimd_fetcher: [
    'attempts: INSERT',
    'clients: SELECT',
    `clients: UPDATE (${ATTEMPT_COLUMNS})`,
    'deployment: SELECT',
    'host_leases: DELETE INSERT SELECT UPDATE',
    'host_windows: DELETE INSERT SELECT UPDATE',
    'outbox: INSERT',
    'schedule: DELETE INSERT SELECT UPDATE',
    'schema_versions: SELECT',
    'versions: INSERT SELECT',
  ],
  cimd_scheduler: [
    'clients: SELECT',
    'clients: UPDATE (wanted)',
    'deployment: SELECT',
    'feed: INSERT SELECT',
    'host_leases: DELETE SELECT',
    'host_windows: DELETE SELECT',
    'interest: SELECT',
    'outbox: SELECT',
    'outbox: UPDATE (relayed_at)',
    'schedule: DELETE INSERT SELECT UPDATE',
    'schema_versions: SELECT',
    'tenants: SELECT',
    'tenants: UPDATE (feed_position)',
    'tickets: DELETE SELECT',
    'versions: SELECT',
  ],
}

describeStore('the service roles', () => {
  const shared = shareStore()
  it.each(Object.entries(GRANTS))('%s has its own grants and no more', async (role, grants) => {
    const store = shared()
    expect(await grantsOf(store.owner, role)).toEqual(grants)
  })

  it('leave nothing to everybody else', async () => {
    const store = shared()
    expect(await grantsOf(store.owner, 'public')).toEqual([])
  })

  it.each<[StoreRole, string]>([
    ['cimd_fetcher', 'select 1 from cimd.api_keys'],
    ['cimd_fetcher', 'select 1 from cimd.tenants'],
    ['cimd_fetcher', 'select 1 from cimd.interest'],
    ['cimd_fetcher', 'select 1 from cimd.tickets'],
    ['cimd_fetcher', 'select 1 from cimd.feed'],
    ['cimd_fetcher', 'select 1 from cimd.outbox'],
    ['cimd_fetcher', "select cimd.authenticate('')"],
    ['cimd_fetcher', "select cimd.authenticate_tenant('')"],
    ['cimd_fetcher', 'update cimd.clients set wanted = wanted + 1'],
    ['cimd_fetcher', "update cimd.clients set client_id = 'https://other.example.net/x'"],
    ['cimd_fetcher', "update cimd.versions set body = ''"],
    ['cimd_fetcher', 'delete from cimd.versions'],
    ['cimd_fetcher', 'update cimd.attempts set applied = true'],
    ['cimd_fetcher', 'delete from cimd.attempts'],
    ['cimd_api', 'select 1 from cimd.api_keys'],
    ['cimd_api', 'insert into cimd.versions default values'],
    ['cimd_api', 'insert into cimd.attempts default values'],
    ['cimd_api', 'insert into cimd.outbox default values'],
    ['cimd_api', 'insert into cimd.feed default values'],
    ['cimd_api', "update cimd.clients set state = 'valid'"],
    ['cimd_api', 'update cimd.clients set done = wanted'],
    ['cimd_api', 'update cimd.tenants set feed_position = 0'],
    ['cimd_api', "select cimd.take_host_budget('x', gen_random_uuid(), 1, 1, 1, 1)"],
    ['cimd_scheduler', 'select 1 from cimd.api_keys'],
    ['cimd_scheduler', "select cimd.authenticate('')"],
    ['cimd_scheduler', "select cimd.authenticate_tenant('')"],
    ['cimd_scheduler', 'insert into cimd.versions default values'],
    ['cimd_scheduler', "update cimd.clients set state = 'valid'"],
    ['cimd_scheduler', 'update cimd.interest set since_seq = 0'],
    ['cimd_scheduler', "update cimd.outbox set data = '{}'"],
    ['cimd_scheduler', 'update cimd.feed set position = 0'],
    ['cimd_scheduler', 'delete from cimd.feed'],
  ])('%s may not: %s', async (role, statement) => {
    const store = shared()
    await expect(sql.raw(statement).execute(store.open(role, 1))).rejects.toMatchObject({
      code: INSUFFICIENT_PRIVILEGE,
    })
  })

  it.each<StoreRole>(['cimd_api', 'cimd_fetcher', 'cimd_scheduler'])(
    '%s can neither move the clock nor change the schema',
    async (role) => {
      const store = shared()
      const db = store.open(role, 1)
      await expect(dangerouslySetClockOffset(db, 1)).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE })
      for (const statement of [
        'create or replace function cimd.cimd_now() returns timestamptz language sql as $$ select now() $$',
        'create table cimd.mine (id integer)',
        'insert into cimd.schema_versions (version, name, oldest_code) values (99, $$x$$, 99)',
        'alter table cimd.interest disable row level security',
      ]) {
        await expect(sql.raw(statement).execute(db)).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE })
      }
    },
  )

  it('have no password and no other rights on the server', async () => {
    const store = shared()
    const { rows } = await sql`
      select bool_or(rolcanlogin or rolsuper or rolbypassrls or rolcreaterole or rolcreatedb) as more
      from pg_roles where rolname in (${sql.join(Object.keys(GRANTS))})`.execute(store.owner)
    expect(rows).toEqual([{ more: false }])
  })
})

describeStore('a connection of a service', () => {
  const shared = shareStore()

  it('has its role whatever start-up options the URL brings along', async () => {
    const url = new URL(shared().url)
    url.searchParams.set('options', '-c work_mem=8MB -c role=postgres')
    await using db = openFor(url.href)
    const { rows } = await sql`
      select current_user as user, current_setting('work_mem') as work_mem`.execute(db.opened)
    expect(rows).toEqual([{ user: 'cimd_api', work_mem: '8MB' }])
  })

  it('is refused when a pooler in between has dropped the role', async () => {
    const pooler = createServer((near) => {
      const far = connect(serverAddress(shared().url))
      // The same length, since the message says how long it is.
      near.on('data', (chunk) => {
        far.write(chunk.toString('latin1').replace('-c role=cimd_api', '-c work_mem=64kB'), 'latin1')
      })
      far.pipe(near)
      near.on('close', () => far.destroy()).on('error', () => far.destroy())
    })
    pooler.listen(0, '127.0.0.1')
    await once(pooler, 'listening')
    const { port } = pooler.address() as AddressInfo
    await using db = openFor(throughPort(shared().url, port))
    await expect(checkDb(db.opened)).rejects.toThrow('connected as postgres instead of cimd_api')
    pooler.close()
  })
})

function openFor(url: string) {
  const opened = openDb({ url, role: 'cimd_api', onError: () => {} })
  return { opened, [Symbol.asyncDispose]: () => closeDb(opened) }
}

/** Grants on tables and on columns, one line per table and kind. */
async function grantsOf(owner: Db, role: string): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    with grants as (
      select c.relname, null as column_name, a.privilege_type, a.grantee
      from pg_class c, aclexplode(c.relacl) a where c.relnamespace = 'cimd'::regnamespace
      union all
      select c.relname, t.attname, a.privilege_type, a.grantee
      from pg_class c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a
      where c.relnamespace = 'cimd'::regnamespace
    ), mine as (
      select * from grants where grantee = (case when ${role} = 'public' then 0 else to_regrole(${role})::oid end)
    )
    select relname || ': ' || string_agg(privilege_type, ' ' order by privilege_type) as line
      from mine where column_name is null group by relname
    union all
    select relname || ': ' || privilege_type || ' (' || string_agg(column_name, ' ' order by column_name) || ')'
      from mine where column_name is not null group by relname, privilege_type`.execute(owner)
  return rows.map(({ line }) => line).toSorted()
}
