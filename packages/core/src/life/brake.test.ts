import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { at, DAY, DIGEST, HOUR, start } from './attempts.fixture.ts'
import { type BrakeFacts, decideBrake, endingOf, heldRefusalOf, heldUntil } from './brake.ts'
import { type ClientStanding, UNKNOWN_STANDING } from './client-record.ts'

const quiet: BrakeFacts = {
  inUse: 5000,
  ending: 0,
  endingByDomain: [],
  failingCanaries: 0,
  engaged: false,
  disarmedUntil: undefined,
}
/** Each that ends of a domain of its own, unless it is said otherwise. */
const factsOf = (facts: Partial<BrakeFacts>): BrakeFacts => ({
  ...{ ...quiet, endingByDomain: Array.from({ length: facts.ending ?? 0 }, () => 1) },
  ...facts,
})
const decide = (facts: Partial<BrakeFacts>) => decideBrake(factsOf(facts), start)
const leave = { kind: 'leave' }

describe('decideBrake', () => {
  it.each<[string, Partial<BrakeFacts>]>([
    ['nothing ends', {}],
    ['less than the share of those in use ends', { ending: 99 }],
    ['fewer than twenty end, though that is all', { inUse: 19, ending: 19 }],
    ['it is engaged already', { ending: 5000, failingCanaries: 1, engaged: true }],
    ['the operator has disarmed it', { ending: 5000, failingCanaries: 1, disarmedUntil: at(1) }],
  ])('leaves everything as it is where %s', (_, facts) => {
    expect(decide(facts)).toEqual(leave)
  })

  it.each<[string, Partial<BrakeFacts>, string]>([
    [
      'the share of those in use ends',
      { ending: 100 },
      '100 of 5000 clients in use would end within an hour',
    ],
    ['twenty end', { inUse: 20, ending: 20 }, '20 of 20 clients in use would end within an hour'],
    ['a canary ends', { failingCanaries: 1 }, "1 of the operator's canaries fail"],
    [
      'the time it was disarmed for is over',
      { ending: 100, disarmedUntil: start },
      '100 of 5000 clients in use would end within an hour',
    ],
  ])('is engaged, for the findings of the last hour, where %s', (_, facts, reason) => {
    expect(decide(facts)).toEqual({ kind: 'engage', heldFrom: at(-HOUR), reason })
  })

  it('goes by the thresholds of the deployment', () => {
    const decideBy = (ending: number) =>
      decideBrake(factsOf({ ending }), start, { share: 0.5, clientsMin: 3 }).kind
    expect([decideBy(2499), decideBy(2500)]).toEqual(['leave', 'engage'])
    const few = factsOf({ inUse: 4, ending: 3 })
    expect(decideBrake(few, start, { share: 0.5, clientsMin: 3 }).kind).toBe('engage')
  })

  it.each<[string, readonly number[], string]>([
    ['one has them all', [5000], 'leave'],
    ['one has nearly all', [5000, 49], 'leave'],
    ['another has as many', [50, 50], 'engage'],
    ['the others are half of what is needed', [5000, ...Array.from({ length: 50 }, () => 1)], 'engage'],
  ])('counts a registrable domain for no more than half of what is needed: %s', (_, byDomain, kind) => {
    const ending = byDomain.reduce((sum, clients) => sum + clients)
    expect(decide({ ending, endingByDomain: byDomain }).kind).toBe(kind)
  })

  it('counts each domain once at least', () => {
    const one = factsOf({ inUse: 1, ending: 1 })
    expect(decideBrake(one, start, { share: 0.02, clientsMin: 1 }).kind).toBe('engage')
  })
})

const failing: ClientStanding = {
  ...UNKNOWN_STANDING,
  state: 'failing',
  digest: DIGEST,
  usableUntil: at(DAY),
}
const down = { ...failing, failure: { code: 'status_5xx', since: at(0) } } as const
const blocked = {
  ...failing,
  failure: { code: 'address_blocked', since: at(0) },
  usableUntil: at(0),
} as const
const gone = { ...down, withdrawing: { code: 'status_404', since: at(60) }, usableUntil: at(960) } as const

describe('endingOf', () => {
  it.each<[string, ClientStanding, object | undefined]>([
    ['the word of the publisher, before what failed since', gone, gone.withdrawing],
    ['an address we refuse to dial', blocked, blocked.failure],
    ['no outage', down, undefined],
    ['nothing of a valid client', UNKNOWN_STANDING, undefined],
  ])('is %s', (_, standing, expected) => {
    expect(endingOf(standing)).toEqual(expected)
  })
})

describe('heldUntil', () => {
  const brake = { heldFrom: at(0) }

  it.each<[string, ClientStanding, Date | undefined]>([
    ['a day from the word of the publisher', gone, at(60 + DAY)],
    ['a day from a refused address', blocked, at(DAY)],
    ['a day, also of what was carried out already', { ...gone, state: 'withdrawn' }, at(60 + DAY)],
    ['nothing through an outage, which ends no use', down, undefined],
    ['nothing found before', { ...gone, withdrawing: { code: 'status_404', since: at(-1) } }, undefined],
    ['nothing whose use was over before (CHG-05)', { ...gone, usableUntil: at(59) }, undefined],
    ['nothing that was never usable', { ...gone, usableUntil: undefined }, undefined],
  ])('is %s', (_, standing, expected) => {
    expect(heldUntil(standing, brake)).toEqual(expected)
  })

  it('is nothing while the brake is not engaged', () => {
    expect(heldUntil(gone, undefined)).toBeUndefined()
  })
})

describe('heldRefusalOf', () => {
  it.each<[string, ClientStanding, string | undefined]>([
    ['what a held client was refused for', blocked, 'address_blocked'],
    ['nothing where the word of the publisher holds it', gone, undefined],
    ['nothing where nothing is held', down, undefined],
  ])('is %s', (_, standing, expected) => {
    expect(heldRefusalOf(standing, { heldFrom: at(0) })).toBe(expected)
  })
})

describe('the brake', () => {
  it('is never engaged by fewer than its least, nor left while its share ends', () => {
    const facts = fc.record({ inUse: fc.nat(100_000), ending: fc.nat(100_000) })
    fc.assert(
      fc.property(facts, (given) => {
        const { kind } = decide(given)
        expect(kind === 'engage').toBe(given.ending >= 20 && given.ending >= given.inUse * 0.02)
      }),
    )
  })
})
