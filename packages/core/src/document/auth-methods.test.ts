import { describe, expect, it } from 'vitest'
import { isSymmetricMethod } from './auth-methods.ts'

describe('isSymmetricMethod', () => {
  it.each([
    ...[
      'client_secret_basic',
      'client_secret_post',
      'client_secret_jwt',
      'client_secret_x',
      'Client_Secret_Post',
    ],
    ...['urn:example:client_secret', 'shared_secret_mac', 'app_secret_post', 'psk', 'hmac', 'basic'],
  ])('DOC-06, KEY-01: takes %s for a shared secret', (method) => {
    expect(isSymmetricMethod(method)).toBe(true)
  })

  it.each([
    ...[
      'none',
      'private_key_jwt',
      'tls_client_auth',
      'self_signed_tls_client_auth',
      'attest_jwt_client_auth',
    ],
    ...['spiffe_jwt', 'spiffe_x509', 'quantum_handshake', ''],
  ])('KEY-13: does not take %j for one', (method) => {
    expect(isSymmetricMethod(method)).toBe(false)
  })
})
