import { describe, expect, it } from 'vitest'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { parseAsMetadata } from './as-metadata.ts'
import { unsupportedValues } from './value-support.ts'

function unsupported(members: object, server: object) {
  const parsed = parseAsMetadata({ response_types_supported: ['code'], ...server })
  if (!parsed.ok) throw new Error(parsed.problems.join('; '))
  // The cast leaves out the members that are not read.
  return unsupportedValues(
    { client_id: 'https://a.example/c', ...members } as ClientMetadata,
    parsed.metadata,
  )
}

describe('unsupportedValues', () => {
  it.each([
    ['subject_type', 'subject_types_supported'],
    ['id_token_signed_response_alg', 'id_token_signing_alg_values_supported'],
    ['id_token_encrypted_response_alg', 'id_token_encryption_alg_values_supported'],
    ['id_token_encrypted_response_enc', 'id_token_encryption_enc_values_supported'],
    ['userinfo_signed_response_alg', 'userinfo_signing_alg_values_supported'],
    ['userinfo_encrypted_response_alg', 'userinfo_encryption_alg_values_supported'],
    ['userinfo_encrypted_response_enc', 'userinfo_encryption_enc_values_supported'],
    ['request_object_signing_alg', 'request_object_signing_alg_values_supported'],
    ['request_object_encryption_alg', 'request_object_encryption_alg_values_supported'],
    ['request_object_encryption_enc', 'request_object_encryption_enc_values_supported'],
    ['introspection_signed_response_alg', 'introspection_signing_alg_values_supported'],
    ['introspection_encrypted_response_alg', 'introspection_encryption_alg_values_supported'],
    ['introspection_encrypted_response_enc', 'introspection_encryption_enc_values_supported'],
    ['authorization_signed_response_alg', 'authorization_signing_alg_values_supported'],
    ['authorization_encrypted_response_alg', 'authorization_encryption_alg_values_supported'],
    ['authorization_encrypted_response_enc', 'authorization_encryption_enc_values_supported'],
    ['backchannel_token_delivery_mode', 'backchannel_token_delivery_modes_supported'],
    [
      'backchannel_authentication_request_signing_alg',
      'backchannel_authentication_request_signing_alg_values_supported',
    ],
  ])('DOC-11: reads %s against %s', (member, list) => {
    const members = { [member]: 'one' }
    expect(unsupported(members, { [list]: ['two'] })).toEqual([{ member, value: 'one', supported: ['two'] }])
    expect(unsupported(members, { [list]: ['two', 'one'] })).toEqual([])
    expect(unsupported(members, {})).toEqual([])
    expect(unsupported({}, { [list]: ['two'] })).toEqual([])
  })
})
