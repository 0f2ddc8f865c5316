import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { checkDb, closeDb, type Db, dangerouslySetClockOffset, openDb, type StoreRole } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { serverAddress, throughPort } from '../harness/addresses.ts'
import { describeStore, identify, shareStore } from './store-bundle.ts'

const INSUFFICIENT_PRIVILEGE = '42501'

const ATTEMPT_COLUMNS =
  'announced_version_id attempted_at cache_headers claim_token claim_until claimed deferred_code deferred_until domain done dormant_since etag event_seq ' +
  'failing_since failure_code fresh_until last_modified lost_claims placed quarantined_since quarantined_until retry_at revalidate_until ' +
  'stale_announced_code stale_forbidden stale_if_error_seconds ' +
  'state usable_until validated_at version_id withdrawing_code withdrawing_since'

const REVALIDATION_COLUMNS =
  'deferred_code deferred_until dormant_since event_seq failing_since failure_code fresh_until placed retry_at revalidate_until stale_announced_code state ' +
  'usable_until wanted withdrawing_code withdrawing_since'

const SUBSCRIPTION_COLUMNS =
  'challenge change_classes disabled_code failing_since failures fanned_position hosts paused_until state state_since types url'

const DEMAND_COLUMNS = 'deferred_code deferred_until due_at urgent wanted'

// All a role may do, besides calling functions. What is missing here is refused.
const GRANTS: Record<StoreRole, readonly string[]> = {
  cimd_api: [
    'advertise: SELECT',
    'api_keys: INSERT (expires_at key_sha256 prefix scopes tenant_id)',
    'api_keys: SELECT (created_at expires_at last_used_at prefix replaced_by revoked_at scopes tenant_id)',
    'api_keys: UPDATE (expires_at replaced_by revoked_at)',
    'approvals: DELETE INSERT SELECT UPDATE',
    'attempts: SELECT',
    'audit: SELECT',
    'audit_heads: SELECT',
    'audit_pending: INSERT (actor client_id data kind subject tenant_id)',
    'bindings: INSERT SELECT UPDATE',
    'brake: SELECT',
    'client_reputation: INSERT SELECT',
    'client_reputation: UPDATE (last_seen subjects)',
    'client_subjects: INSERT SELECT',
    'clients: INSERT (client_id domain host)',
    'clients: SELECT',
    'clients: UPDATE (deferred_code deferred_until dormant_since forced placed urgent wanted)',
    'decisions: INSERT SELECT UPDATE',
    'deliveries: INSERT SELECT UPDATE',
    'deployment: SELECT',
    'domain_eras: INSERT (domain era tenant_id)',
    'domain_eras: SELECT',
    'domain_eras: UPDATE (accepted_at era)',
    'domain_reputation: INSERT SELECT',
    'domain_reputation: UPDATE (clients last_seen subjects)',
    'domain_subjects: INSERT SELECT',
    'domains: SELECT (changed_at domain era former_seen_at)',
    'effective_documents: INSERT SELECT UPDATE',
    'feed: SELECT',
    'fetch_places: INSERT SELECT UPDATE',
    'fleet_client_reputation: INSERT SELECT',
    'fleet_client_reputation: UPDATE (last_seen subjects)',
    'fleet_domain_reputation: INSERT SELECT',
    'fleet_domain_reputation: UPDATE (clients last_seen subjects)',
    'interest: INSERT SELECT UPDATE',
    'lanes: INSERT SELECT UPDATE',
    'logos: SELECT',
    'outbox: SELECT',
    'policies: INSERT SELECT',
    'policy_reports: DELETE INSERT SELECT UPDATE',
    'quota_windows: INSERT SELECT UPDATE',
    'registrations: DELETE INSERT SELECT UPDATE',
    'resources: SELECT',
    `resources: UPDATE (${DEMAND_COLUMNS})`,
    'reviewed: DELETE INSERT SELECT',
    'reviewed: UPDATE (reviewed_at reviewed_by)',
    'schedule: DELETE INSERT SELECT UPDATE',
    'schema_versions: SELECT',
    'subject_keys: INSERT SELECT',
    'subjects: DELETE INSERT SELECT',
    'subjects: UPDATE (last_used_at)',
    'subscription_secrets: DELETE',
    'subscription_secrets: INSERT (secret subscription_id)',
    'subscription_secrets: SELECT (created_at expires_at subscription_id)',
    'subscription_secrets: UPDATE (expires_at)',
    'subscriptions: DELETE SELECT',
    'subscriptions: INSERT (challenge change_classes fanned_position hosts tenant_id types url)',
    `subscriptions: UPDATE (${SUBSCRIPTION_COLUMNS})`,
    'tenants: SELECT',
    'tenants: UPDATE (policy_version report_policy_version stale_limits)',
    'tickets: INSERT SELECT UPDATE',
    'versions: SELECT',
  ],
  cimd_fetcher: [
    'attempts: INSERT',
    'audit_pending: INSERT (actor at client_id client_ref data generation kind)',
    'brake: SELECT',
    'canaries: SELECT',
    'clients: SELECT',
    `clients: UPDATE (${ATTEMPT_COLUMNS})`,
    'deployment: SELECT',
    'domains: INSERT (domain standing)',
    'domains: SELECT',
    'domains: UPDATE (changed_at changes_pending era former_seen_at name_servers_asked_at registration_asked_at standing)',
    'fetch_leases: DELETE INSERT SELECT',
    'fetch_places: DELETE',
    'fetch_places: SELECT (client_ref taken_at)',
    'fetch_places: UPDATE (ready_at taken_at)',
    'fetch_windows: INSERT SELECT UPDATE',
    'fetchers: DELETE INSERT',
    'fetchers: SELECT (id)',
    'fetchers: UPDATE (seen_at)',
    'host_leases: DELETE INSERT SELECT UPDATE',
    'host_windows: DELETE INSERT SELECT UPDATE',
    'logos: INSERT SELECT',
    'logos: UPDATE (created_at)',
    'outbox: INSERT',
    'resources: DELETE INSERT SELECT UPDATE',
    'schedule: DELETE INSERT SELECT UPDATE',
    'schema_versions: SELECT',
    'versions: INSERT SELECT',
  ],
  cimd_scheduler: [
    'advertise: SELECT',
    'advertise: UPDATE (advertise judged_at since turning_since why)',
    'approvals: DELETE SELECT',
    'attempts: DELETE SELECT',
    'audit: INSERT SELECT',
    'audit_heads: INSERT SELECT UPDATE',
    'audit_pending: DELETE SELECT',
    'audit_pending: INSERT (actor client_id data kind subject tenant_id)',
    'bindings: DELETE SELECT',
    'brake: SELECT UPDATE',
    'canaries: SELECT',
    'client_reputation: DELETE SELECT',
    'client_subjects: DELETE SELECT',
    'clients: DELETE SELECT',
    `clients: UPDATE (${REVALIDATION_COLUMNS})`,
    'decisions: INSERT SELECT UPDATE',
    'deliveries: DELETE SELECT',
    'deployment: SELECT',
    'domain_eras: DELETE SELECT',
    'domain_reputation: SELECT',
    'domain_reputation: UPDATE (clients)',
    'domains: DELETE SELECT',
    'effective_documents: DELETE SELECT',
    'feed: DELETE INSERT SELECT',
    'fetch_leases: DELETE SELECT',
    'fetch_places: DELETE SELECT UPDATE',
    'fetch_windows: DELETE SELECT',
    'fetchers: DELETE SELECT',
    'fleet_client_reputation: DELETE SELECT',
    'fleet_domain_reputation: SELECT',
    'fleet_domain_reputation: UPDATE (clients)',
    'host_leases: DELETE SELECT',
    'host_paces: DELETE INSERT SELECT UPDATE',
    'host_windows: DELETE SELECT',
    'interest: DELETE SELECT',
    'logos: DELETE SELECT',
    'outbox: DELETE INSERT SELECT',
    'outbox: UPDATE (relayed_at)',
    'policies: SELECT',
    'quota_windows: DELETE SELECT',
    'registrations: SELECT',
    'registrations: UPDATE (pinned_generation version_id)',
    'resources: DELETE SELECT',
    `resources: UPDATE (${DEMAND_COLUMNS})`,
    'schedule: DELETE INSERT SELECT UPDATE',
    'schema_versions: SELECT',
    'subjects: DELETE SELECT',
    'tenants: SELECT',
    'tenants: UPDATE (evaluated_policy_version feed_position)',
    'tickets: DELETE SELECT',
    'versions: DELETE SELECT',
    'versions: UPDATE (rules_version)',
  ],
  cimd_notifier: [
    'bridges: INSERT SELECT',
    'bridges: UPDATE (position)',
    'clients: SELECT',
    'deliveries: INSERT SELECT',
    'deliveries: UPDATE (answer attempts code gap_told state status tried_at tried_since)',
    'deployment: SELECT',
    'feed: INSERT SELECT',
    'interest: SELECT',
    'lanes: DELETE INSERT SELECT UPDATE',
    'outbox: INSERT SELECT',
    'schema_versions: SELECT',
    'subscription_secrets: SELECT',
    'subscriptions: SELECT',
    'subscriptions: UPDATE (disabled_code failing_since failures fanned_at fanned_position paused_until state state_since)',
    'tenants: SELECT',
    'tenants: UPDATE (feed_position)',
  ],
  cimd_operator: [
    'advertise: SELECT',
    'api_keys: DELETE INSERT UPDATE',
    'api_keys: SELECT (created_at expires_at id last_used_at prefix replaced_by revoked_at scopes tenant_id)',
    'approvals: DELETE INSERT SELECT UPDATE',
    'attempts: SELECT',
    'audit: SELECT',
    'audit_heads: SELECT',
    'audit_pending: INSERT (actor client_id data kind subject tenant_id)',
    'audit_pending: SELECT',
    'bindings: DELETE INSERT SELECT UPDATE',
    'brake: SELECT UPDATE',
    'bridges: DELETE INSERT SELECT UPDATE',
    'canaries: DELETE INSERT SELECT UPDATE',
    'client_reputation: DELETE SELECT',
    'client_subjects: SELECT',
    'clients: INSERT SELECT UPDATE',
    'decisions: DELETE INSERT SELECT UPDATE',
    'deliveries: DELETE INSERT SELECT UPDATE',
    'deployment: SELECT',
    'deployment: UPDATE (rules_version)',
    'domain_eras: INSERT (domain era tenant_id)',
    'domain_eras: DELETE SELECT',
    'domain_eras: UPDATE (accepted_at era)',
    'domain_reputation: DELETE SELECT',
    'domain_subjects: SELECT',
    'domains: SELECT',
    'effective_documents: DELETE INSERT SELECT UPDATE',
    'feed: DELETE INSERT SELECT UPDATE',
    'fetch_leases: SELECT',
    'fetch_places: DELETE INSERT SELECT UPDATE',
    'fetch_windows: SELECT',
    'fetchers: SELECT',
    'fleet_client_reputation: SELECT',
    'fleet_domain_reputation: SELECT',
    'host_leases: SELECT',
    'host_paces: SELECT',
    'host_windows: SELECT',
    'interest: DELETE INSERT SELECT UPDATE',
    'lanes: DELETE INSERT SELECT UPDATE',
    'logos: SELECT',
    'operator_keys: DELETE INSERT UPDATE',
    'operator_keys: SELECT (created_at expires_at last_used_at prefix replaced_by revoked_at)',
    'outbox: INSERT SELECT',
    'policies: INSERT SELECT',
    'policy_reports: DELETE INSERT SELECT UPDATE',
    'quota_windows: INSERT SELECT UPDATE',
    'registrations: DELETE INSERT SELECT UPDATE',
    'resources: SELECT UPDATE',
    'reviewed: DELETE INSERT SELECT',
    'reviewed: UPDATE (reviewed_at reviewed_by)',
    'schedule: DELETE INSERT SELECT UPDATE',
    'schema_versions: SELECT',
    'subject_keys: SELECT',
    'subjects: DELETE SELECT',
    'subscription_secrets: DELETE INSERT UPDATE',
    'subscription_secrets: SELECT (created_at expires_at subscription_id)',
    'subscriptions: DELETE INSERT SELECT UPDATE',
    'tenants: DELETE INSERT SELECT UPDATE',
    'tickets: DELETE INSERT SELECT UPDATE',
    'versions: SELECT',
  ],
}

describeStore('the service roles', () => {
  const shared = shareStore()
  it.each(Object.entries(GRANTS))('%s has its own grants and no more', async (role, grants) => {
    const store = shared()
    expect(await grantsOf(store.owner, role)).toEqual(grants.toSorted())
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
    ['cimd_fetcher', 'select cimd.is_leased(1)'],
    ['cimd_fetcher', 'update cimd.clients set wanted = wanted + 1'],
    ['cimd_fetcher', "update cimd.clients set client_id = 'https://other.example.net/x'"],
    ['cimd_fetcher', "update cimd.versions set body = ''"],
    ['cimd_fetcher', 'delete from cimd.versions'],
    ['cimd_fetcher', 'update cimd.attempts set applied = true'],
    ['cimd_fetcher', 'delete from cimd.attempts'],
    ['cimd_api', 'select key_sha256 from cimd.api_keys'],
    ['cimd_api', 'insert into cimd.versions default values'],
    ['cimd_api', 'insert into cimd.attempts default values'],
    ['cimd_api', 'insert into cimd.outbox default values'],
    ['cimd_api', 'insert into cimd.feed default values'],
    ['cimd_api', "update cimd.clients set state = 'valid'"],
    ['cimd_api', 'update cimd.clients set done = wanted'],
    ['cimd_api', 'update cimd.tenants set feed_position = 0'],
    ['cimd_api', "select cimd.take_host_budget('x', gen_random_uuid(), 1, 1, 1, 1)"],
    ['cimd_api', "select cimd.take_fetch_budget('x', 'x', gen_random_uuid(), 1, '{1,1,1}', 1, '{1,1,1}')"],
    ['cimd_fetcher', 'delete from cimd.fetch_windows'],
    ['cimd_scheduler', 'update cimd.fetch_windows set attempts = 0'],
    ['cimd_scheduler', 'select 1 from cimd.api_keys'],
    ['cimd_scheduler', "select cimd.authenticate('')"],
    ['cimd_scheduler', "select cimd.authenticate_tenant('')"],
    ['cimd_scheduler', 'select cimd.is_leased(1)'],
    ['cimd_scheduler', 'insert into cimd.versions default values'],
    ['cimd_scheduler', 'update cimd.clients set version_id = 1'],
    ['cimd_scheduler', "update cimd.versions set body = ''"],
    ['cimd_scheduler', 'insert into cimd.logos default values'],
    ['cimd_scheduler', "update cimd.bindings set kind = 'token'"],
    ['cimd_fetcher', 'select 1 from cimd.bindings'],
    ['cimd_fetcher', 'select 1 from cimd.approvals'],
    ['cimd_fetcher', 'update cimd.brake set engaged_at = null'],
    ['cimd_fetcher', "update cimd.logos set body = ''"],
    ['cimd_api', 'insert into cimd.approvals default values'],
    ['cimd_api', 'update cimd.client_reputation set first_seen = now()'],
    ['cimd_api', 'delete from cimd.client_subjects'],
    ['cimd_fetcher', 'select 1 from cimd.subjects'],
    ['cimd_fetcher', 'select 1 from cimd.client_reputation'],
    ['cimd_scheduler', 'select 1 from cimd.subject_keys'],
    ['cimd_scheduler', 'update cimd.domain_reputation set subjects = 0'],
    ['cimd_scheduler', 'select 1 from cimd.reviewed'],
    ['cimd_api', 'update cimd.brake set engaged_at = null'],
    ['cimd_api', "update cimd.resources set body = ''"],
    ['cimd_scheduler', 'update cimd.interest set since_seq = 0'],
    ['cimd_scheduler', "update cimd.outbox set data = '{}'"],
    ['cimd_scheduler', 'update cimd.feed set position = 0'],
    ['cimd_api', 'update cimd.advertise set advertise = true'],
    ['cimd_api', 'select 1 from cimd.fetchers'],
    ['cimd_fetcher', 'select 1 from cimd.advertise'],
    ['cimd_fetcher', 'select seen_at from cimd.fetchers'],
    ['cimd_fetcher', "insert into cimd.outbox (type, data, occurred_at) values ('x', '{}', now())"],
    ['cimd_scheduler', 'insert into cimd.fetchers (id, seen_at) values (gen_random_uuid(), now())'],
    ['cimd_scheduler', 'delete from cimd.advertise'],
    ['cimd_scheduler', 'select 1 from cimd.operator_keys'],
    ['cimd_scheduler', "select cimd.note_key_use('')"],
    ['cimd_api', 'select 1 from cimd.operator_keys'],
    ['cimd_api', 'update cimd.api_keys set scopes = scopes'],
    ['cimd_api', 'delete from cimd.api_keys'],
    ['cimd_fetcher', "select cimd.authenticate_operator('')"],
    ['cimd_operator', 'select key_sha256 from cimd.api_keys'],
    ['cimd_operator', 'select secret from cimd.subscription_secrets'],
    ['cimd_operator', "select cimd.authenticate_key('')"],
    ['cimd_operator', "update cimd.policies set policy = '{}'"],
    ['cimd_operator', 'delete from cimd.attempts'],
    ['cimd_operator', "update cimd.deployment set environment = 'development'"],
    ['cimd_fetcher', 'select 1 from cimd.audit'],
    ['cimd_fetcher', 'select 1 from cimd.audit_pending'],
    ['cimd_api', 'select 1 from cimd.audit_pending'],
    ['cimd_api', 'insert into cimd.audit default values'],
    ['cimd_api', 'select cimd.cut_audit(gen_random_uuid(), 1)'],
  ])('%s may not: %s', async (role, statement) => {
    const store = shared()
    await expect(sql.raw(statement).execute(store.open(role, 1))).rejects.toMatchObject({
      code: INSUFFICIENT_PRIVILEGE,
    })
  })

  it.each<StoreRole>(['cimd_api', 'cimd_fetcher', 'cimd_scheduler', 'cimd_operator'])(
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

  it('pass row-level security by what the api alone may call and two cuts of the scheduler, of an owner who may do nothing else', async () => {
    const store = shared()
    const { rows } = await sql`
      select p.proname as name, p.proowner::regrole::text as owner, p.proconfig as settings, array(
        select coalesce(r.rolname::text, 'public') from aclexplode(p.proacl) a
        left join pg_roles r on r.oid = a.grantee where a.grantee <> p.proowner
      ) as callers
      from pg_proc p where p.pronamespace = 'cimd'::regnamespace and p.prosecdef order by p.proname`.execute(
      store.owner,
    )
    const asked = { owner: 'cimd_definer', settings: ['search_path=pg_catalog'], callers: ['cimd_api'] }
    expect(rows).toEqual([
      ...['authenticate', 'authenticate_key', 'authenticate_operator', 'authenticate_tenant'].map((name) => ({
        ...{ name, ...asked },
      })),
      { name: 'count_in_line', ...asked },
      { name: 'cut_audit', ...asked, callers: ['cimd_scheduler'] },
      ...['is_leased', 'note_key_use'].map((name) => ({ name, ...asked })),
      { name: 'remove_orphaned_audit', ...asked, callers: ['cimd_scheduler'] },
    ])
    expect(await grantsOf(store.owner, 'cimd_definer')).toEqual([
      'api_keys: SELECT (expires_at id key_sha256 last_used_at prefix revoked_at scopes tenant_id)',
      'api_keys: UPDATE (last_used_at)',
      'audit: DELETE SELECT',
      'audit_heads: DELETE SELECT',
      'deployment: SELECT',
      'fetch_places: SELECT',
      'interest: SELECT (client_ref leased_until)',
      'operator_keys: SELECT (expires_at key_sha256 last_used_at prefix revoked_at)',
      'operator_keys: UPDATE (last_used_at)',
      'tenants: SELECT (id policy_version profile quotas report_policy_version)',
    ])
  })

  it('stand under row-level security in every table of a tenant, its owner too', async () => {
    const store = shared()
    const { rows } = await sql<{ name: string }>`
      select c.relname as name from pg_class c
      where c.relnamespace = 'cimd'::regnamespace and c.relkind in ('r', 'p')
        and not (c.relrowsecurity and c.relforcerowsecurity)
        and (c.relname in ('tenants', 'outbox', 'subscription_secrets', 'lanes') or exists (
          select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
        ))`.execute(store.owner)
    expect(rows).toEqual([])
  })

  it('the api learns of a client that some tenant holds a lease, and of no tenant', async () => {
    const store = shared()
    const { client } = await store.demand(identify(), { tenant: store.otherTenant })
    const isLeased = (ref: string) =>
      sql`select cimd.is_leased(${ref}) as leased, (select count(*) from cimd.interest) as visible`
        .execute(store.api)
        .then(({ rows }) => rows)
    expect(await isLeased(client)).toEqual([{ leased: true, visible: 0 }])
    expect(await isLeased('0')).toEqual([{ leased: false, visible: 0 }])
  })

  it('have no password and no other rights on the server', async () => {
    const store = shared()
    const { rows } = await sql`
      select bool_or(rolcanlogin or rolsuper or rolbypassrls or rolcreaterole or rolcreatedb) as more
      from pg_roles where rolname in (${sql.join([...Object.keys(GRANTS), 'cimd_definer'])})`.execute(
      store.owner,
    )
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
