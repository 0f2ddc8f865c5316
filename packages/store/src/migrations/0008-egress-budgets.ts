import { type Kysely, sql } from 'kysely'

/**
 * Three scopes for the budget of fetches: host, registrable domain and fleet, each with windows that count attempts and
 * a bound on how many run at once (FET-23). What 0005 made stays for code that runs beside this during an upgrade;
 * the two do not see each other, so for that long a host may get both budgets.
 */
export async function createEgressBudgets(db: Kysely<unknown>): Promise<void> {
  for (const statements of [TABLES, WINDOW, REFUSAL, TAKE]) await sql.raw(statements).execute(db)
}

const TABLES = `
  -- Unlogged: a crash may forget what was counted, and a fetch need not wait for the log to reach the disk.
  -- A row per window and not one for all time: while an old transaction is open, a dump for one, no version of a row can
  -- be removed, and each attempt has to pass by all of them. Room on each page for new versions.
  create unlogged table cimd.fetch_windows (
    scope text not null check (scope in ('host', 'domain', 'fleet')),
    -- Empty for the fleet.
    name text not null,
    started_at timestamptz not null,
    attempts integer not null,
    primary key (scope, name, started_at)
  ) with (fillfactor = 50);

  -- One row per running attempt. The indexes end with the time so that what was given back, or ended by itself, is
  -- passed by: a count visits what may still run, not what vacuum has yet to remove.
  create unlogged table cimd.fetch_leases (
    token uuid primary key,
    host text not null,
    domain text not null,
    leased_until timestamptz not null
  ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
  create index fetch_leases_host on cimd.fetch_leases (host, leased_until);
  create index fetch_leases_domain on cimd.fetch_leases (domain, leased_until);
  create index fetch_leases_fleet on cimd.fetch_leases (leased_until);

  grant select, insert, update on cimd.fetch_windows to cimd_fetcher;
  grant select, insert, delete on cimd.fetch_leases to cimd_fetcher;
  grant select, delete on cimd.fetch_windows, cimd.fetch_leases to cimd_scheduler;
`

// Functions in SQL without settings of their own are inlined into those that call them.
const WINDOW = `
  -- When the present window of a name began. Each name has its own beat, or what waits for many would come back at once.
  create function cimd.fetch_window_start(name text, at timestamptz, window_seconds double precision)
    returns timestamptz language sql stable
  as $$
    select date_bin(make_interval(secs => window_seconds), at,
      timestamptz '2000-01-01 00:00+00' - make_interval(secs => window_seconds * (hashtext(name) & 1023) / 1024))
  $$;
`

// Arrays hold what concerns host, domain and fleet, in this order.
const REFUSAL = `
  -- What stands against one more attempt: the scope that asks to wait longest, the narrower of equals, or no row.
  create function cimd.fetch_budget_refusal(
    target_host text, target_domain text, at timestamptz, concurrent_max integer[],
    windows timestamptz[], window_seconds double precision, window_max integer[]
  ) returns table (scope text, wait_seconds double precision) language sql stable
  as $$
    select s.scope, r.wait_seconds
    from (values
      (1, 'host', target_host, (select count(*) from (select from cimd.fetch_leases
        where host = target_host and leased_until > at limit concurrent_max[1]) l)),
      (2, 'domain', target_domain, (select count(*) from (select from cimd.fetch_leases
        where domain = target_domain and leased_until > at limit concurrent_max[2]) l)),
      (3, 'fleet', '', (select count(*) from (select from cimd.fetch_leases
        where leased_until > at limit concurrent_max[3]) l))
    ) s (position, scope, name, running),
    lateral (select greatest(
      case when s.running >= concurrent_max[s.position] then 1 end,
      (select greatest(1, extract(epoch from w.started_at - at) + window_seconds) from cimd.fetch_windows w
        where w.scope = s.scope and w.name = s.name and w.started_at = windows[s.position]
          and w.attempts >= window_max[s.position])
    )::double precision as wait_seconds) r
    where r.wait_seconds is not null
    order by r.wait_seconds desc, s.position limit 1
  $$;
`

const TAKE = `
  -- One round trip, all or nothing. No row when granted, else who refused and the seconds after which to ask again.
  create function cimd.take_fetch_budget(
    target_host text, target_domain text, lease_token uuid, lease_seconds double precision,
    concurrent_max integer[], window_seconds double precision, window_max integer[]
  ) returns table (scope text, wait_seconds double precision) language plpgsql
  set search_path = pg_catalog
  -- Statistics of tables that change by the second mislead, and only an index scan passes by what is dead. Scans that
  -- are off all the same seem so dear that jit would compile them.
  set enable_seqscan = off set enable_bitmapscan = off set jit = off
  as $$
  #variable_conflict use_column
  declare
    at constant timestamptz := cimd.cimd_now();
    windows constant timestamptz[] := array[
      cimd.fetch_window_start(target_host, at, window_seconds),
      cimd.fetch_window_start(target_domain, at, window_seconds),
      cimd.fetch_window_start('', at, window_seconds)];
  begin
    -- Without locks first: a crowd that is refused must not stand in the way of what would be granted.
    return query select * from cimd.fetch_budget_refusal(
      target_host, target_domain, at, concurrent_max, windows, window_seconds, window_max);
    if found then return; end if;

    -- Always narrow to wide: nobody waits in a circle, and the row that all share is locked last and shortest.
    insert into cimd.fetch_windows as w (scope, name, started_at, attempts)
      values ('host', target_host, windows[1], 1), ('domain', target_domain, windows[2], 1),
        ('fleet', '', windows[3], 1)
      on conflict (scope, name, started_at) do update set attempts = w.attempts + 1;

    -- A new statement sees what others committed while this one waited; its own attempt is among the counted.
    return query select * from cimd.fetch_budget_refusal(
      target_host, target_domain, at, concurrent_max, windows, window_seconds,
      array[window_max[1] + 1, window_max[2] + 1, window_max[3] + 1]);
    if found then
      update cimd.fetch_windows w set attempts = w.attempts - 1
        where (w.scope, w.name, w.started_at) in (
          ('host', target_host, windows[1]), ('domain', target_domain, windows[2]), ('fleet', '', windows[3]));
      return;
    end if;
    insert into cimd.fetch_leases (token, host, domain, leased_until)
      values (lease_token, target_host, target_domain, at + make_interval(secs => lease_seconds));
  end $$;
`
