import { effectiveGrantTypes } from '../document/defaults.ts'
import { stringMember } from '../document/member-types.ts'
import type { FailureCode } from '../failure/failure.ts'
import type { Finding } from '../failure/finding.ts'
import type { WarningCode } from '../failure/warnings.ts'
import type { JsonObject, JsonValue } from '../json/json.ts'
import { judgeRedirectUri, type RedirectUriVerdict } from './redirect-uri.ts'

// Most entries a document may list (RED-09); the longest published list has 10.
const REDIRECT_URIS_MAX = 100

/** What is wrong, or worth saying, about redirect_uris as a whole and entry by entry (RED-04, RED-05, RED-08 to RED-10). */
export function redirectRules(document: JsonObject): readonly Finding[] {
  const listed = document['redirect_uris'] ?? []
  // Reported as member_type already; "missing" beside it would mislead.
  if (!Array.isArray(listed)) return []
  if (listed.length === 0) return usesRedirects(document) ? [missing()] : []
  if (listed.length > REDIRECT_URIS_MAX) {
    return [finding('redirect_uris_too_many', 'RED-09', `there are more than ${REDIRECT_URIS_MAX} entries`)]
  }
  const judged = listed.flatMap(judgeEntry)
  return [...judged.flatMap(violation), ...warnings(document, judged)]
}

function usesRedirects(document: JsonObject): boolean {
  const grants = effectiveGrantTypes(document)
  return grants.includes('authorization_code') || grants.includes('implicit')
}

function missing(): Finding {
  return finding(
    'redirect_uris_missing',
    'RED-05',
    'a grant that redirects is declared, by default or in words',
  )
}

type Judged = { readonly uri: string; readonly index: number; readonly verdict: RedirectUriVerdict }

// An item of another type is reported as such, and keeps its place.
function judgeEntry(uri: JsonValue, index: number): readonly Judged[] {
  return typeof uri === 'string' ? [{ uri, index, verdict: judgeRedirectUri(uri) }] : []
}

function violation({ verdict, index }: Judged): readonly Finding[] {
  return verdict.kind === 'refused' ? [entryFinding(index, verdict)] : []
}

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
  return ADVICE.flatMap((advice) => {
    const first = judged.find((entry) => advice.concerns(entry, document))
    return first === undefined ? [] : [entryFinding(first.index, advice)]
  })
}

function isWeb(document: JsonObject): boolean {
  return stringMember(document, 'application_type') === 'web'
}

type Observed = {
  readonly code: FailureCode | WarningCode
  readonly rule: string
  readonly detail: string
}

function entryFinding(index: number, { code, rule, detail }: Observed): Finding {
  return { ...finding(code, rule, `entry ${index} ${detail}`), pointer: `/redirect_uris/${index}` }
}

function finding(code: FailureCode | WarningCode, rule: string, detail: string): Finding {
  return { code, rule, member: 'redirect_uris', detail }
}
