import { type Kysely, sql } from 'kysely'

/** What more than the draft a tenant asks of a client, and that its keys say so (DOC-13). */
export async function addTenantProfile(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(`
    -- The profiles themselves are data of the code; what it does not know, it does not admit.
    alter table cimd.tenants add column profile text not null default 'cimd-02' check (profile <> '');

    create function cimd.authenticate_tenant(presented_sha256 bytea)
      returns table (tenant_id uuid, scopes text[], profile text)
      language sql stable security definer set search_path = pg_catalog
      as $$
        select k.tenant_id, k.scopes, t.profile
        from cimd.api_keys k join cimd.tenants t on t.id = k.tenant_id
        where k.key_sha256 = presented_sha256
          and k.revoked_at is null
          and (k.expires_at is null or k.expires_at > cimd.cimd_now())
      $$;
    revoke execute on function cimd.authenticate_tenant from public;
    grant execute on function cimd.authenticate_tenant to cimd_api;
  `)
    .execute(db)
}
