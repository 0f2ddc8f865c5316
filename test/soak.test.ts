import { describe, expect, it } from 'vitest'
import { settingsFrom } from './soak/arguments.ts'
import { mix } from './soak/mix.ts'
import { createTally, judgeEnding } from './soak/tally.ts'
import type { Target } from './soak/targets.ts'
import { type Point, trendOf } from './soak/trend.ts'
import { LIMITS, memoryOf } from './soak/verdict.ts'

const MEBIBYTE = 1_048_576

/** Samples of 50,000 fetches, one every 500. */
function series(bytesAfter: (fetches: number) => number): readonly Point[] {
  return Array.from({ length: 100 }, (_, index) => {
    const fetches = 500 * (index + 1)
    return { fetches, bytes: bytesAfter(fetches) }
  })
}

/** Between -1 and 1, without order and always the same. */
function noise(at: number): number {
  return Math.sin(at * 12.9898) * Math.cos(at * 78.233)
}

function held(points: readonly Point[]) {
  const memory = memoryOf(
    points.map(({ fetches, bytes }) => ({ fetches, heldBytes: bytes, residentBytes: 0 })),
  )
  if (memory.kind !== 'measured') throw new Error('too few samples')
  return memory.held
}

describe(trendOf, () => {
  it('finds the slope of a straight line', () => {
    const trend = trendOf(series((fetches) => 1000 + 100 * fetches))
    expect(trend.bytesPerFetch).toBeCloseTo(100)
    expect(trend.growthBytes).toBeCloseTo(100 * 49_500)
  })

  it('finds none in noise', () => {
    const { growthBytes } = trendOf(series((fetches) => 40 * MEBIBYTE + MEBIBYTE * noise(fetches)))
    expect(Math.abs(growthBytes)).toBeLessThan(LIMITS.heldGrowthBytes)
  })

  it('is not bent by a fifth of outliers', () => {
    const { growthBytes } = trendOf(
      series((fetches) => (fetches > 40_000 ? 90 : 40) * MEBIBYTE + noise(fetches)),
    )
    expect(Math.abs(growthBytes)).toBeLessThan(LIMITS.heldGrowthBytes)
  })
})

describe(memoryOf, () => {
  it('sees a hundred bytes of each fetch through the noise', () => {
    const leaking = series((fetches) => 40 * MEBIBYTE + 100 * fetches + 50_000 * noise(fetches))
    expect(held(leaking).growthBytes).toBeGreaterThan(LIMITS.heldGrowthBytes)
  })

  it('takes a warm-up for what it is', () => {
    const warming = series((fetches) => 40 * MEBIBYTE - 20 * MEBIBYTE * Math.exp(-fetches / 2000))
    expect(held(warming).growthBytes).toBeLessThan(LIMITS.heldGrowthBytes)
  })

  it('says so when too little was measured', () => {
    expect(memoryOf([{ fetches: 500, heldBytes: 1, residentBytes: 1 }])).toEqual({
      kind: 'too_few',
      samples: 1,
    })
  })
})

describe(judgeEnding, () => {
  const ended = (...codes: string[]) => ({ kind: 'ended', codes }) as const

  it('compares the codes with those that must be', () => {
    expect(judgeEnding(ended(), [])).toBe('accepted')
    expect(judgeEnding(ended('redirect'), ['redirect', 'tls_failed'])).toBe('refused')
    expect(judgeEnding(ended('timeout_body'), ['timeout_body'])).toBe('refused')
    expect(judgeEnding(ended('timeout_connect'), [])).toBe('late')
    expect(judgeEnding(ended(), ['redirect'])).toBe('wrong')
    expect(judgeEnding(ended('tls_failed'), ['redirect'])).toBe('wrong')
  })

  it('takes the own reason of a caller for giving up, and every other throw for wrong', () => {
    expect(judgeEnding({ kind: 'given_up' }, [])).toBe('given_up')
    expect(judgeEnding({ kind: 'thrown', error: 'TypeError' }, [])).toBe('wrong')
  })
})

describe(createTally, () => {
  it('names the target that is late more often than not', () => {
    const tally = createTally()
    for (let at = 0; at < 6; at += 1) {
      tally.add(target('slow'), { kind: 'ended', codes: ['timeout_body'] }, 500)
      tally.add(target('quick'), { kind: 'ended', codes: at === 0 ? ['timeout_body'] : [] }, 5)
    }
    expect(tally.sum()).toMatchObject({ mostlyLate: ['slow'], slowestMs: 500 })
    expect(tally.sum().counts).toMatchObject({ accepted: 5, late: 7, wrong: 0 })
  })
})

describe(mix, () => {
  const targets = [{ ...target('honest'), honest: true }, target('bomb'), target('redirect')]
  const take = (seed: number, many: number) => mix(targets, { seed, deadlineMs: 500 }).take(many).toArray()

  it('is the same for the same seed, and another for another', () => {
    expect(take(7, 100)).toEqual(take(7, 100))
    expect(take(7, 100)).not.toEqual(take(8, 100))
  })

  it('is honest for a third, and given up now and then', () => {
    const visits = take(1, 10_000)
    expect(visits.filter((visit) => visit.target.honest).length / visits.length).toBeCloseTo(1 / 3, 1)
    const givenUp = visits.flatMap(({ giveUpAfterMs }) => giveUpAfterMs ?? [])
    expect(givenUp.length / visits.length).toBeCloseTo(1 / 20, 1)
    expect(Math.max(...givenUp)).toBeLessThanOrEqual(500)
  })
})

describe(settingsFrom, () => {
  it('takes many fetches or many minutes, and refuses what is neither', () => {
    expect(settingsFrom([])).toMatchObject({ limit: { fetches: 50_000 }, roundFetches: 500 })
    expect(settingsFrom(['--minutes', '2'])).toMatchObject({ limit: { minutes: 2 } })
    expect(settingsFrom(['--fetches', '100', '--seed', '3'])).toMatchObject({ roundFetches: 5, seed: 3 })
    expect(() => settingsFrom(['--fetches', 'many'])).toThrow('--fetches many is not a positive number')
    expect(() => settingsFrom(['--fetches', '1', '--minutes', '1'])).toThrow('not both')
    expect(settingsFrom(['--help'])).toBeUndefined()
  })

  it('plants the faults it is asked for', () => {
    expect(settingsFrom(['--leak', 'timer', '--leak', '100'])).toMatchObject({
      leaks: [{ kind: 'timer' }, { kind: 'bytes', bytesPerFetch: 100 }],
    })
  })
})

function target(id: string): Target {
  return { id, url: `https://${id}.example.org/client.json`, expected: [], honest: false }
}
