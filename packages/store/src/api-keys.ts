import { type Selectable, type SelectExpression, sql } from 'kysely'
import type { Db, Transaction } from './db.ts'
import { keyDigest, makeKey } from './key-text.ts'
import type { Database } from './tables.ts'

/** Who presented a key, and what it may do. */
export type Authenticated = {
  readonly tenantId: string
  /** The part of the key that may be shown. */
  readonly keyPrefix: string
  readonly scopes: readonly string[]
  /** What more than the draft the tenant asks of a client (DOC-13). */
  readonly profile: string
  /** Of the policy in force; 0: it has none. */
  readonly policyVersion: number
  /** Of the policy that is only told of. */
  readonly reportPolicyVersion: number | undefined
  /** What the tenant may use of us, where it is other than what the deployment says. */
  readonly quotas: unknown
}

/** What is known of a key: never the key itself. */
export type ApiKeySummary = {
  /** The part of the key that may be shown. */
  readonly prefix: string
  readonly scopes: readonly string[]
  readonly createdAt: Date
  readonly expiresAt: Date | undefined
  readonly revokedAt: Date | undefined
  /** To the minute. */
  readonly lastUsedAt: Date | undefined
  /** Prefix of the key that was made in its place. */
  readonly replacedBy: string | undefined
}

/** What a key may be allowed to do. */
export const API_KEY_SCOPES = [
  'resolve',
  'events',
  'policy',
  'audit',
  'admin',
  'demand_without_subject',
] as const
export type ApiKeyScope = (typeof API_KEY_SCOPES)[number]

/** How many keys that work a tenant may have, where it makes them itself. */
export const API_KEYS_PER_TENANT_MAX = 100

/** Makes a tenant's API key and returns it: the only time it is seen, since the database keeps its digest. */
export async function createApiKey(
  db: Db,
  tenantId: string,
  scopes: readonly string[],
  { expiresInDays }: { readonly expiresInDays?: number | undefined } = {},
): Promise<string> {
  const made = makeKey('cimd')
  await sql`
    insert into cimd.api_keys (tenant_id, key_sha256, prefix, scopes, expires_at)
    values (${tenantId}, ${made.sha256}, ${made.prefix}, ${[...scopes]}::text[],
      cimd.cimd_now() + make_interval(days => ${expiresInDays ?? null}::int))`.execute(db)
  return made.text
}

/** The keys of a tenant, the newest first. */
export async function listApiKeys(db: Db, tenantId: string): Promise<ApiKeySummary[]> {
  const rows = await db
    .selectFrom('cimd.api_keys')
    .select(SHOWN)
    .where('tenant_id', '=', tenantId)
    .orderBy('created_at', 'desc')
    .orderBy('prefix')
    .execute()
  return rows.map(summaryFromRow)
}

/** The key of a tenant with this prefix. */
export async function findApiKey(
  db: Db,
  tenantId: string,
  prefix: string,
): Promise<ApiKeySummary | undefined> {
  const row = await db
    .selectFrom('cimd.api_keys')
    .select(SHOWN)
    .where('tenant_id', '=', tenantId)
    .where('prefix', '=', prefix)
    .executeTakeFirst()
  return row && summaryFromRow(row)
}

/** Whose key has this prefix, for whoever may see every tenant. */
export async function findKeyTenant(
  db: Db,
  prefix: string,
): Promise<{ readonly id: string; readonly name: string } | undefined> {
  return db
    .selectFrom('cimd.api_keys as k')
    .innerJoin('cimd.tenants as t', 't.id', 'k.tenant_id')
    .select(['t.id', 't.name'])
    .where('k.prefix', '=', prefix)
    .executeTakeFirst()
}

/**
 * Revokes the key of a tenant with this prefix from now on; one revoked before keeps its time. Returns since when it is
 * revoked, or undefined when there is no such key.
 */
export async function revokeApiKey(db: Db, tenantId: string, prefix: string): Promise<Date | undefined> {
  const { rows } = await sql<{ revoked_at: Date }>`
    update cimd.api_keys set revoked_at = coalesce(revoked_at, cimd.cimd_now())
    where tenant_id = ${tenantId} and prefix = ${prefix} returning revoked_at`.execute(db)
  return rows[0]?.revoked_at
}

/** How many keys of the tenant work; nobody else who counts adds one until the transaction ends. */
export async function countApiKeys(trx: Transaction, tenantId: string): Promise<number> {
  await sql`select pg_advisory_xact_lock(hashtextextended('cimd.api_keys ' || ${tenantId}, 0))`.execute(trx)
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from cimd.api_keys where tenant_id = ${tenantId} and revoked_at is null
      and (expires_at is null or expires_at > cimd.cimd_now())`.execute(trx)
  return rows[0]?.count ?? 0
}

/** Whether the tenant has a key that works. */
export async function hasApiKey(db: Db, tenantId: string): Promise<boolean> {
  const { rows } = await sql`
    select from cimd.api_keys where tenant_id = ${tenantId} and revoked_at is null
      and (expires_at is null or expires_at > cimd.cimd_now()) limit 1`.execute(db)
  return rows.length > 0
}

/** Whose key this is; undefined for an unknown, expired or revoked one. */
export async function authenticate(db: Db, key: string): Promise<Authenticated | undefined> {
  const { rows } = await sql<AuthenticatedRow>`
    select tenant_id, prefix, scopes, profile, policy_version, report_policy_version, quotas
    from cimd.authenticate_key(${keyDigest(key)})`.execute(db)
  const row = rows[0]
  return (
    row && {
      tenantId: row.tenant_id,
      keyPrefix: row.prefix,
      scopes: row.scopes,
      profile: row.profile,
      policyVersion: row.policy_version,
      reportPolicyVersion: row.report_policy_version ?? undefined,
      quotas: row.quotas,
    }
  )
}

type AuthenticatedRow = {
  tenant_id: string
  prefix: string
  scopes: string[]
  profile: string
  policy_version: number
  report_policy_version: number | null
  quotas: unknown
}

/** Notes that a key of a tenant or of an operator is in use, at most once a minute. */
export async function noteKeyUse(db: Db, key: string): Promise<void> {
  await sql`select cimd.note_key_use(${keyDigest(key)})`.execute(db)
}

const SHOWN = [
  'prefix',
  'scopes',
  'created_at',
  'expires_at',
  'revoked_at',
  'last_used_at',
  'replaced_by',
] as const satisfies readonly SelectExpression<Database, 'cimd.api_keys'>[]

function summaryFromRow(
  row: Pick<Selectable<Database['cimd.api_keys']>, (typeof SHOWN)[number]>,
): ApiKeySummary {
  return {
    prefix: row.prefix,
    scopes: row.scopes,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
    replacedBy: row.replaced_by ?? undefined,
  }
}
