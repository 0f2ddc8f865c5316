import {
  admitVersion,
  type ClientIdUrl,
  classOf,
  describeViolations,
  type FailureCode,
  matchRedirectUri,
  parseClientMetadata,
  REDIRECT_MISMATCHES,
  type Usability,
  usabilityOf,
} from '@cimd/core'
import type { ClientView } from '@cimd/store'
import { failureProblem, type Problem, requestProblem } from './problem.ts'
import type { ReadyBody } from './schemas.ts'

/** What a resolve or a ticket comes to. */
export type Answer =
  | { readonly kind: 'ready'; readonly body: ReadyBody }
  | { readonly kind: 'pending'; readonly ticket: string }
  | { readonly kind: 'problem'; readonly problem: Problem }

export type AnswerOptions = {
  /** Of the tenant: what more than the draft it asks of a client (DOC-13). */
  readonly profile: string
  readonly redirectUri?: string | undefined
  /** Revocation must work for a client that was withdrawn, so any stored version will do. */
  readonly evenUnusable?: boolean
  /** What the attempt that answers a demand reported, if it failed. */
  readonly failure?: { readonly code: FailureCode; readonly detail: string } | undefined
}

/** Answers from the record as it stands at `view.now`. */
export function answerFromView(clientId: ClientIdUrl, view: ClientView, options: AnswerOptions): Answer {
  const usability = usabilityOf(view.standing, view.now)
  if (view.version === undefined || (usability.kind === 'unusable' && !options.evenUnusable)) {
    return { kind: 'problem', problem: unusableProblem(usability, options.failure) }
  }
  // Bytes are judged again where they are read: a fetcher that was taken over gains nothing by writing (ARC-07).
  const parsed = parseClientMetadata(view.version.body, clientId)
  if (!parsed.ok)
    return { kind: 'problem', problem: failureProblem(parsed.code, describeViolations(parsed.violations)) }
  const version = { metadata: parsed.metadata, contentType: view.version.contentType }
  const verdict = admitVersion(version, options.profile)
  if (!verdict.admitted && !options.evenUnusable) {
    const problem = requestProblem('policy_denied', verdict.reason, { oauth_error: 'invalid_client' })
    return { kind: 'problem', problem }
  }
  const { redirectUri } = options
  return {
    kind: 'ready',
    body: {
      status: 'ready',
      client_id: clientId,
      document: parsed.metadata,
      digest: view.version.digest,
      fetched_at: view.version.fetchedAt.toISOString(),
      validated_at: (view.standing.validatedAt ?? view.version.fetchedAt).toISOString(),
      freshness: freshnessBody(usability, view),
      ...(redirectUri !== undefined && { redirect_match: redirectBody(redirectUri, parsed.metadata) }),
    },
  }
}

function unusableProblem(usability: Usability, failure: AnswerOptions['failure']): Problem {
  if (failure !== undefined) return failureProblem(failure.code, detailForCaller(failure))
  const why = usability.kind === 'unusable' ? usability.why : 'unknown'
  if (why === 'unknown') return requestProblem('client_unknown')
  return why === 'expired' ? requestProblem('stale_expired') : failureProblem(why)
}

// What a name resolves to inside our network is for the operator's eyes: anybody can choose the name.
function detailForCaller({ code, detail }: NonNullable<AnswerOptions['failure']>): string | undefined {
  return classOf(code) === 'refused' ? undefined : detail
}

function freshnessBody(usability: Usability, view: ClientView): ReadyBody['freshness'] {
  if (usability.kind === 'fresh') return { state: 'fresh', until: view.standing.freshUntil?.toISOString() }
  if (usability.kind === 'unusable') return { state: 'unusable', why: usability.why }
  const { since, until, why } = usability
  return { state: 'stale', since: since.toISOString(), until: until.toISOString(), why }
}

function redirectBody(
  redirectUri: string,
  metadata: Parameters<typeof matchRedirectUri>[1],
): NonNullable<ReadyBody['redirect_match']> {
  const match = matchRedirectUri(redirectUri, metadata)
  if (match.matched) return match
  const { rule } = REDIRECT_MISMATCHES[match.reason]
  return { ...match, rule }
}
