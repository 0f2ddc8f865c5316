import type { ClientMetadata } from '../document/client-metadata.ts'
import { baseMember } from '../document/member-types.ts'
import { canonicalJson, type JsonValue } from '../json/json.ts'
import {
  type Compare,
  compareApplicationType,
  compareAs,
  compareAuthMethod,
  compareAuthMethods,
  compareKeySet,
  compareNames,
  comparePermissions,
  comparePresence,
  compareRequirement,
  compareScope,
  own,
} from './compare-members.ts'
import type { MemberChange } from './member-change.ts'

/**
 * Every change between two accepted documents of one client, by member name (CHG-01, CHG-07). The order of
 * members and of the items of a set is no change, nor is writing out a default (DOC-18).
 */
export function compareMetadata(before: ClientMetadata, after: ClientMetadata): readonly MemberChange[] {
  const members = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...members].sort().flatMap((member) => compareMember(member, before, after))
}

const keys = compareAs('keys')
const display = compareAs('display')
const widening = compareAs('widening')
const cosmetic = compareAs('cosmetic')

// What each member of the registry means when it changes; every other one means nothing to us (DOC-04, CHG-01).
const COMPARED: Readonly<Record<string, Compare>> = {
  application_type: compareApplicationType,
  authorization_details_types: comparePermissions,
  authorization_encrypted_response_alg: keys,
  authorization_encrypted_response_enc: keys,
  authorization_signed_response_alg: keys,
  backchannel_authentication_request_signing_alg: keys,
  // Another place learns of users' sign-ins.
  backchannel_client_notification_endpoint: comparePresence,
  backchannel_logout_uri: comparePresence,
  backchannel_token_delivery_mode: widening,
  client_name: display,
  client_uri: display,
  contacts: compareNames,
  dpop_bound_access_tokens: compareRequirement,
  frontchannel_logout_uri: comparePresence,
  grant_types: comparePermissions,
  id_token_encrypted_response_alg: keys,
  id_token_encrypted_response_enc: keys,
  id_token_signed_response_alg: keys,
  initiate_login_uri: comparePresence,
  introspection_encrypted_response_alg: keys,
  introspection_encrypted_response_enc: keys,
  introspection_signed_response_alg: keys,
  jwks: compareKeySet,
  jwks_uri: keys,
  logo_uri: display,
  policy_uri: display,
  post_logout_redirect_uris: comparePermissions,
  redirect_uris: comparePermissions,
  request_object_encryption_alg: keys,
  request_object_encryption_enc: keys,
  request_object_signing_alg: keys,
  request_uris: comparePermissions,
  require_auth_time: compareRequirement,
  require_pushed_authorization_requests: compareRequirement,
  require_signed_request_object: compareRequirement,
  response_types: comparePermissions,
  scope: compareScope,
  signed_jwks_uri: keys,
  // It decides which clients see the same pairwise subject.
  sector_identifier_uri: widening,
  // Its claims override plain members, and only the authorization server can read them (DOC-15).
  software_statement: widening,
  subject_type: widening,
  tls_client_auth_san_dns: keys,
  tls_client_auth_san_email: keys,
  tls_client_auth_san_ip: keys,
  tls_client_auth_san_uri: keys,
  tls_client_auth_subject_dn: keys,
  tls_client_certificate_bound_access_tokens: compareRequirement,
  token_endpoint_auth_method: compareAuthMethod,
  token_endpoint_auth_methods_supported: compareAuthMethods,
  token_endpoint_auth_signing_alg: keys,
  tos_uri: display,
  userinfo_encrypted_response_alg: keys,
  userinfo_encrypted_response_enc: keys,
  userinfo_signed_response_alg: keys,
}

function compareMember(
  member: string,
  before: ClientMetadata,
  after: ClientMetadata,
): readonly MemberChange[] {
  if (isSame(own(before, member), own(after, member))) return []
  const base = baseMember(member)
  const compare = Object.hasOwn(COMPARED, base) ? COMPARED[base] : undefined
  return (compare ?? cosmetic)(member, before, after)
}

function isSame(before: JsonValue | undefined, after: JsonValue | undefined): boolean {
  if (before === undefined || after === undefined) return before === after
  return canonicalJson(before) === canonicalJson(after)
}
