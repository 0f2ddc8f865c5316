import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { canonicalJson, type JsonObject } from '../json/json.ts'

/** RFC 7638 section 3.2, RFC 8037 section 2, RFC 9864. */
const PUBLIC_KEY_MEMBERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['RSA', ['kty', 'n', 'e']],
  ['EC', ['kty', 'crv', 'x', 'y']],
  ['OKP', ['kty', 'crv', 'x']],
  ['AKP', ['kty', 'alg', 'pub']],
])

/** The members that make up a public key, nothing of one whose type is not known (RFC 7638 section 3.2). */
export function publicKeyMaterial(key: JsonObject): JsonObject {
  const members = PUBLIC_KEY_MEMBERS.get(String(key['kty'])) ?? []
  return Object.fromEntries(Object.entries(key).filter(([member]) => members.includes(member)))
}

/** The RFC 7638 thumbprint of a public key of a known type: base64url of the sha-256 of what makes up the key. */
export function thumbprintOf(key: JsonObject): string {
  return base64Url(sha256(utf8ToBytes(canonicalJson(publicKeyMaterial(key)))))
}

function base64Url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes))
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
