import { type ApiKeySummary, createApiKey, type Db, findTenant, listApiKeys, revokeApiKey } from '@cimd/store'
import { type ExitCode, UsageError } from './exit-code.ts'
import { formatInstant, remark, say, sayJson, sayTable } from './print.ts'
import type { StoreDeps } from './tenant.ts'

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
    const made = await createApiKey(db, tenantId, scopes, { expiresInDays })
    const prefix = prefixOf(made)
    return { key: made, summary: (await listApiKeys(db, tenantId)).find((one) => one.prefix === prefix) }
  })
  if (json) {
    sayJson(output, { key, tenant, ...(summary && bodyOf(summary)) })
    return 0
  }
  const until = summary?.expiresAt === undefined ? 'until it is revoked' : formatUntil(summary.expiresAt)
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
  else sayTable(output, ['PREFIX', 'SCOPES', 'CREATED', 'EXPIRES', 'REVOKED'], keys.map(rowOf))
  return 0
}

/** Revokes a key at once and for good. */
export async function runKeyRevoke(
  { output, withStore }: StoreDeps,
  { prefix: given, json }: { readonly prefix: string; readonly json: boolean | undefined },
): Promise<ExitCode> {
  const prefix = prefixOf(given)
  const revoked = await withStore((db) => revokeApiKey(db, prefix))
  if (revoked === undefined) throw new Error(`there is no key with the prefix ${prefix}`)
  const { tenant, revokedAt } = revoked
  if (json) sayJson(output, { prefix, tenant, revoked_at: revokedAt })
  else
    say(output, `The key ${prefix} of the tenant "${tenant}" is revoked since ${formatInstant(revokedAt)}.`)
  return 0
}

async function getTenant(db: Db, name: string): Promise<string> {
  const id = await findTenant(db, name)
  if (id === undefined) throw new Error(`there is no tenant "${name}": cimd tenant create ${name}`)
  return id
}

// Whoever has to revoke a key in a hurry may paste all of it.
function prefixOf(text: string): string {
  const prefix = /^(?:cimd_)?([0-9a-f]{12})(?:_.*)?$/s.exec(text)?.[1]
  if (prefix === undefined) throw new UsageError('a prefix is the 12 characters after cimd_ of a key')
  return prefix
}

function bodyOf({ prefix, scopes, createdAt, expiresAt, revokedAt }: ApiKeySummary) {
  return {
    prefix,
    scopes,
    created_at: createdAt,
    expires_at: expiresAt ?? null,
    revoked_at: revokedAt ?? null,
  }
}

function rowOf({ prefix, scopes, createdAt, expiresAt, revokedAt }: ApiKeySummary): string[] {
  const expires = expiresAt === undefined ? 'never' : formatInstant(expiresAt)
  const revoked = revokedAt === undefined ? 'no' : formatInstant(revokedAt)
  return [prefix, scopes.join(','), formatInstant(createdAt), expires, revoked]
}

function formatUntil(instant: Date): string {
  return `until ${formatInstant(instant)}`
}
