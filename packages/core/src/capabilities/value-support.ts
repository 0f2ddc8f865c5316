import type { ClientMetadata } from '../document/client-metadata.ts'
import { stringMember } from '../document/member-types.ts'
import type { AsMetadata } from './as-metadata.ts'

/**
 * Members with one value -> the server's list that has to have it (DOC-11). The algorithm of client authentication is
 * not among them, because it counts only where it is used.
 */
const LIST_OF_MEMBER = {
  subject_type: 'subject_types_supported',
  id_token_signed_response_alg: 'id_token_signing_alg_values_supported',
  id_token_encrypted_response_alg: 'id_token_encryption_alg_values_supported',
  id_token_encrypted_response_enc: 'id_token_encryption_enc_values_supported',
  userinfo_signed_response_alg: 'userinfo_signing_alg_values_supported',
  userinfo_encrypted_response_alg: 'userinfo_encryption_alg_values_supported',
  userinfo_encrypted_response_enc: 'userinfo_encryption_enc_values_supported',
  request_object_signing_alg: 'request_object_signing_alg_values_supported',
  request_object_encryption_alg: 'request_object_encryption_alg_values_supported',
  request_object_encryption_enc: 'request_object_encryption_enc_values_supported',
  introspection_signed_response_alg: 'introspection_signing_alg_values_supported',
  introspection_encrypted_response_alg: 'introspection_encryption_alg_values_supported',
  introspection_encrypted_response_enc: 'introspection_encryption_enc_values_supported',
  authorization_signed_response_alg: 'authorization_signing_alg_values_supported',
  authorization_encrypted_response_alg: 'authorization_encryption_alg_values_supported',
  authorization_encrypted_response_enc: 'authorization_encryption_enc_values_supported',
  backchannel_token_delivery_mode: 'backchannel_token_delivery_modes_supported',
  backchannel_authentication_request_signing_alg:
    'backchannel_authentication_request_signing_alg_values_supported',
} as const satisfies Partial<Record<keyof ClientMetadata, string>>

type MemberWithList = keyof typeof LIST_OF_MEMBER

/** One value that a document asks for and a server does not have. */
export type UnsupportedValue = {
  readonly member: MemberWithList
  readonly value: string
  readonly supported: readonly string[]
}

/** The values of single-valued members that a server's lists do not have; a list that is absent says nothing (DOC-11). */
export function unsupportedValues(document: ClientMetadata, server: AsMetadata): readonly UnsupportedValue[] {
  // The cast only undoes the widening that Object.keys does.
  return (Object.keys(LIST_OF_MEMBER) as MemberWithList[]).flatMap((member) => {
    const value = stringMember(document, member)
    const supported = server[LIST_OF_MEMBER[member]]
    if (value === undefined || supported === undefined || supported.includes(value)) return []
    return [{ member, value, supported }]
  })
}
