import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Freshness } from './freshness.ts'
import { planFreshness, type SpokenClass, staleUsableUntil } from './stale-use.ts'

const HOUR = 3600
const DAY = 24 * HOUR
const start = new Date('2026-11-20T12:00:00Z')
const at = (seconds: number) => new Date(start.getTime() + seconds * 1000)
const anHour: Freshness = {
  freshForSeconds: HOUR,
  staleWhileRevalidateSeconds: 600,
  staleIfErrorSeconds: undefined,
  staleForbidden: false,
}
const forbidden: Freshness = { ...anHour, staleWhileRevalidateSeconds: 0, staleForbidden: true }

describe('planFreshness', () => {
  it.each<[string, Freshness, object]>([
    [
      'what the origin does not restrict',
      anHour,
      { revalidateUntil: at(HOUR + 600), usableUntil: at(HOUR + DAY) },
    ],
    ['what must be revalidated', forbidden, { revalidateUntil: at(HOUR), usableUntil: at(HOUR) }],
    [
      'an outage the origin bounds',
      { ...anHour, staleIfErrorSeconds: 1200 },
      { revalidateUntil: at(HOUR + 600), usableUntil: at(HOUR + 1200) },
    ],
    [
      'an outage the origin lets last for a week',
      { ...anHour, staleIfErrorSeconds: 7 * DAY },
      { revalidateUntil: at(HOUR + 600), usableUntil: at(HOUR + DAY) },
    ],
    [
      'no outage at all, beside a refresh that runs',
      { ...anHour, staleIfErrorSeconds: 0 },
      { revalidateUntil: at(HOUR + 600), usableUntil: at(HOUR + 600) },
    ],
  ])('CAC-13: gives the instants of %s', (_, freshness, expected) => {
    expect(planFreshness(freshness, start, 0.5)).toMatchObject({ freshUntil: at(HOUR), ...expected })
  })

  it('ARC-04, CAC-17: refreshes ahead of expiry, spread by jitter', () => {
    expect(planFreshness(anHour, start, 0).refreshAt).toEqual(at(HOUR * 0.95))
    expect(planFreshness(anHour, start, 0.5).refreshAt).toEqual(at(HOUR * 0.9))
    expect(planFreshness(anHour, start, 0.999).refreshAt.getTime()).toBeGreaterThan(at(HOUR * 0.85).getTime())
  })
})

describe('staleUsableUntil', () => {
  const allowance = { ...anHour, freshUntil: at(HOUR) }

  it.each<[SpokenClass, number]>([
    ['refused', 0],
    ['unreachable', DAY],
    ['ambiguous', HOUR],
    ['withdrawn', 900],
    ['rejected', 900],
  ])('CAC-14: from the first failure of class %s a version is used for %i s', (failureClass, seconds) => {
    expect(staleUsableUntil(allowance, failureClass, at(2 * HOUR))).toEqual(at(2 * HOUR + seconds))
  })

  it('CAC-13: never beyond freshness where the origin forbids it', () => {
    const strict = { ...allowance, staleForbidden: true }
    expect(staleUsableUntil(strict, 'unreachable', at(60))).toEqual(at(HOUR))
    expect(staleUsableUntil({ ...strict, freshUntil: at(60) }, 'withdrawn', at(60))).toEqual(at(60))
  })

  it('CAC-13: through an outage for as long as stale-if-error says, and that alone', () => {
    const bounded = { ...allowance, staleIfErrorSeconds: 300 }
    expect(staleUsableUntil(bounded, 'unreachable', at(60))).toEqual(at(HOUR + 300))
    expect(staleUsableUntil(bounded, 'ambiguous', at(60))).toEqual(at(60 + HOUR))
    expect(staleUsableUntil({ ...bounded, staleIfErrorSeconds: 7 * DAY }, 'unreachable', at(60))).toEqual(
      at(60 + DAY),
    )
  })
})

describe('all instants of freshness', () => {
  const seconds = fc.nat(2 ** 31)
  const freshness = fc.record({
    freshForSeconds: fc.integer({ min: 1, max: 86_400 }),
    staleWhileRevalidateSeconds: fc.nat(86_400),
    staleIfErrorSeconds: fc.option(seconds, { nil: undefined }),
    staleForbidden: fc.boolean(),
  })

  it('CAC-13: stand in their order, and in none where stale use is forbidden', () => {
    fc.assert(
      fc.property(freshness, fc.double({ min: 0, max: 0.999, noNaN: true }), (given, jitter) => {
        const { refreshAt, freshUntil, revalidateUntil, usableUntil } = planFreshness(given, start, jitter)
        expect(
          refreshAt < freshUntil && freshUntil <= revalidateUntil && revalidateUntil <= usableUntil,
        ).toBe(true)
        if (given.staleForbidden) expect(usableUntil).toEqual(freshUntil)
      }),
    )
  })

  it('CAC-14: grant a graver failure no more than a lighter one', () => {
    const classes: readonly SpokenClass[] = ['refused', 'withdrawn', 'rejected', 'ambiguous']
    fc.assert(
      fc.property(freshness, seconds, seconds, (given, fresh, failed) => {
        const untils = classes.map((each) =>
          staleUsableUntil({ ...given, freshUntil: at(fresh) }, each, at(failed)),
        )
        expect(untils).toEqual(untils.toSorted((a, b) => a.getTime() - b.getTime()))
      }),
    )
  })
})
