import { type Finding, findingsAmong } from '../failure/finding.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json/json.ts'
import { pluralMethods } from './credential-rules.ts'
import { flawOfPublicKey } from './key-material.ts'
import { stringMember } from './member-types.ts'

const SINGULAR = 'token_endpoint_auth_method'
const PLURAL = 'token_endpoint_auth_methods_supported'

/** How the client says that it authenticates (KEY-09, KEY-10). */
export function authMethodRule(document: JsonObject): readonly Finding[] {
  const singular = stringMember(document, SINGULAR)
  const plural = pluralMethods(document)
  return [
    ...pluralFormRule(document[PLURAL] ?? []),
    ...(singular === undefined && plural === undefined
      ? [warning('auth_method_absent', 'KEY-09', SINGULAR, 'is absent')]
      : []),
    ...(singular !== undefined && plural !== undefined && !plural.includes(singular)
      ? [warning('auth_method_unlisted', 'KEY-10', SINGULAR, `${singular} is not among ${PLURAL}`)]
      : []),
  ]
}

// What is no name of a method is passed over, since another of the list may be usable (KEY-10).
function pluralFormRule(value: JsonValue): readonly Finding[] {
  if (!Array.isArray(value)) return [warning('member_ignored', 'KEY-10', PLURAL, 'is not a list')]
  const index = value.findIndex((method) => typeof method !== 'string')
  if (index < 0) return []
  const detail = `entry ${index} is not a string`
  return [{ ...warning('member_ignored', 'KEY-10', PLURAL, detail), pointer: `/${PLURAL}/${index}` }]
}

/** Where the client's keys are (KEY-04, KEY-07). */
export function keySourceRule(document: JsonObject): readonly Finding[] {
  const uri = stringMember(document, 'jwks_uri')
  const jwks = document['jwks'] ?? undefined
  if (jwks !== undefined && uri !== undefined) {
    return [{ code: 'keys_ambiguous', rule: 'KEY-04', member: 'jwks', detail: 'stands beside jwks_uri' }]
  }
  if (!needsKey(document) || uri !== undefined || inlineKeys(document).length > 0) return []
  return [warning('keys_missing', 'KEY-07', SINGULAR, 'needs a key, and neither jwks nor jwks_uri has one')]
}

/** Methods whose proof is checked with a key of the document (RFC 7523 section 2.2, RFC 8705 section 2.2.2). */
export const KEYS_IN_DOCUMENT: ReadonlySet<string> = new Set([
  'private_key_jwt',
  'self_signed_tls_client_auth',
])

// By the method declared, or because the plural leaves no other.
function needsKey(document: JsonObject): boolean {
  const singular = stringMember(document, SINGULAR)
  if (singular !== undefined) return KEYS_IN_DOCUMENT.has(singular)
  const plural = pluralMethods(document) ?? []
  return plural.length > 0 && plural.every((method) => KEYS_IN_DOCUMENT.has(method))
}

/** Keys that are published and of no use (KEY-08). */
export function keyFormRule(document: JsonObject): readonly Finding[] {
  const seen = new Set<unknown>()
  return findingsAmong(inlineKeys(document), (key, index) => {
    const twice = key['kid'] !== undefined && seen.has(key['kid'])
    seen.add(key['kid'])
    const flaw = flawOfPublicKey(key) ?? (twice ? 'has the kid of an earlier key' : undefined)
    if (flaw === undefined) return undefined
    return {
      ...warning('key_unusable', 'KEY-08', 'jwks', `key ${index} ${flaw}`),
      pointer: `/jwks/keys/${index}`,
    }
  })
}

function inlineKeys(document: JsonObject): readonly JsonObject[] {
  const jwks = document['jwks']
  const keys = isJsonObject(jwks) ? jwks['keys'] : undefined
  return Array.isArray(keys) ? keys.filter(isJsonObject) : []
}

type KeyWarning =
  | 'member_ignored'
  | 'auth_method_absent'
  | 'auth_method_unlisted'
  | 'keys_missing'
  | 'key_unusable'

function warning(code: KeyWarning, rule: string, member: string, detail: string): Finding {
  return { code, rule, member, detail }
}
