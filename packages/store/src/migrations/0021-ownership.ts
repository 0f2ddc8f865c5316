import { type Kysely, sql } from 'kysely'

/** What is remembered of registrable domains, and which of their owners each tenant has come to trust. */
export async function createOwnership(db: Kysely<unknown>): Promise<void> {
  for (const statements of [DOMAINS, ERAS]) await sql.raw(statements).execute(db)
}

// Of no tenant: what was seen of a domain tells nothing of who uses its clients.
const DOMAINS = `
  create table cimd.domains (
    domain text collate "C" primary key check (octet_length(domain) <= 255),
    -- Counts the owners that the domain is taken to have had; as in the standing.
    era integer not null default 1 check (era > 0),
    -- When the present era began, and when a document of the one before was last valid; null in the first.
    changed_at timestamptz,
    former_seen_at timestamptz,
    -- As DomainStanding of core has it.
    standing jsonb not null check (jsonb_typeof(standing) = 'object' and (standing ->> 'era')::integer = era),
    -- A client of it has changed since the standing was judged.
    changes_pending boolean not null default false,
    name_servers_asked_at timestamptz,
    registration_asked_at timestamptz,
    check ((era = 1) = (changed_at is null)),
    check (num_nulls(changed_at, former_seen_at) in (0, 2))
  ) with (fillfactor = 70);

  grant select, insert (domain, standing), update (
    era, changed_at, former_seen_at, standing, changes_pending, name_servers_asked_at, registration_asked_at
  ) on cimd.domains to cimd_fetcher;
  grant select (domain, era, changed_at, former_seen_at) on cimd.domains to cimd_api;
  grant select on cimd.domains to cimd_operator;
  grant select, delete on cimd.domains to cimd_scheduler;
  -- Where an older release made the row, it is filled in when the domain is first observed.
  grant update (domain) on cimd.clients to cimd_fetcher;
`

const ERAS = `
  create table cimd.domain_eras (
    tenant_id uuid not null references cimd.tenants (id) on delete cascade,
    domain text collate "C" not null check (octet_length(domain) <= 255),
    -- In which the tenant was first given a document of the domain, or which it accepted last.
    era integer not null check (era > 0),
    accepted_at timestamptz not null default cimd.cimd_now(),
    primary key (tenant_id, domain)
  );
  create index domain_eras_domain on cimd.domain_eras (domain);

  alter table cimd.domain_eras enable row level security, force row level security;
  create policy own_eras on cimd.domain_eras to cimd_api using (tenant_id = cimd.current_tenant());
  create policy every_era on cimd.domain_eras to cimd_operator using (true);
  create policy forgotten_eras on cimd.domain_eras to cimd_scheduler using (true);
  grant select, insert (tenant_id, domain, era), update (era, accepted_at) on cimd.domain_eras to cimd_api, cimd_operator;
  grant select, delete on cimd.domain_eras to cimd_scheduler;
  grant delete on cimd.domain_eras to cimd_operator;
`
