import {
  type ClientIdUrl,
  type ClientMetadata,
  classOf,
  decisionName,
  type FailureCode,
  matchRedirectUri,
  type PolicyVerdict,
  QUARANTINED,
  quarantineAt,
  REDIRECT_MISMATCHES,
  type Usability,
} from '@cimd/core'
import type { ClientView, StoredVersion } from '@cimd/store'
import { changesBody } from './changes-body.ts'
import { documentUsability, freshnessBody, viewUsability } from './freshness-body.ts'
import { type GivenDocument, givenDocument } from './given-document.ts'
import { linkedBody } from './linked.ts'
import type { NamedPolicy } from './policies.ts'
import { failureProblem, type Problem, policyProblem, quarantineProblem, requestProblem } from './problem.ts'
import type { ReadyBody } from './schemas.ts'

/** What a resolve or a ticket comes to. */
export type Answer =
  | { readonly kind: 'ready'; readonly body: ReadyBody; readonly basis: AnswerBasis }
  | { readonly kind: 'pending'; readonly ticket: string }
  | {
      readonly kind: 'problem'
      readonly problem: Problem
      /** Where a policy has judged a document. */
      readonly basis?: AnswerBasis
      /** Where it refused the client_id, and was asked about nothing else. */
      readonly refusedBy?: Pick<AnswerBasis, 'policy' | 'verdict'>
    }

/** What an answer was made of: for what is told beside it, and never sent itself. */
export type AnswerBasis = {
  readonly clientId: ClientIdUrl
  readonly view: ClientView
  /** What the tenant gets, or would get. */
  readonly metadata: ClientMetadata
  readonly digest: string
  readonly policy: NamedPolicy
  readonly verdict: PolicyVerdict
  /** Something that the client gained waits for approval. */
  readonly isWideningHeld: boolean
  /** It was waited for: whether its own demand or another one had it fetched. */
  readonly answeredBy?: 'fetched' | 'joined'
}

export type AnswerOptions = {
  /** Of the tenant. */
  readonly policy: NamedPolicy
  readonly redirectUri?: string | undefined
  /** Revocation must work for a client that was withdrawn, so any stored version will do. */
  readonly evenUnusable?: boolean
  /** What the attempt that answers a demand reported, if it failed. */
  readonly failure?: { readonly code: FailureCode; readonly detail: string } | undefined
}

/** Answers from the record as it stands at `view.now`. */
export function answerFromView(clientId: ClientIdUrl, view: ClientView, options: AnswerOptions): Answer {
  const { policy, evenUnusable = false } = options
  const usability = viewUsability(view)
  if (view.version === undefined || (usability.kind === 'unusable' && !evenUnusable)) {
    return { kind: 'problem', problem: unusableProblem(view, usability, options.failure) }
  }
  const given = givenDocument(clientId, view, view.version, { policy, evenUnapproved: evenUnusable })
  if (!given.ok) return { kind: 'problem', problem: given.problem }
  const { metadata, digest, verdict } = given
  const isWideningHeld = given.given.held.length > 0
  const basis = { clientId, view, metadata, digest, policy, verdict, isWideningHeld }
  if (verdict.decision !== 'admit' && !evenUnusable) {
    return { kind: 'problem', problem: policyProblem(verdict), basis }
  }
  return { kind: 'ready', basis, body: readyBody({ clientId, view, version: view.version, given }, options) }
}

type Given = {
  readonly clientId: ClientIdUrl
  readonly view: ClientView
  readonly version: StoredVersion
  readonly given: Extract<GivenDocument, { readonly ok: true }>
}

function readyBody(
  { clientId, view, version, given }: Given,
  { policy, evenUnusable, redirectUri }: AnswerOptions,
): ReadyBody {
  const { metadata, digest, effective, underOldRules } = given
  const freshness = view.registration?.isPinned
    ? ({ state: 'fresh' } as const)
    : freshnessBody(documentUsability(view, underOldRules), view.standing)
  return {
    status: 'ready',
    client_id: clientId,
    document: metadata,
    digest,
    ...(effective && { effective }),
    ...policyBody(given, policy),
    ...(view.registration && { registration: view.registration.mode }),
    fetched_at: version.fetchedAt.toISOString(),
    validated_at: (view.standing.validatedAt ?? version.fetchedAt).toISOString(),
    freshness,
    ...linkedBody(view, metadata, freshness),
    // A revocation redirects nobody.
    ...(redirectUri !== undefined &&
      !evenUnusable && { redirect_match: redirectBody(redirectUri, metadata) }),
  }
}

function policyBody(
  { given, verdict }: Given['given'],
  { version, digest }: NamedPolicy,
): Pick<ReadyBody, 'policy' | 'reconsent' | 'scope_limit'> {
  const { reconsent, scopeLimit } = given
  return {
    policy: { version, digest, decision: decisionName(verdict.decision) },
    ...(reconsent.length > 0 && { reconsent: changesBody(reconsent) }),
    ...(scopeLimit && { scope_limit: [...scopeLimit] }),
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
