import { isJsonObject, type JsonObject, type JsonValue } from '../json/json.ts'
import { parseJsonDocument } from '../json/json-document.ts'
import { escapePointer } from '../json/json-position.ts'

// `priv` is the secret of the AKP key type, the others are of RFC 7518.
const SECRET_JWK_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'] as const
const PRIVATE_PEM = /-----BEGIN [A-Z ]{0,32}PRIVATE KEY(?: BLOCK)?-----/

/**
 * RFC 6901 pointer, within the value, to the first private or symmetric key anywhere in it, as a JWK or as text;
 * `undefined` if there is none (DOC-07, KEY-08).
 */
export function findPrivateKey(value: JsonValue): string | undefined {
  if (typeof value === 'string') return isSecretText(value) ? '' : undefined
  // Scalars are most of a document.
  if (typeof value !== 'object' || value === null) return undefined
  if (isJsonObject(value) && isSecretJwk(value)) return ''
  for (const key of Object.keys(value)) {
    const found = findPrivateKey((value as JsonObject)[key] ?? null)
    // The way is told on the way back, so that it costs nothing where there is nothing to tell.
    if (found !== undefined) return `/${escapePointer(key)}${found}`
  }
  return undefined
}

// PEM, or a JWK that was written into a string. Most strings are neither, so they are not parsed; those within a JWK's
// text are looked at alike, and each takes twice the backslashes of the one around it, so that they are few.
function isSecretText(text: string): boolean {
  if (PRIVATE_PEM.test(text)) return true
  if (!text.includes('"kty"')) return false
  const parsed = parseJsonDocument(new TextEncoder().encode(text))
  return parsed.ok && findPrivateKey(parsed.value) !== undefined
}

function isSecretJwk(value: JsonObject): boolean {
  return Object.hasOwn(value, 'kty') && (value['kty'] === 'oct' || hasSecretMember(value))
}

/**
 * The same for the value of `jwks`: there a key counts without `kty` too, since it is published as one, whatever it
 * lacks (KEY-08).
 */
export function findKeySetSecret(jwks: JsonValue): string | undefined {
  const keys = isJsonObject(jwks) ? jwks['keys'] : undefined
  if (!Array.isArray(keys)) return findPrivateKey(jwks)
  const index = keys.findIndex((key) => isJsonObject(key) && hasSecretMember(key))
  return index < 0 ? findPrivateKey(jwks) : `/keys/${index}`
}

function hasSecretMember(key: JsonObject): boolean {
  return SECRET_JWK_MEMBERS.some((member) => Object.hasOwn(key, member))
}

const PUBLIC_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
  AKP: ['alg', 'pub'],
}

/**
 * Why a published key cannot be used, `undefined` if it can as far as this shows: whether its numbers are a key is for
 * whoever verifies with it (KEY-08, RFC 7518 section 6). A type we do not know may have any members.
 */
export function flawOfPublicKey(key: JsonObject): string | undefined {
  const type = key['kty']
  if (typeof type !== 'string') return 'has no kty'
  const needed = Object.hasOwn(PUBLIC_MEMBERS, type) ? PUBLIC_MEMBERS[type] : undefined
  const missing = needed?.find((member) => typeof key[member] !== 'string')
  return missing === undefined ? undefined : `is of type ${type} and has no ${missing}`
}
