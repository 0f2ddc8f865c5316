import { createHash, generateKeyPairSync } from 'node:crypto'

/** A key pair of a client's, both halves as JWKs, and its RFC 7638 thumbprint (section 3.1). */
export type TestKey = {
  readonly publicJwk: Record<string, unknown>
  readonly privateJwk: Record<string, unknown>
  readonly thumbprint: string
}

/** A new key on P-256. */
export function createTestKey(kid: string): TestKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = { kid, use: 'sig', alg: 'ES256' }
  const { crv, kty, x, y } = publicKey.export({ format: 'jwk' })
  const thumbprint = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
  const publicJwk = { ...publicKey.export({ format: 'jwk' }), ...name }
  const privateJwk = { ...privateKey.export({ format: 'jwk' }), ...name }
  return { publicJwk, privateJwk, thumbprint }
}
