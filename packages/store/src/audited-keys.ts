import type { AuditActor } from '@cimd/core'
import { type ApiKeySummary, createApiKey, findApiKey, revokeApiKey } from './api-keys.ts'
import { noteAudit } from './audit-pending.ts'
import type { Transaction } from './db.ts'
import { type KeyRotation, rotateApiKey } from './key-rotation.ts'

/** Whose key it is, and by whom something is done with it. */
export type KeyOwner = { readonly tenantId: string; readonly by: AuditActor }

/** A key, which is never seen again, and what may be shown of it later. */
export type IssuedKey = { readonly key: string; readonly summary: ApiKeySummary }

/** Makes a key of a tenant, as its audit tells. */
export async function issueKey(
  trx: Transaction,
  { tenantId, by }: KeyOwner,
  given: { readonly scopes: readonly string[]; readonly expiresInDays?: number | undefined },
): Promise<IssuedKey> {
  const key = await createApiKey(trx, tenantId, given.scopes, given)
  const summary = await getKey(trx, tenantId, prefixIn(key))
  await noteAudit(trx, { tenantId, kind: 'key.created', actor: by, data: factsOf(summary) })
  return { key, summary }
}

/** Makes another key in the place of one (see `rotateApiKey`), as the audit of its tenant tells. */
export async function replaceKey(
  trx: Transaction,
  { tenantId, by }: KeyOwner,
  { prefix, overlapSeconds }: { readonly prefix: string; readonly overlapSeconds: number },
): Promise<KeyRotation> {
  const rotation = await rotateApiKey(trx, { tenantId, prefix }, overlapSeconds)
  if (rotation.kind !== 'rotated') return rotation
  const made = factsOf(await getKey(trx, tenantId, prefixIn(rotation.key)))
  const replaced_until = rotation.previousUntil.toISOString()
  const data = { ...made, replaced_prefix: prefix, replaced_until }
  await noteAudit(trx, { tenantId, kind: 'key.rotated', actor: by, data })
  return rotation
}

/** Revokes a key of a tenant, as its audit tells the first time. Returns since when it is revoked; undefined: there is none. */
export async function endKey(
  trx: Transaction,
  { tenantId, by }: KeyOwner,
  prefix: string,
): Promise<Date | undefined> {
  const before = await findApiKey(trx, tenantId, prefix)
  const revokedAt = await revokeApiKey(trx, tenantId, prefix)
  if (revokedAt !== undefined && before?.revokedAt === undefined) {
    await noteAudit(trx, { tenantId, kind: 'key.revoked', actor: by, data: { key_prefix: prefix } })
  }
  return revokedAt
}

async function getKey(trx: Transaction, tenantId: string, prefix: string): Promise<ApiKeySummary> {
  const summary = await findApiKey(trx, tenantId, prefix)
  if (summary === undefined) throw new Error('a key was lost in its own transaction')
  return summary
}

function factsOf({ prefix, scopes, expiresAt }: ApiKeySummary) {
  return { key_prefix: prefix, scopes: [...scopes], expires_at: expiresAt?.toISOString() }
}

function prefixIn(key: string): string {
  return key.split('_')[1] ?? ''
}
