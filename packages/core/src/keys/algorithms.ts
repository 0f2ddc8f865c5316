import type { JsonObject } from '../json/json.ts'

const AGREEMENT = ['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A192KW', 'ECDH-ES+A256KW']

/** By key type, or by curve where that decides. The first of each will do for a key that names none. */
const ALGORITHMS: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  [
    'RSA',
    [
      ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
      ...['RSA-OAEP', 'RSA-OAEP-256', 'RSA-OAEP-384', 'RSA-OAEP-512'],
    ],
  ],
  ['EC P-256', ['ES256', ...AGREEMENT]],
  ['EC P-384', ['ES384', ...AGREEMENT]],
  ['EC P-521', ['ES512', ...AGREEMENT]],
  ['OKP Ed25519', ['EdDSA', 'Ed25519']],
  ['OKP X25519', AGREEMENT],
  ['AKP', ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87']],
])

/**
 * The algorithms a public key may serve by its type and curve, none if we do not know them (RFC 7518 sections 3 and 4,
 * RFC 8037, RFC 9864).
 */
export function algorithmsOfKey({ kty, crv }: JsonObject): readonly string[] {
  const name = kty === 'EC' || kty === 'OKP' ? `${kty} ${crv}` : String(kty)
  return ALGORITHMS.get(name) ?? []
}
