import { type Kysely, sql } from 'kysely'

/** What a tenant decides of clients: who approved or refused them, what their changes are compared with, who is registered. */
export async function createPolicies(db: Kysely<unknown>): Promise<void> {
  for (const statements of [APPROVALS, DECISIONS, REGISTRATIONS, REPORT_ONLY, GRANTS]) {
    await sql.raw(statements).execute(db)
  }
}

const APPROVALS = `
  alter table cimd.approvals
    -- Null: it does not end.
    add column expires_at timestamptz,
    add column reason text,
    -- The prefix of the key, or the name of the operator's tool.
    add column approved_by text;
  -- What was made of a version by restricting it can only be made again by the same policy; null: it was not restricted.
  alter table cimd.effective_documents add column policy_version bigint;
`

// A release before this one prunes versions without asking here, and its pruning then fails until it has gone: what is
// compared with must not vanish. Deferred, since whoever forgets a client deletes its versions in the same statement.
const DECISIONS = `
  create table cimd.decisions (
    tenant_id uuid not null references cimd.tenants (id) on delete cascade,
    client_ref bigint not null references cimd.clients (id) on delete cascade,
    -- The version that counts as agreed to where nothing was approved; null: none is needed yet.
    baseline_version_id bigint references cimd.versions (id) deferrable initially deferred,
    -- What the policy said last, and of what; null: nothing yet.
    decision text check (decision in ('admitted', 'held', 'refused')),
    version_id bigint references cimd.versions (id) on delete set null,
    policy_version bigint,
    reasons jsonb not null default '[]' check (jsonb_typeof(reasons) = 'array'),
    -- Since when somebody should look at it: it is held as a whole, or what it gained is; null: nobody need.
    review_since timestamptz,
    -- A person refused it, and said why; no approval stands beside it.
    refused_at timestamptz,
    refused_by text,
    refusal text,
    -- When it is to be judged anew: at once, or when an approval ends.
    due_at timestamptz,
    primary key (tenant_id, client_ref),
    check (num_nulls(refused_at, refused_by, refusal) in (0, 3))
  ) with (fillfactor = 80);
  create index decisions_client on cimd.decisions (client_ref);
  create index decisions_baseline on cimd.decisions (baseline_version_id) where baseline_version_id is not null;
  create index decisions_version on cimd.decisions (version_id) where version_id is not null;
  create index decisions_due on cimd.decisions (due_at) where due_at is not null;
  create index decisions_review on cimd.decisions (tenant_id, client_ref) where review_since is not null;
  -- Up to which policy the decisions have been judged anew.
  alter table cimd.tenants add column evaluated_policy_version bigint not null default 0;

  alter table cimd.decisions enable row level security, force row level security;
  create policy own_decisions on cimd.decisions to cimd_api using (tenant_id = cimd.current_tenant());
  create policy every_decision on cimd.decisions to cimd_operator, cimd_scheduler using (true);
`

const REGISTRATIONS = `
  create table cimd.registrations (
    tenant_id uuid not null references cimd.tenants (id) on delete cascade,
    client_ref bigint not null references cimd.clients (id) on delete cascade,
    mode text not null check (mode in ('frozen', 'manual', 'periodic')),
    -- The fetch whose document counts, in the modes in which one stays; 0: none.
    generation bigint not null default 0,
    -- That document, and the fetch that found it; null: it is not there yet, or the mode is periodic.
    pinned_generation bigint not null default 0,
    version_id bigint references cimd.versions (id) deferrable initially deferred,
    created_at timestamptz not null default cimd.cimd_now(),
    created_by text not null,
    primary key (tenant_id, client_ref)
  );
  create index registrations_client on cimd.registrations (client_ref);
  create index registrations_pending on cimd.registrations (client_ref) where generation > pinned_generation;
  create index registrations_version on cimd.registrations (version_id) where version_id is not null;

  alter table cimd.registrations enable row level security, force row level security;
  create policy own_registrations on cimd.registrations to cimd_api using (tenant_id = cimd.current_tenant());
  create policy every_registration on cimd.registrations to cimd_operator, cimd_scheduler using (true);
`

const REPORT_ONLY = `
  -- Clients that a policy which is only reported would have judged otherwise.
  create table cimd.policy_reports (
    tenant_id uuid not null references cimd.tenants (id) on delete cascade,
    client_ref bigint not null references cimd.clients (id) on delete cascade,
    policy_version bigint not null,
    difference text not null
      check (difference in ('newly_refused', 'newly_held', 'newly_admitted', 'reasons_changed')),
    reasons jsonb not null,
    times bigint not null default 1,
    first_at timestamptz not null default cimd.cimd_now(),
    last_at timestamptz not null default cimd.cimd_now(),
    primary key (tenant_id, client_ref)
  ) with (fillfactor = 80);
  create index policy_reports_client on cimd.policy_reports (client_ref);

  alter table cimd.policy_reports enable row level security, force row level security;
  create policy own_policy_reports on cimd.policy_reports to cimd_api using (tenant_id = cimd.current_tenant());
  create policy every_policy_report on cimd.policy_reports to cimd_operator using (true);
`

const GRANTS = `
  grant insert, update, delete on cimd.approvals to cimd_api;
  grant select, insert, update, delete on cimd.registrations, cimd.policy_reports to cimd_api, cimd_operator;
  grant select, insert, update on cimd.decisions to cimd_api, cimd_operator, cimd_scheduler;
  -- With a tenant that is removed.
  grant delete on cimd.decisions to cimd_operator;
  grant select on cimd.registrations to cimd_scheduler;
  grant update (version_id, pinned_generation) on cimd.registrations to cimd_scheduler;
  -- A policy takes the place of what the row said of stale use, so that it is read where it always was.
  grant update (stale_limits) on cimd.tenants to cimd_api;
  grant update (evaluated_policy_version) on cimd.tenants to cimd_scheduler;
`
