import { type Kysely, sql } from 'kysely'

/** Per host: a window that counts attempts, and leases that bound how many run at once (FET-23). */
export async function createBudgets(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(`
    create table cimd.host_windows (
      host text primary key,
      started_at timestamptz not null,
      attempts integer not null
    ) with (fillfactor = 70);

    create table cimd.host_leases (
      token uuid primary key,
      host text not null,
      leased_until timestamptz not null
    );
    create index host_leases_host on cimd.host_leases (host);

    -- One round trip. Returns 0 when granted, else the seconds after which to ask again.
    create function cimd.take_host_budget(
      target text, lease_token uuid, lease_seconds double precision, concurrent_max integer,
      window_seconds double precision, window_max integer
    ) returns double precision language plpgsql set search_path = pg_catalog
    as $$
    declare
      at constant timestamptz := cimd.cimd_now();
      w cimd.host_windows;
    begin
      insert into cimd.host_windows as hw (host, started_at, attempts) values (target, at, 0)
        on conflict (host) do update set attempts = hw.attempts
        returning * into w;
      if w.started_at + make_interval(secs => window_seconds) <= at then
        w.started_at := at;
        w.attempts := 0;
      end if;
      if w.attempts >= window_max then
        return greatest(1, extract(epoch from w.started_at - at) + window_seconds);
      end if;
      delete from cimd.host_leases where host = target and leased_until <= at;
      if (select count(*) from cimd.host_leases where host = target) >= concurrent_max then
        return 1;
      end if;
      insert into cimd.host_leases (token, host, leased_until)
        values (lease_token, target, at + make_interval(secs => lease_seconds));
      update cimd.host_windows set started_at = w.started_at, attempts = w.attempts + 1 where host = target;
      return 0;
    end $$;

    grant select, insert, update, delete on cimd.host_windows, cimd.host_leases to cimd_fetcher;
    grant select, delete on cimd.host_windows, cimd.host_leases to cimd_scheduler;
    `)
    .execute(db)
}
