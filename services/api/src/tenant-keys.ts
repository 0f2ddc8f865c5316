import {
  API_KEYS_PER_TENANT_MAX,
  countApiKeys,
  endKey,
  type IssuedKey,
  issueKey,
  type KeyOwner,
  type KeyRotation,
  replaceKey,
  type Transaction,
} from '@cimd/store'
import { requestProblem } from './problem.ts'
import { ProblemError } from './problem-response.ts'

export type Rotated = Extract<KeyRotation, { readonly kind: 'rotated' }>

/** Makes a key of a tenant. Throws the problem of a tenant that has as many as it may. */
export async function makeKey(
  trx: Transaction,
  owner: KeyOwner,
  given: { readonly scopes: readonly string[]; readonly expiresInDays: number | undefined },
): Promise<IssuedKey> {
  if ((await countApiKeys(trx, owner.tenantId)) >= API_KEYS_PER_TENANT_MAX) {
    throw new ProblemError(requestProblem('keys_exhausted'))
  }
  return issueKey(trx, owner, { ...given, scopes: [...new Set(given.scopes)] })
}

/** Makes another key in the place of one. Throws the problem of one that is not there, has ended or was replaced. */
export async function rotateKey(
  trx: Transaction,
  owner: KeyOwner,
  given: { readonly prefix: string; readonly overlapSeconds: number },
): Promise<Rotated> {
  const rotation = await replaceKey(trx, owner, given)
  if (rotation.kind === 'rotated') return rotation
  if (rotation.kind === 'unknown') throw new ProblemError(requestProblem('key_unknown'))
  const detail =
    rotation.kind === 'replaced'
      ? `The key ${rotation.by} was made in its place: rotate that one.`
      : 'It is revoked or has expired: make another.'
  throw new ProblemError(requestProblem('key_ended', detail))
}

/** Revokes a key of a tenant. Throws the problem of one that is not there. */
export async function revokeKey(trx: Transaction, owner: KeyOwner, prefix: string): Promise<void> {
  const revokedAt = await endKey(trx, owner, prefix)
  if (revokedAt === undefined) throw new ProblemError(requestProblem('key_unknown'))
}
