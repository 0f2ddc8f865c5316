import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { WITHDRAWAL_GRACE_SECONDS } from '../caching/stale-use.ts'
import type { MemberChange } from '../changes/member-change.ts'
import type { EVENT_DATA, EventType } from '../event.ts'
import { classOf, FAILURES, type FailureCode } from '../failure/failure.ts'
import {
  at,
  DAY,
  DIGEST,
  failed,
  HOUR,
  inTurn,
  judgeLast,
  MINUTE,
  OTHER_DIGEST,
  start,
  valid,
} from './attempts.fixture.ts'
import { type ClientStanding, UNKNOWN_STANDING } from './client-record.ts'
import { type AttemptOutcome, type Judgement, judgeAttempt } from './lifecycle.ts'
import { usabilityOf } from './resolution.ts'

const renamed: MemberChange = { member: 'client_name', class: 'display', before: 'A', after: 'B' }
const commented: MemberChange = { member: '_comment', class: 'cosmetic', before: undefined, after: 'x' }

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
const isSetAside = ({ outcome }: Step) => outcome.kind === 'failed' && outcome.code === 'quarantined'
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

const TURNS: readonly EventType[] = [
  ...(['client.stale', 'client.quarantined', 'client.withdrawn', 'client.recovered'] as const),
]

/** The runs of failures of a client in use, without deferrals. */
function runsOf(steps: readonly Step[]): readonly (readonly Step[])[] {
  const runs: Step[][] = []
  for (const step of steps) {
    if (step.outcome.kind === 'valid') runs.push([])
    else if (!isDeferral(step.outcome.code)) runs.at(-1)?.push(step)
  }
  return runs
}

function staleOf({ judgement }: Step): z.infer<(typeof EVENT_DATA)['client.stale']> | undefined {
  return judgement.events.flatMap(({ type, data }) => (type === 'client.stale' ? [data] : []))[0]
}

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

  it('is discovered once, and stale, withdrawn and recovered in turn', () => {
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        const types = steps.flatMap(({ judgement }) => judgement.events.map(({ type }) => type))
        const validSeen = steps.some(({ outcome }) => outcome.kind === 'valid')
        expect(types.filter((type) => type === 'client.discovered')).toHaveLength(validSeen ? 1 : 0)
        expect(inTurn(types)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('is announced as stale once, with the first failure after which it is neither fresh nor gone (CAC-13)', () => {
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        // A quarantine announces the same in its own words.
        for (const run of runsOf(steps).filter((each) => !each.some(isSetAside))) {
          const first = run.find(
            ({ at, judgement: { standing } }) =>
              !['withdrawn', 'rejected'].includes(standing.state) &&
              usabilityOf(standing, at).kind !== 'fresh',
          )
          expect(run.filter((step) => staleOf(step) !== undefined)).toEqual(first ? [first] : [])
        }
      }),
      { numRuns: 300 },
    )
  })

  it('is announced as stale with what resolve then says of it', () => {
    holdsAfterEveryStep((step) => {
      const stale = staleOf(step)
      if (stale === undefined) return
      const { standing } = step.judgement
      expect(stale).toMatchObject({ digest: standing.digest, until: standing.usableUntil?.toISOString() })
      const use = usabilityOf(standing, step.at)
      if (use.kind === 'stale') {
        expect([use.why, use.since, use.until].map(String)).toEqual(
          [stale.code, new Date(stale.since), new Date(stale.until ?? '')].map(String),
        )
      } else expect(stale.until && new Date(stale.until) <= step.at).toBe(true)
    })
  })

  it('is announced as recovered with the first valid answer after that, and only then', () => {
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        const told = steps.flatMap(({ outcome, judgement }) =>
          judgement.events
            // Of one that never had a valid document there is nothing to recover.
            .filter(({ data }) => 'digest' in data || 'to_digest' in data)
            .map(({ type }) => ({ type, isValid: outcome.kind === 'valid' })),
        )
        for (const { type, isValid } of told) if (type === 'client.recovered') expect(isValid).toBe(true)
        const last = told.findLast(({ type }) => TURNS.includes(type))
        const isTold = last !== undefined && last.type !== 'client.recovered'
        const back = judgeAttempt(steps.at(-1)?.judgement.standing ?? UNKNOWN_STANDING, valid(), at(DAY), 0)
        expect(back.events.some(({ type }) => type === 'client.recovered')).toBe(isTold)
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
          const next = standing.digest === undefined ? undefined : at(DAY + Math.max(wait ?? MINUTE, 1))
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
      (outcome) => outcome.kind === 'failed' && !isDeferral(outcome.code) && outcome.code !== 'quarantined',
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
