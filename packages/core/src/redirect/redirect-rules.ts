import { stringMember, stringsMember } from '../document/member-types.ts'
import type { FailureCode } from '../failure/failure.ts'
import type { Finding } from '../failure/finding.ts'
import type { WarningCode } from '../failure/warnings.ts'
import { splitUri } from '../identifier/uri.ts'
import type { JsonObject } from '../json/json.ts'
import { judgeRedirectUri, type RedirectUriVerdict } from './redirect-uri.ts'

// Most entries a document may list (RED-09); the longest published list has 10.
const REDIRECT_URIS_MAX = 100

/** What is wrong, or worth saying, about redirect_uris as a whole and entry by entry (RED-04, RED-05, RED-08 to RED-10). */
export function redirectRules(document: JsonObject): readonly Finding[] {
  const uris = stringsMember(document, 'redirect_uris') ?? []
  if (uris.length === 0) return usesRedirects(document) && !hasWrongType(document) ? [missing()] : []
  if (uris.length > REDIRECT_URIS_MAX) {
    return [finding('redirect_uris_too_many', 'RED-09', `there are more than ${REDIRECT_URIS_MAX} entries`)]
  }
  const verdicts = uris.map((uri) => ({ uri, verdict: judgeRedirectUri(uri) }))
  return [
    ...verdicts.flatMap(({ verdict }, index) => violation(verdict, index)),
    ...warnings(document, verdicts),
  ]
}

function usesRedirects(document: JsonObject): boolean {
  const grants = stringsMember(document, 'grant_types') ?? ['authorization_code']
  return grants.includes('authorization_code') || grants.includes('implicit')
}

// Reported as member_type already; "missing" beside it would mislead.
function hasWrongType(document: JsonObject): boolean {
  const value = document['redirect_uris'] ?? []
  return !Array.isArray(value) || value.length > 0
}

function missing(): Finding {
  return finding(
    'redirect_uris_missing',
    'RED-05',
    'a grant that redirects is declared, by default or in words',
  )
}

function violation(verdict: RedirectUriVerdict, index: number): readonly Finding[] {
  if (verdict.kind !== 'refused') return []
  const pointer = `/redirect_uris/${index}`
  return [{ ...finding(verdict.code, verdict.rule, `entry ${index} ${verdict.detail}`), pointer }]
}

type Judged = { readonly uri: string; readonly verdict: RedirectUriVerdict }

function warnings(document: JsonObject, judged: readonly Judged[]): readonly Finding[] {
  const loopbacks = judged.flatMap(({ verdict }) => (verdict.kind === 'loopback' ? [verdict.host] : []))
  const isWeb = stringMember(document, 'application_type') === 'web'
  const undotted = judged.some(({ uri, verdict }) => verdict.kind === 'private_use' && isUndotted(uri))
  return [
    ...(loopbacks.includes('localhost')
      ? [finding('redirect_localhost', 'RED-03', 'localhost is used instead of a loopback literal')]
      : []),
    ...(isWeb && loopbacks.length > 0
      ? [finding('redirect_loopback_web', 'RED-10', 'application_type is web and a redirect is loopback')]
      : []),
    ...(undotted ? [finding('redirect_scheme_undotted', 'RED-08', 'a private-use scheme has no dot')] : []),
  ]
}

function isUndotted(uri: string): boolean {
  return !(splitUri(uri).scheme ?? '').includes('.')
}

function finding(code: FailureCode | WarningCode, rule: string, detail: string): Finding {
  return { code, rule, member: 'redirect_uris', detail }
}
