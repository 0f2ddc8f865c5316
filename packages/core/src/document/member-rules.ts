import { type Finding, findingsAmong } from '../failure/finding.ts'
import type { ClientIdUrl } from '../identifier/client-id-url.ts'
import { isHttpsUrl, splitUri } from '../identifier/uri.ts'
import type { JsonObject, JsonValue } from '../json/json.ts'
import { escapePointer } from '../json/json-position.ts'
import { isRefusedScheme } from '../redirect/redirect-uri.ts'
import { effectiveGrantTypes, effectiveResponseTypes } from './defaults.ts'
import { baseMember, isKnownMember, misplacedTypes, stringMember } from './member-types.ts'

/** The document speaks for the identifier it was fetched by, and for no other (DOC-02, DOC-03). */
export function clientIdRule(document: JsonObject, clientId: ClientIdUrl): readonly Finding[] {
  const value = document['client_id']
  const member = 'client_id'
  if (typeof value !== 'string') {
    return [{ code: 'client_id_missing', rule: 'DOC-02', member, detail: 'is not a string' }]
  }
  if (value === clientId) return []
  return [{ code: 'client_id_mismatch', rule: 'DOC-03', member, detail: 'is not the URL of the document' }]
}

/** Known members have the type that the registry gives them, or are absent (DOC-04, DOC-16). */
export function memberTypeRule(document: JsonObject): readonly Finding[] {
  return Object.entries(document).flatMap(([member, value]) => {
    if (member === 'client_id' || !isKnownMember(member)) return []
    if (isEmpty(member, value)) return [{ code: 'member_empty', rule: 'DOC-04', member, detail: 'is empty' }]
    return misplacedTypes(member, value).map((at): Finding => {
      const detail = at === '' ? 'has the wrong JSON type' : `has an item of the wrong JSON type at ${at}`
      return {
        code: 'member_type',
        rule: 'DOC-16',
        member,
        pointer: `/${escapePointer(member)}${at}`,
        detail,
      }
    })
  })
}

// An empty scope is a value: no scope is asked for.
function isEmpty(member: string, value: JsonValue): boolean {
  return value === null || (value === '' && member !== 'scope' && misplacedTypes(member, value).length === 0)
}

/** What a registration endpoint would answer: it has no authority in a document that the client writes itself (DOC-19). */
export const REGISTRATION_MEMBERS: ReadonlySet<string> = new Set([
  ...['client_id_issued_at', 'registration_access_token', 'registration_client_uri'],
])

/** Members that mean nothing here, told so that nobody relies on them (DOC-14, DOC-19). */
export function meaninglessMembersRule(document: JsonObject): readonly Finding[] {
  return Object.keys(document).flatMap((member): readonly Finding[] => {
    if (REGISTRATION_MEMBERS.has(member)) {
      return [{ code: 'registration_member', rule: 'DOC-19', member, detail: 'is ignored' }]
    }
    if (member !== 'client_id_expires_at') return []
    return [{ code: 'expiry_unsupported', rule: 'DOC-14', member, detail: 'is not obeyed' }]
  })
}

/** RED-10: OpenID Connect registration knows two types. */
export function applicationTypeRule(document: JsonObject): readonly Finding[] {
  const member = 'application_type'
  const type = stringMember(document, member)
  if (type === undefined || type === 'web' || type === 'native') return []
  return [{ code: 'application_type_unknown', rule: 'RED-10', member, detail: 'is neither web nor native' }]
}

/** The table of RFC 7591 section 2.1, for the grants and response types that it has (DOC-18). */
export function grantResponseRule(document: JsonObject): readonly Finding[] {
  const grants = effectiveGrantTypes(document)
  const needed = effectiveResponseTypes(document)
    .flatMap((type) => type.split(' '))
    .map((part) => GRANT_OF_RESPONSE.get(part))
  const lacking = [...new Set(needed)].filter((grant) => grant !== undefined && !grants.includes(grant))
  return lacking.map((grant) => {
    const detail = `asks for a response of the grant ${grant}, which grant_types does not list`
    return { code: 'grant_response_mismatch', rule: 'DOC-18', member: 'response_types', detail }
  })
}

const GRANT_OF_RESPONSE: ReadonlyMap<string, string> = new Map([
  ['code', 'authorization_code'],
  ['token', 'implicit'],
  ['id_token', 'implicit'],
])

// What an authorization server relies on has to be https; what is merely shown can be left out instead (FET-13, FET-19).
const FETCHED_URIS: ReadonlySet<string> = new Set([
  ...['jwks_uri', 'signed_jwks_uri', 'sector_identifier_uri', 'request_uris', 'initiate_login_uri'],
  ...['backchannel_logout_uri', 'frontchannel_logout_uri', 'backchannel_client_notification_endpoint'],
])
const LINKED_URIS: ReadonlySet<string> = new Set(['client_uri', 'logo_uri', 'policy_uri', 'tos_uri'])

/** URI members are absolute https URLs (FET-13, FET-19). */
export function uriMembersRule(document: JsonObject): readonly Finding[] {
  return Object.entries(document).flatMap(([member, value]) => {
    const base = baseMember(member)
    if (!FETCHED_URIS.has(base) && !LINKED_URIS.has(base)) return []
    const uris = Array.isArray(value) ? value : [value]
    return findingsAmong(uris, (uri, index) => {
      if (typeof uri !== 'string' || uri === '' || isHttpsUrl(uri)) return undefined
      const code = FETCHED_URIS.has(base) || hasRefusedScheme(uri) ? 'uri_member_invalid' : 'uri_not_https'
      const pointer = `/${escapePointer(member)}${Array.isArray(value) ? `/${index}` : ''}`
      return { code, rule: 'FET-19', member, pointer, detail: 'is not an absolute https URL' } as const
    })
  })
}

// Browsers drop blanks and controls around and within a scheme, so `java\nscript:` is one too.
function hasRefusedScheme(uri: string): boolean {
  const visible = [...uri].filter((character) => character > ' ').join('')
  return isRefusedScheme(splitUri(visible).scheme ?? '')
}
