import { sql } from 'kysely'
import type { ApiKeySummary } from './api-keys.ts'
import type { Db } from './db.ts'
import { keyDigest, makeKey } from './key-text.ts'

/** What is known of a key of an operator: never the key itself. */
export type OperatorKeySummary = Omit<ApiKeySummary, 'scopes'>

/** Makes a key for the routes about every tenant and returns it: the only time it is seen. */
export async function createOperatorKey(
  db: Db,
  { expiresInDays }: { readonly expiresInDays?: number | undefined } = {},
): Promise<string> {
  const made = makeKey('cimdop')
  await sql`
    insert into cimd.operator_keys (prefix, key_sha256, expires_at)
    values (${made.prefix}, ${made.sha256},
      cimd.cimd_now() + make_interval(days => ${expiresInDays ?? null}::int))`.execute(db)
  return made.text
}

/** The keys of operators, the newest first. */
export async function listOperatorKeys(db: Db): Promise<OperatorKeySummary[]> {
  const rows = await db
    .selectFrom('cimd.operator_keys')
    .select(['prefix', 'created_at', 'expires_at', 'revoked_at', 'last_used_at', 'replaced_by'])
    .orderBy('created_at', 'desc')
    .orderBy('prefix')
    .execute()
  return rows.map((row) => ({
    prefix: row.prefix,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
    replacedBy: row.replaced_by ?? undefined,
  }))
}

/** Revokes a key of an operator from now on; one revoked before keeps its time. Undefined if there is none. */
export async function revokeOperatorKey(db: Db, prefix: string): Promise<Date | undefined> {
  const { rows } = await sql<{ revoked_at: Date }>`
    update cimd.operator_keys set revoked_at = coalesce(revoked_at, cimd.cimd_now())
    where prefix = ${prefix} returning revoked_at`.execute(db)
  return rows[0]?.revoked_at
}

/** The prefix of an operator's key; undefined for an unknown, expired or revoked one. The api asks as itself. */
export async function authenticateOperator(db: Db, key: string): Promise<string | undefined> {
  const { rows } = await sql<{ prefix: string }>`
    select prefix from cimd.authenticate_operator(${keyDigest(key)})`.execute(db)
  return rows[0]?.prefix
}
