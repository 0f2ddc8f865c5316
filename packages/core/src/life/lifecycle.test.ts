import { describe, expect, it } from 'vitest'
import { WITHDRAWAL_GRACE_SECONDS } from '../caching/stale-use.ts'
import type { FailureCode } from '../failure/failure.ts'
import {
  AN_HOUR,
  AN_HOUR_AT_MOST,
  at,
  DAY,
  DIGEST,
  failed,
  HOUR,
  judgeAll,
  judgeLast,
  MINUTE,
  start,
  valid,
} from './attempts.fixture.ts'
import { UNKNOWN_STANDING } from './client-record.ts'
import { judgeAttempt } from './lifecycle.ts'

describe('judgeAttempt of a standing that lost its freshness', () => {
  it('takes an outage for the end of it (CAC-13)', () => {
    const standing = { ...UNKNOWN_STANDING, state: 'valid' as const, digest: DIGEST, staleForbidden: true }
    expect(judgeAttempt(standing, failed('dns_failed'), at(0), 0).standing).toMatchObject({
      freshUntil: at(0),
      usableUntil: at(0),
    })
  })
})

describe('judgeAttempt of a client that is back', () => {
  const gone = { ...UNKNOWN_STANDING, state: 'withdrawn' as const, digest: DIGEST }

  it.each([
    [
      'what it was withdrawn for',
      { withdrawing: { code: 'status_410', since: at(0) } } as const,
      'status_410',
    ],
    [
      'its failure, where that is all there is',
      { failure: { code: 'status_404', since: at(0) } } as const,
      'status_404',
    ],
    ['a withdrawal, where nothing is left', {}, 'status_404'],
  ])('names %s (CAC-14)', (_, more, code) => {
    const { events } = judgeAttempt({ ...gone, ...more }, valid(), at(0), 0)
    expect(events).toMatchObject([{ type: 'client.recovered', data: { code } }])
  })
})

describe('judgeAttempt of a valid answer', () => {
  it('keeps what the origin says of outages, and obeys it (CAC-13)', () => {
    const freshness = { ...AN_HOUR, staleIfErrorSeconds: 1200 }
    const { standing } = judgeLast([0, valid({ freshness })], [HOUR, failed('status_5xx')])
    expect(standing).toMatchObject({ staleIfErrorSeconds: 1200, usableUntil: at(HOUR + 1200) })
  })

  it('begins a new freshness lifetime with both allowances for staleness (CAC-13)', () => {
    expect(judgeLast([0, valid()]).standing).toEqual({
      state: 'valid',
      digest: DIGEST,
      validatedAt: at(0),
      freshUntil: at(HOUR),
      revalidateUntil: at(HOUR + 600),
      staleForbidden: false,
      staleIfErrorSeconds: undefined,
      usableUntil: at(HOUR + DAY),
      failure: undefined,
      withdrawing: undefined,
      retryAt: undefined,
    })
  })

  it('grants no stale use where the origin forbids it (CAC-13)', () => {
    const freshness = { ...AN_HOUR_AT_MOST, staleWhileRevalidateSeconds: 600 }
    const { standing } = judgeLast([0, valid({ freshness })])
    expect(standing).toMatchObject({
      staleForbidden: true,
      revalidateUntil: at(HOUR),
      usableUntil: at(HOUR),
    })
  })

  it('forgets a failure and what the publisher had taken back', () => {
    const { standing } = judgeLast(
      [0, valid()],
      [10, failed('status_404')],
      [20, failed('status_5xx')],
      [30, valid()],
    )
    expect(standing).toEqual(judgeLast([30, valid()]).standing)
  })

  it.each([
    [0, 0.95],
    [0.5, 0.9],
    [0.99, 0.851],
  ])('is refreshed ahead of expiry, spread by jitter %d (ARC-04)', (jitter, share) => {
    const { nextAttemptAt } = judgeAttempt(UNKNOWN_STANDING, valid(), start, jitter)
    expect(nextAttemptAt).toEqual(at(HOUR * share))
  })
})

describe('judgeAttempt of a failure', () => {
  it.each<[FailureCode, number]>([
    ['status_5xx', DAY],
    ['bot_challenge', DAY],
    ['status_forbidden', HOUR],
    ['status_404', 15 * MINUTE],
    ['client_id_mismatch', 15 * MINUTE],
    ['address_blocked', 0],
  ])('of %s leaves the version usable for %d seconds from the first (CAC-13, CAC-14)', (code, seconds) => {
    const { standing } = judgeLast([0, valid()], [100, failed(code)])
    expect(standing.usableUntil).toEqual(at(100 + seconds))
    expect(standing.state).toBe('failing')
  })

  it.each<[FailureCode, number]>([
    ['timeout_connect', HOUR],
    ['redirect', 100],
    ['status_410', 100],
    ['json_invalid', 100],
    ['address_blocked', 100],
  ])('of %s leaves the version fresh until %d: only an outage says nothing (CAC-14)', (code, freshUntil) => {
    const { standing } = judgeLast([0, valid()], [100, failed(code)])
    expect(standing.freshUntil).toEqual(at(freshUntil))
  })

  it('does not make fresh again what had expired', () => {
    const { standing } = judgeLast([0, valid()], [2 * HOUR, failed('status_404')])
    expect(standing.freshUntil).toEqual(at(HOUR))
  })

  it('ends the answering of stale records during a refresh (CHG-08)', () => {
    const { standing } = judgeLast([0, valid()], [HOUR, failed('status_5xx')])
    expect(standing.revalidateUntil).toEqual(at(HOUR))
  })

  it('shortens the use when a graver failure follows, and never lengthens it', () => {
    const [, outage, gone, outageAgain] = judgeAll([
      [0, valid()],
      [100, failed('status_5xx')],
      [200, failed('status_404')],
      [300, failed('status_5xx')],
    ])
    expect(outage?.standing.usableUntil).toEqual(at(100 + DAY))
    expect(gone?.standing.usableUntil).toEqual(at(200 + WITHDRAWAL_GRACE_SECONDS))
    expect(outageAgain?.standing.usableUntil).toEqual(at(200 + WITHDRAWAL_GRACE_SECONDS))
  })

  it.each<FailureCode>(['dns_not_found', 'status_404'])(
    'of %s does not revive a version nobody kept up (CHG-05)',
    (code) => {
      const { standing } = judgeLast([0, valid()], [90 * DAY, failed(code)])
      expect(standing.usableUntil).toEqual(at(HOUR + DAY))
    },
  )

  it('keeps a fresh version usable through an outage where stale use is forbidden (CAC-13)', () => {
    const { standing } = judgeLast([0, valid({ freshness: AN_HOUR_AT_MOST })], [100, failed('status_5xx')])
    expect(standing.usableUntil).toEqual(at(HOUR))
  })

  it('gives no grace where stale use is forbidden (CAC-13)', () => {
    const { standing } = judgeLast([0, valid({ freshness: AN_HOUR_AT_MOST })], [100, failed('status_404')])
    expect(standing.usableUntil).toEqual(at(100))
  })

  it('names the newest failure and the first of its run', () => {
    const { standing } = judgeLast([0, valid()], [100, failed('status_5xx')], [200, failed('redirect')])
    expect(standing.failure).toEqual({ code: 'redirect', since: at(100) })
  })

  it('of a client that was never valid leaves it to the next demand (CAC-04)', () => {
    const judgement = judgeLast([0, failed('status_404')], [5000, failed('json_invalid')])
    expect(judgement).toEqual({
      standing: { ...UNKNOWN_STANDING, failure: { code: 'json_invalid', since: at(0) } },
      nextAttemptAt: undefined,
      events: [],
    })
  })
})
