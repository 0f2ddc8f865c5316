import { findingsAmong } from '../failure/finding.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json/json.ts'

type ValueTypes = {
  readonly string: string
  readonly strings: readonly string[]
  readonly boolean: boolean
  readonly seconds: number
  readonly key_set: { readonly keys: readonly JsonObject[] }
}

/**
 * The JSON type of each member of the IANA registry "OAuth Dynamic Client Registration Metadata" (DOC-04). Every
 * other member is free (DOC-10).
 */
const MEMBER_TYPES = {
  application_type: 'string',
  authorization_details_types: 'strings',
  authorization_encrypted_response_alg: 'string',
  authorization_encrypted_response_enc: 'string',
  authorization_signed_response_alg: 'string',
  backchannel_authentication_request_signing_alg: 'string',
  backchannel_client_notification_endpoint: 'string',
  backchannel_logout_session_required: 'boolean',
  backchannel_logout_uri: 'string',
  backchannel_token_delivery_mode: 'string',
  backchannel_user_code_parameter: 'boolean',
  client_id: 'string',
  client_registration_types: 'strings',
  client_name: 'string',
  client_uri: 'string',
  contacts: 'strings',
  default_acr_values: 'strings',
  default_max_age: 'seconds',
  dpop_bound_access_tokens: 'boolean',
  frontchannel_logout_session_required: 'boolean',
  frontchannel_logout_uri: 'string',
  grant_types: 'strings',
  id_token_encrypted_response_alg: 'string',
  id_token_encrypted_response_enc: 'string',
  id_token_signed_response_alg: 'string',
  initiate_login_uri: 'string',
  introspection_encrypted_response_alg: 'string',
  introspection_encrypted_response_enc: 'string',
  introspection_signed_response_alg: 'string',
  jwks: 'key_set',
  jwks_uri: 'string',
  logo_uri: 'string',
  policy_uri: 'string',
  post_logout_redirect_uris: 'strings',
  redirect_uris: 'strings',
  request_object_encryption_alg: 'string',
  request_object_encryption_enc: 'string',
  request_object_signing_alg: 'string',
  request_uris: 'strings',
  require_auth_time: 'boolean',
  require_pushed_authorization_requests: 'boolean',
  require_signed_request_object: 'boolean',
  response_types: 'strings',
  scope: 'string',
  sector_identifier_uri: 'string',
  signed_jwks_uri: 'string',
  software_id: 'string',
  software_statement: 'string',
  software_version: 'string',
  subject_type: 'string',
  tls_client_auth_san_dns: 'string',
  tls_client_auth_san_email: 'string',
  tls_client_auth_san_ip: 'string',
  tls_client_auth_san_uri: 'string',
  tls_client_auth_subject_dn: 'string',
  tls_client_certificate_bound_access_tokens: 'boolean',
  token_endpoint_auth_method: 'string',
  token_endpoint_auth_signing_alg: 'string',
  tos_uri: 'string',
  userinfo_encrypted_response_alg: 'string',
  userinfo_encrypted_response_enc: 'string',
  use_mtls_endpoint_aliases: 'boolean',
  userinfo_signed_response_alg: 'string',
} as const satisfies Record<string, keyof ValueTypes>

type MemberTypes = typeof MEMBER_TYPES

/** Members with a known type. They are present only with that type, so a reader need not check again (DOC-04). */
export type KnownMembers = {
  readonly [Member in keyof MemberTypes]?: ValueTypes[MemberTypes[Member]]
}

const LOCALISED: ReadonlySet<string> = new Set([
  ...['client_name', 'client_uri', 'logo_uri', 'policy_uri', 'tos_uri'],
])

/** The member a language-tagged member such as `client_name#ja` is a variant of; else the member itself (DOC-17). */
export function baseMember(member: string): string {
  const tag = member.indexOf('#')
  if (tag < 0) return member
  const base = member.slice(0, tag)
  return LOCALISED.has(base) ? base : member
}

/** Whether the registry gives the member, or the member it is a variant of, a type (DOC-04, DOC-17). */
export function isKnownMember(member: string): boolean {
  return Object.hasOwn(MEMBER_TYPES, baseMember(member))
}

/**
 * Where a value has not the type of its member, as JSON pointers within it: `''` is the value itself; of items the
 * first few. Empty if all is well; unknown members may hold anything (DOC-04, DOC-10, DOC-16).
 */
export function misplacedTypes(member: string, value: JsonValue): readonly string[] {
  const base = baseMember(member)
  // The cast follows the test that makes it true.
  return Object.hasOwn(MEMBER_TYPES, base) ? misplaced(MEMBER_TYPES[base as keyof MemberTypes], value) : []
}

function misplaced(type: keyof ValueTypes, value: JsonValue): readonly string[] {
  switch (type) {
    case 'string':
    case 'boolean':
      return typeof value === type ? [] : ['']
    case 'seconds':
      return Number.isInteger(value) && Number(value) >= 0 ? [] : ['']
    case 'strings':
      return misplacedItems(value, '', (item) => typeof item === 'string')
    case 'key_set':
      return isJsonObject(value) ? misplacedItems(value['keys'], '/keys', isJsonObject) : ['']
  }
}

function misplacedItems(
  list: JsonValue | undefined,
  pointer: string,
  isItem: (item: JsonValue) => boolean,
): readonly string[] {
  if (!Array.isArray(list)) return ['']
  return findingsAmong(list, (item, index) => (isItem(item) ? undefined : `${pointer}/${index}`))
}

/** The member as a string, `undefined` when it is absent, empty or of another type (DOC-04). */
export function stringMember(document: JsonObject, member: string): string | undefined {
  const value = document[member]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The member's strings, `undefined` when it is absent or no array (DOC-04). */
export function stringsMember(document: JsonObject, member: string): readonly string[] | undefined {
  const value = document[member]
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : undefined
}
