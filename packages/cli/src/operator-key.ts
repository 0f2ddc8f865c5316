import {
  createOperatorKey,
  inTransaction,
  listOperatorKeys,
  revokeOperatorKey,
  rotateOperatorKey,
} from '@cimd/store'
import type { ExitCode } from './exit-code.ts'
import { prefixOf, sayRotation, timesOf } from './key.ts'
import { formatInstant, remark, say, sayJson, sayTable } from './print.ts'
import type { StoreDeps } from './tenant.ts'

type Json = { readonly json: boolean | undefined }

/** Makes a key of an operator and prints it, alone on standard output. */
export async function runOperatorKeyCreate(
  { output, withStore }: StoreDeps,
  { expiresInDays, json }: Json & { readonly expiresInDays: number | undefined },
): Promise<ExitCode> {
  const key = await withStore((db) => createOperatorKey(db, { expiresInDays }))
  if (json) {
    sayJson(output, { key, prefix: prefixOf(key, 'operator-key') })
    return 0
  }
  remark(output, 'A new key of an operator, for the routes about every tenant:\n')
  say(output, key)
  remark(output, '\nKeep it now: it is stored as a digest only and never shown again.')
  return 0
}

/** Lists the keys of operators. */
export async function runOperatorKeyList(
  { output, withStore }: StoreDeps,
  { json }: Json,
): Promise<ExitCode> {
  const keys = await withStore(listOperatorKeys)
  if (json) {
    const listed = keys.map(({ prefix, createdAt, ...key }) => ({
      ...{
        prefix,
        created_at: createdAt,
        expires_at: key.expiresAt ?? null,
        revoked_at: key.revokedAt ?? null,
      },
      ...{ last_used_at: key.lastUsedAt ?? null, replaced_by: key.replacedBy ?? null },
    }))
    sayJson(output, { keys: listed })
  } else if (keys.length === 0) say(output, 'No keys. Make one: cimd operator-key create')
  else {
    const rows = keys.map(({ prefix, ...times }) => [prefix, ...timesOf(times)])
    sayTable(output, ['PREFIX', 'CREATED', 'EXPIRES', 'REVOKED', 'LAST USED'], rows)
  }
  return 0
}

/** Makes another key of an operator in the place of one. */
export async function runOperatorKeyRotate(
  { output, withStore }: StoreDeps,
  {
    prefix: given,
    overlapSeconds,
    json,
  }: Json & { readonly prefix: string; readonly overlapSeconds: number },
): Promise<ExitCode> {
  const prefix = prefixOf(given, 'operator-key')
  const rotation = await withStore((db) =>
    inTransaction(db, (trx) => rotateOperatorKey(trx, prefix, overlapSeconds)),
  )
  sayRotation(output, { of: 'an operator', prefix, json }, rotation)
  return 0
}

/** Revokes a key of an operator at once and for good. */
export async function runOperatorKeyRevoke(
  { output, withStore }: StoreDeps,
  { prefix: given, json }: Json & { readonly prefix: string },
): Promise<ExitCode> {
  const prefix = prefixOf(given, 'operator-key')
  const revokedAt = await withStore((db) => revokeOperatorKey(db, prefix))
  if (revokedAt === undefined) throw new Error(`there is no key of an operator with the prefix ${prefix}`)
  if (json) sayJson(output, { prefix, revoked_at: revokedAt })
  else say(output, `The key ${prefix} is revoked since ${formatInstant(revokedAt)}.`)
  return 0
}
