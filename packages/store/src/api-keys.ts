import { createHash, randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { Db } from './db.ts'

/** Who presented a key, and what it may do. */
export type Authenticated = { readonly tenantId: string; readonly scopes: readonly string[] }

/**
 * Makes a tenant's API key and returns it: the only time it is seen, since the database keeps its digest.
 * 256 random bits need no slow hash.
 */
export async function createApiKey(db: Db, tenantId: string, scopes: readonly string[]): Promise<string> {
  const prefix = randomBytes(6).toString('hex')
  const key = `cimd_${prefix}_${randomBytes(32).toString('base64url')}`
  await db
    .insertInto('cimd.api_keys')
    .values({
      tenant_id: tenantId,
      key_sha256: digestOf(key),
      prefix,
      scopes: [...scopes],
      expires_at: null,
      revoked_at: null,
    })
    .execute()
  return key
}

/** Whose key this is; undefined for an unknown, expired or revoked one. */
export async function authenticate(db: Db, key: string): Promise<Authenticated | undefined> {
  const { rows } = await sql<{ tenant_id: string; scopes: string[] }>`
    select tenant_id, scopes from cimd.authenticate(${digestOf(key)})`.execute(db)
  const row = rows[0]
  return row === undefined ? undefined : { tenantId: row.tenant_id, scopes: row.scopes }
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
