import type { Db } from '@cimd/store'
import { type Kysely, type SelectType, sql } from 'kysely'
import { expect, it } from 'vitest'
import { describeStore, setup } from './store-bundle.ts'

type Tables = Db extends Kysely<infer T> ? T : never
type Nullability<Column> = unknown extends Column ? 'value' : null extends Column ? 'null' : 'value'

// What clients and their resources have in common.
const STANDING = {
  state: 'value',
  wanted: 'value',
  urgent: 'value',
  done: 'value',
  claimed: 'null',
  claim_token: 'null',
  claim_until: 'null',
  deferred_until: 'null',
  deferred_code: 'null',
  validated_at: 'null',
  fresh_until: 'null',
  revalidate_until: 'null',
  usable_until: 'null',
  stale_forbidden: 'value',
  stale_if_error_seconds: 'null',
  etag: 'null',
  last_modified: 'null',
  failure_code: 'null',
  failing_since: 'null',
  withdrawing_code: 'null',
  withdrawing_since: 'null',
  retry_at: 'null',
  lost_claims: 'value',
  quarantined_since: 'null',
  quarantined_until: 'null',
  attempted_at: 'null',
  cache_headers: 'null',
} as const

// The compiler compares this with the types in tables.ts, the test below with the database.
const COLUMNS: {
  [Table in keyof Tables]: {
    [Column in keyof Tables[Table]]: Nullability<SelectType<Tables[Table][Column]>>
  }
} = {
  'cimd.deployment': { environment: 'value', clock_offset: 'value', rules_version: 'null' },
  'cimd.schema_versions': { version: 'value', name: 'value', oldest_code: 'value', applied_at: 'value' },
  'cimd.tenants': {
    id: 'value',
    name: 'value',
    profile: 'value',
    feed_position: 'value',
    stale_limits: 'value',
    created_at: 'value',
  },
  'cimd.api_keys': {
    id: 'value',
    tenant_id: 'value',
    key_sha256: 'value',
    prefix: 'value',
    scopes: 'value',
    created_at: 'value',
    expires_at: 'null',
    revoked_at: 'null',
  },
  'cimd.clients': {
    ...STANDING,
    id: 'value',
    client_id: 'value',
    host: 'value',
    domain: 'null',
    forced: 'value',
    version_id: 'null',
    event_seq: 'value',
    dormant_since: 'null',
    announced_version_id: 'null',
    stale_announced_code: 'null',
    created_at: 'value',
  },
  'cimd.resources': {
    ...STANDING,
    id: 'value',
    client_ref: 'value',
    kind: 'value',
    url: 'value',
    host: 'value',
    digest: 'null',
    body: 'null',
    failure_detail: 'null',
    due_at: 'null',
  },
  'cimd.logos': {
    digest: 'value',
    body: 'value',
    content_type: 'value',
    width: 'value',
    height: 'value',
    created_at: 'value',
  },
  'cimd.bindings': {
    tenant_id: 'value',
    client_ref: 'value',
    version_id: 'value',
    kind: 'value',
    bound_at: 'value',
    bound_until: 'value',
  },
  'cimd.approvals': { tenant_id: 'value', client_ref: 'value', version_id: 'value', approved_at: 'value' },
  'cimd.effective_documents': {
    tenant_id: 'value',
    digest: 'value',
    client_ref: 'value',
    approved_version_id: 'value',
    current_version_id: 'value',
    given_at: 'value',
  },
  'cimd.brake': {
    engaged_at: 'null',
    held_from: 'null',
    reason: 'null',
    disarmed_until: 'null',
  },
  'cimd.canaries': { client_ref: 'value' },
  'cimd.host_paces': { host: 'value', next_turn_at: 'value', next_start_at: 'value', looked_at: 'value' },
  'cimd.versions': {
    id: 'value',
    client_id: 'value',
    body: 'value',
    digest: 'value',
    content_type: 'value',
    rules_version: 'value',
    fetched_at: 'value',
  },
  'cimd.attempts': {
    id: 'value',
    client_ref: 'value',
    generation: 'value',
    started_at: 'value',
    finished_at: 'value',
    outcome: 'value',
    applied: 'value',
    failure_code: 'null',
    detail: 'null',
    version_id: 'null',
    evidence: 'value',
  },
  'cimd.advertise': {
    advertise: 'value',
    why: 'null',
    since: 'value',
    turning_since: 'null',
    judged_at: 'null',
  },
  'cimd.fetchers': { id: 'value', seen_at: 'value' },
  'cimd.schedule': { client_ref: 'value', due_at: 'value', urgent_since: 'null' },
  'cimd.interest': {
    tenant_id: 'value',
    client_ref: 'value',
    since_seq: 'value',
    since_version_id: 'null',
    since_generation: 'null',
    first_demand_at: 'value',
    last_resolved_at: 'value',
    leased_until: 'value',
  },
  'cimd.tickets': {
    id: 'value',
    tenant_id: 'value',
    client_ref: 'value',
    generation: 'value',
    expires_at: 'value',
  },
  'cimd.outbox': {
    id: 'value',
    event_id: 'value',
    client_ref: 'null',
    client_seq: 'null',
    type: 'value',
    data: 'value',
    occurred_at: 'value',
    relayed_at: 'null',
  },
  'cimd.feed': { tenant_id: 'value', position: 'value', outbox_id: 'value' },
  'cimd.subscriptions': {
    id: 'value',
    tenant_id: 'value',
    url: 'value',
    types: 'null',
    hosts: 'null',
    change_classes: 'null',
    state: 'value',
    state_since: 'value',
    disabled_code: 'null',
    challenge: 'value',
    fanned_position: 'value',
    fanned_at: 'null',
    failures: 'value',
    failing_since: 'null',
    paused_until: 'null',
    created_at: 'value',
  },
  'cimd.subscription_secrets': {
    subscription_id: 'value',
    secret: 'value',
    created_at: 'value',
    expires_at: 'null',
  },
  'cimd.deliveries': {
    id: 'value',
    tenant_id: 'value',
    subscription_id: 'value',
    lane: 'value',
    position: 'value',
    event_id: 'value',
    type: 'value',
    state: 'value',
    gap_told: 'value',
    attempts: 'value',
    created_at: 'value',
    tried_since: 'null',
    tried_at: 'null',
    code: 'null',
    status: 'null',
    answer: 'null',
  },
  'cimd.lanes': {
    subscription_id: 'value',
    lane: 'value',
    due_at: 'value',
    leased_until: 'null',
    claim_token: 'null',
  },
  'cimd.bridges': { name: 'value', tenant_id: 'value', position: 'value' },
  'cimd.host_windows': { host: 'value', started_at: 'value', attempts: 'value' },
  'cimd.host_leases': { token: 'value', host: 'value', leased_until: 'value' },
  'cimd.fetch_windows': { scope: 'value', name: 'value', started_at: 'value', attempts: 'value' },
  'cimd.fetch_leases': { token: 'value', host: 'value', domain: 'value', leased_until: 'value' },
}

// Columns no query of ours mentions: they only shape the table.
const UNTYPED = new Set(['cimd.deployment.only_row', 'cimd.brake.only_row', 'cimd.advertise.only_row'])

describeStore('the table types', () => {
  it('name the columns of the database, and which of them may be null', async () => {
    await using store = await setup()
    const { rows } = await sql<{ name: string; nullable: string }>`
      select c.table_schema || '.' || c.table_name || '.' || c.column_name as name, c.is_nullable as nullable
      from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
      where c.table_schema = 'cimd' and t.table_type = 'BASE TABLE' and c.table_name not like 'kysely%'`.execute(
      store.owner,
    )
    const found = rows
      .filter(({ name }) => !UNTYPED.has(name))
      .map(({ name, nullable }) => `${name} ${nullable === 'YES' ? 'null' : 'value'}`)
    const typed = Object.entries(COLUMNS).flatMap(([table, columns]) =>
      Object.entries(columns).map(([column, nullability]) => `${table}.${column} ${nullability}`),
    )
    expect(found.toSorted()).toEqual(typed.toSorted())
  })
})
