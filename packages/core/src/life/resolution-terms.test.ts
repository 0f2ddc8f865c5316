import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FailureCode } from '../failure/failure.ts'
import { AN_HOUR_AT_MOST, at, DAY, failed, HOUR, judgeLast, MINUTE, valid } from './attempts.fixture.ts'
import { planResolve, type StaleLimits, type UseTerms, usabilityOf } from './resolution.ts'

const failing = (code: FailureCode) => judgeLast([0, valid()], [100, failed(code)]).standing
const untilOf = (standing: ReturnType<typeof failing>, seconds: number, terms: UseTerms) => {
  const usability = usabilityOf(standing, at(seconds), terms)
  return usability.kind === 'stale' ? usability.until : usability.kind
}
const brake = { heldFrom: at(0) }

describe('usabilityOf where a tenant wants less stale use (CAC-13)', () => {
  it.each<[FailureCode, StaleLimits, number]>([
    ['status_forbidden', { ambiguous: 10 * MINUTE }, 100 + 10 * MINUTE],
    ['status_404', { withdrawn: MINUTE }, 100 + MINUTE],
    ['json_invalid', { rejected: MINUTE }, 100 + MINUTE],
  ])('ends that of %s by the limit of its class', (code, staleLimits, seconds) => {
    expect(untilOf(failing(code), 101, { staleLimits })).toEqual(at(seconds))
    expect(usabilityOf(failing(code), at(seconds), { staleLimits }).kind).toBe('unusable')
  })

  it.each<[FailureCode, StaleLimits]>([
    ['status_404', { unreachable: 0 }],
    ['json_invalid', { ambiguous: 0, rejected: DAY }],
    ['redirect', { unreachable: 0 }],
  ])('does not let %s revive what a limit of a milder class has ended', (code, staleLimits) => {
    expect(untilOf(failing(code), 101, { staleLimits })).toBe('unusable')
  })

  it('counts from the first failure of an outage', () => {
    const standing = judgeLast(
      [0, valid()],
      [100, failed('status_5xx')],
      [HOUR, failed('timeout_dns')],
    ).standing
    expect(untilOf(standing, HOUR, { staleLimits: { unreachable: 2 * HOUR } })).toEqual(at(100 + 2 * HOUR))
  })

  it('counts the word of the publisher from when it was first heard, whatever failed before and since', () => {
    const { standing } = judgeLast(
      ...[[0, valid()] as const, [50, failed('status_5xx')] as const],
      ...[[100, failed('status_404')] as const, [200, failed('status_5xx')] as const],
    )
    expect(untilOf(standing, 300, { staleLimits: { withdrawn: 300, unreachable: HOUR } })).toEqual(at(400))
  })

  it('bounds what is merely expired like an outage, from the end of its lifetime', () => {
    const { standing } = judgeLast([0, valid()])
    expect(untilOf(standing, HOUR, { staleLimits: { unreachable: 60 } })).toEqual(at(HOUR + 60))
  })

  it.each<[string, FailureCode, StaleLimits]>([
    ['of a graver class', 'status_404', { rejected: 0 }],
    ['that allows more', 'status_404', { withdrawn: DAY }],
  ])('is moved by no limit %s', (_, code, staleLimits) => {
    expect(untilOf(failing(code), 101, { staleLimits })).toEqual(at(100 + 15 * MINUTE))
  })

  it('leaves what is fresh alone', () => {
    const staleLimits = { unreachable: 0, ambiguous: 0, withdrawn: 0, rejected: 0 }
    expect(usabilityOf(failing('status_5xx'), at(200), { staleLimits }).kind).toBe('fresh')
  })

  it.each<[string, ReturnType<typeof failing>]>([
    ['a refusal, which nobody may use', failing('address_blocked')],
    ['a standing without any instant', { ...failing('status_404'), usableUntil: undefined }],
    [
      'a standing of which nothing says since when',
      {
        ...failing('status_404'),
        withdrawing: undefined,
        failure: undefined,
        freshUntil: undefined,
        usableUntil: at(100),
      },
    ],
  ])('finds nothing to tighten in %s', (_, standing) => {
    const staleLimits = { unreachable: DAY, withdrawn: DAY }
    expect(usabilityOf(standing, at(101), { staleLimits }).kind).toBe('unusable')
  })

  it('never allows more than without a limit', () => {
    const seconds = fc.option(fc.nat(2 * DAY), { nil: undefined })
    const limits = fc.record({
      unreachable: seconds,
      ambiguous: seconds,
      withdrawn: seconds,
      rejected: seconds,
    })
    const code = fc.constantFrom<FailureCode>(
      'status_5xx',
      'redirect',
      'status_404',
      'json_invalid',
      'address_blocked',
    )
    fc.assert(
      fc.property(limits, code, fc.nat(2 * DAY), (given, failure, instant) => {
        const staleLimits = Object.fromEntries(
          Object.entries(given).filter(([, limit]) => limit !== undefined),
        )
        const [loose, tight] = [{}, { staleLimits }].map(
          (terms) => usabilityOf(failing(failure), at(instant), terms).kind !== 'unusable',
        )
        if (tight) expect(loose).toBe(true)
      }),
    )
  })
})

describe('usabilityOf while the brake is engaged', () => {
  it.each<FailureCode>(['status_404', 'json_invalid', 'address_blocked'])(
    'keeps a client in use for a day that %s would end, and says why',
    (code) => {
      const held = usabilityOf(failing(code), at(2 * HOUR), { brake })
      expect(held).toEqual({ kind: 'stale', since: at(100), until: at(100 + DAY), why: code })
      expect(usabilityOf(failing(code), at(100 + DAY), { brake })).toEqual({ kind: 'unusable', why: code })
    },
  )

  it('keeps one that is withdrawn already, though it was said to be fresh for longer', () => {
    const { standing } = judgeLast([0, valid()], [100, failed('status_404')], [1000, failed('status_404')])
    expect(usabilityOf({ ...standing, freshUntil: at(DAY) }, at(2000), { brake }).kind).toBe('stale')
  })

  it('keeps it against what its origin allows', () => {
    const { standing } = judgeLast([0, valid({ freshness: AN_HOUR_AT_MOST })], [100, failed('status_404')])
    expect(untilOf(standing, HOUR, { brake })).toEqual(at(100 + DAY))
  })

  it.each<[FailureCode, StaleLimits, number]>([
    ['status_404', { withdrawn: 2 * HOUR }, 100 + 2 * HOUR],
    ['status_404', { unreachable: 3 * HOUR }, 100 + 3 * HOUR],
    ['status_404', { withdrawn: 2 * DAY, rejected: 0 }, 100 + DAY],
    ['address_blocked', { ambiguous: 2 * HOUR, rejected: 3 * HOUR }, 100 + 2 * HOUR],
  ])(
    'keeps one that %s would end no longer than its tenant wants: %j (CAC-13)',
    (code, staleLimits, seconds) => {
      const terms = { brake, staleLimits }
      expect(untilOf(failing(code), HOUR, terms)).toEqual(at(seconds))
      expect(usabilityOf(failing(code), at(seconds), terms)).toEqual({ kind: 'unusable', why: code })
    },
  )

  it('keeps it for nobody who wants no stale use at all (CAC-13)', () => {
    const staleLimits = { unreachable: 0, ambiguous: 0, withdrawn: 0, rejected: 0 }
    for (const code of ['status_404', 'json_invalid', 'address_blocked'] as const)
      expect(untilOf(failing(code), 100, { brake, staleLimits })).toBe('unusable')
  })

  it('has a login ask again for what it holds, and answers it', () => {
    const request = { purpose: 'authorize', mayDemand: true, known: true } as const
    const plan = planResolve(failing('address_blocked'), request, at(HOUR), { brake })
    expect(plan).toEqual({ kind: 'demand' })
    const silent = planResolve(failing('status_404'), { ...request, mayDemand: false }, at(HOUR), { brake })
    expect(silent).toEqual({ kind: 'answer', refresh: false })
  })
})
