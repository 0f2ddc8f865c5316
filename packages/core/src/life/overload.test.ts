import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  DEFAULT_OVERLOAD_THRESHOLDS,
  judgeOverload,
  type OverloadFacts,
  overloadPauseSeconds,
} from './overload.ts'

const { admittedMin, silenceSeconds, waitSeconds } = DEFAULT_OVERLOAD_THRESHOLDS

/** Nobody waits, nothing was answered, and fetchers are alive, but for what is given. */
type Given = {
  readonly waiting?: number
  /** Where not all of them came lately. */
  readonly lately?: number
  readonly oldest?: number
  readonly answered?: readonly [count: number, seconds: number]
  readonly gone?: boolean
}

describe(judgeOverload, () => {
  it.each<[string, Given]>([
    ['nobody waits', {}],
    ['a few wait, whoever is gone and for however long', { waiting: 9, oldest: 59, gone: true }],
    ['a few have come lately, whatever was left before', { waiting: 900, lately: 9, oldest: 59 }],
    ['many have just come and nothing says yet how fast they go', { waiting: 5000, oldest: 1 }],
    ['nothing was answered for as long as that may take', { waiting: 50, oldest: silenceSeconds }],
    ['the first few of many were answered', { waiting: 5000, oldest: 9.9, answered: [19, 9.9] }],
    ['many wait and as many are answered', { waiting: 200, oldest: 1, answered: [100, 10] }],
    ['answers come slowly, and few wait', { waiting: 10, oldest: 10, answered: [5, 10] }],
    ['fetchers answer that were gone', { waiting: 20, oldest: 3, answered: [20, 3], gone: true }],
  ])('takes one more while %s', (_, given) => {
    expect(judge(given)).toEqual({ overloaded: false })
  })

  it.each<[string, Given]>([
    ['nothing was answered for longer', { waiting: admittedMin, oldest: silenceSeconds + 1 }],
    ['fetchers are known to be gone, at once', { waiting: admittedMin, oldest: 0, gone: true }],
  ])('takes no more when %s', (_, given) => {
    const expectedSeconds = Number.POSITIVE_INFINITY
    expect(judge(given)).toEqual({ overloaded: true, why: 'unanswered', expectedSeconds })
  })

  it.each<[string, Given, number]>([
    ['too many wait for the rate seen', { waiting: 201, oldest: 5, answered: [50, 5] }, 20.1],
    ['that is told early by many answers', { waiting: 5000, oldest: 1, answered: [50, 1] }, 100],
    ['that is told late by few', { waiting: 100, oldest: 10, answered: [4, 10] }, 250],
    ['most of them have waited for long', { waiting: 5000, lately: 10, answered: [100, 10] }, 500],
  ])('takes no more when %s', (_, given, expectedSeconds) => {
    expect(judge(given)).toEqual({ overloaded: true, why: 'backlog', expectedSeconds })
  })

  it('takes about as many as are answered within the longest wait, whatever the rate', () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 5000 }), (rate) => {
        let waiting = 0
        while (!judge({ waiting, oldest: 10, answered: [rate * 10, 10] }).overloaded) waiting += 1
        expect(waiting).toBe(rate * waitSeconds + 1)
      }),
      { numRuns: 20 },
    )
  })

  it('takes none where as few as possible are to wait', () => {
    const facts = factsOf({ waiting: 1, oldest: 11 })
    expect(judgeOverload(facts, { ...DEFAULT_OVERLOAD_THRESHOLDS, admittedMin: 1 })).toMatchObject({
      overloaded: true,
    })
  })
})

describe(overloadPauseSeconds, () => {
  it.each([
    [20.1, 0, 21],
    [20.1, 1, 11],
    [0.2, 0.5, 1],
    [Number.POSITIVE_INFINITY, 0, 60],
    [Number.POSITIVE_INFINITY, 1, 30],
  ])('is of %d s, with the chance of %d, %d s', (expectedSeconds, random, seconds) => {
    expect(overloadPauseSeconds(expectedSeconds, random)).toBe(seconds)
  })

  it('is between a second and a minute, and differs', () => {
    const chance = fc.double({ min: 0, max: 1, noNaN: true })
    const wait = fc.double({ min: 0, noNaN: true })
    fc.assert(
      fc.property(wait, chance, (expectedSeconds, random) => {
        const pause = overloadPauseSeconds(expectedSeconds, random)
        expect(Number.isInteger(pause) && pause >= 1 && pause <= 60).toBe(true)
      }),
    )
    const pauses = Array.from({ length: 100 }, (_, turn) => overloadPauseSeconds(40, turn / 100))
    expect(new Set(pauses).size).toBeGreaterThan(15)
  })
})

function judge(given: Given) {
  return judgeOverload(factsOf(given))
}

function factsOf(given: Given): OverloadFacts {
  const { waiting = 0, lately = waiting, oldest = 0, answered = [0, 10], gone = false } = given
  const [count, seconds] = answered
  return {
    waiting,
    lately: { waiting: lately, oldestSeconds: oldest },
    answered: { count, seconds },
    fetchersGone: gone,
  }
}
