import { sha256Hex } from '../digest.ts'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { findKeySetSecret } from '../document/key-material.ts'
import type { FailureCode } from '../failure/failure.ts'
import type { Refusal } from '../failure/finding.ts'
import { canonicalJson, type JsonObject, type JsonValue } from '../json/json.ts'
import { parseJsonDocument } from '../json/json-document.ts'
import { RESOURCES } from '../response/resource.ts'
import { thumbprintOf } from './thumbprint.ts'
import { flawOfKey, handedOn } from './usable-key.ts'

/** A public key that may be used, and its RFC 7638 thumbprint. */
export type UsableKey = { readonly jwk: JsonObject; readonly thumbprint: string }

/** A key that is passed over, by its place in the set (RFC 7517 section 5). */
export type UnusableKey = { readonly index: number; readonly reason: string }

/** The usable keys of a client. */
export type KeySet = {
  readonly keys: readonly UsableKey[]
  /** The JWK Set in its RFC 8785 form, keys in order of their text: equal for equal keys. */
  readonly text: string
  /** sha-256 of `text`, hex. */
  readonly digest: string
}

export type KeySetResult =
  | { readonly ok: true; readonly keySet: KeySet; readonly unusable: readonly UnusableKey[] }
  | Refusal

/** Nobody rotates through so many; each one is looked at, imported and handed on. */
const KEYS_MAX = 100

/**
 * Judges a body as the key set behind a jwks_uri: JSON by the rules of documents, no private or symmetric key anywhere
 * in it, or all of it is refused (DOC-16, KEY-08, KEY-14). Keys that cannot be used are passed over; a set without any
 * is the publisher's word that no key counts any more (CHG-08).
 */
export function judgeKeySet(body: Uint8Array): KeySetResult {
  const { bodyBytesMax } = RESOURCES.jwks
  if (body.byteLength > bodyBytesMax) {
    return refuse('too_large', 'FET-10', `${body.byteLength} bytes, of which ${bodyBytesMax} are read`)
  }
  const document = parseJsonDocument(body)
  if (!document.ok) return document
  const keys = document.value['keys']
  if (!Array.isArray(keys)) return refuse('key_set_malformed', 'KEY-14', 'there is no list keys')
  if (keys.length > KEYS_MAX) {
    return refuse('keys_too_many', 'KEY-14', `${keys.length} keys, of which ${KEYS_MAX} are read`)
  }
  const secret = findKeySetSecret(document.value)
  if (secret !== undefined) return refuse('key_set_secret', 'KEY-08', `private or symmetric: "${secret}"`)
  return { ok: true, ...examine(keys) }
}

/** The usable keys within a document, `undefined` if it holds no `jwks` (KEY-06). Private ones were refused with it. */
export function keysOf({ jwks }: ClientMetadata): KeySet | undefined {
  return jwks && examine(jwks.keys.slice(0, KEYS_MAX)).keySet
}

/** The key set of some keys, whatever their order. */
export function keySetOf(keys: readonly UsableKey[]): KeySet {
  const texts = keys.map(({ jwk }) => canonicalJson(jwk)).toSorted()
  const text = `{"keys":[${texts.join(',')}]}`
  return { keys, text, digest: sha256Hex(text) }
}

/** The set of no keys: what counts while a client has none. */
export const NO_KEYS: KeySet = keySetOf([])

/** Which keys came and which went, by their thumbprints in order (CHG-03). */
export function compareKeys(
  before: KeySet,
  after: KeySet,
): { readonly added: readonly string[]; readonly removed: readonly string[] } {
  const [was, is] = [thumbprintsOf(before), thumbprintsOf(after)]
  return { added: [...is.difference(was)].toSorted(), removed: [...was.difference(is)].toSorted() }
}

function thumbprintsOf({ keys }: KeySet): Set<string> {
  return new Set(keys.map(({ thumbprint }) => thumbprint))
}

function examine(keys: readonly JsonValue[]): { keySet: KeySet; unusable: readonly UnusableKey[] } {
  const usable = new Map<string, UsableKey>()
  const unusable: UnusableKey[] = []
  for (const [index, key] of keys.entries()) {
    const flaw = flawOfKey(key)
    if (flaw !== undefined) {
      unusable.push({ index, reason: flaw })
      continue
    }
    const jwk = handedOn(key as JsonObject)
    const thumbprint = thumbprintOf(jwk)
    // Without a kid nobody can choose between equal keys either.
    const name = typeof jwk['kid'] === 'string' ? `kid ${jwk['kid']}` : thumbprint
    if (usable.has(name)) unusable.push({ index, reason: 'has the name of an earlier key' })
    else usable.set(name, { jwk, thumbprint })
  }
  return { keySet: keySetOf([...usable.values()]), unusable }
}

function refuse(code: FailureCode, rule: string, detail: string): Refusal {
  return { ok: false, code, violations: [{ code, rule, detail }], warnings: [] }
}
