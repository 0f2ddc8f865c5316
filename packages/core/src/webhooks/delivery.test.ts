import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  DELIVERY_RETRY_SECONDS,
  DELIVERY_SECONDS_MAX,
  type DeliveryFacts,
  ENDPOINT_FAILURES_MAX,
  judgeDelivery,
  judgeVerification,
  PROBE_SECONDS,
  VERIFICATION_SECONDS_MAX,
  WORKING_ENDPOINT,
} from './delivery.ts'

const START = new Date('2026-11-21T00:00:00Z')
const after = (seconds: number): Date => new Date(START.getTime() + seconds * 1000)
const answered = (status: number, retryAfterSeconds?: number) =>
  ({ kind: 'answered', status, retryAfterSeconds }) as const

const judge = (facts: Partial<DeliveryFacts>) =>
  judgeDelivery({
    ...{ outcome: answered(500), triedSince: START, endpoint: WORKING_ENDPOINT, at: START, random: 0 },
    ...facts,
  })
const failing = (failures: number, failingSince = START) => ({
  failures,
  failingSince,
  pausedUntil: undefined,
})

describe('an attempt to deliver', () => {
  it.each([200, 202, 204, 299])('that is answered %i delivers, and the endpoint works again', (status) => {
    expect(judge({ outcome: answered(status), endpoint: failing(9) })).toEqual({
      ...{ delivery: 'delivered', code: undefined, nextAt: START, disabled: undefined },
      endpoint: WORKING_ENDPOINT,
    })
  })

  it.each([100, 199, 300, 301, 400, 404, 429, 500])('that is answered %i is made again', (status) => {
    expect(judge({ outcome: answered(status) })).toMatchObject({
      ...{ delivery: 'waiting', code: 'endpoint_status', nextAt: after(5), disabled: undefined },
      endpoint: { failures: 1, failingSince: START, pausedUntil: undefined },
    })
  })

  it('that found no endpoint is made again, with the code of the way there', () => {
    expect(judge({ outcome: { kind: 'failed', code: 'connect_refused' } })).toMatchObject({
      ...{ delivery: 'waiting', code: 'connect_refused' },
    })
  })

  it('is made again after as long as it has failed so far, an hour at most', () => {
    expect(judge({ at: after(60) }).nextAt).toEqual(after(120))
    expect(judge({ at: after(7200) }).nextAt).toEqual(after(7200 + 3600))
    expect(judge({ at: after(100), random: 0.5 }).nextAt).toEqual(after(205))
  })

  it('is made again when the endpoint asks for it, within our bounds', () => {
    expect(judge({ outcome: answered(429, 90) }).nextAt).toEqual(after(90))
    expect(judge({ outcome: answered(503, 1_000_000) }).nextAt).toEqual(after(3600))
  })

  it('is given up after three days where the endpoint takes others', () => {
    const at = after(DELIVERY_SECONDS_MAX)
    expect(judge({ at, endpoint: WORKING_ENDPOINT })).toMatchObject({
      ...{ delivery: 'dead', code: 'endpoint_status', nextAt: at, disabled: undefined },
    })
    expect(judge({ at: after(DELIVERY_SECONDS_MAX - 1) }).delivery).toBe('waiting')
  })

  it('is not given up while the endpoint takes nothing, also where it did once in these three days', () => {
    const at = after(DELIVERY_SECONDS_MAX)
    const endpoint = failing(ENDPOINT_FAILURES_MAX - 1, after(3600))
    expect(judge({ at, endpoint })).toMatchObject({ delivery: 'waiting', disabled: undefined })
  })
})

describe('an endpoint', () => {
  it('that fails again and again is asked more and more rarely, every five minutes at least', () => {
    const endpoint = failing(ENDPOINT_FAILURES_MAX - 1)
    expect(judge({ endpoint: failing(ENDPOINT_FAILURES_MAX - 2) }).endpoint.pausedUntil).toBeUndefined()
    expect(judge({ endpoint }).endpoint.pausedUntil).toEqual(after(PROBE_SECONDS.min))
    expect(judge({ endpoint, at: after(60) }).endpoint.pausedUntil).toEqual(after(120))
    expect(judge({ endpoint, at: after(7200) }).endpoint.pausedUntil).toEqual(after(7200 + 300))
  })

  it('that took nothing for three days is disabled, and its events wait', () => {
    const facts = { endpoint: failing(100), at: after(DELIVERY_SECONDS_MAX) }
    expect(judge(facts)).toMatchObject({ delivery: 'waiting', disabled: 'endpoint_failing' })
  })

  it('that says it is gone is disabled at once', () => {
    expect(judge({ outcome: answered(410) })).toMatchObject({
      ...{ delivery: 'waiting', code: 'endpoint_gone', disabled: 'endpoint_gone' },
    })
  })

  it('is verified, asked again for an hour, then given up', () => {
    const facts = { verified: false, askedSince: START, random: 0 }
    expect(judgeVerification({ ...facts, verified: true, at: after(1) })).toEqual({ kind: 'verified' })
    expect(judgeVerification({ ...facts, at: after(60) })).toEqual({ kind: 'again', nextAt: after(120) })
    const late = after(VERIFICATION_SECONDS_MAX)
    expect(judgeVerification({ ...facts, at: late })).toEqual({ kind: 'given_up' })
  })
})

it('never waits less than five seconds, nor more than a tenth over an hour, nor gives up an event of an endpoint that fails', () => {
  const outcome = fc.oneof(
    fc.record({ kind: fc.constant('answered' as const), status: fc.integer({ min: 300, max: 599 }) }),
    fc.record({ kind: fc.constant('failed' as const), code: fc.constant('timeout_total') }),
  )
  const seconds = fc.integer({ min: 0, max: 2 * DELIVERY_SECONDS_MAX })
  fc.assert(
    fc.property(
      outcome,
      seconds,
      seconds,
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      (given, tried, failed, random) => {
        const at = after(2 * DELIVERY_SECONDS_MAX)
        const endpoint = failing(3, new Date(at.getTime() - failed * 1000))
        const triedSince = new Date(at.getTime() - tried * 1000)
        const verdict = judge({ outcome: given, at, endpoint, triedSince, random })
        if (verdict.delivery === 'dead') {
          expect(failed).toBeLessThan(DELIVERY_SECONDS_MAX)
          return
        }
        const waitSeconds = (verdict.nextAt.getTime() - at.getTime()) / 1000
        expect(waitSeconds).toBeGreaterThanOrEqual(DELIVERY_RETRY_SECONDS.min)
        expect(waitSeconds).toBeLessThanOrEqual(DELIVERY_RETRY_SECONDS.max * 1.1)
      },
    ),
  )
})
