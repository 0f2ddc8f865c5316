import { createHash, randomBytes } from 'node:crypto'

/** A key that was just made: `text` is seen this once, the others are kept. */
export type MadeKey = { readonly text: string; readonly prefix: string; readonly sha256: Buffer }

/** How long a key that was replaced works on, in seconds. */
export const KEY_OVERLAP_SECONDS = { default: 24 * 60 * 60, max: 30 * 24 * 60 * 60 } as const

/** A key of a tenant (`cimd`) or of an operator (`cimdop`). 256 random bits need no slow hash. */
export function makeKey(kind: 'cimd' | 'cimdop'): MadeKey {
  const prefix = randomBytes(6).toString('hex')
  const text = `${kind}_${prefix}_${randomBytes(32).toString('base64url')}`
  return { text, prefix, sha256: keyDigest(text) }
}

/** What the database knows a key by. */
export function keyDigest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
