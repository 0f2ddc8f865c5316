import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classOf } from '../failure/failure.ts'
import {
  ADVERTISE_SILENCE_SECONDS,
  ADVERTISE_VERDICT_SECONDS,
  type AdvertiseFacts,
  type AdvertiseVerdict,
  BROKEN_PATH_CODES,
  DEFAULT_ADVERTISE_THRESHOLDS,
  judgeAdvertise,
  SILENT_PATH_CODES,
  tellAdvertise,
} from './advertise.ts'

const { holdSeconds, quietSeconds, fetcherSilenceSeconds, waitSeconds, domainsMin } =
  DEFAULT_ADVERTISE_THRESHOLDS
const START = Date.UTC(2026, 10, 20, 12)

/** Facts at a time, in seconds, of which all is well but what is given, in seconds before it. */
type Given = {
  readonly seen?: number | undefined
  readonly domains?: AdvertiseFacts['domains']
  readonly attempted?: number
  readonly waiting?: number
}

const WELL: Given = {}
const GONE: Given = { seen: undefined }
const CUT: Given = { domains: { tried: domainsMin, broken: domainsMin }, attempted: 1 }

describe(judgeAdvertise, () => {
  it('lets a deployment be advertised with its first judgement that finds nothing wrong (SRV-04)', () => {
    expect(follow([[0, WELL]], UNJUDGED)).toMatchObject([{ advertise: true, why: undefined, since: at(0) }])
  })

  it('says what is wrong from the beginning only once that has held', () => {
    const found = follow(every(1, 0, holdSeconds, GONE), UNJUDGED)
    expect(found.slice(0, -1).every(({ why }) => why === 'unjudged')).toBe(true)
    expect(found.at(-1)).toMatchObject({ advertise: false, why: 'fetchers_gone' })
  })

  it.each<[string, Given, string]>([
    ['no fetcher has ever been seen', GONE, 'fetchers_gone'],
    ['no fetcher was seen for too long', { seen: fetcherSilenceSeconds + 1 }, 'fetchers_gone'],
    ['the newest attempts on enough domains found no way', CUT, 'egress_broken'],
    ['nearly all did', { domains: { tried: 20, broken: 16 } }, 'egress_broken'],
    ['a user waits for too long', { waiting: waitSeconds + 1 }, 'first_contacts_wait'],
    ['all of it', { ...GONE, ...CUT, waiting: 99 }, 'fetchers_gone'],
    ['the last two', { ...CUT, waiting: 99 }, 'egress_broken'],
  ])('is turned once it has held that %s (SRV-04)', (_, given, why) => {
    const found = follow(every(1, 1, holdSeconds + 1, given))
    expect(found.slice(0, -1).every(({ advertise }) => advertise)).toBe(true)
    expect(found.at(-1)).toMatchObject({ advertise: false, why, since: at(holdSeconds + 1) })
    const healed = follow(
      every(1, 100, 100 + quietSeconds, { domains: { tried: 9, broken: 0 } }),
      found.at(-1),
    )
    expect(healed.slice(0, -1).some(({ advertise }) => advertise)).toBe(false)
    expect(healed.at(-1)).toMatchObject({ advertise: true, why: undefined, since: at(100 + quietSeconds) })
  })

  it.each<[string, Given]>([
    ['a fetcher was seen within its silence', { seen: fetcherSilenceSeconds }],
    ['a fetcher is seen in the future, by a clock that was set back', { seen: -3600 }],
    ['too few domains found no way', { domains: { tried: 4, broken: 4 } }],
    ['enough did, and too many found one', { domains: { tried: 20, broken: 15 } }],
    ['nothing was ever tried', {}],
    ['a user waits as long as that takes', { waiting: waitSeconds }],
  ])('is not turned when %s', (_, given) => {
    expect(follow(every(1, 1, 10 * quietSeconds, given)).every(({ advertise }) => advertise)).toBe(true)
  })

  it('counts time that nobody looked at for nothing, whichever way the clock was set', () => {
    for (const jump of [ADVERTISE_VERDICT_SECONDS + 1, 90_000, -90_000]) {
      const found = follow([
        [0, GONE],
        [jump, GONE],
        [jump + holdSeconds - 1, GONE],
        [jump + holdSeconds, GONE],
      ])
      expect(found.map(({ advertise }) => advertise)).toEqual([true, true, true, false])
    }
  })

  it('bears with schedulers whose clocks meet out of order', () => {
    const found = follow([
      [0, GONE],
      [2, GONE],
      [1, GONE],
      [holdSeconds, GONE],
    ])
    expect(found.at(-1)).toMatchObject({ advertise: false })
  })

  it('says what is wrong now, in the same spell', () => {
    const [gone] = follow(every(1, 1, holdSeconds + 1, GONE)).slice(-1)
    const [later] = follow([[50, { waiting: 60 }]], gone)
    expect(later).toEqual({ ...gone, why: 'first_contacts_wait', judgedAt: at(50) })
  })

  describe('of a way out that was broken', () => {
    const [broken = UNJUDGED] = follow(every(1, 1, holdSeconds + 1, CUT)).slice(-1)
    const advertised = (given: Given) =>
      follow(every(10, 100, 100 + 2 * quietSeconds, given), broken).at(-1)?.advertise

    it('believes in it again once an origin has answered', () => {
      expect(advertised({ domains: { tried: 2, broken: 1 }, attempted: 1 })).toBe(true)
    })

    it('does not take too few failures for a proof that it works', () => {
      expect(advertised({ domains: { tried: 1, broken: 1 }, attempted: 1 })).toBe(false)
      expect(advertised({ attempted: 600 })).toBe(false)
    })

    it('does not forget it while fetchers are started anew', () => {
      const [gone] = follow(every(10, 100, 130, { ...GONE, attempted: 600 }), broken).slice(-1)
      expect(gone).toMatchObject({ why: 'egress_broken' })
      const back = follow(every(10, 140, 140 + 2 * quietSeconds, { attempted: 600 }), gone)
      expect(back.at(-1)).toMatchObject({ advertise: false, why: 'egress_broken' })
    })

    it('believes in it again when nobody tries, or nobody would ever', () => {
      expect(advertised({ attempted: ADVERTISE_SILENCE_SECONDS + 1 })).toBe(true)
      expect(advertised({})).toBe(true)
    })
  })

  it('does not follow facts that flap', () => {
    const spells = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: holdSeconds })),
      { maxLength: 60 },
    )
    fc.assert(
      fc.property(spells, fc.boolean(), (lengths, advertise) => {
        const turns = lengths.flatMap(([kind, seconds], index): Given[] =>
          // Every other spell is the one that interrupts.
          Array.from({ length: seconds }, () => (index % 2 === 0 ? kindOf(kind) : WELL)),
        )
        const timed = turns.map((given, second): [number, Given] => [second, given])
        const first: AdvertiseVerdict = advertise
          ? ADVERTISED
          : { ...ADVERTISED, advertise, why: 'fetchers_gone' }
        expect(follow(timed, first).every((verdict) => verdict.advertise === advertise)).toBe(true)
      }),
    )
  })

  it('turns only for what held without a break, and never twice in less than that takes', () => {
    const kinds = fc.array(fc.tuple(fc.nat(4), fc.integer({ min: 1, max: 3 * quietSeconds })), {
      maxLength: 30,
    })
    fc.assert(
      fc.property(kinds, (spells) => {
        const turns = spells.flatMap(([kind, seconds]) => Array.from({ length: seconds }, () => kindOf(kind)))
        const verdicts = follow(turns.map((given, second): [number, Given] => [second, given]))
        let before = ADVERTISED
        for (const verdict of verdicts) {
          if (verdict.advertise !== before.advertise) {
            const apart = (verdict.since.getTime() - before.since.getTime()) / 1000
            expect(apart).toBeGreaterThanOrEqual(verdict.advertise ? quietSeconds : holdSeconds)
          } else expect(verdict.since).toEqual(before.since)
          expect(verdict.why === undefined).toBe(verdict.advertise)
          before = verdict
        }
      }),
    )
  })
})

describe(tellAdvertise, () => {
  it('says nothing is judged before anybody has', () => {
    expect(tellAdvertise(UNJUDGED, at(90_000))).toEqual({ advertise: false, why: 'unjudged', since: at(0) })
  })

  it('says the verdict, with its reason if it has one', () => {
    const gone: AdvertiseVerdict = { ...ADVERTISED, advertise: false, why: 'fetchers_gone' }
    expect(tellAdvertise(ADVERTISED, at(ADVERTISE_VERDICT_SECONDS))).toEqual({
      advertise: true,
      since: at(0),
    })
    expect(tellAdvertise(gone, at(1))).toEqual({ advertise: false, why: 'fetchers_gone', since: at(0) })
  })

  it('says to advertise nothing once nobody judges any more, and since when', () => {
    const old = { ...ADVERTISED, judgedAt: at(100) }
    expect(tellAdvertise(old, at(101 + ADVERTISE_VERDICT_SECONDS))).toEqual({
      ...{ advertise: false, why: 'unjudged', since: at(100) },
    })
  })
})

describe('the codes', () => {
  it('that say the way out is broken are all of what nobody answered, and none of what was not dialled', () => {
    expect(new Set(BROKEN_PATH_CODES.map(classOf))).toEqual(new Set(['unreachable']))
    expect(BROKEN_PATH_CODES.filter((code) => /^(status|response|headers|bot)_/.test(code))).toEqual([])
    expect(BROKEN_PATH_CODES.filter((code) => SILENT_PATH_CODES.includes(code))).toEqual([])
    expect(SILENT_PATH_CODES).toEqual(
      expect.arrayContaining(['address_blocked', 'host_budget', 'dns_too_many', 'quarantined']),
    )
  })
})

const UNJUDGED: AdvertiseVerdict = {
  advertise: false,
  why: 'unjudged',
  since: at(0),
  turningSince: undefined,
  judgedAt: undefined,
}
const ADVERTISED: AdvertiseVerdict = { ...UNJUDGED, advertise: true, why: undefined, judgedAt: at(0) }

function at(seconds: number): Date {
  return new Date(START + seconds * 1000)
}

function kindOf(kind: number): Given {
  return [WELL, GONE, CUT, { waiting: waitSeconds + 1 }, { domains: { tried: 3, broken: 1 } }][kind] ?? WELL
}

/** The same facts at every `step` seconds. */
function every(step: number, from: number, to: number, given: Given): [number, Given][] {
  const times = Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, turn) => from + turn * step)
  return times.map((seconds) => [seconds, given])
}

/** The verdict after each look, beginning with one given at second 0. */
function follow(looks: readonly (readonly [number, Given])[], first = ADVERTISED): AdvertiseVerdict[] {
  let verdict = first
  return looks.map(([seconds, given]) => {
    const before = (ago: number | undefined) => (ago === undefined ? undefined : at(seconds - ago))
    const { domains = { tried: 0, broken: 0 }, attempted, waiting } = given
    const seen = 'seen' in given ? given.seen : 0
    const facts = {
      ...{ domains, fetcherSeenAt: before(seen) },
      ...{ attemptedAt: before(attempted), waitingSince: before(waiting) },
    }
    verdict = judgeAdvertise(verdict, facts, at(seconds))
    return verdict
  })
}
