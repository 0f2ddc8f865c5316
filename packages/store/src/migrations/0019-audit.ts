import { type Kysely, sql } from 'kysely'
import { ownedByDefiner } from './definer.ts'

/** The audit of each tenant: what waits for its place, the chain, and how far each chain is. */
export async function createAudit(db: Kysely<unknown>): Promise<void> {
  for (const statements of [PENDING, ENTRIES, HEADS, APPEND_ONLY, CUT, DEFINER, POLICIES, GRANTS]) {
    await sql.raw(statements).execute(db)
  }
}

// Written with what it tells of, by whoever does it. Without a tenant: for each that uses the client.
const PENDING = `
  create table cimd.audit_pending (
    id bigint generated always as identity primary key,
    tenant_id uuid,
    client_ref bigint,
    -- Of the attempt it tells of, where it is about a document.
    generation bigint,
    at timestamptz not null default cimd.cimd_now(),
    kind text not null,
    client_id text collate "C",
    -- A pseudonym.
    subject uuid,
    actor jsonb not null,
    data jsonb not null,
    check (num_nonnulls(tenant_id, client_ref) = 1),
    -- An entry that is longer could not be read again; nor could the index take a longer client_id, or a reader a later year,
    -- and what cannot be placed would hold up every chain.
    constraint audit_pending_fits check (octet_length(actor::text) + octet_length(data::text) <= 196608
      and octet_length(kind) <= 64 and octet_length(client_id) <= 2048
      and at >= '1970-01-01' and at < '10000-01-01')
  );
`

// What can be found by is made of the entry itself, so that it cannot say something else.
const ENTRIES = `
  create table cimd.audit (
    tenant_id uuid not null,
    seq bigint not null check (seq > 0),
    entry jsonb not null,
    hash bytea not null check (octet_length(hash) = 32),
    previous_hash bytea not null check (octet_length(previous_hash) = 32),
    -- In UTC with three decimals: the order of the text is that of time.
    at text collate "C" not null generated always as (entry ->> 'at') stored,
    kind text not null generated always as (entry ->> 'kind') stored,
    client_id text collate "C" generated always as (entry ->> 'client_id') stored,
    subject text collate "C" generated always as (entry ->> 'subject') stored,
    -- With the instant, so that what comes before a month of a long chain is passed over without reading it.
    primary key (tenant_id, seq) include (at),
    constraint audit_place_of_entry
      check (entry ->> 'tenant' = tenant_id::text and (entry ->> 'seq')::bigint = seq)
  );
  create index audit_client on cimd.audit (tenant_id, client_id, seq) include (at)
    where client_id is not null;
  create index audit_subject on cimd.audit (tenant_id, subject, seq) include (at)
    where subject is not null;
  create index audit_at on cimd.audit (tenant_id, at);
  create index audit_cuts on cimd.audit (tenant_id, seq) where kind = 'retention.cut';
`

const HEADS = `
  create table cimd.audit_heads (
    -- No reference: it stays for a tenant that was removed until nothing of its chain is left.
    tenant_id uuid primary key,
    seq bigint not null check (seq > 0),
    hash bytea not null check (octet_length(hash) = 32),
    -- Where the chain begins, of the newest cut: all up to it may be gone.
    anchor_seq bigint,
    anchor_hash bytea,
    anchor_count bigint,
    cut_at timestamptz,
    check (num_nulls(anchor_seq, anchor_hash, anchor_count, cut_at) in (0, 4))
  ) with (fillfactor = 50);
`

// Whatever a role has been granted, and for the owner too.
const APPEND_ONLY = `
  create function cimd.refuse_audit_change() returns trigger language plpgsql set search_path = pg_catalog
    as $$
      begin
        -- The newest alone, as it goes furthest: each row that goes is asked about, of a chain with a cut for every day.
        if tg_op = 'DELETE' and exists (
          select from (
            select c.seq, (c.entry -> 'data' ->> 'anchor_seq')::bigint as anchor from cimd.audit c
            where c.tenant_id = old.tenant_id and c.kind = 'retention.cut' order by c.seq desc limit 1
          ) cut where cut.seq > old.seq and cut.anchor >= old.seq
        ) then
          return old;
        end if;
        -- For others than the definer, whom row-level security shows no tenant, every tenant would seem to be gone.
        if tg_op = 'DELETE' and current_user = 'cimd_definer' then
          if not exists (select from cimd.tenants t where t.id = old.tenant_id) then
            return old;
          end if;
        end if;
        raise exception 'the audit is append-only: % is refused', tg_op
          using errcode = 'insufficient_privilege', hint = 'A retention cut ends what is too old.';
      end
    $$;
  create trigger audit_append_only before update or delete on cimd.audit
    for each row execute function cimd.refuse_audit_change();
  create trigger audit_never_emptied before truncate on cimd.audit
    for each statement execute function cimd.refuse_audit_change();
`

const CUT = `
  -- Deletes up to so many entries from the beginning of a chain, none that its newest retention.cut does not cover.
  create function cimd.cut_audit(cut_tenant uuid, rows_max integer) returns bigint
    language sql volatile security definer set search_path = pg_catalog
    as $$
      with anchor as (
        select (entry -> 'data' ->> 'anchor_seq')::bigint as seq from cimd.audit
        where tenant_id = cut_tenant and kind = 'retention.cut' order by cimd.audit.seq desc limit 1
      ), old as (
        select a.seq from cimd.audit a, anchor
        where a.tenant_id = cut_tenant and a.seq <= anchor.seq order by a.seq limit rows_max
      ), gone as (
        delete from cimd.audit a using old where a.tenant_id = cut_tenant and a.seq = old.seq returning a.seq
      )
      select count(*) from gone
    $$;
  -- Deletes up to so many entries of tenants that were removed, and the heads of those of whose chains nothing is left.
  create function cimd.remove_orphaned_audit(rows_max integer) returns bigint
    language sql volatile security definer set search_path = pg_catalog
    as $$
      delete from cimd.audit_heads h
      where not exists (select from cimd.tenants t where t.id = h.tenant_id)
        and not exists (select from cimd.audit a where a.tenant_id = h.tenant_id);
      with old as (
        select a.tenant_id, a.seq from cimd.audit_heads h join cimd.audit a on a.tenant_id = h.tenant_id
        where not exists (select from cimd.tenants t where t.id = h.tenant_id) limit rows_max
      ), gone as (
        delete from cimd.audit a using old where a.tenant_id = old.tenant_id and a.seq = old.seq returning a.seq
      )
      select count(*) from gone
    $$;
  revoke execute on function cimd.cut_audit, cimd.remove_orphaned_audit from public;
  grant execute on function cimd.cut_audit, cimd.remove_orphaned_audit to cimd_scheduler;
  grant select, delete on cimd.audit, cimd.audit_heads to cimd_definer;
`

const DEFINER = ownedByDefiner(['cut_audit(uuid, integer)', 'remove_orphaned_audit(integer)'])

const POLICIES = `
  alter table cimd.audit_pending enable row level security, force row level security;
  create policy own_pending on cimd.audit_pending for insert to cimd_api
    with check (tenant_id = cimd.current_tenant() and kind <> 'retention.cut');
  -- Of one that was taken over nobody's chain is to say more than what was fetched, and whose the domain seems to be.
  create policy pending_of_clients on cimd.audit_pending for insert to cimd_fetcher
    with check (client_ref is not null and kind in ('fetch.recorded', 'ownership.judged'));
  create policy every_pending on cimd.audit_pending to cimd_operator using (true);
  create policy chained_pending on cimd.audit_pending to cimd_scheduler using (true)
    with check (tenant_id is not null and kind in ('retention.cut', 'policy.judged'));

  alter table cimd.audit enable row level security, force row level security;
  create policy own_audit on cimd.audit for select to cimd_api using (tenant_id = cimd.current_tenant());
  create policy every_audit on cimd.audit for select to cimd_operator using (true);
  create policy chained_audit on cimd.audit to cimd_scheduler using (true);
  create policy cut_audit on cimd.audit to cimd_definer using (true);

  alter table cimd.audit_heads enable row level security, force row level security;
  create policy own_audit_head on cimd.audit_heads for select to cimd_api using (tenant_id = cimd.current_tenant());
  create policy every_audit_head on cimd.audit_heads for select to cimd_operator using (true);
  create policy removed_audit_heads on cimd.audit_heads to cimd_definer using (true);
  create policy chained_audit_heads on cimd.audit_heads to cimd_scheduler using (true);
`

const GRANTS = `
  grant insert (tenant_id, kind, client_id, subject, actor, data) on cimd.audit_pending
    to cimd_api, cimd_operator, cimd_scheduler;
  grant insert (client_ref, generation, at, kind, client_id, actor, data) on cimd.audit_pending to cimd_fetcher;
  grant select, delete on cimd.audit_pending to cimd_scheduler;
  grant select on cimd.audit_pending to cimd_operator;
  grant select on cimd.audit, cimd.audit_heads to cimd_api, cimd_operator;
  grant select, insert on cimd.audit to cimd_scheduler;
  grant select, insert, update on cimd.audit_heads to cimd_scheduler;
`
