import { describe, expect, it } from 'vitest'
import { classOf, FAILURES, type FailureClass, type FailureCode, isFailureCode } from './failure.ts'

const codes = Object.keys(FAILURES) as FailureCode[]

describe('FAILURES', () => {
  it.each(codes)('gives %s a lower-case code, a one-line summary and advice (ARC-09)', (code) => {
    expect(code).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/)
    expect(FAILURES[code].summary).toMatch(/^[A-Z].{10,110}\.$/)
    expect(FAILURES[code].advice).toMatch(/^[A-Z].{10,110}\.$/)
  })

  it('has one summary for each code, so that none can be taken for another', () => {
    expect(new Set(codes.map((code) => FAILURES[code].summary)).size).toBe(codes.length)
  })

  it.each<[FailureClass, boolean, string]>([
    ['refused', false, 'invalid_client'],
    ['deferred', true, 'temporarily_unavailable'],
    ['unreachable', true, 'temporarily_unavailable'],
    ['ambiguous', true, 'invalid_client'],
    ['withdrawn', false, 'invalid_client'],
    ['rejected', false, 'invalid_client'],
  ])(
    'says of %s whether asking again can help, and what the client is told',
    (given, retryable, oauthError) => {
      const facts = codes.filter((code) => classOf(code) === given).map((code) => FAILURES[code])
      expect(facts.length).toBeGreaterThan(0)
      for (const fact of facts) expect(fact).toMatchObject({ retryable, oauthError })
    },
  )
})

describe('classOf (CAC-14)', () => {
  it.each<[FailureClass, FailureCode[]]>([
    ['withdrawn', ['status_404', 'status_410']],
    [
      'deferred',
      ['host_budget', 'domain_budget', 'fleet_budget', 'domain_capacity', 'tenant_capacity', 'overloaded'],
    ],
    ['ambiguous', ['redirect', 'status_forbidden', 'html_page']],
  ])('takes only these for %s: %j', (given, expected) => {
    expect(codes.filter((code) => classOf(code) === given)).toEqual(expected)
  })

  it('takes no fault of the network, and no error of the server, for the word of the publisher', () => {
    const faults = codes.filter((code) =>
      /^(dns|connect|tls|timeout|response)_|^status_(5xx|429|not_handled)$/.test(code),
    )
    expect(faults.length).toBeGreaterThan(10)
    for (const code of [...faults, 'bot_challenge' as const]) expect(classOf(code)).toBe('unreachable')
  })

  it('takes everything wrong with the document itself for a rejection', () => {
    const document =
      /^(json|client_id|redirect_uri|redirect_uris|member|encoding|content|duplicate)_|private_key/
    const faults = codes.filter((code) => document.test(code))
    expect(faults.length).toBeGreaterThan(10)
    for (const code of faults) expect(classOf(code)).toBe('rejected')
  })
})

describe('isFailureCode', () => {
  it.each(['constructor', 'toString', '__proto__', '', 'STATUS_404', 'policy_denied'])(
    'does not know %j',
    (code) => {
      expect(isFailureCode(code)).toBe(false)
    },
  )

  it('knows the codes of the table', () => {
    expect(codes.every(isFailureCode)).toBe(true)
  })
})
