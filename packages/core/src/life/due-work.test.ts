import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type DueFacts,
  decideDueWork,
  IN_LINE_LOOK_SECONDS,
  isDeciding,
  LOST_REFRESH_WORK_SECONDS,
  LOST_URGENT_WORK_SECONDS,
} from './due-work.ts'

const HOUR = 60 * 60
const DAY = 24 * HOUR
const now = new Date('2026-11-20T12:00:00Z')
const at = (seconds: number) => new Date(now.getTime() + seconds * 1000)

/** A leased client, valid an hour ago and resolved since; nothing is wanted. */
const settled: DueFacts = {
  wanted: 3,
  done: 3,
  urgent: 2,
  claimUntil: undefined,
  deferredUntil: undefined,
  quarantinedUntil: undefined,
  attemptedAt: at(-HOUR),
  failing: false,
  withdrawingSince: undefined,
  lastResolvedAt: at(-60),
  leasedUntil: at(DAY),
  canary: false,
}
const decide = (facts: Partial<DueFacts>) => decideDueWork({ ...settled, ...facts }, now)
const refresh = { kind: 'refresh', lookAgainAt: at(LOST_REFRESH_WORK_SECONDS) }

describe('decideDueWork of a client that is wanted', () => {
  it('enqueues what a user waits for on the fetch queue, and looks again soon', () => {
    const lookAgainAt = at(LOST_URGENT_WORK_SECONDS)
    expect(decide({ wanted: 4, urgent: 4 })).toEqual({ kind: 'enqueue', queue: 'fetch', lookAgainAt })
  })

  it('enqueues on the fetch queue also when only an older generation is urgent', () => {
    expect(decide({ wanted: 5, urgent: 4 })).toMatchObject({ kind: 'enqueue', queue: 'fetch' })
  })

  it('leaves what waits in line for a place to whoever gives the places', () => {
    const lookAgainAt = at(IN_LINE_LOOK_SECONDS)
    expect(decide({ wanted: 4, urgent: 4, inLine: true })).toEqual({ kind: 'wait', lookAgainAt })
    expect(decide({ wanted: 4, urgent: 3, inLine: true })).toMatchObject({
      kind: 'enqueue',
      queue: 'refresh',
    })
  })

  it('refreshes behind all users what waits in line and others may use already', () => {
    const lookAgainAt = at(LOST_REFRESH_WORK_SECONDS)
    const facts = { wanted: 4, urgent: 4, inLine: true, known: true }
    expect(decide(facts)).toEqual({ kind: 'enqueue', queue: 'refresh', lookAgainAt })
    expect(decide({ ...facts, inLine: false })).toMatchObject({ kind: 'enqueue', queue: 'fetch' })
  })

  it('enqueues what nobody waits for on the refresh queue', () => {
    const lookAgainAt = at(LOST_REFRESH_WORK_SECONDS)
    expect(decide({ wanted: 4, urgent: 3 })).toEqual({ kind: 'enqueue', queue: 'refresh', lookAgainAt })
  })

  it.each<[string, Partial<DueFacts>]>([
    ['another holds the claim', { claimUntil: at(8) }],
    ['its budget asks to wait (CAC-06)', { deferredUntil: at(8) }],
    ['it is in quarantine', { quarantinedUntil: at(8) }],
    ['its budget asks to wait and an old claim has ended', { claimUntil: at(-1), deferredUntil: at(8) }],
  ])('waits while %s', (_, facts) => {
    expect(decide({ wanted: 4, urgent: 4, ...facts })).toEqual({ kind: 'wait', lookAgainAt: at(8) })
  })

  it.each<[string, Partial<DueFacts>]>([
    ['a claim', { claimUntil: now }],
    ['a deferral', { deferredUntil: now }],
    ['a quarantine', { quarantinedUntil: now }],
  ])('enqueues again the moment %s has ended: its work is lost', (_, facts) => {
    expect(decide({ wanted: 4, urgent: 4, ...facts })).toMatchObject({ kind: 'enqueue', queue: 'fetch' })
  })

  it('fetches for a user who waits although no tenant holds a lease yet', () => {
    const facts = { wanted: 1, done: 0, urgent: 1, attemptedAt: undefined, leasedUntil: undefined }
    expect(decide(facts)).toMatchObject({ kind: 'enqueue', queue: 'fetch' })
  })
})

describe('decideDueWork of a client that is not wanted (ARC-04)', () => {
  it.each<[string, Partial<DueFacts>]>([
    ['resolved since its last attempt', {}],
    ['failing, though cold', { failing: true, lastResolvedAt: at(-2 * HOUR) }],
    ['never attempted', { attemptedAt: undefined, lastResolvedAt: undefined }],
    ['cold for a day', { attemptedAt: at(-DAY), lastResolvedAt: at(-2 * DAY) }],
    ['cold for longer', { attemptedAt: at(-3 * DAY), lastResolvedAt: undefined }],
  ])('refreshes one that is %s', (_, facts) => {
    expect(decide(facts)).toEqual(refresh)
  })

  it.each<[string, Partial<DueFacts>]>([
    ['was not resolved since its last attempt', { lastResolvedAt: at(-2 * HOUR) }],
    ['was resolved in the instant of it', { lastResolvedAt: at(-HOUR) }],
    ['nobody resolved', { lastResolvedAt: undefined }],
  ])('leaves one that %s until a day after that attempt', (_, facts) => {
    expect(decide(facts)).toEqual({ kind: 'wait', lookAgainAt: at(DAY - HOUR) })
  })

  it.each<[string, Partial<DueFacts>]>([
    ['has ended', { leasedUntil: now }],
    ['was never taken', { leasedUntil: undefined }],
    ['has ended, though it is failing', { leasedUntil: at(-1), failing: true }],
  ])('retires one whose lease %s', (_, facts) => {
    expect(decide(facts)).toEqual({ kind: 'retire' })
  })
})

describe('decideDueWork of a canary', () => {
  it.each<[string, Partial<DueFacts>]>([
    ['resolves', { lastResolvedAt: at(-2 * HOUR) }],
    ['ever resolved', { lastResolvedAt: undefined }],
    ['holds a lease of', { lastResolvedAt: undefined, leasedUntil: undefined }],
  ])('refreshes one that nobody %s, and never lets go of it', (_, facts) => {
    expect(decide({ canary: true, ...facts })).toEqual(refresh)
  })

  it('demands it no more often than any other', () => {
    expect(decide({ canary: true, wanted: 4, claimUntil: at(8) })).toEqual({
      kind: 'wait',
      lookAgainAt: at(8),
    })
  })
})

describe('isDeciding', () => {
  const wordSince = at(-20 * 60)
  const decides = (facts: Partial<DueFacts>) => isDeciding({ ...settled, failing: true, ...facts })

  it.each<[string, number]>([
    ['the word itself', 0],
    ['13 minutes', 13 * 60],
    ['all but a moment of the grace', 15 * 60 - 0.001],
  ])(
    'is true of a client tried last after %s: however late it is now, the word is open (CAC-14)',
    (_, seconds) => {
      const attemptedAt = new Date(wordSince.getTime() + seconds * 1000)
      expect(decides({ withdrawingSince: wordSince, attemptedAt })).toBe(true)
    },
  )

  it.each<[string, Partial<DueFacts>]>([
    ['the publisher said nothing of', { withdrawingSince: undefined }],
    [
      'was tried when the grace was over: the brake holds it',
      { withdrawingSince: wordSince, attemptedAt: at(-5 * 60) },
    ],
  ])('is false of a client that %s', (_, facts) => {
    expect(decides(facts)).toBe(false)
  })

  it('is true of one that was given a new grace and not tried in it', () => {
    expect(decides({ withdrawingSince: at(-60), attemptedAt: at(-HOUR) })).toBe(true)
  })
})

describe('decideDueWork of a client in quarantine', () => {
  const until = { quarantinedUntil: at(HOUR) }

  it('leaves it alone until then, a canary too, though a refresh is due', () => {
    const wait = { kind: 'wait', lookAgainAt: at(HOUR) }
    expect(decide(until)).toEqual(wait)
    expect(decide({ ...until, canary: true })).toEqual(wait)
    expect(decide({ ...until, canary: true, leasedUntil: undefined })).toEqual(wait)
  })

  it('lets it go when nobody uses it, and tries it once more when the quarantine is over', () => {
    expect(decide({ ...until, leasedUntil: now })).toEqual({ kind: 'retire' })
    expect(decide({ quarantinedUntil: now, failing: true })).toEqual(refresh)
  })
})

describe('decideDueWork', () => {
  const instant = fc.option(fc.integer({ min: -40 * DAY, max: 40 * DAY }).map(at), { nil: undefined })
  const facts = fc.record<DueFacts>({
    wanted: fc.integer({ min: 0, max: 3 }),
    done: fc.integer({ min: 0, max: 3 }),
    urgent: fc.integer({ min: 0, max: 3 }),
    claimUntil: instant,
    deferredUntil: instant,
    quarantinedUntil: instant,
    attemptedAt: instant.map((date) => (date && date > now ? now : date)),
    failing: fc.boolean(),
    withdrawingSince: instant,
    lastResolvedAt: instant,
    leasedUntil: instant,
    canary: fc.boolean(),
  })

  it('always looks again later, so that no sweep spins on a client', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const action = decideDueWork(given, now)
        if (action.kind !== 'retire') expect(action.lookAgainAt.getTime()).toBeGreaterThan(now.getTime())
      }),
    )
  })

  it('lets go of no demand, and makes none where one is open (ARC-02)', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const { kind } = decideDueWork(given, now)
        const allowed = given.wanted > given.done ? ['wait', 'enqueue'] : ['wait', 'refresh', 'retire']
        expect(allowed).toContain(kind)
      }),
    )
  })
})
