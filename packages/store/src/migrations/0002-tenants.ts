import { type Kysely, sql } from 'kysely'

/** Tenants and their API keys. Only the digest of a key is kept. */
export async function createTenants(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(`
    create table cimd.tenants (
      id uuid primary key default gen_random_uuid(),
      name text not null unique check (name <> ''),
      -- The newest position of the tenant's event feed: the only cursor, without gaps.
      feed_position bigint not null default 0 check (feed_position >= 0),
      created_at timestamptz not null default cimd.cimd_now()
    );

    create table cimd.api_keys (
      id uuid primary key default gen_random_uuid(),
      tenant_id uuid not null references cimd.tenants (id) on delete cascade,
      key_sha256 bytea not null unique check (octet_length(key_sha256) = 32),
      -- The part of the key that may be shown, to tell keys apart.
      prefix text not null,
      scopes text[] not null default '{}',
      created_at timestamptz not null default cimd.cimd_now(),
      expires_at timestamptz,
      revoked_at timestamptz
    );
    create index api_keys_tenant on cimd.api_keys (tenant_id);

    create function cimd.current_tenant() returns uuid language sql stable
      as $$ select nullif(current_setting('cimd.tenant_id', true), '')::uuid $$;

    -- A key is looked up before any tenant is known, so this one question passes row-level security.
    create function cimd.authenticate(presented_sha256 bytea)
      returns table (tenant_id uuid, scopes text[])
      language sql stable security definer set search_path = pg_catalog
      as $$
        select k.tenant_id, k.scopes from cimd.api_keys k
        where k.key_sha256 = presented_sha256
          and k.revoked_at is null
          and (k.expires_at is null or k.expires_at > cimd.cimd_now())
      $$;
    revoke execute on function cimd.authenticate from public;
    grant execute on function cimd.authenticate to cimd_api;

    alter table cimd.tenants enable row level security;
    create policy own_tenant on cimd.tenants to cimd_api using (id = cimd.current_tenant());
    create policy every_tenant on cimd.tenants to cimd_scheduler using (true);
    grant select on cimd.tenants to cimd_api, cimd_scheduler;
    grant update (feed_position) on cimd.tenants to cimd_scheduler;

    alter table cimd.api_keys enable row level security;
    `)
    .execute(db)
}
