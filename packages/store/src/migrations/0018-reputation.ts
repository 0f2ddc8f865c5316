import { type Kysely, sql } from 'kysely'
import type { Settling } from '../settle.ts'

/** Who has used a client, as pseudonyms and as counts, and what a tenant has looked at itself. */
export async function createReputation(db: Kysely<unknown>): Promise<void> {
  for (const statements of [SUBJECTS, USES, COUNTS, REVIEWED, ...TENANT_TABLES.map(isolate), GRANTS, FLEET]) {
    await sql.raw(statements).execute(db)
  }
}

/** For the changes of a client lately, however many events of other kinds it has. */
export const REPUTATION_SETTLING: Settling = {
  indexes: {
    outbox_changes: "cimd.outbox (client_ref, client_seq) where type = 'client.metadata_changed'",
  },
  constraints: [],
}

const TENANT_TABLES = [
  'subject_keys',
  'subjects',
  'client_subjects',
  'domain_subjects',
  'client_reputation',
  'domain_reputation',
  'reviewed',
] as const

const SUBJECTS = `
  -- Without it a hash of a subject is no pseudonym: names and numbers can be tried one after the other.
  create table cimd.subject_keys (
    tenant_id uuid primary key references cimd.tenants (id) on delete cascade,
    key bytea not null check (octet_length(key) = 32),
    created_at timestamptz not null default cimd.cimd_now()
  );

  -- The one place that leads from a subject to its pseudonym. Whoever deletes the row has erased the subject.
  create table cimd.subjects (
    tenant_id uuid not null references cimd.tenants (id) on delete cascade,
    -- HMAC-SHA-256 under the tenant's key.
    subject_hash bytea not null check (octet_length(subject_hash) = 32),
    pseudonym uuid not null default gen_random_uuid(),
    created_at timestamptz not null default cimd.cimd_now(),
    -- To the day, so that a report seldom writes what is indexed.
    last_used_at timestamptz not null default cimd.cimd_now(),
    primary key (tenant_id, subject_hash),
    unique (tenant_id, pseudonym)
  ) with (fillfactor = 80);
  create index subjects_last_used on cimd.subjects (last_used_at);
`

// What makes a subject count once. Counts outlive these rows, which go with the mapping: a pseudonym nobody can come back
// to is of no use here.
const USES = `
  create table cimd.client_subjects (
    tenant_id uuid not null references cimd.tenants (id) on delete cascade,
    pseudonym uuid not null,
    client_ref bigint not null references cimd.clients (id) on delete cascade,
    first_at timestamptz not null,
    primary key (tenant_id, pseudonym, client_ref),
    foreign key (tenant_id, pseudonym) references cimd.subjects (tenant_id, pseudonym) on delete cascade
  );
  create index client_subjects_client on cimd.client_subjects (client_ref);

  create table cimd.domain_subjects (
    tenant_id uuid not null references cimd.tenants (id) on delete cascade,
    pseudonym uuid not null,
    domain text not null,
    first_at timestamptz not null,
    primary key (tenant_id, pseudonym, domain),
    foreign key (tenant_id, pseudonym) references cimd.subjects (tenant_id, pseudonym) on delete cascade
  );
`

const COUNTS = `
  create table cimd.client_reputation (
    tenant_id uuid not null references cimd.tenants (id) on delete cascade,
    client_ref bigint not null references cimd.clients (id) on delete cascade,
    domain text not null,
    subjects bigint not null check (subjects >= 0),
    first_seen timestamptz not null,
    last_seen timestamptz not null,
    primary key (tenant_id, client_ref)
  ) with (fillfactor = 70);
  create index client_reputation_client on cimd.client_reputation (client_ref);

  create table cimd.domain_reputation (
    tenant_id uuid not null references cimd.tenants (id) on delete cascade,
    domain text not null,
    subjects bigint not null check (subjects >= 0),
    -- Rows of client_reputation of this domain; more of them where an older release has forgotten one.
    clients bigint not null check (clients >= 0),
    first_seen timestamptz not null,
    last_seen timestamptz not null,
    primary key (tenant_id, domain)
  ) with (fillfactor = 70);
`

// By name, so that a mark outlives a client that is forgotten.
const REVIEWED = `
  create table cimd.reviewed (
    tenant_id uuid not null references cimd.tenants (id) on delete cascade,
    kind text not null check (kind in ('client', 'domain')),
    -- A client_id, or a registrable domain.
    name text collate "C" not null check (octet_length(name) between 1 and 2048),
    reviewed_at timestamptz not null default cimd.cimd_now(),
    -- The prefix of the key, or the name of the operator's tool.
    reviewed_by text not null,
    primary key (tenant_id, kind, name)
  );
`

function isolate(table: (typeof TENANT_TABLES)[number]): string {
  return `
  alter table cimd.${table} enable row level security, force row level security;
  create policy own_${table} on cimd.${table} to cimd_api using (tenant_id = cimd.current_tenant());`
}

const GRANTS = `
  -- An operator's tool erases a subject as its tenant would, and sees the key of no other meanwhile.
  create policy entered_subject_keys on cimd.subject_keys to cimd_operator
    using (tenant_id = cimd.current_tenant());
  create policy every_subjects on cimd.subjects to cimd_operator, cimd_scheduler using (true);
  create policy every_client_subjects on cimd.client_subjects to cimd_operator, cimd_scheduler using (true);
  create policy every_domain_subjects on cimd.domain_subjects to cimd_operator using (true);
  create policy every_client_reputation on cimd.client_reputation to cimd_operator, cimd_scheduler using (true);
  create policy every_domain_reputation on cimd.domain_reputation to cimd_operator, cimd_scheduler using (true);
  create policy every_reviewed on cimd.reviewed to cimd_operator using (true);

  grant select on cimd.subject_keys, cimd.subjects, cimd.client_subjects, cimd.domain_subjects,
    cimd.client_reputation, cimd.domain_reputation, cimd.reviewed to cimd_api, cimd_operator;
  grant insert on cimd.subject_keys to cimd_api;
  grant insert, update (last_used_at), delete on cimd.subjects to cimd_api;
  -- With a tenant that is removed; of subjects also one.
  grant delete on cimd.subjects, cimd.client_reputation, cimd.domain_reputation to cimd_operator;
  grant insert on cimd.client_subjects, cimd.domain_subjects to cimd_api;
  grant insert, update (subjects, last_seen) on cimd.client_reputation to cimd_api;
  grant insert, update (subjects, clients, last_seen) on cimd.domain_reputation to cimd_api;
  grant insert, update (reviewed_at, reviewed_by), delete on cimd.reviewed to cimd_api, cimd_operator;
  -- Retention of mappings, and what goes with a client that is forgotten.
  grant select, delete on cimd.subjects, cimd.client_subjects, cimd.client_reputation to cimd_scheduler;
  grant select, update (clients) on cimd.domain_reputation to cimd_scheduler;
`

// Counts over all tenants, kept only where the operator has them kept: no row says whose they are.
const FLEET = `
  create table cimd.fleet_client_reputation (
    client_ref bigint primary key references cimd.clients (id) on delete cascade,
    subjects bigint not null check (subjects >= 0),
    first_seen timestamptz not null,
    last_seen timestamptz not null
  ) with (fillfactor = 70);

  create table cimd.fleet_domain_reputation (
    domain text primary key,
    subjects bigint not null check (subjects >= 0),
    clients bigint not null check (clients >= 0),
    first_seen timestamptz not null,
    last_seen timestamptz not null
  ) with (fillfactor = 70);

  grant select, insert, update (subjects, last_seen) on cimd.fleet_client_reputation to cimd_api;
  grant select, insert, update (subjects, clients, last_seen) on cimd.fleet_domain_reputation to cimd_api;
  grant select on cimd.fleet_client_reputation, cimd.fleet_domain_reputation to cimd_operator;
  grant delete on cimd.fleet_client_reputation to cimd_scheduler;
  grant select on cimd.fleet_client_reputation, cimd.fleet_domain_reputation to cimd_scheduler;
  grant update (clients) on cimd.fleet_domain_reputation to cimd_scheduler;
`
