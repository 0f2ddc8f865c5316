import { type Kysely, sql } from 'kysely'

/** Clients, their versions and attempts, who uses them, and when to look at each again. */
export async function createClients(db: Kysely<unknown>): Promise<void> {
  for (const statements of [CLIENTS, VERSIONS, ATTEMPTS, SCHEDULE, INTEREST, GRANTS]) {
    await sql.raw(statements).execute(db)
  }
}

// No column that changes with an attempt or a demand is indexed, so that those updates stay HOT.
const CLIENTS = `
  create table cimd.clients (
    id bigint generated always as identity primary key,
    -- CID-10, CID-11: code unit by code unit, as presented; CID-13, CID-16: printable ASCII, 2048 bytes.
    client_id text collate "C" not null unique
      check (octet_length(client_id) <= 2048 and client_id ~ '^https://[!-~]+$'),
    host text not null,
    state text not null default 'discovering'
      check (state in ('discovering', 'valid', 'failing', 'withdrawn', 'rejected')),
    -- Generations order demands and attempts; clocks never do.
    wanted bigint not null default 0,
    urgent bigint not null default 0,
    forced bigint not null default 0,
    done bigint not null default 0,
    claimed bigint,
    claim_token uuid,
    claim_until timestamptz,
    deferred_until timestamptz,
    deferred_code text,
    version_id bigint,
    validated_at timestamptz,
    fresh_until timestamptz,
    revalidate_until timestamptz,
    usable_until timestamptz,
    stale_forbidden boolean not null default false,
    etag text,
    last_modified text,
    failure_code text,
    failing_since timestamptz,
    withdrawing_code text,
    withdrawing_since timestamptz,
    retry_at timestamptz,
    attempted_at timestamptz,
    event_seq bigint not null default 0,
    created_at timestamptz not null default cimd.cimd_now(),
    check (done <= wanted and urgent <= wanted and forced <= wanted),
    check (num_nulls(claimed, claim_token, claim_until) in (0, 3)),
    check (claimed is null or claimed <= wanted),
    check ((state = 'discovering') = (version_id is null)),
    check (num_nulls(version_id, validated_at, fresh_until, revalidate_until, usable_until) in (0, 5)),
    check (num_nulls(failure_code, failing_since) in (0, 2)),
    check (num_nulls(withdrawing_code, withdrawing_since) in (0, 2))
  ) with (fillfactor = 70);
`

// What the database itself refuses to believe: a digest that is not the body's, a body that names another client.
const VERSIONS = `
  create table cimd.versions (
    id bigint generated always as identity primary key,
    client_id text collate "C" not null references cimd.clients (client_id),
    body bytea not null check (octet_length(body) <= 65536),
    digest bytea not null check (digest = sha256(body)),
    content_type text not null,
    rules_version integer not null,
    fetched_at timestamptz not null,
    unique (client_id, id),
    constraint versions_body_names_client check (
      (convert_from(body, 'UTF8')::jsonb ->> 'client_id') is not distinct from client_id
    )
  );
  alter table cimd.clients add constraint clients_version_is_own
    foreign key (client_id, version_id) references cimd.versions (client_id, id);
`

const ATTEMPTS = `
  create table cimd.attempts (
    id bigint generated always as identity primary key,
    client_ref bigint not null references cimd.clients (id),
    generation bigint not null,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    outcome text not null check (outcome in ('fetched', 'not_modified', 'failed')),
    -- False: the claim was lost before the result came, so the result changed nothing.
    applied boolean not null,
    failure_code text check ((failure_code is not null) = (outcome = 'failed')),
    detail text,
    version_id bigint references cimd.versions (id),
    evidence jsonb not null
  );
  create index attempts_client_generation on cimd.attempts (client_ref, generation);
`

// Narrow, because it changes with every demand and every attempt and must be indexed by time.
const SCHEDULE = `
  create table cimd.schedule (
    client_ref bigint primary key references cimd.clients (id),
    due_at timestamptz not null
  ) with (fillfactor = 70);
  create index schedule_due on cimd.schedule (due_at);
`

const INTEREST = `
  create table cimd.interest (
    tenant_id uuid not null references cimd.tenants (id) on delete cascade,
    client_ref bigint not null references cimd.clients (id),
    -- The tenant hears only of what came after its own first demand.
    since_seq bigint not null,
    first_demand_at timestamptz not null,
    last_resolved_at timestamptz not null,
    leased_until timestamptz not null,
    primary key (tenant_id, client_ref)
  ) with (fillfactor = 70);
  create index interest_client on cimd.interest (client_ref);

  create table cimd.tickets (
    id uuid primary key default gen_random_uuid(),
    tenant_id uuid not null references cimd.tenants (id) on delete cascade,
    client_ref bigint not null references cimd.clients (id),
    generation bigint not null,
    expires_at timestamptz not null,
    unique (tenant_id, client_ref, generation)
  );
  create index tickets_expiry on cimd.tickets (expires_at);

  alter table cimd.interest enable row level security;
  create policy own_interest on cimd.interest to cimd_api using (tenant_id = cimd.current_tenant());
  create policy every_interest on cimd.interest to cimd_scheduler using (true);
  alter table cimd.tickets enable row level security;
  create policy own_tickets on cimd.tickets to cimd_api using (tenant_id = cimd.current_tenant());
  create policy every_ticket on cimd.tickets to cimd_scheduler using (true);
`

const GRANTS = `
  grant select on cimd.clients, cimd.versions to cimd_api, cimd_fetcher, cimd_scheduler;
  grant insert (client_id, host) on cimd.clients to cimd_api;
  grant update (wanted, urgent, forced, deferred_until, deferred_code) on cimd.clients to cimd_api;
  grant update (wanted) on cimd.clients to cimd_scheduler;
  grant update (
    state, done, claimed, claim_token, claim_until, deferred_until, deferred_code, version_id, validated_at,
    fresh_until, revalidate_until, usable_until, stale_forbidden, etag, last_modified, failure_code, failing_since,
    withdrawing_code, withdrawing_since, retry_at, attempted_at, event_seq
  ) on cimd.clients to cimd_fetcher;
  grant insert on cimd.versions, cimd.attempts to cimd_fetcher;
  grant select on cimd.attempts to cimd_api;
  grant select, insert, update, delete on cimd.schedule to cimd_api, cimd_fetcher, cimd_scheduler;
  grant select, insert, update on cimd.interest to cimd_api;
  grant select on cimd.interest to cimd_scheduler;
  grant select, insert, update on cimd.tickets to cimd_api;
  grant select, delete on cimd.tickets to cimd_scheduler;
`
