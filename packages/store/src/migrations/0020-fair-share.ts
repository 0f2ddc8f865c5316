import { type Kysely, sql } from 'kysely'
import { ownedByDefiner } from './definer.ts'

/** What one tenant may have fetched at once, the line of what waits behind that, and how much it may demand in an hour. */
export async function createFairShare(db: Kysely<unknown>): Promise<void> {
  for (const statements of [PLACES, LINE, QUOTAS]) await sql.raw(statements).execute(db)
}

const PLACES = `
  -- Up to which generation a user's demand has had a place. Less than urgent: it waits for one, or older code raised it.
  alter table cimd.clients add column placed bigint not null default 0;
  grant update (placed) on cimd.clients to cimd_api, cimd_fetcher, cimd_scheduler;

  -- A demand of a tenant that a user waits for, from when it is raised until it is answered: first in line, then in a place.
  create table cimd.fetch_places (
    client_ref bigint not null references cimd.clients (id) on delete cascade,
    tenant_id uuid not null references cimd.tenants (id) on delete cascade,
    -- Its turn comes in this order, and not before.
    ready_at timestamptz not null,
    -- Null: it waits in line.
    taken_at timestamptz,
    primary key (client_ref, tenant_id)
  ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
  create index fetch_places_line on cimd.fetch_places (tenant_id, ready_at, client_ref) where taken_at is null;
  create index fetch_places_taken on cimd.fetch_places (tenant_id) where taken_at is not null;

  alter table cimd.fetch_places enable row level security, force row level security;
  create policy own_places on cimd.fetch_places to cimd_api using (tenant_id = cimd.current_tenant());
  create policy every_place on cimd.fetch_places
    to cimd_fetcher, cimd_scheduler, cimd_operator, cimd_definer using (true);
  grant select, insert, update on cimd.fetch_places to cimd_api;
  -- Whose places they are is not for a fetcher.
  grant select (client_ref, taken_at), update (ready_at, taken_at), delete on cimd.fetch_places to cimd_fetcher;
  grant select, update, delete on cimd.fetch_places to cimd_scheduler;
  -- Whoever registers a client for a tenant demands it, and whoever removes the tenant has it leave its line.
  grant select, insert, update, delete on cimd.fetch_places to cimd_operator;
  grant select on cimd.fetch_places to cimd_definer;
`

const LINE = `
  -- How many of each tenant wait in line, no further counted than so many of each: how long one would wait is told by the
  -- lines of all, so this one question passes row-level security.
  create function cimd.count_in_line(counted_max integer) returns table (tenant_id uuid, waiting bigint)
    language sql stable security definer set search_path = pg_catalog
    as $$
      with recursive in_line as (
        (select p.tenant_id from cimd.fetch_places p where p.taken_at is null order by p.tenant_id limit 1)
        union all
        select (
          select p.tenant_id from cimd.fetch_places p
          where p.taken_at is null and p.tenant_id > l.tenant_id order by p.tenant_id limit 1
        ) from in_line l where l.tenant_id is not null
      )
      select l.tenant_id, (
        select count(*) from (
          select from cimd.fetch_places p where p.tenant_id = l.tenant_id and p.taken_at is null
            and p.ready_at <= (select cimd.cimd_now()) limit counted_max
        ) counted
      )
      from in_line l where l.tenant_id is not null
    $$;
  revoke execute on function cimd.count_in_line from public;
  grant execute on function cimd.count_in_line to cimd_api;
  ${ownedByDefiner(['count_in_line(integer)'])}
`

const QUOTAS = `
  -- Whom a subject is counted as is known by this key alone. Not with a default at once, which would write the table anew: to
  -- whoever asks for a key meanwhile there would be no tenants. And not as one of the owner, whom policies count for.
  alter table cimd.tenants
    no force row level security,
    add column quota_key bytea check (octet_length(quota_key) = 32),
    alter column quota_key set default (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
  update cimd.tenants set quota_key = default;
  alter table cimd.tenants alter column quota_key set not null, force row level security;

  -- Unlogged: a crash may forget what was counted, and a login need not wait for the log to reach the disk.
  create unlogged table cimd.quota_windows (
    tenant_id uuid not null references cimd.tenants (id) on delete cascade,
    quota text not null check (quota in ('contacts', 'subject_contacts', 'demands_without_subject')),
    -- Of a subject its keyed hash. Of a tenant one of several rows, which together say how much is used: those that come at
    -- once would wait for each other's commit at a single one.
    holder bytea not null check (octet_length(holder) in (1, 32)),
    started_at timestamptz not null,
    used integer not null,
    primary key (tenant_id, quota, started_at, holder)
  ) with (fillfactor = 50);
  create index quota_windows_start on cimd.quota_windows (started_at);

  alter table cimd.quota_windows enable row level security, force row level security;
  create policy own_quota_windows on cimd.quota_windows to cimd_api using (tenant_id = cimd.current_tenant());
  create policy every_quota_window on cimd.quota_windows to cimd_scheduler, cimd_operator using (true);
  grant select, insert, update on cimd.quota_windows to cimd_api;
  grant select, delete on cimd.quota_windows to cimd_scheduler;
  grant select, insert, update on cimd.quota_windows to cimd_operator;
`
