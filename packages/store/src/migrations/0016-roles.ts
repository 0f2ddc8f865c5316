import { type Kysely, sql } from 'kysely'
import { ownedByDefiner } from './definer.ts'

/** Row-level security for the owner too, what an operator may do, keys of operators, and what a tenant may do with its own keys. */
export async function createRoles(db: Kysely<unknown>): Promise<void> {
  for (const statements of [
    MEMBERSHIP,
    KEYS,
    ...TENANT_TABLES.map(forceTenancy),
    EVENTS,
    OPERATOR,
    DEFINER,
  ]) {
    await sql.raw(statements).execute(db)
  }
}

const ROLES = ['cimd_api', 'cimd_fetcher', 'cimd_scheduler', 'cimd_notifier', 'cimd_operator', 'cimd_definer']

// A superuser may be any role, and the owner of a database from Postgres 16 on not even those it has made. It may then see what
// an operator sees, as older code of the command line, which takes on no role, expects of it.
const MEMBERSHIP = `
  do $$
  declare
    role_name text;
  begin
    foreach role_name in array array['${ROLES.join("', '")}'] loop
      if not pg_has_role(role_name, 'USAGE') then
        execute format('grant %I to %I', role_name, current_user);
      end if;
    end loop;
  end $$;
`

const KEYS = `
  alter table cimd.api_keys
    -- To the minute.
    add column last_used_at timestamptz,
    -- Prefix of the key that was made in its place.
    add column replaced_by text;

  -- Of those who operate the deployment: for the routes about every tenant, and for no other.
  create table cimd.operator_keys (
    prefix text primary key,
    key_sha256 bytea not null unique check (octet_length(key_sha256) = 32),
    created_at timestamptz not null default cimd.cimd_now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    replaced_by text
  );

  create policy own_keys on cimd.api_keys to cimd_api using (tenant_id = cimd.current_tenant());
  -- Whether a key is known is asked by the function alone: nothing else has to see the digests.
  grant select (tenant_id, prefix, scopes, created_at, expires_at, revoked_at, last_used_at, replaced_by) on cimd.api_keys to cimd_api;
  grant insert (tenant_id, key_sha256, prefix, scopes, expires_at) on cimd.api_keys to cimd_api;
  grant update (expires_at, revoked_at, replaced_by) on cimd.api_keys to cimd_api;
`

const TENANT_TABLES = [
  ...[
    'tenants',
    'api_keys',
    'interest',
    'tickets',
    'outbox',
    'feed',
    'bindings',
    'approvals',
    'effective_documents',
  ],
  ...['subscriptions', 'subscription_secrets', 'deliveries', 'lanes', 'bridges'],
]

// References are checked and followed past it.
function forceTenancy(table: string): string {
  return `
    alter table cimd.${table} force row level security;
    create policy operated on cimd.${table} to cimd_operator using (true);
  `
}

// Scalar questions: with exists, the planner may think it better to read the whole of a feed first.
const EVENTS = `
  drop policy every_event on cimd.outbox;
  create policy every_event on cimd.outbox to cimd_scheduler using (true);
  -- What happened to a client since the tenant's own first demand, and what was told about no client.
  create policy own_events on cimd.outbox for select to cimd_api using (
    case when client_ref is null then (
      select true from cimd.feed f where f.outbox_id = outbox.id and f.tenant_id = cimd.current_tenant() limit 1
    ) else (
      select outbox.client_seq > i.since_seq from cimd.interest i
      where i.client_ref = outbox.client_ref and i.tenant_id = cimd.current_tenant()
    ) end
  );
`

// Neither the clock, nor what was found once, nor a digest of a key or a secret, which it could only misuse.
const OPERATOR = `
  grant select on all tables in schema cimd to cimd_operator;
  revoke all on cimd.kysely_migration, cimd.kysely_migration_lock from cimd_operator;
  revoke select on cimd.api_keys, cimd.operator_keys, cimd.subscription_secrets from cimd_operator;
  grant select (id, tenant_id, prefix, scopes, created_at, expires_at, revoked_at, last_used_at, replaced_by)
    on cimd.api_keys to cimd_operator;
  grant select (prefix, created_at, expires_at, revoked_at, last_used_at, replaced_by) on cimd.operator_keys to cimd_operator;
  grant select (subscription_id, created_at, expires_at) on cimd.subscription_secrets to cimd_operator;
  grant insert, update, delete on
    cimd.tenants, cimd.api_keys, cimd.operator_keys, cimd.interest, cimd.tickets, cimd.feed, cimd.bindings, cimd.approvals,
    cimd.effective_documents, cimd.subscriptions, cimd.subscription_secrets, cimd.deliveries, cimd.lanes, cimd.bridges,
    cimd.canaries, cimd.schedule
    to cimd_operator;
  grant insert, update on cimd.clients to cimd_operator;
  grant insert on cimd.outbox to cimd_operator;
  grant update on cimd.resources, cimd.brake to cimd_operator;
  grant update (rules_version) on cimd.deployment to cimd_operator;
`

const DEFINER = `
  create policy asked_keys on cimd.api_keys for select to cimd_definer using (true);
  create policy used_keys on cimd.api_keys for update to cimd_definer using (true);
  create policy asked_tenants on cimd.tenants for select to cimd_definer using (true);
  create policy asked_interest on cimd.interest for select to cimd_definer using (true);
  grant select (id, tenant_id, key_sha256, prefix, scopes, expires_at, revoked_at, last_used_at), update (last_used_at)
    on cimd.api_keys to cimd_definer;
  grant select (key_sha256, prefix, expires_at, revoked_at, last_used_at), update (last_used_at)
    on cimd.operator_keys to cimd_definer;
  grant select (id, profile, policy_version, report_policy_version, quotas) on cimd.tenants to cimd_definer;
  grant select (client_ref, leased_until) on cimd.interest to cimd_definer;
  grant select on cimd.deployment to cimd_definer;

  create function cimd.authenticate_operator(presented_sha256 bytea) returns table (prefix text)
    language sql stable security definer set search_path = pg_catalog
    as $$
      select k.prefix from cimd.operator_keys k
      where k.key_sha256 = presented_sha256
        and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > cimd.cimd_now())
    $$;

  -- At most once a minute, and never behind whoever changes the key at this moment.
  create function cimd.note_key_use(presented_sha256 bytea) returns void
    language sql volatile security definer set search_path = pg_catalog
    as $$
      update cimd.api_keys set last_used_at = cimd.cimd_now() where key_sha256 = (
        select k.key_sha256 from cimd.api_keys k
        where k.key_sha256 = presented_sha256 and not (k.last_used_at > cimd.cimd_now() - interval '1 minute') is true
        for update skip locked
      );
      update cimd.operator_keys set last_used_at = cimd.cimd_now() where key_sha256 = (
        select k.key_sha256 from cimd.operator_keys k
        where k.key_sha256 = presented_sha256 and not (k.last_used_at > cimd.cimd_now() - interval '1 minute') is true
        for update skip locked
      );
    $$;

  revoke execute on function cimd.authenticate_operator, cimd.note_key_use from public;
  grant execute on function cimd.authenticate_operator, cimd.note_key_use to cimd_api;
  ${ownedByDefiner([
    ...[
      'authenticate(bytea)',
      'authenticate_tenant(bytea)',
      'authenticate_key(bytea)',
      'authenticate_operator(bytea)',
    ],
    ...['note_key_use(bytea)', 'is_leased(bigint)'],
  ])}
`
