import type { Db } from '@cimd/store'
import { type Kysely, type SelectType, sql } from 'kysely'
import { expect, it } from 'vitest'
import { describeStore, setup } from './store-bundle.ts'

type Tables = Db extends Kysely<infer T> ? T : never
type Nullability<Column> = unknown extends Column ? 'value' : null extends Column ? 'null' : 'value'

// The compiler compares this with the types in tables.ts, the test below with the database.
const COLUMNS: {
  [Table in keyof Tables]: {
    [Column in keyof Tables[Table]]: Nullability<SelectType<Tables[Table][Column]>>
  }
} = {
  'cimd.deployment': { environment: 'value', clock_offset: 'value' },
  'cimd.schema_versions': { version: 'value', name: 'value', oldest_code: 'value', applied_at: 'value' },
  'cimd.tenants': {
    id: 'value',
    name: 'value',
    profile: 'value',
    feed_position: 'value',
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
    id: 'value',
    client_id: 'value',
    host: 'value',
    state: 'value',
    wanted: 'value',
    urgent: 'value',
    forced: 'value',
    done: 'value',
    claimed: 'null',
    claim_token: 'null',
    claim_until: 'null',
    deferred_until: 'null',
    deferred_code: 'null',
    version_id: 'null',
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
    attempted_at: 'null',
    event_seq: 'value',
    created_at: 'value',
  },
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
  'cimd.schedule': { client_ref: 'value', due_at: 'value' },
  'cimd.interest': {
    tenant_id: 'value',
    client_ref: 'value',
    since_seq: 'value',
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
    client_ref: 'value',
    client_seq: 'value',
    type: 'value',
    data: 'value',
    occurred_at: 'value',
    relayed_at: 'null',
  },
  'cimd.feed': { tenant_id: 'value', position: 'value', outbox_id: 'value' },
  'cimd.host_windows': { host: 'value', started_at: 'value', attempts: 'value' },
  'cimd.host_leases': { token: 'value', host: 'value', leased_until: 'value' },
}

// Columns no query of ours mentions: they only shape the table.
const UNTYPED = new Set(['cimd.deployment.only_row'])

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
