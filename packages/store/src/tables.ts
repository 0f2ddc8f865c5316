import type { ColumnType, Generated, GeneratedAlways, JSONColumnType } from 'kysely'

// One type per table, columns as in the migrations. `bigint` columns are numbers here (see db.ts), except row
// ids, which are opaque decimal strings.

type RowId = GeneratedAlways<string>
type Instant = Date

export type Database = {
  'cimd.deployment': { environment: string; clock_offset: ColumnType<unknown, string, string> }
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
  'cimd.schedule': { client_ref: string; due_at: Instant }
  'cimd.interest': {
    tenant_id: string
    client_ref: string
    since_seq: number
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
    client_ref: string
    client_seq: number
    type: string
    data: JSONColumnType<object>
    occurred_at: Instant
    relayed_at: Instant | null
  }
  'cimd.feed': { tenant_id: string; position: number; outbox_id: string }
  'cimd.host_windows': { host: string; started_at: Instant; attempts: number }
  'cimd.host_leases': { token: string; host: string; leased_until: Instant }
}

type ClientsTable = {
  id: RowId
  client_id: string
  host: string
  state: Generated<'discovering' | 'valid' | 'failing' | 'withdrawn' | 'rejected'>
  wanted: Generated<number>
  urgent: Generated<number>
  forced: Generated<number>
  done: Generated<number>
  claimed: number | null
  claim_token: string | null
  claim_until: Instant | null
  deferred_until: Instant | null
  deferred_code: string | null
  version_id: string | null
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
  attempted_at: Instant | null
  event_seq: Generated<number>
  created_at: Generated<Instant>
}
