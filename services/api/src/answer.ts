import {
  admitVersion,
  type ClientIdUrl,
  classOf,
  type FailureCode,
  matchRedirectUri,
  QUARANTINED,
  quarantineAt,
  REDIRECT_MISMATCHES,
  type Usability,
  usabilityOf,
} from '@cimd/core'
import type { ClientView } from '@cimd/store'
import { documentUsability, freshnessBody } from './freshness-body.ts'
import { givenDocument } from './given-document.ts'
import { linkedBody } from './linked.ts'
import { failureProblem, type Problem, quarantineProblem, requestProblem } from './problem.ts'
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
  const usability = usabilityOf(view.standing, view.now, view.terms)
  if (view.version === undefined || (usability.kind === 'unusable' && !options.evenUnusable)) {
    return { kind: 'problem', problem: unusableProblem(view, usability, options.failure) }
  }
  const given = givenDocument(clientId, view, view.version, { evenUnapproved: options.evenUnusable })
  if (!given.ok) return { kind: 'problem', problem: given.problem }
  const { metadata, digest, effective, underOldRules } = given
  const version = { metadata, contentType: view.version.contentType }
  const verdict = admitVersion(version, options.profile)
  if (!verdict.admitted && !options.evenUnusable) {
    const problem = requestProblem('policy_denied', verdict.reason, { oauth_error: 'invalid_client' })
    return { kind: 'problem', problem }
  }
  // A revocation redirects nobody.
  const redirectUri = options.evenUnusable ? undefined : options.redirectUri
  const freshness = freshnessBody(documentUsability(view, underOldRules), view.standing)
  return {
    kind: 'ready',
    body: {
      status: 'ready',
      client_id: clientId,
      document: metadata,
      digest,
      ...(effective && { effective }),
      fetched_at: view.version.fetchedAt.toISOString(),
      validated_at: (view.standing.validatedAt ?? view.version.fetchedAt).toISOString(),
      freshness,
      ...linkedBody(view, metadata, freshness),
      ...(redirectUri !== undefined && { redirect_match: redirectBody(redirectUri, metadata) }),
    },
  }
}

function unusableProblem(view: ClientView, usability: Usability, failure: AnswerOptions['failure']): Problem {
  const why = failure?.code ?? (usability.kind === 'unusable' ? usability.why : 'unknown')
  if (why === 'unknown') return requestProblem('client_unknown')
  if (why === 'expired') return requestProblem('stale_expired')
  const detail = failure && detailForCaller(failure)
  const quarantine = why === QUARANTINED ? quarantineAt(view.standing, view.now) : undefined
  return quarantine ? quarantineProblem(quarantine, view.now, detail) : failureProblem(why, detail)
}

// What a name resolves to inside our network is for the operator's eyes: anybody can choose the name.
function detailForCaller({ code, detail }: NonNullable<AnswerOptions['failure']>): string | undefined {
  return classOf(code) === 'refused' ? undefined : detail
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
