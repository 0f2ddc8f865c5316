import {
  describeViolations,
  FAILURES,
  type FailureClass,
  type FailureCode,
  overloadPauseSeconds,
  QUARANTINED,
  type Quarantine,
  type Violation,
} from '@cimd/core'

/** Failures of a request rather than of a client, beside the table in core. */
export const REQUEST_PROBLEMS = {
  bad_request: { status: 400, retryable: false, title: 'The request is not well formed.' },
  unauthorized: { status: 401, retryable: false, title: 'The API key is missing or unknown.' },
  missing_scope: { status: 403, retryable: false, title: 'The API key lacks a scope.' },
  subject_required: {
    status: 403,
    retryable: false,
    title: 'Only a request on behalf of an authenticated subject may cause a fetch.',
  },
  policy_denied: { status: 403, retryable: false, title: 'The policy does not admit this client.' },
  client_unknown: {
    status: 404,
    retryable: false,
    title: 'This client has never been resolved for an authorization.',
  },
  version_unknown: {
    status: 404,
    retryable: false,
    title: 'There is no such version of this client, or it is no longer kept.',
  },
  approval_void: {
    status: 403,
    retryable: false,
    title: 'The approved version does not obey the present rules: approve another.',
  },
  keys_unpublished: { status: 404, retryable: false, title: 'The document of this client names no keys.' },
  keys_refresh_limited: {
    status: 429,
    retryable: true,
    title: 'The keys of this client were fetched less than a minute ago.',
  },
  event_streams_exhausted: {
    status: 429,
    retryable: true,
    title: 'This tenant has as many streams of events open here as it may: close one, or poll.',
  },
  subscription_unknown: { status: 404, retryable: false, title: 'There is no such subscription.' },
  subscriptions_exhausted: {
    status: 429,
    retryable: false,
    title: 'This tenant has as many subscriptions as it may: remove one.',
  },
  webhook_url_refused: { status: 400, retryable: false, title: 'Events cannot be sent to this URL.' },
  ticket_unknown: { status: 404, retryable: false, title: 'There is no such ticket, or it has expired.' },
  not_found: { status: 404, retryable: false, title: 'There is no such resource.' },
  stale_expired: { status: 502, retryable: true, title: 'The stored document is too old to be used.' },
  store_unavailable: { status: 503, retryable: true, title: 'The store does not answer.' },
  internal: { status: 500, retryable: true, title: 'Something unexpected happened here.' },
} as const satisfies Record<string, { status: number; retryable: boolean; title: string }>

export type RequestProblemCode = keyof typeof REQUEST_PROBLEMS

/** An RFC 9457 problem. `status` and `retryAfterSeconds` become the status and `Retry-After` of the response. */
export type Problem = {
  readonly status: number
  readonly code: FailureCode | RequestProblemCode
  readonly class: FailureClass | 'request'
  readonly retryable: boolean
  readonly title: string
  readonly detail?: string
  readonly advice?: string
  /** What the authorization server may answer its own client with. */
  readonly oauth_error?: string
  readonly ticket?: string
  readonly retryAfterSeconds?: number
}

const STATUS_OF_CLASS: Record<FailureClass, number> = {
  refused: 422,
  deferred: 503,
  unreachable: 502,
  ambiguous: 502,
  withdrawn: 422,
  rejected: 422,
}

/** When to ask again if nothing better is known. */
const RETRY_AFTER_SECONDS = 30

/** Room comes as clients are forgotten, which takes a day at least. */
const CAPACITY_RETRY_AFTER_SECONDS = 3600

/** The problem of a request that could not be served. */
export function requestProblem(
  code: RequestProblemCode,
  detail?: string,
  extra: { readonly oauth_error?: string; readonly retryAfterSeconds?: number } = {},
): Problem {
  const { status, retryable, title } = REQUEST_PROBLEMS[code]
  const retry = status === 502 || status === 503 ? { retryAfterSeconds: RETRY_AFTER_SECONDS } : {}
  return { status, code, class: 'request', retryable, title, ...(detail && { detail }), ...retry, ...extra }
}

/** The problem of a client that cannot be used, from its failure code. */
export function failureProblem(
  code: FailureCode,
  detail?: string,
  extra: { readonly ticket?: string; readonly retryAfterSeconds?: number } = {},
): Problem {
  const facts = FAILURES[code]
  // It is we who do not ask.
  const status = code === QUARANTINED ? 503 : STATUS_OF_CLASS[facts.class]
  return {
    status,
    code,
    class: facts.class,
    retryable: facts.retryable,
    title: facts.summary,
    ...(detail && { detail }),
    advice: facts.advice,
    oauth_error: facts.oauthError,
    ...((status === 502 || status === 503) && { retryAfterSeconds: RETRY_AFTER_SECONDS }),
    ...extra,
  }
}

/** The problem of a client that is left alone, with nothing of it that may be used; it is tried again when that is over. */
export function quarantineProblem(quarantine: Quarantine, now: Date, detail?: string): Problem {
  return failureProblem(QUARANTINED, detail, { retryAfterSeconds: retrySeconds(quarantine, now) })
}

/** Seconds until what waits is over, one at least. */
export function retrySeconds({ until }: { readonly until: Date }, now: Date): number {
  return Math.max(1, Math.ceil((until.getTime() - now.getTime()) / 1000))
}

/** The problem of a first use for which there is no room: 429 where the tenant's own clients fill it (CAC-19). */
export function capacityProblem(code: 'domain_capacity' | 'tenant_capacity'): Problem {
  const problem = failureProblem(code, undefined, { retryAfterSeconds: CAPACITY_RETRY_AFTER_SECONDS })
  return { ...problem, status: code === 'tenant_capacity' ? 429 : problem.status }
}

/** The problem of a demand that would wait too long; `random` (0 to 1) keeps those refused from returning at once. */
export function overloadProblem(expectedSeconds: number, random: number): Problem {
  const retryAfterSeconds = overloadPauseSeconds(expectedSeconds, random)
  return failureProblem('overloaded', undefined, { retryAfterSeconds })
}

/** The problem of a string that is not a client identifier URL: 400, since nothing was asked of anybody. */
export function identifierProblem(code: FailureCode, violations: readonly Violation[]): Problem {
  return { ...failureProblem(code, describeViolations(violations)), status: 400 }
}
