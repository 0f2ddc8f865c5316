import { describe, expect, it } from 'vitest'
import { planFreshness, type SpokenClass } from '../caching/stale-use.ts'
import type { FailureCode } from '../failure/failure.ts'
import { AN_HOUR, at, DAY, failed, HOUR, judgeLast, MINUTE, valid } from './attempts.fixture.ts'
import { decideDueWork } from './due-work.ts'
import { expectedAttempts, expectedFetchesPerDay } from './expected-fetches.ts'
import { judgeAttempt } from './lifecycle.ts'
import { planResolve } from './resolution.ts'

describe('expectedFetchesPerDay', () => {
  it.each([
    [300, 320],
    [HOUR, 26.67],
    [DAY, 1.11],
  ])(
    'of a client in steady use with a lifetime of %d s is 86,400 / (0.9 x lifetime) = %d',
    (lifetimeSeconds, fetches) => {
      expect(expectedFetchesPerDay({ lifetimeSeconds, usesPerDay: 1e6 })).toBeCloseTo(fetches, 2)
    },
  )

  it.each([300, HOUR, DAY])(
    'of a client that is leased and not resolved is one, with a lifetime of %d s',
    (lifetimeSeconds) => {
      expect(expectedFetchesPerDay({ lifetimeSeconds, usesPerDay: 0 })).toBe(1)
      expect(expectedFetchesPerDay({ lifetimeSeconds, usesPerDay: 1e-9 })).toBeCloseTo(1, 6)
    },
  )

  it('of a lifetime beyond a day is less than one', () => {
    expect(expectedFetchesPerDay({ lifetimeSeconds: 2 * DAY, usesPerDay: 0 })).toBeCloseTo(1 / 1.8, 6)
    expect(expectedFetchesPerDay({ lifetimeSeconds: 2 * DAY, usesPerDay: 5 })).toBeCloseTo(1 / 1.8, 6)
  })

  it('counts attempts in a spell of failures in place of refreshes', () => {
    const spells = [{ failureClass: 'unreachable', seconds: DAY / 2 }] as const
    const given = { lifetimeSeconds: HOUR, usesPerDay: 0 }
    expect(expectedFetchesPerDay({ ...given, spells })).toBe(0.5 + expectedAttempts(spells[0], 0))
  })

  it.each([
    [300, 0.5],
    [300, 24],
    [300, 600],
    [HOUR, 1],
    [HOUR, 12],
    [HOUR, 100],
    [6 * HOUR, 3],
    [DAY, 2],
    [DAY, 40],
  ])(
    'is within three hundredths of what the schedule does with a lifetime of %d s and %d uses a day',
    (lifetimeSeconds, usesPerDay) => {
      const expected = expectedFetchesPerDay({ lifetimeSeconds, usesPerDay })
      const measured = measureFetchesPerDay(lifetimeSeconds, usesPerDay)
      expect(measured / expected).toBeGreaterThan(0.97)
      expect(measured / expected).toBeLessThan(1.03)
    },
  )
})

describe('expectedAttempts', () => {
  it.each<[SpokenClass, FailureCode, number, number]>([
    ['unreachable', 'status_5xx', 1, 1],
    ['unreachable', 'status_5xx', HOUR, 7],
    ['unreachable', 'status_5xx', DAY, 30],
    ['ambiguous', 'redirect', HOUR, 10],
    ['refused', 'address_blocked', DAY, 30],
    ['withdrawn', 'status_404', 15 * MINUTE, 6],
    ['rejected', 'json_invalid', 10 * DAY, 16],
  ])('of class %s (%s) for %d s is %d', (failureClass, code, seconds, attempts) => {
    expect(expectedAttempts({ failureClass, seconds }, 0)).toBe(countAttempts(code, seconds))
    expect(expectedAttempts({ failureClass, seconds }, 0)).toBe(attempts)
  })

  it('is not raised by users while an origin is down and its record usable (CAC-06)', () => {
    const spell = { failureClass: 'unreachable', seconds: DAY } as const
    expect(expectedAttempts(spell, 1000)).toBe(expectedAttempts(spell, 0))
    expect(expectedAttempts({ ...spell, seconds: 2 * DAY }, 1000)).toBeGreaterThan(1000)
  })

  it('is raised by each use of what its publisher withdrew, which only a valid answer keeps', () => {
    const spell = { failureClass: 'withdrawn', seconds: 15 * MINUTE } as const
    expect(expectedAttempts(spell, DAY)).toBeGreaterThanOrEqual(15 * MINUTE)
  })
})

/** Attempts as they are planned from one to the next, the first of them as the client was valid. */
function countAttempts(code: FailureCode, seconds: number): number {
  let [attempts, elapsed, { standing }] = [0, 0, judgeLast([-60, valid()])]
  while (elapsed < seconds) {
    const judgement = judgeAttempt(standing, failed(code), at(elapsed), 0)
    attempts += 1
    standing = judgement.standing
    elapsed = ((judgement.nextAttemptAt?.getTime() ?? 0) - at(0).getTime()) / 1000
  }
  return attempts
}

/** Plays the schedule and its users, who come at random with the same seed each time. */
function measureFetchesPerDay(lifetimeSeconds: number, usesPerDay: number): number {
  const random = sequence(7)
  const pause = () => (-Math.log(1 - random()) * DAY) / usesPerDay
  const freshness = { ...AN_HOUR, freshForSeconds: lifetimeSeconds }
  let [now, fetches, used] = [0, 0, pause()]
  const days = Math.max(10_000 / usesPerDay, (10_000 * lifetimeSeconds) / DAY)
  while (now < days * DAY) {
    const { standing } = judgeLast([now, valid({ freshness })])
    const fetchedAt = now
    let due = (planFreshness(freshness, at(now), random()).refreshAt.getTime() - at(0).getTime()) / 1000
    let lastUse: number | undefined
    fetches += 1
    for (;;) {
      if (used < due) {
        now = used
        lastUse = used
        used += pause()
        const plan = planResolve(standing, { purpose: 'authorize', mayDemand: true, known: true }, at(now))
        if (plan.kind === 'demand' || (plan.kind === 'answer' && plan.refresh)) break
        due = Math.min(due, Math.max(now, fetchedAt + lifetimeSeconds))
        continue
      }
      now = due
      const action = decideDueWork(
        {
          ...{
            wanted: 1,
            done: 1,
            urgent: 0,
            claimUntil: undefined,
            deferredUntil: undefined,
            quarantinedUntil: undefined,
          },
          ...{
            attemptedAt: at(fetchedAt),
            failing: false,
            withdrawingSince: undefined,
            canary: false,
            leasedUntil: at(now + 30 * DAY),
          },
          lastResolvedAt: lastUse === undefined ? undefined : at(lastUse),
        },
        at(now),
      )
      if (action.kind !== 'wait') break
      due = (action.lookAgainAt.getTime() - at(0).getTime()) / 1000
    }
  }
  return fetches / (now / DAY)
}

/** Numbers in [0, 1) that look random (a linear congruential generator). */
function sequence(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
