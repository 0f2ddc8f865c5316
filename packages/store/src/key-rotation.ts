import { sql } from 'kysely'
import type { Transaction } from './db.ts'
import { type MadeKey, makeKey } from './key-text.ts'

/**
 * What became of a rotation: another key, and until when the one before works. `unusable`: it is revoked or has expired, and
 * `replaced`: another stands in its place already, so that whoever asks twice is not given two.
 */
export type KeyRotation =
  | { readonly kind: 'rotated'; readonly key: string; readonly previousUntil: Date }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unusable' }
  | { readonly kind: 'replaced'; readonly by: string }

/**
 * Makes another key with the scopes of a tenant's key and the lifetime that one was given. Both work until `overlapSeconds` have
 * passed, unless the old one ends before.
 */
export async function rotateApiKey(
  trx: Transaction,
  { tenantId, prefix }: { readonly tenantId: string; readonly prefix: string },
  overlapSeconds: number,
): Promise<KeyRotation> {
  const { rows } = await sql<RotatedRow>`
    select ${STATE} from cimd.api_keys where tenant_id = ${tenantId} and prefix = ${prefix}
    for no key update`.execute(trx)
  const refused = refusalOf(rows[0])
  if (refused !== undefined) return refused
  const made = makeKey('cimd')
  const replaced = await sql<ReplacedRow>`
    with fresh as (
      insert into cimd.api_keys (tenant_id, key_sha256, prefix, scopes, expires_at)
      select tenant_id, ${made.sha256}, ${made.prefix}, scopes, cimd.cimd_now() + (expires_at - created_at)
      from cimd.api_keys where tenant_id = ${tenantId} and prefix = ${prefix}
    )
    update cimd.api_keys set ${replacing(made, overlapSeconds)}
    where tenant_id = ${tenantId} and prefix = ${prefix} returning expires_at`.execute(trx)
  return rotated(made, replaced.rows)
}

/** The same with a key of an operator. */
export async function rotateOperatorKey(
  trx: Transaction,
  prefix: string,
  overlapSeconds: number,
): Promise<KeyRotation> {
  const { rows } = await sql<RotatedRow>`
    select ${STATE} from cimd.operator_keys where prefix = ${prefix} for no key update`.execute(trx)
  const refused = refusalOf(rows[0])
  if (refused !== undefined) return refused
  const made = makeKey('cimdop')
  const replaced = await sql<ReplacedRow>`
    with fresh as (
      insert into cimd.operator_keys (prefix, key_sha256, expires_at)
      select ${made.prefix}, ${made.sha256}, cimd.cimd_now() + (expires_at - created_at)
      from cimd.operator_keys where prefix = ${prefix}
    )
    update cimd.operator_keys set ${replacing(made, overlapSeconds)}
    where prefix = ${prefix} returning expires_at`.execute(trx)
  return rotated(made, replaced.rows)
}

type RotatedRow = { works: boolean; replaced_by: string | null }
type ReplacedRow = { expires_at: Date }

const STATE = sql`revoked_at is null and (expires_at is null or expires_at > cimd.cimd_now()) as works, replaced_by`

function refusalOf(row: RotatedRow | undefined): KeyRotation | undefined {
  if (row === undefined) return { kind: 'unknown' }
  if (!row.works) return { kind: 'unusable' }
  return row.replaced_by === null ? undefined : { kind: 'replaced', by: row.replaced_by }
}

function replacing({ prefix }: MadeKey, overlapSeconds: number) {
  return sql`replaced_by = ${prefix},
    expires_at = least(expires_at, cimd.cimd_now() + make_interval(secs => ${overlapSeconds}))`
}

function rotated({ text }: MadeKey, rows: readonly ReplacedRow[]): KeyRotation {
  const [replaced] = rows
  if (replaced === undefined) throw new Error('a key was lost while it was locked')
  return { kind: 'rotated', key: text, previousUntil: replaced.expires_at }
}
