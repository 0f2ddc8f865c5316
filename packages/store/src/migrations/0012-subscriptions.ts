import { type Kysely, sql } from 'kysely'
import type { Settling } from '../settle.ts'

/** Who is told of events by webhook, what became of each, and in which order: the lanes of the notifier. */
export async function createSubscriptions(db: Kysely<unknown>): Promise<void> {
  for (const statements of [ROLE, SUBSCRIPTIONS, DELIVERIES, BRIDGES, GRANTS])
    await sql.raw(statements).execute(db)
}

// Those of one subscription that are under way are counted at every turn, and a million may wait.
export const SUBSCRIPTIONS_SETTLING: Settling = {
  indexes: { lanes_leased: 'cimd.lanes (subscription_id, leased_until) where leased_until is not null' },
  constraints: [],
}

// Roles belong to the whole server, so another database may have made it, perhaps at this very moment.
const ROLE = `
  do $$ begin
    if not exists (select from pg_roles where rolname = 'cimd_notifier') then
      create role cimd_notifier nologin;
    end if;
  exception when duplicate_object or unique_violation then null;
  end $$;
`

const SUBSCRIPTIONS = `
  create table cimd.subscriptions (
    id uuid primary key default gen_random_uuid(),
    tenant_id uuid not null references cimd.tenants (id) on delete cascade,
    url text not null check (octet_length(url) <= 2048),
    -- What it wants; null: everything.
    types text[],
    hosts text[],
    change_classes text[],
    state text not null default 'verifying' check (state in ('verifying', 'active', 'disabled')),
    -- Of what it is, since when, and why it is disabled.
    state_since timestamptz not null default cimd.cimd_now(),
    disabled_code text,
    -- What the endpoint has to return while it is verified.
    challenge text not null,
    -- Up to where the tenant's feed is divided into deliveries.
    fanned_position bigint not null check (fanned_position >= 0),
    fanned_at timestamptz,
    -- Since the endpoint last took something.
    failures integer not null default 0,
    failing_since timestamptz,
    paused_until timestamptz,
    created_at timestamptz not null default cimd.cimd_now(),
    check ((state = 'disabled') = (disabled_code is not null)),
    check ((failures = 0) = (failing_since is null))
  ) with (fillfactor = 70);
  create index subscriptions_tenant on cimd.subscriptions (tenant_id);

  create table cimd.subscription_secrets (
    subscription_id uuid not null references cimd.subscriptions (id) on delete cascade,
    secret bytea not null check (octet_length(secret) between 24 and 64),
    created_at timestamptz not null default cimd.cimd_now(),
    -- Null: the present one. Until then what is sent is signed by both.
    expires_at timestamptz,
    primary key (subscription_id, secret)
  );
`

// A lane is there for as long as something waits in it: whoever adds to it or ends it holds its subscription's row lock.
const DELIVERIES = `
  create table cimd.deliveries (
    id bigint generated always as identity primary key,
    tenant_id uuid not null references cimd.tenants (id) on delete cascade,
    subscription_id uuid not null references cimd.subscriptions (id) on delete cascade,
    -- Row id of the client; 0: about no client.
    lane bigint not null,
    position bigint not null,
    event_id uuid not null,
    type text not null,
    state text not null default 'waiting' check (state in ('waiting', 'delivered', 'dead')),
    -- Of one that is dead: what was delivered after it said so.
    gap_told boolean not null default false,
    attempts integer not null default 0,
    created_at timestamptz not null default cimd.cimd_now(),
    tried_since timestamptz,
    tried_at timestamptz,
    -- How the newest attempt ended; null: well, or there was none.
    code text,
    status integer,
    -- The first words of the answer.
    answer text,
    unique (subscription_id, position)
  ) with (fillfactor = 70);
  create index deliveries_waiting on cimd.deliveries (subscription_id, lane, position) where state = 'waiting';
  create index deliveries_dead on cimd.deliveries (subscription_id, position) where state = 'dead';
  create index deliveries_gaps on cimd.deliveries (subscription_id, lane) where state = 'dead' and not gap_told;
  create index deliveries_ended on cimd.deliveries (tried_at) where state <> 'waiting';

  create table cimd.lanes (
    subscription_id uuid not null references cimd.subscriptions (id) on delete cascade,
    -- As of deliveries; -1: the verification of the endpoint.
    lane bigint not null check (lane >= -1),
    due_at timestamptz not null,
    -- Until then it is on its way to a worker, or with the one that has the token.
    leased_until timestamptz,
    claim_token uuid,
    primary key (subscription_id, lane)
  ) with (fillfactor = 50);
  create index lanes_due on cimd.lanes (subscription_id, due_at);
`

const BRIDGES = `
  -- Up to where each tenant's feed is published to a queue or stream of the operator's.
  create table cimd.bridges (
    name text not null check (name <> ''),
    tenant_id uuid not null references cimd.tenants (id) on delete cascade,
    position bigint not null default 0,
    primary key (name, tenant_id)
  ) with (fillfactor = 50);
`

const GRANTS = `
  grant usage on schema cimd to cimd_notifier;
  grant select on cimd.deployment, cimd.schema_versions, cimd.clients, cimd.outbox, cimd.feed, cimd.interest, cimd.tenants
    to cimd_notifier;
  create policy notified_tenants on cimd.tenants to cimd_notifier using (true);
  create policy notified_events on cimd.outbox for select to cimd_notifier using (true);
  create policy events_of_no_client on cimd.outbox for insert to cimd_notifier with check (client_ref is null);
  create policy notified_feed on cimd.feed to cimd_notifier using (tenant_id = cimd.current_tenant());
  create policy notified_interest on cimd.interest for select to cimd_notifier using (tenant_id = cimd.current_tenant());
  -- It tells one tenant that its subscription is disabled.
  grant update (feed_position) on cimd.tenants to cimd_notifier;
  grant insert on cimd.outbox, cimd.feed to cimd_notifier;

  alter table cimd.subscriptions enable row level security;
  alter table cimd.deliveries enable row level security;
  alter table cimd.lanes enable row level security;
  alter table cimd.subscription_secrets enable row level security;
  alter table cimd.bridges enable row level security;
  create policy own_subscriptions on cimd.subscriptions to cimd_api using (tenant_id = cimd.current_tenant());
  create policy own_deliveries on cimd.deliveries to cimd_api using (tenant_id = cimd.current_tenant());
  create policy own_lanes on cimd.lanes to cimd_api
    using (exists (select from cimd.subscriptions s where s.id = subscription_id));
  create policy own_secrets on cimd.subscription_secrets to cimd_api
    using (exists (select from cimd.subscriptions s where s.id = subscription_id));
  create policy every_subscription on cimd.subscriptions to cimd_notifier using (true);
  create policy every_delivery on cimd.deliveries to cimd_notifier using (true);
  create policy every_lane on cimd.lanes to cimd_notifier using (true);
  create policy every_secret on cimd.subscription_secrets to cimd_notifier using (true);
  create policy every_bridge on cimd.bridges to cimd_notifier using (true);
  create policy ended_deliveries on cimd.deliveries to cimd_scheduler using (true);

  grant select, delete on cimd.subscriptions to cimd_api;
  grant insert (tenant_id, url, types, hosts, change_classes, challenge, fanned_position) on cimd.subscriptions to cimd_api;
  grant update (url, types, hosts, change_classes, state, state_since, disabled_code, challenge, fanned_position, failures,
    failing_since, paused_until) on cimd.subscriptions to cimd_api;
  -- The api makes secrets and never reads one: what it has told once it cannot tell again.
  grant select (subscription_id, created_at, expires_at), update (expires_at), delete on cimd.subscription_secrets to cimd_api;
  grant insert (subscription_id, secret) on cimd.subscription_secrets to cimd_api;
  grant select, insert, update on cimd.deliveries, cimd.lanes to cimd_api;

  grant select on cimd.subscriptions, cimd.subscription_secrets to cimd_notifier;
  grant update (state, state_since, disabled_code, fanned_position, fanned_at, failures, failing_since, paused_until)
    on cimd.subscriptions to cimd_notifier;
  grant select, insert, update, delete on cimd.lanes to cimd_notifier;
  grant select, insert on cimd.deliveries to cimd_notifier;
  grant update (state, gap_told, attempts, tried_since, tried_at, code, status, answer) on cimd.deliveries to cimd_notifier;
  grant select, insert, update (position) on cimd.bridges to cimd_notifier;
  grant select, delete on cimd.deliveries to cimd_scheduler;
`
