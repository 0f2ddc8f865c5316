import {
  describeViolations,
  FAILURES,
  type FailureClass,
  type FailureCode,
  overloadPauseSeconds,
  POLICY_REASONS,
  type PolicyProblem,
  type PolicyReason,
  type PolicyVerdict,
  QUARANTINED,
  type Quarantine,
  type QuotaName,
  type Violation,
} from '@cimd/core'

/** Failures of a request rather than of a client, beside the table in core. */
export const REQUEST_PROBLEMS = {
  bad_request: { status: 400, retryable: false, title: 'The request is not well formed.' },
  unauthorized: {
    status: 401,
    retryable: false,
    title: 'The API key is missing, unknown, revoked or has expired.',
  },
  wrong_key_kind: { status: 403, retryable: false, title: 'This is not for a key of this kind.' },
  tenant_unknown: { status: 404, retryable: false, title: 'There is no tenant of that name.' },
  confirmation_required: {
    status: 400,
    retryable: false,
    title: 'Say the name of the tenant once more, as `confirm`: everything of it would be removed, for good.',
  },
  key_unknown: { status: 404, retryable: false, title: 'There is no key with that prefix.' },
  key_ended: { status: 409, retryable: false, title: 'This key cannot be rotated.' },
  keys_exhausted: {
    status: 429,
    retryable: false,
    title: 'This tenant has as many keys that work as it may: revoke one.',
  },
  missing_scope: { status: 403, retryable: false, title: 'The API key lacks a scope.' },
  subject_required: {
    status: 403,
    retryable: false,
    title: 'Only a request on behalf of an authenticated subject may cause a fetch.',
  },
  policy_denied: { status: 403, retryable: false, title: 'The policy does not admit this client.' },
  policy_held: {
    status: 403,
    retryable: false,
    title: 'The policy holds this client until somebody has looked at it.',
  },
  policy_unreadable: {
    status: 503,
    retryable: true,
    title: 'The policy of the tenant cannot be read here, so that nobody is admitted.',
  },
  policy_invalid: { status: 422, retryable: false, title: 'This is no trust policy.' },
  policy_outdated: {
    status: 409,
    retryable: false,
    title: 'Another policy is in force than the one it was to replace.',
  },
  policy_unknown: { status: 404, retryable: false, title: 'There is no such version of the policy.' },
  decision_unknown: { status: 404, retryable: false, title: 'Nobody has approved or refused this client.' },
  registration_unknown: { status: 404, retryable: false, title: 'This client was not registered.' },
  registration_frozen: {
    status: 409,
    retryable: false,
    title: 'This client is registered as frozen: its document is never refreshed.',
  },
  client_unknown: {
    status: 404,
    retryable: false,
    title: 'This client has never been resolved for an authorization.',
  },
  domain_unknown: {
    status: 404,
    retryable: false,
    title: 'You use no client of this domain, or nothing of it was ever valid.',
  },
  owner_changed: {
    status: 409,
    retryable: false,
    title: 'The domain has changed hands again since you looked at it: look once more.',
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
  domain_shared: {
    status: 400,
    retryable: false,
    title: 'Clients of this domain belong to different people: mark them one by one.',
  },
  audit_place_cut: {
    status: 410,
    retryable: false,
    title: 'This place of the audit has been cut off: export it from its beginning.',
  },
  ticket_unknown: { status: 404, retryable: false, title: 'There is no such ticket, or it has expired.' },
  tenant_quota: {
    status: 429,
    retryable: true,
    title: 'This tenant has used up one of its quotas.',
  },
  subject_quota: {
    status: 429,
    retryable: true,
    title: 'This subject has used up a quota of the tenant.',
  },
  tenant_backlog: {
    status: 429,
    retryable: true,
    title: 'Too many first contacts of this tenant wait already.',
  },
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
  /** Why a policy does not admit the client: docs/trust-policy.md. */
  readonly reasons?: readonly PolicyReason[]
  /** What is wrong with a policy, all of it. */
  readonly errors?: readonly PolicyProblem[]
  /** Which quota is used up. */
  readonly quota?: { readonly name: QuotaName; readonly limit: number; readonly window_seconds: number }
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
  extra: Pick<Problem, 'advice' | 'oauth_error' | 'quota' | 'retryAfterSeconds'> = {},
): Problem {
  const { status, retryable, title } = REQUEST_PROBLEMS[code]
  const retry = status === 502 || status === 503 ? { retryAfterSeconds: RETRY_AFTER_SECONDS } : {}
  return { status, code, class: 'request', retryable, title, ...(detail && { detail }), ...retry, ...extra }
}

/** The problem of a client that a policy does not admit: the reasons that decide come first, each with its rule and place. */
export function policyProblem({ decision, reasons }: PolicyVerdict): Problem {
  const [first] = [...reasons].sort((a, b) => Number(a.effect === 'hold') - Number(b.effect === 'hold'))
  const code = decision === 'hold' ? 'policy_held' : 'policy_denied'
  const problem = requestProblem(code, first?.detail, { oauth_error: 'invalid_client' })
  return { ...problem, ...(first && { advice: POLICY_REASONS[first.code].advice }), reasons }
}

/** The problem of a policy that says what makes no sense: every flaw at once, with its place. */
export function invalidPolicyProblem(errors: readonly PolicyProblem[]): Problem {
  const [first] = errors
  const detail = first && `${first.pointer || 'It'} ${first.detail}.`
  return { ...requestProblem('policy_invalid', detail), ...(first && { advice: first.advice }), errors }
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

/** The problem of a quota that is used up until its window ends. */
export function quotaProblem(used: {
  readonly name: QuotaName
  readonly limit: number
  readonly windowSeconds: number
  readonly retryAfterSeconds: number
}): Problem {
  const { name, limit, windowSeconds, retryAfterSeconds } = used
  const code = name === 'subject_contacts_per_hour' ? 'subject_quota' : 'tenant_quota'
  return requestProblem(code, `${name}: ${limit} within ${windowSeconds} s are used up.`, {
    advice:
      'Ask again after Retry-After. Whoever operates the registrar can set another quota for this tenant.',
    quota: { name, limit, window_seconds: windowSeconds },
    oauth_error: 'temporarily_unavailable',
    retryAfterSeconds,
  })
}

/** The problem of a demand that would wait too long behind others of its own tenant; `random` as above. */
export function backlogProblem(
  { inLine, expectedSeconds }: { readonly inLine: number; readonly expectedSeconds: number },
  random: number,
): Problem {
  return requestProblem('tenant_backlog', `${inLine} first contacts of this tenant wait in line.`, {
    advice: 'Nothing was demanded. Ask again after Retry-After, and for fewer new clients at once.',
    oauth_error: 'temporarily_unavailable',
    retryAfterSeconds: overloadPauseSeconds(expectedSeconds, random),
  })
}

/** The problem of a string that is not a client identifier URL: 400, since nothing was asked of anybody. */
export function identifierProblem(code: FailureCode, violations: readonly Violation[]): Problem {
  return { ...failureProblem(code, describeViolations(violations)), status: 400 }
}
