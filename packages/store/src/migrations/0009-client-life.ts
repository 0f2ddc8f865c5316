import { type Kysely, sql } from 'kysely'
import type { Settling } from '../settle.ts'

/** The life of a client: its keys and logo, what holds versions, the brake, and what bounds storage. */
export async function createClientLife(db: Kysely<unknown>): Promise<void> {
  for (const statements of [CLIENTS, INTEREST, RESOURCES, HOLDS, BRAKE, RULES, PACES, TENANTS]) {
    await sql.raw(statements).execute(db)
  }
}

/**
 * What reads all of the tables that grow with time. It follows after the commit of the above, which would else hold up every
 * resolution for as long as it has the lock on clients. It cannot go before that lock either, since a fetcher that holds a
 * client would wait for attempts, and the two would deadlock.
 */
export const CLIENT_LIFE_SETTLING: Settling = {
  indexes: {
    // Ranges of pages, since rows come in the order of time: it is for an operator's status and must cost attempts nothing.
    attempts_finished: 'cimd.attempts using brin (finished_at) with (autosummarize = on)',
    attempts_version: 'cimd.attempts (version_id) where version_id is not null',
    feed_outbox: 'cimd.feed (outbox_id)',
  },
  constraints: [{ table: 'cimd.attempts', name: 'attempts_version_id_fkey' }],
}

// Indexed columns are those an ordinary refresh leaves alone, so that its updates stay HOT.
const CLIENTS = `
  alter table cimd.clients
    -- Registrable domain of the host; null where an older release made the row (CAC-19).
    add column domain text,
    -- Since when nobody uses it; null while somebody does.
    add column dormant_since timestamptz,
    -- Of the stored response, which a 304 updates field by field (CAC-12, RFC 9111 section 4.3.4).
    add column cache_headers jsonb,
    -- The version subscribers were told of last; null where it is the current one (CHG-10).
    add column announced_version_id bigint,
    add constraint clients_announced_is_own foreign key (client_id, announced_version_id)
      references cimd.versions (client_id, id) on delete set null (announced_version_id);
  create index clients_domain on cimd.clients (domain);
  create index clients_dormant on cimd.clients (dormant_since) where dormant_since is not null;
  -- What the brake counts. An ordinary refresh leaves these columns null.
  create index clients_withdrawing on cimd.clients (withdrawing_since) where withdrawing_since is not null;
  create index clients_failing on cimd.clients (failure_code, failing_since) where failing_since is not null;
  -- Those to be forgotten, unless they are valid one day (CAC-19).
  create index clients_never_valid on cimd.clients (created_at) where version_id is null;
  -- An attempt outlives the version it found.
  alter table cimd.attempts
    drop constraint attempts_version_id_fkey,
    add constraint attempts_version_id_fkey
      foreign key (version_id) references cimd.versions (id) on delete set null not valid;
  -- What refers to a client that is forgotten.
  create index tickets_client on cimd.tickets (client_ref);

  grant insert (domain) on cimd.clients to cimd_api;
  grant update (dormant_since) on cimd.clients to cimd_api, cimd_fetcher, cimd_scheduler;
  grant update (deferred_until, deferred_code) on cimd.clients to cimd_scheduler;
  grant update (cache_headers, announced_version_id) on cimd.clients to cimd_fetcher;
  -- What nobody uses is forgotten, and what the rules no longer allow is rejected (CAC-12, CAC-19).
  grant update (state, failure_code, failing_since, withdrawing_code, withdrawing_since, fresh_until, revalidate_until,
    usable_until, retry_at, event_seq) on cimd.clients to cimd_scheduler;
  grant delete on cimd.clients, cimd.versions, cimd.attempts, cimd.interest, cimd.outbox, cimd.feed to cimd_scheduler;
  grant select on cimd.attempts to cimd_scheduler;
  grant insert on cimd.outbox to cimd_scheduler;
  grant update (rules_version) on cimd.versions to cimd_scheduler;
`

const INTEREST = `
  -- The version that was current at the tenant's first demand, 0 where there was none; null where an older release made
  -- the row. No reference: it says what came before it even when it is no longer kept.
  alter table cimd.interest add column since_version_id bigint;
  -- The generation done by then; null as above. The tenant's history of attempts begins after it.
  alter table cimd.interest add column since_generation bigint;

  -- A publisher's word is on behalf of no tenant, so this one question passes row-level security.
  create function cimd.is_leased(client bigint) returns boolean
    language sql stable security definer set search_path = pg_catalog
    as $$
      select exists (
        select from cimd.interest i where i.client_ref = client and i.leased_until > cimd.cimd_now()
      )
    $$;
  revoke execute on function cimd.is_leased from public;
  grant execute on function cimd.is_leased to cimd_api;
`

// Key set and logo of a client: the standing of a client (life/client-record.ts) for one more URL each.
const RESOURCES = `
  create table cimd.resources (
    id bigint generated always as identity primary key,
    client_ref bigint not null references cimd.clients (id),
    kind text not null check (kind in ('jwks', 'logo')),
    url text not null,
    host text not null,
    state text not null default 'discovering'
      check (state in ('discovering', 'valid', 'failing', 'withdrawn', 'rejected')),
    wanted bigint not null default 1,
    urgent bigint not null default 0,
    done bigint not null default 0,
    claimed bigint,
    claim_token uuid,
    claim_until timestamptz,
    deferred_until timestamptz,
    deferred_code text,
    -- Of what is handed on: the usable keys as canonical JSON, the image as we encoded it.
    digest bytea,
    body bytea check (octet_length(body) <= 65536),
    validated_at timestamptz,
    fresh_until timestamptz,
    revalidate_until timestamptz,
    usable_until timestamptz,
    stale_forbidden boolean not null default false,
    stale_if_error_seconds integer,
    etag text,
    last_modified text,
    cache_headers jsonb,
    failure_code text,
    failure_detail text,
    failing_since timestamptz,
    withdrawing_code text,
    withdrawing_since timestamptz,
    retry_at timestamptz,
    attempted_at timestamptz,
    -- Null: nothing is fetched until the client is used again.
    due_at timestamptz,
    unique (client_ref, kind),
    check (done <= wanted and urgent <= wanted),
    check (num_nulls(claimed, claim_token, claim_until) in (0, 3)),
    check (num_nulls(failure_code, failing_since) in (0, 2)),
    check (num_nulls(withdrawing_code, withdrawing_since) in (0, 2))
  ) with (fillfactor = 70);
  create index resources_due on cimd.resources (due_at) where due_at is not null;
  -- What somebody waits for, however much else is due.
  create index resources_urgent on cimd.resources (due_at) where urgent > done;
  -- What the brake counts and holds.
  create index resources_withdrawing on cimd.resources (withdrawing_since) where withdrawing_since is not null;
  create index resources_failing on cimd.resources (failure_code, failing_since) where failing_since is not null;
  create index resources_logo on cimd.resources (digest) where kind = 'logo';

  -- Content-addressed by the sha-256 of the bytes, which are of our own encoding.
  create table cimd.logos (
    digest bytea primary key check (digest = sha256(body)),
    body bytea not null check (octet_length(body) <= 1048576),
    content_type text not null check (content_type in ('image/png', 'image/webp')),
    width integer not null check (width > 0),
    height integer not null check (height > 0),
    created_at timestamptz not null default cimd.cimd_now()
  );

  grant select on cimd.resources, cimd.logos to cimd_api, cimd_fetcher, cimd_scheduler;
  grant update (wanted, urgent, due_at, deferred_until, deferred_code) on cimd.resources to cimd_api, cimd_scheduler;
  grant insert, update, delete on cimd.resources to cimd_fetcher;
  grant insert, update (created_at) on cimd.logos to cimd_fetcher;
  grant delete on cimd.resources, cimd.logos to cimd_scheduler;
`

// What a tenant has built on a version keeps it (CHG-09).
const HOLDS = `
  create table cimd.bindings (
    tenant_id uuid not null references cimd.tenants (id) on delete cascade,
    client_ref bigint not null references cimd.clients (id),
    version_id bigint not null references cimd.versions (id),
    kind text not null check (kind in ('consent', 'code', 'token')),
    bound_at timestamptz not null,
    bound_until timestamptz not null,
    primary key (tenant_id, version_id, kind)
  );
  create index bindings_version on cimd.bindings (version_id);
  create index bindings_client on cimd.bindings (client_ref);

  -- The version a tenant has approved: what it gets is that version and the current one, member by member what both allow.
  create table cimd.approvals (
    tenant_id uuid not null references cimd.tenants (id) on delete cascade,
    client_ref bigint not null references cimd.clients (id),
    version_id bigint not null references cimd.versions (id),
    approved_at timestamptz not null default cimd.cimd_now(),
    primary key (tenant_id, client_ref)
  );
  create index approvals_version on cimd.approvals (version_id);
  create index approvals_client on cimd.approvals (client_ref);

  -- What was handed out beside versions, so that an authorization server may ask what changed since.
  create table cimd.effective_documents (
    tenant_id uuid not null references cimd.tenants (id) on delete cascade,
    digest bytea not null,
    client_ref bigint not null references cimd.clients (id),
    approved_version_id bigint not null references cimd.versions (id),
    current_version_id bigint not null references cimd.versions (id),
    -- When it was handed out last, to the day.
    given_at timestamptz not null default cimd.cimd_now(),
    primary key (tenant_id, digest)
  );
  create index effective_documents_client on cimd.effective_documents (client_ref, tenant_id, given_at);
  create index effective_documents_approved on cimd.effective_documents (approved_version_id);
  create index effective_documents_current on cimd.effective_documents (current_version_id);

  alter table cimd.bindings enable row level security;
  create policy own_bindings on cimd.bindings to cimd_api using (tenant_id = cimd.current_tenant());
  create policy every_binding on cimd.bindings to cimd_scheduler using (true);
  alter table cimd.approvals enable row level security;
  create policy own_approvals on cimd.approvals to cimd_api using (tenant_id = cimd.current_tenant());
  create policy every_approval on cimd.approvals to cimd_scheduler using (true);
  alter table cimd.effective_documents enable row level security;
  create policy own_effective_documents on cimd.effective_documents to cimd_api
    using (tenant_id = cimd.current_tenant());
  create policy every_effective_document on cimd.effective_documents to cimd_scheduler using (true);
  grant select, insert, update on cimd.bindings, cimd.effective_documents to cimd_api;
  grant select on cimd.approvals to cimd_api;
  grant select, delete on cimd.bindings, cimd.approvals, cimd.effective_documents to cimd_scheduler;
`

const BRAKE = `
  -- One row. While it is engaged, what was found since held_from ends no client's use.
  create table cimd.brake (
    only_row boolean primary key default true check (only_row),
    engaged_at timestamptz,
    held_from timestamptz,
    reason text,
    -- The operator has said that what is found is true: until then it is not engaged by counting.
    disarmed_until timestamptz,
    check (num_nulls(engaged_at, held_from, reason) in (0, 3))
  );
  insert into cimd.brake default values;

  -- Documents of the operator's own, whose failure says that something is wrong here.
  create table cimd.canaries (client_ref bigint primary key references cimd.clients (id));

  grant select on cimd.brake to cimd_api, cimd_fetcher, cimd_scheduler;
  grant update on cimd.brake to cimd_scheduler;
  grant select on cimd.canaries to cimd_fetcher, cimd_scheduler;
`

const RULES = `
  -- The rules an operator has approved: stored documents are judged by them again only then. Null: those of the code
  -- that stores the first document.
  alter table cimd.deployment add column rules_version integer;
`

const PACES = `
  -- So that the documents of a host are not asked for all at once (FET-23): when the next turn to be given is, and before
  -- when nobody's refresh begins, whenever its turn was.
  create unlogged table cimd.host_paces (
    host text primary key,
    next_turn_at timestamptz not null,
    next_start_at timestamptz not null,
    -- When it was looked at last: later than now if the clock has been set back.
    looked_at timestamptz not null
  ) with (fillfactor = 50);
  grant select, insert, update, delete on cimd.host_paces to cimd_scheduler;
`

const TENANTS = `
  -- Seconds of stale use by class of failure, where the tenant wants less than is allowed (CAC-13).
  alter table cimd.tenants add column stale_limits jsonb not null default '{}'
    check (jsonb_typeof(stale_limits) = 'object');
`
