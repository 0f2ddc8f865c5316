import {
  type ApiKeySummary,
  type Db,
  endKey,
  findKeyTenant,
  inTransaction,
  issueKey,
  type KeyRotation,
  listApiKeys,
  replaceKey,
} from '@cimd/store'
import { type ExitCode, UsageError } from './exit-code.ts'
import { formatInstant, type Output, remark, say, sayJson, sayTable } from './print.ts'
import { getTenant, OPERATOR, type StoreDeps } from './tenant.ts'

export type KeyCreateArgs = {
  readonly tenant: string
  readonly scopes: readonly string[]
  /** Undefined: it works until it is revoked. */
  readonly expiresInDays: number | undefined
  readonly json: boolean | undefined
}

/** Makes a key and prints it, alone on standard output, so that a shell can take it. */
export async function runKeyCreate(
  { output, withStore }: StoreDeps,
  { tenant, scopes, expiresInDays, json }: KeyCreateArgs,
): Promise<ExitCode> {
  const { key, summary } = await withStore(async (db) => {
    const tenantId = await getTenant(db, tenant)
    return inTransaction(db, (trx) => issueKey(trx, { tenantId, by: OPERATOR }, { scopes, expiresInDays }))
  })
  if (json) {
    sayJson(output, { key, tenant, ...bodyOf(summary) })
    return 0
  }
  const until = summary.expiresAt === undefined ? 'until it is revoked' : formatUntil(summary.expiresAt)
  remark(output, `A new key of the tenant "${tenant}" for ${scopes.join(', ')}, valid ${until}:\n`)
  say(output, key)
  remark(output, '\nKeep it now: it is stored as a digest only and never shown again.')
  return 0
}

/** Lists the keys of a tenant; the keys themselves are known to nobody any more. */
export async function runKeyList(
  { output, withStore }: StoreDeps,
  { tenant, json }: { readonly tenant: string; readonly json: boolean | undefined },
): Promise<ExitCode> {
  const keys = await withStore(async (db) => listApiKeys(db, await getTenant(db, tenant)))
  if (json) sayJson(output, { tenant, keys: keys.map(bodyOf) })
  else if (keys.length === 0) say(output, `No keys. Make one: cimd key create ${tenant}`)
  else sayTable(output, ['PREFIX', 'SCOPES', 'CREATED', 'EXPIRES', 'REVOKED', 'LAST USED'], keys.map(rowOf))
  return 0
}

/** Revokes a key at once and for good. */
export async function runKeyRevoke(
  { output, withStore }: StoreDeps,
  { prefix: given, json }: { readonly prefix: string; readonly json: boolean | undefined },
): Promise<ExitCode> {
  const prefix = prefixOf(given)
  const { tenant, revokedAt } = await withStore(async (db) => {
    const { id, name } = await getKeyTenant(db, prefix)
    const owner = { tenantId: id, by: OPERATOR }
    return { tenant: name, revokedAt: await inTransaction(db, (trx) => endKey(trx, owner, prefix)) }
  })
  if (revokedAt === undefined) throw unknownKey(prefix)
  if (json) sayJson(output, { prefix, tenant, revoked_at: revokedAt })
  else
    say(output, `The key ${prefix} of the tenant "${tenant}" is revoked since ${formatInstant(revokedAt)}.`)
  return 0
}

/** Makes another key in the place of one, and prints it, alone on standard output. */
export async function runKeyRotate(
  { output, withStore }: StoreDeps,
  {
    prefix: given,
    overlapSeconds,
    json,
  }: {
    readonly prefix: string
    readonly overlapSeconds: number
    readonly json: boolean | undefined
  },
): Promise<ExitCode> {
  const prefix = prefixOf(given)
  const { tenant, rotation } = await withStore(async (db) => {
    const { id: tenantId, name } = await getKeyTenant(db, prefix)
    const owner = { tenantId, by: OPERATOR }
    const rotation = await inTransaction(db, (trx) => replaceKey(trx, owner, { prefix, overlapSeconds }))
    return { tenant: name, rotation }
  })
  sayRotation(output, { of: `the tenant "${tenant}"`, prefix, json }, rotation)
  return 0
}

/** Prints what a rotation has made. Throws why it has made nothing. */
export function sayRotation(
  output: Output,
  { of, prefix, json }: { readonly of: string; readonly prefix: string; readonly json: boolean | undefined },
  rotation: KeyRotation,
): void {
  if (rotation.kind === 'unknown') throw new Error(`there is no key of ${of} with the prefix ${prefix}`)
  if (rotation.kind === 'replaced') throw new Error(`the key ${prefix} was replaced by ${rotation.by} before`)
  if (rotation.kind === 'unusable') throw new Error(`the key ${prefix} is revoked or has expired`)
  const { key, previousUntil } = rotation
  if (json) {
    sayJson(output, { key, previous_prefix: prefix, previous_until: previousUntil })
    return
  }
  remark(output, `A new key of ${of}; the one before works until ${formatInstant(previousUntil)}:\n`)
  say(output, key)
  remark(output, '\nKeep it now: it is stored as a digest only and never shown again.')
}

async function getKeyTenant(db: Db, prefix: string): Promise<{ readonly id: string; readonly name: string }> {
  const tenant = await findKeyTenant(db, prefix)
  if (tenant === undefined) throw unknownKey(prefix)
  return tenant
}

function unknownKey(prefix: string): Error {
  return new Error(`there is no key with the prefix ${prefix}: cimd key list shows those of a tenant`)
}

/** The prefix in what was given. Whoever has to revoke a key in a hurry may paste all of it, of the other kind as well. */
export function prefixOf(text: string, kind: KeyKind = 'key'): string {
  const [, start, prefix] = /^(cimd_|cimdop_)?([0-9a-f]{12})(?:_.*)?$/s.exec(text) ?? []
  if (prefix === undefined)
    throw new UsageError(`a prefix is the 12 characters after ${STARTS[kind]} of a key`)
  if (start === undefined || start === STARTS[kind]) return prefix
  const other = kind === 'key' ? 'an operator: cimd operator-key' : 'a tenant: cimd key'
  throw new UsageError(`${start}${prefix}… is the key of ${other}`)
}

type KeyKind = 'key' | 'operator-key'

const STARTS: Readonly<Record<KeyKind, string>> = { key: 'cimd_', 'operator-key': 'cimdop_' }

function bodyOf({ prefix, scopes, createdAt, expiresAt, revokedAt, ...rest }: ApiKeySummary) {
  return {
    prefix,
    scopes,
    created_at: createdAt,
    expires_at: expiresAt ?? null,
    revoked_at: revokedAt ?? null,
    last_used_at: rest.lastUsedAt ?? null,
    replaced_by: rest.replacedBy ?? null,
  }
}

function rowOf({ prefix, scopes, ...times }: ApiKeySummary): string[] {
  return [prefix, scopes.join(','), ...timesOf(times)]
}

/** When a key was made, ends, was revoked and used, as cells of a table. */
export function timesOf({
  createdAt,
  expiresAt,
  revokedAt,
  lastUsedAt,
}: Pick<ApiKeySummary, 'createdAt' | 'expiresAt' | 'revokedAt' | 'lastUsedAt'>): string[] {
  const expires = expiresAt === undefined ? 'never' : formatInstant(expiresAt)
  const revoked = revokedAt === undefined ? 'no' : formatInstant(revokedAt)
  const used = lastUsedAt === undefined ? 'never' : formatInstant(lastUsedAt)
  return [formatInstant(createdAt), expires, revoked, used]
}

function formatUntil(instant: Date): string {
  return `until ${formatInstant(instant)}`
}
