import { effectiveGrantTypes } from '../document/defaults.ts'
import { stringMember, stringsMember } from '../document/member-types.ts'
import type { FailureCode } from '../failure/failure.ts'
import type { Finding } from '../failure/finding.ts'
import type { WarningCode } from '../failure/warnings.ts'
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
  const grants = effectiveGrantTypes(document)
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

/** What of an accepted entry a publisher may want to mend. */
const ADVICE: readonly {
  readonly code: WarningCode
  readonly rule: string
  readonly detail: string
  readonly concerns: (entry: Judged, document: JsonObject) => boolean
}[] = [
  {
    code: 'redirect_localhost',
    rule: 'RED-03',
    detail: 'uses localhost instead of a loopback literal',
    concerns: ({ verdict }) => verdict.kind === 'loopback' && verdict.host === 'localhost',
  },
  {
    code: 'redirect_loopback_web',
    rule: 'RED-10',
    detail: 'is loopback, and application_type is web',
    concerns: ({ verdict }, document) => verdict.kind === 'loopback' && isWeb(document),
  },
  {
    code: 'redirect_private_use_web',
    rule: 'RED-10',
    detail: 'has a private-use scheme, and application_type is web',
    concerns: ({ verdict }, document) => verdict.kind === 'private_use' && isWeb(document),
  },
  {
    code: 'redirect_scheme_undotted',
    rule: 'RED-08',
    detail: 'has a private-use scheme without a dot',
    concerns: ({ uri, verdict }) => verdict.kind === 'private_use' && !/^[^:]*\./.test(uri),
  },
  {
    code: 'redirect_userinfo',
    rule: 'RED-04',
    detail: 'has a userinfo component',
    concerns: ({ uri, verdict }) => verdict.kind === 'https' && /^https:\/\/[^/?]*@/i.test(uri),
  },
]

// Once for each kind of advice, at the first entry that it concerns.
function warnings(document: JsonObject, judged: readonly Judged[]): readonly Finding[] {
  return ADVICE.flatMap(({ code, rule, detail, concerns }) => {
    const index = judged.findIndex((entry) => concerns(entry, document))
    if (index < 0) return []
    return [{ ...finding(code, rule, `entry ${index} ${detail}`), pointer: `/redirect_uris/${index}` }]
  })
}

function isWeb(document: JsonObject): boolean {
  return stringMember(document, 'application_type') === 'web'
}

function finding(code: FailureCode | WarningCode, rule: string, detail: string): Finding {
  return { code, rule, member: 'redirect_uris', detail }
}
