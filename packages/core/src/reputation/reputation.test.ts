import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ReputationFacts, reputationOf, reputationResult } from './reputation.ts'
import { isAtLeast, TOKEN_LIMITS } from './tiers.ts'

const NOW = new Date('2026-11-01T00:00:00Z')
const daysAgo = (days: number): Date => new Date(NOW.getTime() - days * 86_400_000)

const FACTS: ReputationFacts = {
  subjects: 1_000,
  domainSubjects: 1_000,
  domainClients: 1,
  firstSeen: daysAgo(30),
  lastSeen: daysAgo(0),
  reviewedAt: undefined,
  ownershipChangedAt: undefined,
  hosting: 'own',
}
const FEW = { subjects: 3, domainSubjects: 3 }

describe('reputationOf', () => {
  it.each<[string, Partial<ReputationFacts>, string, readonly string[]]>([
    ['nobody yet', { ...FEW, subjects: 0, firstSeen: undefined }, 'first_seen', ['never_seen']],
    ['seen, and used by nobody', { ...FEW, subjects: 0 }, 'first_seen', ['never_seen']],
    ['9 users', { ...FEW, subjects: 9 }, 'first_seen', ['subjects']],
    ['10 users', { subjects: 10, domainSubjects: 10 }, 'tried', ['subjects']],
    ['100 users', { subjects: 100, domainSubjects: 100 }, 'known', ['subjects']],
    ['1,000 users', {}, 'established', ['subjects']],
    ['1,000 users in an hour', { firstSeen: NOW }, 'tried', ['subjects', 'too_young']],
    ['1,000 users in a day', { firstSeen: daysAgo(1) }, 'known', ['subjects', 'too_young']],
    ['seen in the future', { firstSeen: daysAgo(-9) }, 'tried', ['subjects', 'too_young']],
    ['a new id of a well-used domain', { subjects: 1 }, 'tried', ['subjects', 'domain_known']],
    ['of a domain with an id for each user', { subjects: 1, domainClients: 900 }, 'first_seen', ['subjects']],
    ['on a shared host', { subjects: 1, hosting: 'shared_host' }, 'first_seen', ['subjects']],
    [
      'below a shared suffix',
      { subjects: 1, hosting: 'shared_suffix' },
      'tried',
      ['subjects', 'domain_known'],
    ],
    ['of a service', { hosting: 'cimd_service' }, 'known', ['subjects', 'cimd_service']],
    [
      'of a service, not used for long',
      { hosting: 'cimd_service', lastSeen: daysAgo(400) },
      'tried',
      ['subjects', 'cimd_service', 'long_unused'],
    ],
    ['new, of a service', { ...FEW, hosting: 'cimd_service' }, 'first_seen', ['subjects', 'cimd_service']],
    ['reviewed', { ...FEW, reviewedAt: daysAgo(3) }, 'reviewed', ['reviewed']],
    ['changed hands', { ownershipChangedAt: daysAgo(3) }, 'first_seen', ['ownership_changed']],
    ['changed hands long ago', { ownershipChangedAt: daysAgo(90) }, 'established', ['subjects']],
    [
      'reviewed, then changed hands',
      { reviewedAt: daysAgo(5), ownershipChangedAt: daysAgo(3) },
      'first_seen',
      ['review_void', 'ownership_changed'],
    ],
    [
      'reviewed, then changed hands long ago',
      { reviewedAt: daysAgo(200), ownershipChangedAt: daysAgo(100) },
      'established',
      ['review_void', 'subjects'],
    ],
    [
      'changed hands, then reviewed',
      { reviewedAt: daysAgo(2), ownershipChangedAt: daysAgo(3) },
      'reviewed',
      ['reviewed'],
    ],
  ])('%s', (_, facts, tier, codes) => {
    const judged = reputationOf({ ...FACTS, ...facts }, NOW)
    expect(judged.tier).toBe(tier)
    expect(judged.reasons.map(({ code }) => code)).toEqual(codes)
    expect(judged.token_limits).toEqual(TOKEN_LIMITS[judged.tier])
    expect(reputationResult.parse(judged)).toEqual(judged)
  })

  it('fills in the numbers', () => {
    const [first] = reputationOf({ ...FACTS, ...FEW }, NOW).reasons
    expect(first).toEqual({ code: 'subjects', text: '3 users have used this client.', params: { count: 3 } })
  })

  const date = fc.option(fc.integer({ min: -10, max: 800 }).map(daysAgo), { nil: undefined })
  const facts = fc.record({
    subjects: fc.nat(3_000),
    domainSubjects: fc.nat(3_000),
    domainClients: fc.nat(500),
    firstSeen: date,
    lastSeen: date,
    reviewedAt: date,
    ownershipChangedAt: date,
    hosting: fc.constantFrom<ReputationFacts['hosting']>(
      'own',
      'shared_suffix',
      'shared_host',
      'cimd_service',
    ),
  })

  it('more distinct subjects never lower the tier', () => {
    fc.assert(
      fc.property(facts, fc.nat(2_000), (some, more) => {
        const { subjects, domainSubjects } = some
        const added = { ...some, subjects: subjects + more, domainSubjects: domainSubjects + more }
        expect(isAtLeast(reputationOf(added, NOW).tier, reputationOf(some, NOW).tier)).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })

  it('a discontinuity of ownership never raises the tier, nor does a service that publishes for others', () => {
    fc.assert(
      fc.property(facts, (some) => {
        const { tier } = reputationOf({ ...some, ownershipChangedAt: undefined }, NOW)
        expect(isAtLeast(tier, reputationOf(some, NOW).tier)).toBe(true)
        const own = reputationOf({ ...some, hosting: 'own' }, NOW).tier
        expect(isAtLeast(own, reputationOf({ ...some, hosting: 'cimd_service' }, NOW).tier)).toBe(true)
      }),
    )
  })
})
