import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Freshness } from '../caching/freshness.ts'
import { WITHDRAWAL_GRACE_SECONDS } from '../caching/stale-use.ts'
import type { MemberChange } from '../changes/member-change.ts'
import { classOf, FAILURES, type FailureCode } from '../failure/failure.ts'
import { type ClientStanding, UNKNOWN_STANDING } from './client-record.ts'
import { type AttemptOutcome, type Judgement, judgeAttempt } from './lifecycle.ts'
import { usabilityOf } from './resolution.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const [DIGEST, OTHER_DIGEST] = ['a'.repeat(64), 'b'.repeat(64)]
const anHour: Freshness = {
  freshForSeconds: HOUR,
  staleWhileRevalidateSeconds: 600,
  staleIfErrorSeconds: undefined,
  staleForbidden: false,
}
const anHourAtMost: Freshness = { ...anHour, staleWhileRevalidateSeconds: 0, staleForbidden: true }
const renamed: MemberChange = { member: 'client_name', class: 'display', before: 'A', after: 'B' }
const commented: MemberChange = { member: '_comment', class: 'cosmetic', before: undefined, after: 'x' }

const start = new Date('2026-11-20T12:00:00Z')
const at = (seconds: number) => new Date(start.getTime() + seconds * 1000)
const valid = (given: Partial<Extract<AttemptOutcome, { kind: 'valid' }>> = {}): AttemptOutcome => ({
  ...{ kind: 'valid', digest: DIGEST, freshness: anHour, changes: [] },
  ...given,
})
const failed = (code: FailureCode, retryAfterSeconds?: number): AttemptOutcome => ({
  ...{ kind: 'failed', code },
  ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
})

/** Judges attempts at seconds after the start, each on the standing that the one before it left. */
function judgeAll(attempts: readonly (readonly [seconds: number, outcome: AttemptOutcome])[]): Judgement[] {
  let standing = UNKNOWN_STANDING
  return attempts.map(([seconds, outcome]) => {
    const judgement = judgeAttempt(standing, outcome, at(seconds), 0.5)
    standing = judgement.standing
    return judgement
  })
}

function judgeLast(...attempts: (readonly [seconds: number, outcome: AttemptOutcome])[]): Judgement {
  const last = judgeAll(attempts).at(-1)
  if (last === undefined) throw new Error('no attempt was given')
  return last
}

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
    const freshness = { ...anHour, staleIfErrorSeconds: 1200 }
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
    const freshness = { ...anHourAtMost, staleWhileRevalidateSeconds: 600 }
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
    const { standing } = judgeLast([0, valid({ freshness: anHourAtMost })], [100, failed('status_5xx')])
    expect(standing.usableUntil).toEqual(at(HOUR))
  })

  it('gives no grace where stale use is forbidden (CAC-13)', () => {
    const { standing } = judgeLast([0, valid({ freshness: anHourAtMost })], [100, failed('status_404')])
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

describe('the pause after a failure', () => {
  const pauseAfter = (code: FailureCode, failingForSeconds: number, retryAfterSeconds?: number) => {
    const seconds = 100 + failingForSeconds
    const { nextAttemptAt } = judgeLast(
      [0, valid()],
      [100, failed('status_5xx')],
      [seconds, failed(code, retryAfterSeconds)],
    )
    return ((nextAttemptAt?.getTime() ?? 0) - at(seconds).getTime()) / 1000
  }

  it.each<[FailureCode, number, number]>([
    ['status_5xx', 10, MINUTE],
    ['status_5xx', 90, 90],
    ['status_5xx', 1234, 1234],
    ['status_5xx', 5 * HOUR, HOUR],
    ['redirect', 5 * HOUR, 10 * MINUTE],
    ['status_404', 5 * HOUR, 5 * MINUTE],
    ['json_invalid', 5 * HOUR, 5 * MINUTE],
    ['address_blocked', 5 * HOUR, HOUR],
  ])('with %s after %d seconds of failing is %d seconds', (code, failingForSeconds, expected) => {
    expect(pauseAfter(code, failingForSeconds)).toBe(expected)
  })

  it.each([
    ['longer', 600, 600],
    ['shorter than the least', 1, MINUTE],
    ['longer than the most', DAY, HOUR],
  ])('follows a Retry-After that is %s within bounds', (_, retryAfterSeconds, expected) => {
    expect(pauseAfter('status_429', 10, retryAfterSeconds)).toBe(expected)
  })

  it('is what the record keeps, so that a login does not go round it (CAC-06)', () => {
    const { standing, nextAttemptAt } = judgeLast([0, valid()], [100, failed('status_5xx')])
    expect(standing.retryAt).toEqual(nextAttemptAt)
  })

  it('ends with the grace, to decide it in time (CAC-14)', () => {
    const { nextAttemptAt } = judgeLast(
      [0, valid()],
      [100, failed('status_404')],
      [100 + 14 * MINUTE, failed('status_5xx', HOUR)],
    )
    expect(nextAttemptAt).toEqual(at(100 + WITHDRAWAL_GRACE_SECONDS))
  })

  it('is a day once the client is withdrawn', () => {
    const gone = 100 + WITHDRAWAL_GRACE_SECONDS
    const { nextAttemptAt } = judgeLast(
      [0, valid()],
      [100, failed('status_404')],
      [gone, failed('status_404')],
    )
    expect(nextAttemptAt).toEqual(at(gone + DAY))
  })
})

describe('withdrawal (CAC-14)', () => {
  it.each<[FailureCode, number, ClientStanding['state']]>([
    ['status_404', 899, 'failing'],
    ['status_404', 900, 'withdrawn'],
    ['status_410', 901, 'withdrawn'],
    ['client_id_mismatch', 899, 'failing'],
    ['client_id_mismatch', 900, 'rejected'],
  ])('of %s, still so after %d seconds, comes to %s', (code, seconds, state) => {
    const { standing } = judgeLast([0, valid()], [100, failed(code)], [100 + seconds, failed(code)])
    expect(standing.state).toBe(state)
  })

  it('is decided and named by the first word of the publisher', () => {
    const { standing, events } = judgeLast(
      [0, valid()],
      [50, failed('status_5xx')],
      [100, failed('status_404')],
      [200, failed('json_invalid')],
      [1000, failed('timeout_body')],
    )
    expect(standing.state).toBe('withdrawn')
    expect(events).toEqual([
      {
        type: 'client.withdrawn',
        data: { digest: DIGEST, code: 'status_404', since: at(100).toISOString() },
      },
    ])
  })

  it('is not put off by alternating 404 with 503', () => {
    let judgement = judgeLast([0, valid()], [100, failed('status_404')])
    let tried: Date | undefined
    for (let turn = 0; judgement.standing.state === 'failing' && turn < 100; turn += 1) {
      tried = judgement.nextAttemptAt ?? start
      const code = turn % 2 === 0 ? 'status_5xx' : 'status_404'
      judgement = judgeAttempt(judgement.standing, failed(code), tried, 0)
    }
    expect(judgement.standing.state).toBe('withdrawn')
    expect(tried).toEqual(at(100 + WITHDRAWAL_GRACE_SECONDS))
  })

  it('never follows from an outage or a gate alone, however long', () => {
    const { standing, events } = judgeLast(
      [0, valid()],
      [100, failed('status_5xx')],
      [100 + DAY, failed('status_forbidden')],
      [100 + 30 * DAY, failed('dns_not_found')],
    )
    expect(standing).toMatchObject({ state: 'failing', withdrawing: undefined })
    expect(events).toEqual([])
  })
})

describe('the events of an attempt', () => {
  const typesOf = (judgements: readonly Judgement[]) =>
    judgements.map(({ events }) => events.map(({ type }) => type))
  const gone = 100 + WITHDRAWAL_GRACE_SECONDS

  it('announce a discovery once, with the first valid document', () => {
    const judgements = judgeAll([
      [0, failed('status_404')],
      [10, valid()],
      [20, valid()],
      [30, failed('status_5xx')],
      [40, valid()],
    ])
    expect(typesOf(judgements)).toEqual([[], ['client.discovered'], [], [], []])
    expect(judgements[1]?.events).toEqual([{ type: 'client.discovered', data: { digest: DIGEST } }])
  })

  it('announce a withdrawal once, and the recovery from it', () => {
    const judgements = judgeAll([
      [0, valid()],
      [100, failed('json_invalid')],
      [gone, failed('json_invalid')],
      [gone + DAY, failed('status_404')],
      [gone + 2 * DAY, failed('status_5xx')],
      [gone + 3 * DAY, valid()],
      [gone + 3 * DAY + 1, valid()],
    ])
    expect(typesOf(judgements).slice(1)).toEqual([[], ['client.withdrawn'], [], [], ['client.recovered'], []])
    expect(judgements[5]?.events).toEqual([
      { type: 'client.recovered', data: { digest: DIGEST, code: 'json_invalid' } },
    ])
  })

  it('announce no recovery from a failure that was not a withdrawal', () => {
    const judgements = judgeAll([
      [0, valid()],
      [100, failed('status_404')],
      [200, valid()],
    ])
    expect(typesOf(judgements)).toEqual([['client.discovered'], [], []])
  })

  it('announce a change with what changed beyond cosmetics (CHG-07)', () => {
    const widened: MemberChange = {
      member: 'redirect_uris',
      class: 'widening',
      before: [],
      after: ['https://b.example/'],
    }
    const { events } = judgeLast(
      [0, valid()],
      [100, valid({ digest: OTHER_DIGEST, changes: [commented, renamed, widened] })],
    )
    expect(events).toEqual([
      {
        type: 'client.metadata_changed',
        data: {
          from_digest: DIGEST,
          to_digest: OTHER_DIGEST,
          classes: ['display', 'widening'],
          changes: [renamed, widened],
        },
      },
    ])
  })

  it.each([
    ['cosmetic', [commented]],
    ['of white space', []],
  ])('announce nothing for a change that is only %s (CHG-07)', (_, changes) => {
    const { standing, events } = judgeLast([0, valid()], [100, valid({ digest: OTHER_DIGEST, changes })])
    expect(events).toEqual([])
    expect(standing.digest).toBe(OTHER_DIGEST)
  })

  it('announce the recovery before the change it came with', () => {
    const judgements = judgeAll([
      [0, valid()],
      [100, failed('status_404')],
      [gone, failed('status_404')],
      [gone + 1, valid({ digest: OTHER_DIGEST, changes: [renamed] })],
    ])
    expect(typesOf(judgements).at(-1)).toEqual(['client.recovered', 'client.metadata_changed'])
  })
})

/** One attempt of a history: what was known before it, when it was, how it ended and how it was judged. */
type Step = {
  readonly previous: ClientStanding
  readonly at: Date
  readonly outcome: AttemptOutcome
  readonly judgement: Judgement
}

const freshnessArbitrary = fc.record({
  freshForSeconds: fc.integer({ min: 300, max: DAY }),
  staleWhileRevalidateSeconds: fc.integer({ min: 0, max: DAY }),
  staleIfErrorSeconds: fc.option(fc.integer({ min: 0, max: 2 * DAY }), { nil: undefined }),
  staleForbidden: fc.boolean(),
})
const isDeferral = (code: FailureCode) => classOf(code) === 'deferred'
const failureArbitrary = fc
  .record({
    code: fc.constantFrom(...(Object.keys(FAILURES) as FailureCode[])),
    retryAfterSeconds: fc.option(fc.integer({ min: 0, max: 10 * DAY }), { nil: undefined }),
  })
  .map(({ code, retryAfterSeconds }) => failed(code, retryAfterSeconds))
const validArbitrary = fc
  .record({
    digest: fc.constantFrom(DIGEST, OTHER_DIGEST),
    freshness: freshnessArbitrary,
    changes: fc.subarray([renamed, commented]),
  })
  .map(valid)
const historyArbitrary = fc
  .array(
    fc.record({
      // Attempts come when they were scheduled, or whenever a demand forces one.
      pauseSeconds: fc.option(
        fc.oneof(fc.integer({ min: 1, max: HOUR }), fc.integer({ min: HOUR, max: 60 * DAY })),
      ),
      outcome: fc.oneof({ arbitrary: failureArbitrary, weight: 4 }, validArbitrary),
      jitter: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    }),
    { maxLength: 30 },
  )
  .map((attempts) => {
    let [now, next, previous] = [start, start as Date | undefined, UNKNOWN_STANDING]
    return attempts.map(({ pauseSeconds, outcome, jitter }): Step => {
      const demanded = new Date(now.getTime() + (pauseSeconds ?? MINUTE) * 1000)
      now = pauseSeconds === null ? (next ?? demanded) : demanded
      const judgement = judgeAttempt(previous, outcome, now, jitter)
      const step = { previous, at: now, outcome, judgement }
      previous = judgement.standing
      next = judgement.nextAttemptAt
      return step
    })
  })

const holdsAfterEveryStep = (check: (step: Step, steps: readonly Step[], index: number) => void) =>
  fc.assert(
    fc.property(historyArbitrary, (steps) => {
      steps.forEach((step, index) => {
        check(step, steps, index)
      })
    }),
    { numRuns: 300 },
  )

describe('whatever becomes of a client', () => {
  it('keeps the last valid version (CAC-07)', () => {
    holdsAfterEveryStep(({ judgement }, steps, index) => {
      const lastValid = steps.slice(0, index + 1).findLast(({ outcome }) => outcome.kind === 'valid')
      expect(judgement.standing.digest).toBe(
        lastValid?.outcome.kind === 'valid' ? lastValid.outcome.digest : undefined,
      )
      expect(judgement.standing.validatedAt).toEqual(lastValid?.at)
    })
  })

  it('never lengthens the use of a version within one run of failures (CAC-13)', () => {
    holdsAfterEveryStep(({ previous, outcome, judgement }) => {
      if (outcome.kind === 'valid' || previous.failure === undefined) return
      if (previous.usableUntil === undefined) return
      expect(judgement.standing.usableUntil?.getTime()).toBeLessThanOrEqual(previous.usableUntil.getTime())
    })
  })

  it('revives a version that must not be used only by a valid answer (CAC-13)', () => {
    holdsAfterEveryStep(({ previous, at, outcome, judgement }) => {
      if (outcome.kind === 'valid' || usabilityOf(previous, at).kind !== 'unusable') return
      expect(usabilityOf(judgement.standing, at).kind).toBe('unusable')
    })
  })

  it('takes the word of the publisher back only by a valid answer (CAC-14)', () => {
    holdsAfterEveryStep(({ previous, outcome, judgement }) => {
      if (outcome.kind === 'valid') expect(judgement.standing.withdrawing).toBeUndefined()
      else if (previous.withdrawing) expect(judgement.standing.withdrawing).toEqual(previous.withdrawing)
    })
  })

  it('never leaves a client usable beyond 15 minutes of the word of the publisher (CAC-14)', () => {
    holdsAfterEveryStep(({ judgement: { standing } }) => {
      if (standing.withdrawing === undefined) return
      const graceEnds = new Date(standing.withdrawing.since.getTime() + WITHDRAWAL_GRACE_SECONDS * 1000)
      expect(usabilityOf(standing, graceEnds).kind).toBe('unusable')
    })
  })

  it('answers nothing stale where the origin forbids it (CAC-13)', () => {
    const instants = [0, 1, MINUTE, 10 * MINUTE, HOUR, DAY]
    holdsAfterEveryStep(({ at, judgement: { standing } }) => {
      if (!standing.staleForbidden) return
      const kinds = instants.map(
        (seconds) => usabilityOf(standing, new Date(at.getTime() + seconds * 1000)).kind,
      )
      expect(kinds).not.toContain('stale')
    })
  })

  it('is never fresh, or answered during a refresh, beyond its use', () => {
    holdsAfterEveryStep(({ at, judgement: { standing } }) => {
      if (standing.usableUntil === undefined || standing.freshUntil === undefined) return
      const usableUntil = standing.usableUntil.getTime()
      if (standing.freshUntil > at) expect(usableUntil).toBeGreaterThanOrEqual(standing.freshUntil.getTime())
      if (standing.revalidateUntil && standing.revalidateUntil > at)
        expect(usableUntil).toBeGreaterThanOrEqual(standing.revalidateUntil.getTime())
    })
  })

  it('plans the next attempt after this one, and always for a version that is kept', () => {
    holdsAfterEveryStep(({ at, judgement: { standing, nextAttemptAt } }) => {
      expect(nextAttemptAt === undefined).toBe(standing.digest === undefined)
      if (nextAttemptAt) expect(nextAttemptAt.getTime()).toBeGreaterThan(at.getTime())
    })
  })

  it('is discovered once, and withdrawn and recovered in turn', () => {
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        const types = steps.flatMap(({ judgement }) => judgement.events.map(({ type }) => type))
        const validSeen = steps.some(({ outcome }) => outcome.kind === 'valid')
        expect(types.filter((type) => type === 'client.discovered')).toHaveLength(validSeen ? 1 : 0)
        const turns = types.filter((type) => type === 'client.withdrawn' || type === 'client.recovered')
        expect(turns).toEqual(
          turns.map((_, index) => (index % 2 === 0 ? 'client.withdrawn' : 'client.recovered')),
        )
      }),
      { numRuns: 300 },
    )
  })

  it('is changed by no deferral of ours, whatever went before (CAC-06)', () => {
    fc.assert(
      fc.property(
        historyArbitrary,
        fc.option(fc.integer({ min: 0, max: DAY }), { nil: undefined }),
        (steps, wait) => {
          const { standing } = steps.at(-1)?.judgement ?? { standing: UNKNOWN_STANDING }
          const judgement = judgeAttempt(standing, failed('host_budget', wait), at(DAY), 0)
          expect(judgement).toMatchObject({ standing, events: [] })
          const next = standing.digest === undefined ? undefined : at(DAY + (wait ?? MINUTE))
          expect(judgement.nextAttemptAt).toEqual(next)
        },
      ),
    )
  })

  it('is withdrawn exactly when the grace ends, if it is attempted as planned (CAC-14)', () => {
    const publishersWord = failureArbitrary.filter(
      (outcome) => outcome.kind === 'failed' && ['withdrawn', 'rejected'].includes(classOf(outcome.code)),
    )
    const attempted = failureArbitrary.filter(
      (outcome) => outcome.kind === 'failed' && !isDeferral(outcome.code),
    )
    fc.assert(
      fc.property(publishersWord, fc.infiniteStream(attempted), (first, later) => {
        let judgement = judgeLast([0, valid()], [100, first])
        let tried = at(100)
        for (const outcome of later.take(20)) {
          if (judgement.standing.state !== 'failing') break
          tried = judgement.nextAttemptAt ?? tried
          judgement = judgeAttempt(judgement.standing, outcome, tried, 0)
        }
        expect(['withdrawn', 'rejected']).toContain(judgement.standing.state)
        expect(tried).toEqual(at(100 + WITHDRAWAL_GRACE_SECONDS))
      }),
    )
  })
})
