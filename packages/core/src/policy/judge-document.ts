import { chooseAuthMethod } from '../capabilities/auth-method.ts'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { effectiveGrantTypes } from '../document/defaults.ts'
import { judgeProfile } from '../document/judge-profile.ts'
import { stringMember } from '../document/member-types.ts'
import type { Warning } from '../failure/finding.ts'
import type { ClientIdUrl } from '../identifier/client-id-url.ts'
import { classifyContentType } from '../response/content-type.ts'
import { judgeRedirects } from './judge-redirects.ts'
import type { TrustPolicy } from './policy-schema.ts'
import { type PolicyReason, type PolicyVerdict, refusal, verdictOf } from './policy-verdict.ts'

/** A valid document as a policy is asked about it. */
export type PolicyDocument = {
  readonly clientId: ClientIdUrl
  readonly metadata: ClientMetadata
  /** The Content-Type; leave it out where the document was not fetched. */
  readonly contentType?: string | undefined
  /** What was found when the document was judged. */
  readonly warnings: readonly Warning[]
  /** The tenant has approved what it gets, and the approval has not run out: then nothing holds it. */
  readonly approved: boolean
  /** The domain has changed hands, as it seems, and the tenant has not accepted its present owner (CHG-05). */
  readonly ownerUnaccepted?: boolean | undefined
}

/**
 * The second step of a policy, on a valid document (POL-01, POL-05, DOC-11, DOC-13, FET-08, RED-06, KEY-05): every reason
 * against it, in the order of the members of a policy. What is held waits for an approval; what is refused is refused
 * even so. A change of owner waits for the acceptance of that one alone (CHG-05): what was approved of the former owner's
 * document says nothing of the same bytes in other hands. It says nothing of what changes: see `givenByPolicy`.
 */
export function judgeDocument(policy: TrustPolicy, document: PolicyDocument): PolicyVerdict {
  return verdictOf([
    ...[
      ...judgeContentType(policy, document),
      ...judgeByProfile(policy, document),
      ...judgeAuthMethods(policy, document),
      ...judgeRedirects(policy, document),
      ...judgeKeySource(policy, document),
      ...judgeGrantTypes(policy, document),
      ...judgeWarnings(policy, document),
      ...judgeReview(policy),
    ].filter(({ effect }) => effect === 'refuse' || !document.approved),
    ...judgeOwner(policy, document),
  ])
}

function judgeContentType(
  { text_plain: asText }: TrustPolicy,
  { contentType }: PolicyDocument,
): readonly PolicyReason[] {
  if (asText === 'allow' || contentType === undefined) return []
  if (classifyContentType(contentType) !== 'text') return []
  return [refusal('content_type_text', '/text_plain', 'The document is served as text/plain.')]
}

function judgeByProfile({ profile }: TrustPolicy, document: PolicyDocument): readonly PolicyReason[] {
  return judgeProfile(profile, document).map(({ code, rule, member, pointer, detail }) => ({
    ...refusal(code, '/profile', `${member ?? 'The document'} ${detail} (profile ${profile}).`),
    rule,
    ...(member !== undefined && { member }),
    ...(pointer !== undefined && { pointer }),
  }))
}

function judgeAuthMethods(
  { auth_methods: methods }: TrustPolicy,
  { metadata }: PolicyDocument,
): readonly PolicyReason[] {
  if (methods === null || chooseAuthMethod(metadata, methods).ok) return []
  const detail = `The client can use none of ${methods.join(', ')}.`
  return [refusal('auth_method_refused', '/auth_methods', detail, { member: 'token_endpoint_auth_method' })]
}

function judgeKeySource(
  policy: TrustPolicy,
  { clientId, metadata }: PolicyDocument,
): readonly PolicyReason[] {
  const member = 'jwks_uri'
  const uri = stringMember(metadata, member)
  if (policy.cross_host_jwks_uri === 'allow' || uri === undefined) return []
  const { hostname } = new URL(clientId)
  if (URL.parse(uri)?.hostname === hostname) return []
  const detail = `jwks_uri is not on ${hostname}.`
  return [refusal('jwks_uri_cross_host', '/cross_host_jwks_uri', detail, { member })]
}

function judgeGrantTypes(
  { grant_types: permitted }: TrustPolicy,
  { metadata }: PolicyDocument,
): readonly PolicyReason[] {
  const asked = effectiveGrantTypes(metadata)
  if (permitted === null || asked.some((grant) => permitted.includes(grant))) return []
  const detail = `None of the grant types asked for is one of ${permitted.join(', ')}.`
  return [refusal('grant_types_none_left', '/grant_types', detail, { member: 'grant_types' })]
}

function judgeWarnings({ warnings }: TrustPolicy, document: PolicyDocument): readonly PolicyReason[] {
  return document.warnings.flatMap(({ code, member, pointer, detail }) => {
    const effect = Object.hasOwn(warnings, code) ? warnings[code] : undefined
    if (effect === undefined) return []
    const place = { ...(member !== undefined && { member }), ...(pointer !== undefined && { pointer }) }
    const text = `${member ?? 'The document'}: ${detail} (warning ${code}).`
    return [{ ...refusal('document_warning', `/warnings/${code}`, text, place), effect }]
  })
}

function judgeReview({ mode }: TrustPolicy): readonly PolicyReason[] {
  if (mode !== 'review') return []
  return [{ ...refusal('review_pending', '/mode', 'The document waits for a review.'), effect: 'hold' }]
}

function judgeOwner(
  { ownership_change: effect }: TrustPolicy,
  { clientId, ownerUnaccepted }: PolicyDocument,
): readonly PolicyReason[] {
  if (effect !== 'hold' || ownerUnaccepted !== true) return []
  const detail = `The domain of ${new URL(clientId).hostname} may have changed hands.`
  return [{ ...refusal('ownership_changed', '/ownership_change', detail), effect }]
}
