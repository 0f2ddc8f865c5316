import type { FailureCode } from '../failure/failure.ts'
import type { Finding } from '../failure/finding.ts'
import type { WarningCode } from '../failure/warnings.ts'
import type { ClientIdUrl } from '../identifier/client-id-url.ts'
import { isHttpsUrl, splitUri } from '../identifier/uri.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json/json.ts'
import { redirectRules } from '../redirect/redirect-rules.ts'
import { isRefusedScheme } from '../redirect/redirect-uri.ts'
import { holdsPrivateKey } from './key-material.ts'
import { baseMember, hasMemberType, isKnownMember, stringMember, stringsMember } from './member-types.ts'

type Rule = (document: JsonObject, clientId: ClientIdUrl) => readonly Finding[]

/** The rules a document is judged by, in the order in which their findings are reported (DOC-02 to DOC-16, KEY-04, RED-*). */
export const METADATA_RULES: readonly Rule[] = [
  clientIdRule,
  forbiddenMembersRule,
  symmetricMethodRule,
  symmetricAlgorithmRule,
  privateKeyRule,
  keySourceRule,
  memberTypeRule,
  redirectRules,
  uriMembersRule,
]

function clientIdRule(document: JsonObject, clientId: ClientIdUrl): readonly Finding[] {
  const value = document['client_id']
  if (typeof value !== 'string') {
    return [finding('client_id_missing', 'DOC-02', 'client_id', 'client_id is not a string')]
  }
  if (value === clientId) return []
  return [finding('client_id_mismatch', 'DOC-03', 'client_id', 'client_id is not the URL of the document')]
}

function forbiddenMembersRule(document: JsonObject): readonly Finding[] {
  return ['client_secret', 'client_secret_expires_at']
    .filter((member) => Object.hasOwn(document, member))
    .map((member) => finding('forbidden_member', 'DOC-05', member, 'must not appear, whatever its value'))
}

function symmetricMethodRule(document: JsonObject): readonly Finding[] {
  const plural = 'token_endpoint_auth_methods_supported'
  const value = document[plural]
  const listed = (stringsMember(document, plural) ?? [])
    .filter(isSymmetricMethod)
    .map((method) => finding('symmetric_method', 'DOC-08', plural, `${method} is based on a shared secret`))
  // Not in the registry yet, so a form we do not know is no reason to refuse (DOC-10, KEY-10).
  const ignored = value !== undefined && !Array.isArray(value)
  if (ignored) listed.push(finding('member_ignored', 'KEY-10', plural, 'is not an array'))
  const method = stringMember(document, 'token_endpoint_auth_method')
  if (method === undefined || !isSymmetricMethod(method)) return listed
  const detail = `${method} is based on a shared secret`
  return [finding('symmetric_method', 'DOC-06', 'token_endpoint_auth_method', detail), ...listed]
}

function isSymmetricMethod(method: string): boolean {
  return method.startsWith('client_secret_')
}

const SIGNING_MEMBERS = [
  'token_endpoint_auth_signing_alg',
  'id_token_signed_response_alg',
  'userinfo_signed_response_alg',
  'request_object_signing_alg',
  'introspection_signed_response_alg',
  'authorization_signed_response_alg',
]
const ENCRYPTION_MEMBERS = [
  'id_token_encrypted_response_alg',
  'userinfo_encrypted_response_alg',
  'request_object_encryption_alg',
  'introspection_encrypted_response_alg',
  'authorization_encrypted_response_alg',
]

// These algorithms of OpenID Connect take their key from the client secret that a document cannot have.
function symmetricAlgorithmRule(document: JsonObject): readonly Finding[] {
  const broken = (members: readonly string[], symmetric: RegExp) =>
    members.filter((member) => symmetric.test(stringMember(document, member) ?? ''))
  const none = stringMember(document, 'token_endpoint_auth_signing_alg') === 'none'
  return [
    ...broken(SIGNING_MEMBERS, /^HS\d/),
    ...broken(ENCRYPTION_MEMBERS, /^(?:dir|A\d+(?:GCM)?KW|PBES2-.*)$/),
    ...(none ? ['token_endpoint_auth_signing_alg'] : []),
  ].map((member) =>
    finding('symmetric_algorithm', 'DOC-09', member, 'names an algorithm without a public key'),
  )
}

function privateKeyRule(document: JsonObject): readonly Finding[] {
  return Object.entries(document)
    .filter(([, value]) => holdsPrivateKey(value))
    .map(([member]) => finding('private_key', 'DOC-07', member, 'holds private or symmetric key material'))
}

function keySourceRule(document: JsonObject): readonly Finding[] {
  const uri = stringMember(document, 'jwks_uri')
  const jwks = document['jwks'] ?? undefined
  if (jwks !== undefined && uri !== undefined) {
    return [finding('keys_ambiguous', 'KEY-04', 'jwks', 'jwks and jwks_uri are both present')]
  }
  const inline = isJsonObject(jwks) && Array.isArray(jwks['keys']) && jwks['keys'].length > 0
  const needed = stringMember(document, 'token_endpoint_auth_method') === 'private_key_jwt'
  if (!needed || inline || uri !== undefined) return []
  return [
    finding('keys_missing', 'KEY-07', 'token_endpoint_auth_method', 'neither jwks nor jwks_uri has a key'),
  ]
}

function memberTypeRule(document: JsonObject): readonly Finding[] {
  return Object.entries(document)
    .filter(([member]) => member !== 'client_id' && isKnownMember(member))
    .flatMap(([member, value]) => {
      if (isEmpty(member, value)) return [finding('member_empty', 'DOC-04', member, 'is empty')]
      if (hasMemberType(member, value)) return []
      return [finding('member_type', 'DOC-16', member, 'has the wrong JSON type')]
    })
}

// An empty scope is a value: no scope is asked for.
function isEmpty(member: string, value: JsonValue): boolean {
  return value === null || (value === '' && member !== 'scope' && hasMemberType(member, value))
}

// What is fetched has to be https; what is merely linked can be left out of the display instead (FET-13, FET-19).
const FETCHED_URIS: ReadonlySet<string> = new Set(['jwks_uri', 'logo_uri', 'sector_identifier_uri'])
const LINKED_URIS: ReadonlySet<string> = new Set(['client_uri', 'policy_uri', 'tos_uri'])

function uriMembersRule(document: JsonObject): readonly Finding[] {
  return Object.keys(document).flatMap((member) => {
    const base = baseMember(member)
    const uri = stringMember(document, member)
    if (uri === undefined || !(FETCHED_URIS.has(base) || LINKED_URIS.has(base)) || isHttpsUrl(uri)) return []
    const code = FETCHED_URIS.has(base) || hasRefusedScheme(uri) ? 'uri_member_invalid' : 'uri_not_https'
    return [finding(code, 'FET-19', member, 'is not an absolute https URL')]
  })
}

// Browsers drop blanks and controls around and within a scheme, so `java\nscript:` is one too.
function hasRefusedScheme(uri: string): boolean {
  const visible = [...uri].filter((character) => character > ' ').join('')
  return isRefusedScheme(splitUri(visible).scheme ?? '')
}

function finding(code: FailureCode | WarningCode, rule: string, member: string, detail: string): Finding {
  return { code, rule, member, detail }
}
