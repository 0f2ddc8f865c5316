import type { AuditEntry, JsonObject, StaleLimits } from '@cimd/core'
import type { ColumnType, Generated, GeneratedAlways, JSONColumnType } from 'kysely'

// One type per table, columns as in the migrations. `bigint` columns are numbers here (see db.ts), except row
// ids, which are opaque decimal strings.

type RowId = GeneratedAlways<string>
type Instant = Date

export type Database = {
  'cimd.deployment': {
    environment: string
    clock_offset: ColumnType<unknown, string, string>
    rules_version: number | null
  }
  'cimd.schema_versions': {
    version: number
    name: string
    oldest_code: number
    applied_at: Generated<Instant>
  }
  'cimd.tenants': {
    id: Generated<string>
    name: string
    profile: Generated<string>
    feed_position: Generated<number>
    stale_limits: ColumnType<StaleLimits, string | undefined, string>
    policy_version: Generated<number>
    report_policy_version: number | null
    evaluated_policy_version: Generated<number>
    quotas: ColumnType<object, string | undefined, string>
    quota_key: Generated<Buffer>
    created_at: Generated<Instant>
  }
  'cimd.api_keys': {
    id: Generated<string>
    tenant_id: string
    key_sha256: Buffer
    prefix: string
    scopes: Generated<string[]>
    created_at: Generated<Instant>
    expires_at: Instant | null
    revoked_at: Instant | null
    last_used_at: Instant | null
    replaced_by: string | null
  }
  'cimd.operator_keys': {
    prefix: string
    key_sha256: Buffer
    created_at: Generated<Instant>
    expires_at: Instant | null
    revoked_at: Instant | null
    last_used_at: Instant | null
    replaced_by: string | null
  }
  'cimd.policies': {
    tenant_id: string
    version: number
    policy: ColumnType<unknown, string, never>
    digest: Buffer
    created_at: Generated<Instant>
    created_by: string
  }
  'cimd.domains': {
    domain: string
    era: Generated<number>
    changed_at: Instant | null
    former_seen_at: Instant | null
    standing: JSONColumnType<object>
    changes_pending: Generated<boolean>
    name_servers_asked_at: Instant | null
    registration_asked_at: Instant | null
  }
  'cimd.domain_eras': { tenant_id: string; domain: string; era: number; accepted_at: Generated<Instant> }
  'cimd.subject_keys': { tenant_id: string; key: Buffer; created_at: Generated<Instant> }
  'cimd.subjects': {
    tenant_id: string
    subject_hash: Buffer
    pseudonym: Generated<string>
    created_at: Generated<Instant>
    last_used_at: Generated<Instant>
  }
  'cimd.client_subjects': { tenant_id: string; pseudonym: string; client_ref: string; first_at: Instant }
  'cimd.domain_subjects': { tenant_id: string; pseudonym: string; domain: string; first_at: Instant }
  'cimd.client_reputation': {
    tenant_id: string
    client_ref: string
    domain: string
    subjects: number
    first_seen: Instant
    last_seen: Instant
  }
  'cimd.domain_reputation': {
    tenant_id: string
    domain: string
    subjects: number
    clients: number
    first_seen: Instant
    last_seen: Instant
  }
  'cimd.reviewed': {
    tenant_id: string
    kind: 'client' | 'domain'
    name: string
    reviewed_at: Generated<Instant>
    reviewed_by: string
  }
  'cimd.fleet_client_reputation': {
    client_ref: string
    subjects: number
    first_seen: Instant
    last_seen: Instant
  }
  'cimd.fleet_domain_reputation': {
    domain: string
    subjects: number
    clients: number
    first_seen: Instant
    last_seen: Instant
  }
  'cimd.audit_pending': {
    id: RowId
    tenant_id: string | null
    client_ref: string | null
    generation: number | null
    at: Generated<Instant>
    kind: string
    client_id: string | null
    subject: string | null
    actor: ColumnType<{ readonly kind: string; readonly id: string }, string, never>
    data: ColumnType<JsonObject, string, never>
  }
  'cimd.audit': {
    tenant_id: string
    seq: number
    entry: ColumnType<AuditEntry, string, never>
    hash: Buffer
    previous_hash: Buffer
    at: GeneratedAlways<string>
    kind: GeneratedAlways<string>
    client_id: GeneratedAlways<string | null>
    subject: GeneratedAlways<string | null>
  }
  'cimd.audit_heads': {
    tenant_id: string
    seq: number
    hash: Buffer
    anchor_seq: number | null
    anchor_hash: Buffer | null
    anchor_count: number | null
    cut_at: Instant | null
  }
  'cimd.clients': ClientsTable
  'cimd.versions': {
    id: RowId
    client_id: string
    body: Buffer
    digest: Buffer
    content_type: string
    rules_version: number
    fetched_at: Instant
  }
  'cimd.attempts': {
    id: RowId
    client_ref: string
    generation: number
    started_at: Instant
    finished_at: Instant
    outcome: 'fetched' | 'not_modified' | 'failed'
    applied: boolean
    failure_code: string | null
    detail: string | null
    version_id: string | null
    evidence: JSONColumnType<object>
  }
  'cimd.resources': ResourcesTable
  'cimd.logos': {
    digest: Buffer
    body: Buffer
    content_type: 'image/png' | 'image/webp'
    width: number
    height: number
    created_at: Generated<Instant>
  }
  'cimd.bindings': {
    tenant_id: string
    client_ref: string
    version_id: string
    kind: 'consent' | 'code' | 'token'
    bound_at: Instant
    bound_until: Instant
  }
  'cimd.approvals': {
    tenant_id: string
    client_ref: string
    version_id: string
    approved_at: Generated<Instant>
    expires_at: Instant | null
    reason: string | null
    approved_by: string | null
  }
  'cimd.decisions': {
    tenant_id: string
    client_ref: string
    baseline_version_id: string | null
    decision: 'admitted' | 'held' | 'refused' | null
    version_id: string | null
    policy_version: number | null
    reasons: JSONColumnType<object[]>
    review_since: Instant | null
    refused_at: Instant | null
    refused_by: string | null
    refusal: string | null
    due_at: Instant | null
  }
  'cimd.registrations': {
    tenant_id: string
    client_ref: string
    mode: 'frozen' | 'manual' | 'periodic'
    generation: Generated<number>
    pinned_generation: Generated<number>
    version_id: string | null
    created_at: Generated<Instant>
    created_by: string
  }
  'cimd.policy_reports': {
    tenant_id: string
    client_ref: string
    policy_version: number
    difference: string
    reasons: JSONColumnType<object[]>
    times: Generated<number>
    first_at: Generated<Instant>
    last_at: Generated<Instant>
  }
  'cimd.effective_documents': {
    tenant_id: string
    digest: Buffer
    client_ref: string
    approved_version_id: string
    current_version_id: string
    policy_version: number | null
    given_at: Generated<Instant>
  }
  'cimd.brake': {
    engaged_at: Instant | null
    held_from: Instant | null
    reason: string | null
    disarmed_until: Instant | null
  }
  'cimd.canaries': { client_ref: string }
  'cimd.host_paces': { host: string; next_turn_at: Instant; next_start_at: Instant; looked_at: Instant }
  'cimd.advertise': {
    advertise: boolean
    why: string | null
    since: Generated<Instant>
    turning_since: Instant | null
    judged_at: Instant | null
  }
  'cimd.fetchers': { id: string; seen_at: Instant }
  'cimd.schedule': { client_ref: string; due_at: Instant; urgent_since: Instant | null }
  'cimd.interest': {
    tenant_id: string
    client_ref: string
    since_seq: number
    since_version_id: string | null
    since_generation: number | null
    first_demand_at: Instant
    last_resolved_at: Instant
    leased_until: Instant
  }
  'cimd.tickets': {
    id: Generated<string>
    tenant_id: string
    client_ref: string
    generation: number
    expires_at: Instant
  }
  'cimd.outbox': {
    id: RowId
    event_id: Generated<string>
    client_ref: string | null
    client_seq: number | null
    type: string
    data: JSONColumnType<object>
    occurred_at: Instant
    relayed_at: Instant | null
  }
  'cimd.feed': { tenant_id: string; position: number; outbox_id: string }
  'cimd.subscriptions': {
    id: Generated<string>
    tenant_id: string
    url: string
    types: string[] | null
    hosts: string[] | null
    change_classes: string[] | null
    state: Generated<'verifying' | 'active' | 'disabled'>
    state_since: Generated<Instant>
    disabled_code: string | null
    challenge: string
    fanned_position: number
    fanned_at: Instant | null
    failures: Generated<number>
    failing_since: Instant | null
    paused_until: Instant | null
    created_at: Generated<Instant>
  }
  'cimd.subscription_secrets': {
    subscription_id: string
    secret: Buffer
    created_at: Generated<Instant>
    expires_at: Instant | null
  }
  'cimd.deliveries': {
    id: RowId
    tenant_id: string
    subscription_id: string
    lane: string
    position: number
    event_id: string
    type: string
    state: Generated<'waiting' | 'delivered' | 'dead'>
    gap_told: Generated<boolean>
    attempts: Generated<number>
    created_at: Generated<Instant>
    tried_since: Instant | null
    tried_at: Instant | null
    code: string | null
    status: number | null
    answer: string | null
  }
  'cimd.lanes': {
    subscription_id: string
    lane: string
    due_at: Instant
    leased_until: Instant | null
    claim_token: string | null
  }
  'cimd.bridges': { name: string; tenant_id: string; position: Generated<number> }
  'cimd.host_windows': { host: string; started_at: Instant; attempts: number }
  'cimd.host_leases': { token: string; host: string; leased_until: Instant }
  'cimd.fetch_windows': {
    scope: 'host' | 'domain' | 'fleet'
    name: string
    started_at: Instant
    attempts: number
  }
  'cimd.fetch_places': {
    client_ref: string
    tenant_id: string
    ready_at: Instant
    taken_at: Instant | null
  }
  'cimd.quota_windows': {
    tenant_id: string
    quota: 'contacts' | 'subject_contacts' | 'demands_without_subject'
    holder: Buffer
    started_at: Instant
    used: number
  }
  'cimd.fetch_leases': { token: string; host: string; domain: string; leased_until: Instant }
}

/** What clients and their resources have in common: demand, claim and standing. */
type StandingColumns = {
  state: Generated<'discovering' | 'valid' | 'failing' | 'withdrawn' | 'rejected'>
  wanted: Generated<number>
  urgent: Generated<number>
  done: Generated<number>
  claimed: number | null
  claim_token: string | null
  claim_until: Instant | null
  deferred_until: Instant | null
  deferred_code: string | null
  validated_at: Instant | null
  fresh_until: Instant | null
  revalidate_until: Instant | null
  usable_until: Instant | null
  stale_forbidden: Generated<boolean>
  stale_if_error_seconds: number | null
  etag: string | null
  last_modified: string | null
  failure_code: string | null
  failing_since: Instant | null
  withdrawing_code: string | null
  withdrawing_since: Instant | null
  retry_at: Instant | null
  lost_claims: Generated<number>
  quarantined_since: Instant | null
  quarantined_until: Instant | null
  attempted_at: Instant | null
  cache_headers: JSONColumnType<object> | null
}

type ClientsTable = StandingColumns & {
  id: RowId
  client_id: string
  host: string
  domain: string | null
  forced: Generated<number>
  placed: Generated<number>
  version_id: string | null
  event_seq: Generated<number>
  dormant_since: Instant | null
  announced_version_id: string | null
  stale_announced_code: string | null
  created_at: Generated<Instant>
}

type ResourcesTable = StandingColumns & {
  id: RowId
  client_ref: string
  kind: 'jwks' | 'logo'
  url: string
  host: string
  digest: Buffer | null
  body: Buffer | null
  failure_detail: string | null
  due_at: Instant | null
}
