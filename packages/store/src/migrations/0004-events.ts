import { type Kysely, sql } from 'kysely'

/** The outbox that attempts write to, and the feed each tenant reads. */
export async function createEvents(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(`
    create table cimd.outbox (
      id bigint generated always as identity primary key,
      event_id uuid not null unique default gen_random_uuid(),
      client_ref bigint not null references cimd.clients (id),
      -- Assigned under the client's row lock: the order of events of one client.
      client_seq bigint not null,
      type text not null,
      data jsonb not null,
      occurred_at timestamptz not null,
      relayed_at timestamptz,
      unique (client_ref, client_seq)
    );
    create index outbox_unrelayed on cimd.outbox (id) where relayed_at is null;

    create table cimd.feed (
      tenant_id uuid not null references cimd.tenants (id) on delete cascade,
      position bigint not null,
      outbox_id bigint not null references cimd.outbox (id),
      primary key (tenant_id, position)
    );

    alter table cimd.feed enable row level security;
    create policy own_feed on cimd.feed to cimd_api using (tenant_id = cimd.current_tenant());
    create policy every_feed on cimd.feed to cimd_scheduler using (true);
    grant select on cimd.feed to cimd_api;
    grant select, insert on cimd.feed to cimd_scheduler;
    grant select on cimd.outbox to cimd_api, cimd_scheduler;
    grant insert on cimd.outbox to cimd_fetcher;
    grant update (relayed_at) on cimd.outbox to cimd_scheduler;
    `)
    .execute(db)
}
