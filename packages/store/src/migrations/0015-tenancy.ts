import { type Kysely, sql } from 'kysely'

/** What a tenant trusts, and the roles of operators and of questions that concern every tenant. */
export async function createTenancy(db: Kysely<unknown>): Promise<void> {
  for (const statements of [...['cimd_operator', 'cimd_definer'].map(createRole), POLICIES, AUTHENTICATION]) {
    await sql.raw(statements).execute(db)
  }
}

// Roles belong to the whole server, so another database may have made it, perhaps at this very moment.
function createRole(role: string): string {
  return `
  do $$ begin
    if not exists (select from pg_roles where rolname = '${role}') then
      create role ${role} nologin;
    end if;
  exception when duplicate_object or unique_violation then null;
  end $$;
  grant usage on schema cimd to ${role};`
}

const POLICIES = `
  -- Versions are from 1 and never change: what was decided by one can be explained as long as its tenant exists.
  create table cimd.policies (
    tenant_id uuid not null references cimd.tenants (id) on delete cascade,
    version bigint not null check (version > 0),
    policy jsonb not null check (jsonb_typeof(policy) = 'object'),
    -- As policyDigest of core has it.
    digest bytea not null check (octet_length(digest) = 32),
    created_at timestamptz not null default cimd.cimd_now(),
    -- The prefix of the key, or the name of the operator's tool.
    created_by text not null,
    primary key (tenant_id, version)
  );

  -- 0: the tenant has none, and is judged by its profile and its stale limits alone.
  alter table cimd.tenants
    add column policy_version bigint not null default 0 check (policy_version >= 0),
    -- Judged beside the one in force and only told of; null: none.
    add column report_policy_version bigint check (report_policy_version > 0),
    -- What the tenant may use of us, where it is other than what the deployment says.
    add column quotas jsonb not null default '{}' check (jsonb_typeof(quotas) = 'object');

  alter table cimd.policies enable row level security, force row level security;
  create policy own_policies on cimd.policies to cimd_api using (tenant_id = cimd.current_tenant());
  create policy every_policy on cimd.policies to cimd_operator using (true);
  create policy judged_policies on cimd.policies for select to cimd_scheduler using (true);
  grant select, insert on cimd.policies to cimd_api, cimd_operator;
  grant select on cimd.policies to cimd_scheduler;
  grant update (policy_version, report_policy_version) on cimd.tenants to cimd_api;
`

const AUTHENTICATION = `
  -- As cimd.authenticate_tenant, with what else the first question of a request has to know.
  create function cimd.authenticate_key(presented_sha256 bytea)
    returns table (
      tenant_id uuid, prefix text, scopes text[], profile text, policy_version bigint, report_policy_version bigint,
      quotas jsonb
    )
    language sql stable security definer set search_path = pg_catalog
    as $$
      select k.tenant_id, k.prefix, k.scopes, t.profile, t.policy_version, t.report_policy_version, t.quotas
      from cimd.api_keys k join cimd.tenants t on t.id = k.tenant_id
      where k.key_sha256 = presented_sha256
        and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > cimd.cimd_now())
    $$;
  revoke execute on function cimd.authenticate_key from public;
  grant execute on function cimd.authenticate_key to cimd_api;
`
