import { classOf, FAILURES, type FailureCode } from '@cimd/core'
import { describe, expect, it } from 'vitest'
import {
  capacityProblem,
  failureProblem,
  identifierProblem,
  type RequestProblemCode,
  requestProblem,
} from './problem.ts'

const codes = Object.keys(FAILURES) as FailureCode[]

describe('failureProblem', () => {
  it.each<[FailureCode, number]>([
    ['address_blocked', 422],
    ['host_budget', 503],
    ['timeout_response', 502],
    ['quarantined', 503],
    ['redirect', 502],
    ['status_404', 422],
    ['client_id_mismatch', 422],
  ])('answers %s with %d', (code, status) => {
    expect(failureProblem(code).status).toBe(status)
  })

  it.each(codes)('tells of %s what the table says', (code) => {
    expect(failureProblem(code, 'It began with an apology.')).toMatchObject({
      code,
      class: classOf(code),
      retryable: FAILURES[code].retryable,
      title: FAILURES[code].summary,
      detail: 'It began with an apology.',
      advice: FAILURES[code].advice,
      oauth_error: FAILURES[code].oauthError,
    })
  })

  it.each(codes)('says when to ask again for %s exactly if asking again can help', (code) => {
    expect(failureProblem(code).retryAfterSeconds !== undefined).toBe(FAILURES[code].retryable)
  })

  it('prefers the time that the caller knows, and passes the ticket on', () => {
    const extra = { ticket: 'b3b0', retryAfterSeconds: 7 }
    expect(failureProblem('host_budget', undefined, extra)).toMatchObject(extra)
  })

  it.each([undefined, ''])('leaves the detail out when it is %j', (detail) => {
    expect(failureProblem('redirect', detail)).not.toHaveProperty('detail')
  })
})

describe('capacityProblem (CAC-19)', () => {
  it.each([
    ['domain_capacity', 503],
    ['tenant_capacity', 429],
  ] as const)('answers %s with %d, and to ask again in an hour', (code, status) => {
    expect(capacityProblem(code)).toMatchObject({ status, code, class: 'deferred', retryAfterSeconds: 3600 })
  })
})

describe('requestProblem', () => {
  it.each<[RequestProblemCode, number, boolean]>([
    ['bad_request', 400, false],
    ['unauthorized', 401, false],
    ['missing_scope', 403, false],
    ['subject_required', 403, false],
    ['policy_denied', 403, false],
    ['client_unknown', 404, false],
    ['ticket_unknown', 404, false],
    ['not_found', 404, false],
    ['stale_expired', 502, true],
    ['store_unavailable', 503, true],
    ['internal', 500, true],
  ])('answers %s with %d, retryable: %j', (code, status, retryable) => {
    expect(requestProblem(code)).toMatchObject({ status, code, class: 'request', retryable })
  })

  it.each<[RequestProblemCode, boolean]>([
    ['stale_expired', true],
    ['store_unavailable', true],
    ['internal', false],
    ['policy_denied', false],
  ])('of %s names a time to ask again: %j', (code, named) => {
    expect(requestProblem(code).retryAfterSeconds !== undefined).toBe(named)
  })

  it('shares no code with the failures of clients', () => {
    expect(codes).not.toContain(requestProblem('not_found').code)
    expect(codes).not.toContain(requestProblem('policy_denied').code)
  })

  it('adds the detail and what else is known', () => {
    const problem = requestProblem('policy_denied', 'Not here.', { oauth_error: 'invalid_client' })
    expect(problem).toMatchObject({ detail: 'Not here.', oauth_error: 'invalid_client' })
  })
})

describe('identifierProblem', () => {
  it('is the fault of the request, with every violation named', () => {
    const problem = identifierProblem('url_path_missing', [
      { code: 'url_path_missing', rule: 'CID-03', detail: 'no path' },
      { code: 'url_fragment', rule: 'CID-07', detail: 'a fragment' },
    ])
    expect(problem).toMatchObject({
      status: 400,
      code: 'url_path_missing',
      class: 'refused',
      retryable: false,
      detail: 'no path; a fragment',
    })
    expect(problem).not.toHaveProperty('retryAfterSeconds')
  })
})
