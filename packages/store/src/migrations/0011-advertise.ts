import { type Kysely, sql } from 'kysely'
import type { Settling } from '../settle.ts'

/** Whether the way to publishers is fit to be advertised, what that is judged by, and events about no client (SRV-04). */
export async function createAdvertise(db: Kysely<unknown>): Promise<void> {
  // The schedule is locked before the outbox, as by whoever records an attempt.
  for (const statements of [WAITING, FETCHERS, VERDICT, OUTBOX]) await sql.raw(statements).execute(db)
}

export const ADVERTISE_SETTLING: Settling = {
  indexes: { outbox_for_all: "cimd.outbox (id) where relayed_at = '-infinity'" },
  constraints: [{ table: 'cimd.outbox', name: 'outbox_place_of_client' }],
}

const WAITING = `
  -- When a user's demand was raised last. Null, or older than the newest attempt, where older code raised it.
  alter table cimd.schedule add column urgent_since timestamptz;
`

const FETCHERS = `
  -- Who takes jobs. Unlogged, since all of it is written anew within seconds.
  create unlogged table cimd.fetchers (
    id uuid primary key,
    seen_at timestamptz not null
  ) with (fillfactor = 50);
  grant select (id), insert, update (seen_at), delete on cimd.fetchers to cimd_fetcher;
  grant select, delete on cimd.fetchers to cimd_scheduler;
`

const VERDICT = `
  create table cimd.advertise (
    only_row boolean primary key default true check (only_row),
    advertise boolean not null default false,
    -- Null while it is advertised.
    why text default 'unjudged',
    since timestamptz not null default cimd.cimd_now(),
    -- Since when the facts say otherwise.
    turning_since timestamptz,
    -- Null: nobody has judged yet.
    judged_at timestamptz,
    check (advertise = (why is null))
  ) with (fillfactor = 50);
  insert into cimd.advertise default values;
  grant select on cimd.advertise to cimd_api, cimd_scheduler;
  grant update (advertise, why, since, turning_since, judged_at) on cimd.advertise to cimd_scheduler;
`

// What tells every tenant something is not for a fetcher, which may have been taken over.
const OUTBOX = `
  alter table cimd.outbox
    alter column client_ref drop not null,
    alter column client_seq drop not null,
    add constraint outbox_place_of_client check (num_nulls(client_ref, client_seq) in (0, 2)) not valid;
  alter table cimd.outbox enable row level security;
  create policy every_event on cimd.outbox to cimd_api, cimd_scheduler using (true);
  create policy events_of_clients on cimd.outbox for insert to cimd_fetcher with check (client_ref is not null);
`
