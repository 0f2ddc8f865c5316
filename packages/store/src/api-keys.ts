import { createHash, randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { Db } from './db.ts'

/** Who presented a key, and what it may do. */
export type Authenticated = {
  readonly tenantId: string
  readonly scopes: readonly string[]
  /** What more than the draft the tenant asks of a client (DOC-13). */
  readonly profile: string
}

/** What is known of a key: never the key itself. */
export type ApiKeySummary = {
  /** The part of the key that may be shown. */
  readonly prefix: string
  readonly scopes: readonly string[]
  readonly createdAt: Date
  readonly expiresAt: Date | undefined
  readonly revokedAt: Date | undefined
}

/** What a key may be allowed to do. */
export const API_KEY_SCOPES = ['resolve', 'events', 'demand_without_subject'] as const

/**
 * Makes a tenant's API key and returns it: the only time it is seen, since the database keeps its digest.
 * 256 random bits need no slow hash.
 */
export async function createApiKey(
  db: Db,
  tenantId: string,
  scopes: readonly string[],
  { expiresInDays }: { readonly expiresInDays?: number | undefined } = {},
): Promise<string> {
  const prefix = randomBytes(6).toString('hex')
  const key = `cimd_${prefix}_${randomBytes(32).toString('base64url')}`
  await db
    .insertInto('cimd.api_keys')
    .values({
      tenant_id: tenantId,
      key_sha256: digestOf(key),
      prefix,
      scopes: [...scopes],
      expires_at:
        expiresInDays === undefined
          ? null
          : sql<Date>`cimd.cimd_now() + make_interval(days => ${expiresInDays}::int)`,
      revoked_at: null,
    })
    .execute()
  return key
}

/** The keys of a tenant, the newest first. */
export async function listApiKeys(db: Db, tenantId: string): Promise<ApiKeySummary[]> {
  const rows = await db
    .selectFrom('cimd.api_keys')
    .select(['prefix', 'scopes', 'created_at', 'expires_at', 'revoked_at'])
    .where('tenant_id', '=', tenantId)
    .orderBy('created_at', 'desc')
    .orderBy('prefix')
    .execute()
  return rows.map((row) => ({
    prefix: row.prefix,
    scopes: row.scopes,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
  }))
}

/**
 * Revokes the key with this prefix from now on; one revoked before keeps its time. Returns whose it is and
 * since when it is revoked, or undefined when there is no such key.
 */
export async function revokeApiKey(
  db: Db,
  prefix: string,
): Promise<{ tenant: string; revokedAt: Date } | undefined> {
  const { rows } = await sql<{ tenant: string; revoked_at: Date }>`
    update cimd.api_keys k set revoked_at = coalesce(k.revoked_at, cimd.cimd_now())
    from cimd.tenants t where t.id = k.tenant_id and k.prefix = ${prefix}
    returning t.name as tenant, k.revoked_at`.execute(db)
  return rows[0] && { tenant: rows[0].tenant, revokedAt: rows[0].revoked_at }
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
  const { rows } = await sql<{ tenant_id: string; scopes: string[]; profile: string }>`
    select tenant_id, scopes, profile from cimd.authenticate_tenant(${digestOf(key)})`.execute(db)
  const row = rows[0]
  return row && { tenantId: row.tenant_id, scopes: row.scopes, profile: row.profile }
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
