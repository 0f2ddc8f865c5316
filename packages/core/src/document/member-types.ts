import { isJsonObject, type JsonObject, type JsonValue } from '../json/json.ts'

type ValueTypes = {
  readonly string: string
  readonly strings: readonly string[]
  readonly boolean: boolean
  readonly key_set: { readonly keys: readonly JsonObject[] }
}

// The JSON type the registry gives each member we know (DOC-04); every other member is free (DOC-10).
const MEMBER_TYPES = {
  application_type: 'string',
  client_id: 'string',
  client_name: 'string',
  client_uri: 'string',
  contacts: 'strings',
  dpop_bound_access_tokens: 'boolean',
  grant_types: 'strings',
  jwks: 'key_set',
  jwks_uri: 'string',
  logo_uri: 'string',
  policy_uri: 'string',
  post_logout_redirect_uris: 'strings',
  redirect_uris: 'strings',
  request_uris: 'strings',
  require_pushed_authorization_requests: 'boolean',
  response_types: 'strings',
  scope: 'string',
  sector_identifier_uri: 'string',
  software_id: 'string',
  software_statement: 'string',
  software_version: 'string',
  tls_client_certificate_bound_access_tokens: 'boolean',
  token_endpoint_auth_method: 'string',
  token_endpoint_auth_signing_alg: 'string',
  tos_uri: 'string',
} as const satisfies Record<string, keyof ValueTypes>

type MemberTypes = typeof MEMBER_TYPES

/** Members with a known type. They are present only with that type, so a reader need not check again (DOC-04). */
export type KnownMembers = {
  readonly [Member in keyof MemberTypes]?: ValueTypes[MemberTypes[Member]]
}

const LOCALISED: ReadonlySet<string> = new Set([
  'client_name',
  'client_uri',
  'logo_uri',
  'policy_uri',
  'tos_uri',
])

/** The member a language-tagged member such as `client_name#ja` is a variant of; else the member itself (DOC-17). */
export function baseMember(member: string): string {
  const base = member.split('#', 1)[0] ?? member
  return LOCALISED.has(base) ? base : member
}

/** Whether the registry gives the member, or the member it is a variant of, a type (DOC-04, DOC-17). */
export function isKnownMember(member: string): boolean {
  return Object.hasOwn(MEMBER_TYPES, baseMember(member))
}

/** Whether a value has the type of its member; unknown members may hold anything (DOC-04, DOC-10, DOC-16). */
export function hasMemberType(member: string, value: JsonValue): boolean {
  const base = baseMember(member)
  // The cast follows the test that makes it true.
  return Object.hasOwn(MEMBER_TYPES, base) ? hasType(MEMBER_TYPES[base as keyof MemberTypes], value) : true
}

function hasType(type: keyof ValueTypes, value: JsonValue): boolean {
  switch (type) {
    case 'string':
    case 'boolean':
      return typeof value === type
    case 'strings':
      return Array.isArray(value) && value.every((item) => typeof item === 'string')
    case 'key_set':
      return isJsonObject(value) && Array.isArray(value['keys']) && value['keys'].every(isJsonObject)
  }
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
