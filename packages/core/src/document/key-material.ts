import { isJsonObject, type JsonObject, type JsonValue } from '../json/json.ts'
import { escapePointer } from '../json/json-position.ts'

// `priv` is the secret of the AKP key type, the others are of RFC 7518.
const SECRET_JWK_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'] as const
const PRIVATE_PEM = /-----BEGIN [A-Z ]{0,32}PRIVATE KEY(?: BLOCK)?-----/

/**
 * RFC 6901 pointer, within the value, to the first private or symmetric key anywhere in it, as a JWK or as PEM text;
 * `undefined` if there is none (DOC-07, KEY-08).
 */
export function findPrivateKey(value: JsonValue): string | undefined {
  if (typeof value === 'string') return PRIVATE_PEM.test(value) ? '' : undefined
  // Scalars are most of a document.
  if (typeof value !== 'object' || value === null) return undefined
  if (isJsonObject(value)) {
    if (isSecretJwk(value)) return ''
    const listed = secretInKeySet(value)
    if (listed !== undefined) return listed
  }
  for (const key of Object.keys(value)) {
    const found = findPrivateKey((value as JsonObject)[key] ?? null)
    // The way is told on the way back, so that it costs nothing where there is nothing to tell.
    if (found !== undefined) return `/${escapePointer(key)}${found}`
  }
  return undefined
}

function isSecretJwk(value: JsonObject): boolean {
  return Object.hasOwn(value, 'kty') && (value['kty'] === 'oct' || hasSecretMember(value))
}

// A key in a key set counts without `kty` too: it is published as one, whatever it lacks.
function secretInKeySet(value: JsonObject): string | undefined {
  const keys = Object.hasOwn(value, 'keys') ? value['keys'] : undefined
  if (!Array.isArray(keys)) return undefined
  const index = keys.findIndex((key) => isJsonObject(key) && hasSecretMember(key))
  return index < 0 ? undefined : `/keys/${index}`
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
