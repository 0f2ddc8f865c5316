import { flawOfPublicKey } from '../document/key-material.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json/json.ts'
import { algorithmsOfKey } from './algorithms.ts'
import { publicKeyMaterial } from './thumbprint.ts'

/** RFC 7518 section 3.3 asks for 2048 bits; beyond 8192 one verification costs whoever makes it too much. */
const RSA_MODULUS_BYTES = { min: 256, max: 1024 }
/** Exponents of more than 64 bits serve nobody but those who want verifications to be slow. */
const RSA_EXPONENT_BYTES_MAX = 8
/** 0 and 1, however many zeros lead them: libraries read these, and what a last character has beyond the byte, all the same. */
const ZERO_OR_ONE = /^(?:AAAA)*(?:A[A-Za-f]|AA[A-H]|AAA[AB])?$/

/**
 * What each number of a key takes in bytes, leading zeros included, by curve or algorithm: RFC 7518 section 6.2.1.2,
 * RFC 8037 section 2, FIPS 204 section 4.
 */
const NUMBER_BYTES: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ...{ 'P-256': 32, 'P-384': 48, 'P-521': 66, Ed25519: 32, X25519: 32 },
    ...{ 'ML-DSA-44': 1312, 'ML-DSA-65': 1952, 'ML-DSA-87': 2592 },
  }),
)

const BASE64_URL = /^[\w-]+$/
const USES: ReadonlySet<JsonValue> = new Set(['sig', 'enc'])

/**
 * Why a published key cannot be used, `undefined` if it can as far as its members and the lengths of its numbers show;
 * whether they are a point of the curve is for whoever imports it (KEY-08, RFC 7517 sections 4 and 5).
 */
export function flawOfKey(key: JsonValue): string | undefined {
  if (!isJsonObject(key)) return 'is no object'
  return flawOfPublicKey(key) ?? flawOfMaterial(key) ?? flawOfPurpose(key)
}

function flawOfMaterial(key: JsonObject): string | undefined {
  // Names of types, curves and these algorithms are of the same characters.
  const spelt = Object.entries(publicKeyMaterial(key)).find(([, value]) => !BASE64_URL.test(String(value)))
  if (spelt !== undefined) return `has ${spelt[0]} not in base64url`
  if (algorithmsOfKey(key).length === 0) return 'is of a type or curve that is not known'
  return key['kty'] === 'RSA' ? flawOfRsa(String(key['n']), String(key['e'])) : flawOfLength(key)
}

function flawOfLength(key: JsonObject): string | undefined {
  const { crv, alg, x, y, pub } = publicKeyMaterial(key)
  const bytes = NUMBER_BYTES.get(String(crv ?? alg))
  // An algorithm that is not known is told as one.
  if (bytes === undefined) return undefined
  const isWhole = [x, y, pub].every((number) => number === undefined || isOfBytes(String(number), bytes))
  return isWhole ? undefined : `has a number not of the ${bytes} bytes of ${crv ?? alg}`
}

function isOfBytes(base64Url: string, bytes: number): boolean {
  return base64Url.length === Math.ceil((bytes * 4) / 3)
}

function flawOfRsa(modulus: string, exponent: string): string | undefined {
  const { min, max } = RSA_MODULUS_BYTES
  // Zeros before a number make no longer one of it.
  const bytes = bytesIn(modulus.replace(/^A+/, ''))
  if (bytes < min || bytes > max) return `has a modulus of ${bytes} bytes: ${min} to ${max} are used`
  // With the exponent 1 a signature is the message itself.
  const isSound = !ZERO_OR_ONE.test(exponent) && bytesIn(exponent) <= RSA_EXPONENT_BYTES_MAX
  return isSound ? undefined : 'has an exponent that no key has'
}

function bytesIn(base64Url: string): number {
  return Math.floor((base64Url.length * 3) / 4)
}

function flawOfPurpose(key: JsonObject): string | undefined {
  const { kid, use, alg, key_ops: operations } = key
  if (kid !== undefined && typeof kid !== 'string') return 'has a kid that is no string'
  if (use !== undefined && !USES.has(use)) return 'has a use other than sig and enc'
  if (operations !== undefined && !isListOfStrings(operations)) return 'has key_ops that are no list of names'
  if (alg === undefined) return undefined
  const fits = typeof alg === 'string' && algorithmsOfKey(key).includes(alg)
  return fits ? undefined : 'has an alg that its type does not serve'
}

/** What may go with a key of any type: nothing that leads elsewhere, as x5u does, and nothing nobody knows. */
const COMMON_MEMBERS = ['kid', 'use', 'alg', 'x5t', 'x5t#S256']
// A certificate is how a client with self_signed_tls_client_auth shows its key (RFC 8705 section 2.2.2).
const COMMON_LISTS = ['key_ops', 'x5c']

/**
 * A usable key as it is handed on: its public members under their own names (RFC 7517 section 4), those of its type and
 * common ones. Strings and lists of strings alone, whose canonical form is never longer than what was published.
 */
export function handedOn(key: JsonObject): JsonObject {
  const names = [...Object.keys(publicKeyMaterial(key)), ...COMMON_MEMBERS]
  const kept = Object.entries(key).filter(
    ([member, value]) =>
      (names.includes(member) && typeof value === 'string') ||
      (COMMON_LISTS.includes(member) && isListOfStrings(value)),
  )
  return Object.fromEntries(kept)
}

function isListOfStrings(value: JsonValue | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
