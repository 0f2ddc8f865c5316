import { describe, expect, it } from 'vitest'
import { EVENT_DATA } from '../event.ts'
import {
  type ContinuityJudgement,
  type DomainObservation,
  type DomainStanding,
  isOwnerUnaccepted,
  judgeContinuity,
  noteAbsence,
} from './continuity.ts'
import { ownershipEvent } from './ownership-event.ts'

const onDay = (day: number): Date => new Date(Date.UTC(2026, 0, 1) + day * 86_400_000)

const [OLD, CLOUDFLARE] = [
  ['ns1.host.example', 'ns2.host.example'],
  ['amy.ns.cloudflare.com', 'bob.ns.cloudflare.com'],
]
const BEFORE = { nameServers: OLD, certificateIssuer: 'DigiCert Inc', certificateKey: 'a'.repeat(64) }
const AFTER = { nameServers: CLOUDFLARE, certificateIssuer: "Let's Encrypt", certificateKey: 'b'.repeat(64) }
const rotated = (key: string) => ({ certificateKey: key.repeat(64) })
const replaced = { nameServers: CLOUDFLARE, ...rotated('c') }

function seen(day: number, members: Partial<DomainObservation> = {}): DomainObservation {
  return { ...BEFORE, seenAt: onDay(day), documentsChanged: false, ...members }
}

/** What is made of observations one after the other; numbers are days on which the registry does not know the domain. */
function follow(...story: readonly (DomainObservation | number)[]): readonly ContinuityJudgement[] {
  let standing: DomainStanding | undefined
  return story.flatMap((step) => {
    if (typeof step === 'number') {
      standing = standing && noteAbsence(standing, onDay(step))
      return []
    }
    const judgement = judgeContinuity(standing, step)
    standing = judgement.standing
    return [judgement]
  })
}

function last(...story: readonly (DomainObservation | number)[]): ContinuityJudgement {
  return follow(...story).at(-1) as ContinuityJudgement
}

const daily = (from: number, to: number, members: Partial<DomainObservation> = {}) =>
  Array.from({ length: to - from + 1 }, (_, index) => seen(from + index, members))

describe('judgeContinuity', () => {
  it('begins the first era with the first sight', () => {
    expect(last(seen(0))).toEqual({
      ...{ verdict: 'continuous', signals: [], reasons: [], isNews: false },
      standing: {
        ...{ era: 1, eraSince: onDay(0), lastSeenAt: onDay(0), registration: undefined },
        settled: { ...BEFORE },
      },
    })
  })

  it.each<[what: string, story: readonly (DomainObservation | number)[], signals: readonly string[]]>([
    ['a key that rotates', [seen(0), seen(1, rotated('b'))], ['certificate_key']],
    [
      'an issuer and a key that change',
      [seen(0), seen(1, { ...rotated('b'), certificateIssuer: 'GTS' })],
      ['certificate_key', 'certificate_issuer'],
    ],
    [
      'a name server more',
      [seen(0), seen(1, { nameServers: [...OLD, 'ns3.host.example'] })],
      ['name_servers'],
    ],
    [
      'a name server that is another, and the issuer',
      [
        seen(0),
        seen(1, { nameServers: ['ns1.host.example', 'ns9.other.example'], certificateIssuer: 'GTS' }),
      ],
      ['name_servers', 'certificate_issuer'],
    ],
    [
      'name servers in other words',
      [seen(0), seen(1, { nameServers: ['NS2.host.example.', 'ns1.host.example'] })],
      [],
    ],
    ['name servers that could not be seen', [seen(0), seen(1, { nameServers: undefined })], []],
    ['name servers seen for the first time', [seen(0, { nameServers: [] }), seen(1)], []],
    ['a certificate that was not seen', [seen(0), seen(1, { certificateIssuer: undefined })], []],
    ['a client that nobody used for a year', [seen(0), seen(365, rotated('b'))], ['certificate_key']],
    ['a registry that did not know it for a day', [seen(0), 1, 2, seen(3)], []],
    [
      'a registration that is older than the first sight',
      [seen(0), seen(1, { registration: { registeredAt: onDay(-900) } })],
      [],
    ],
    [
      'a registration told by another hour',
      [
        seen(0, { registration: { registeredAt: onDay(-900) } }),
        seen(1, { registration: { registeredAt: onDay(-899.2) } }),
      ],
      [],
    ],
    [
      'a registration whose date is corrected, before the first sight',
      [
        seen(0, { registration: { registeredAt: onDay(-900) } }),
        seen(1, { registration: { registeredAt: onDay(-5) } }),
      ],
      [],
    ],
  ])('takes %s for the same hands', (_, story, signals) => {
    expect(last(...story)).toMatchObject({
      verdict: 'continuous',
      signals,
      reasons: [],
      standing: { era: 1 },
    })
  })

  it.each<[what: string, story: readonly (DomainObservation | number)[]]>([
    ['all name servers replaced', [seen(0), seen(1, { nameServers: CLOUDFLARE })]],
    ['a move to Cloudflare, served all the while', [seen(0), seen(1), seen(2, AFTER)]],
    ['a move after three days away', [seen(0), seen(3, AFTER)]],
    [
      'a move after a long silence with the key of the certificate kept',
      [seen(0), seen(60, { ...AFTER, ...rotated('a') })],
    ],
    [
      'a move after a long silence within a registration that goes on',
      [seen(0, { registration: { expiresAt: onDay(300) } }), seen(60, replaced)],
    ],
    [
      'an issuer that is another after a silence',
      [seen(0), seen(8, { ...rotated('b'), certificateIssuer: 'GTS' })],
    ],
    ['a name that was away for a month and kept the key of its certificate', [seen(0), 1, 40, seen(41)]],
  ])('takes %s for a change to be told, and no more', (_, story) => {
    expect(last(...story)).toMatchObject({
      verdict: 'changed',
      reasons: [],
      isNews: true,
      standing: { era: 1 },
    })
  })

  it.each<[what: string, story: readonly (DomainObservation | number)[], reasons: readonly string[]]>([
    ['name servers replaced after a silence', [seen(0), seen(7, replaced)], ['replaced_after_silence']],
    [
      'name servers replaced after the registry did not know it',
      [seen(0), 1, 2, seen(3, replaced)],
      ['replaced_after_absence'],
    ],
    [
      'a name that was away for as long as it takes to delete it',
      [seen(0), 1, 31, seen(32, rotated('b'))],
      ['long_absence'],
    ],
    ['name servers and issuer replaced after days away', [seen(0), seen(5, AFTER)], ['replaced_together']],
    [
      'a move with a document that widens',
      [seen(0), seen(1, { ...AFTER, documentsChanged: true })],
      ['replaced_together'],
    ],
    [
      'a registration newer than the first sight, whatever is proven',
      [seen(0), seen(60, { registration: { registeredAt: onDay(50) } })],
      ['registered_anew'],
    ],
    [
      'name servers replaced after the registration ran out',
      [seen(0, { registration: { expiresAt: onDay(10) } }), seen(60, replaced)],
      ['replaced_after_silence'],
    ],
  ])('takes %s for other hands', (_, story, reasons) => {
    expect(last(...story)).toMatchObject({
      verdict: 'discontinuous',
      reasons,
      isNews: true,
      standing: { era: 2 },
    })
  })

  it('tells a change once', () => {
    const news = follow(seen(0), seen(1, AFTER), seen(2, AFTER), seen(3, { ...AFTER, ...rotated('c') }))
    expect(news.map(({ verdict, isNews }) => [verdict, isNews])).toEqual([
      ['continuous', false],
      ['changed', true],
      ['changed', false],
      ['changed', false],
    ])
    const [again] = follow(
      seen(0),
      seen(1, AFTER),
      seen(2, { ...AFTER, nameServers: ['ns.third.example'] }),
    ).slice(-1)
    expect(again).toMatchObject({ verdict: 'changed', isNews: true })
  })

  it('does not hold a silence, or days of NXDOMAIN, after a harmless move against it', () => {
    const [, after] = follow(seen(0), seen(1, AFTER), 3, 5, seen(12, AFTER)).slice(-2)
    expect(after).toMatchObject({ verdict: 'changed', isNews: false, standing: { era: 1 } })
    expect(
      last(seen(0), seen(1, AFTER), seen(12, { ...AFTER, nameServers: ['ns.third.example'] })),
    ).toMatchObject({
      verdict: 'discontinuous',
      reasons: ['replaced_after_silence', 'replaced_together'],
    })
  })

  it('compares with what has been so for two weeks', () => {
    const judged = follow(seen(0), ...daily(1, 16, AFTER))
    expect(judged.map(({ verdict }) => verdict)).toEqual([
      'continuous',
      ...Array(15).fill('changed'),
      'continuous',
    ])
    expect(judged.at(-1)?.standing).toMatchObject({ settled: { nameServers: CLOUDFLARE }, era: 1 })
    expect(judged.at(-1)?.standing.recent).toBeUndefined()
  })

  it('is not deceived by small steps within that time', () => {
    const [, b] = OLD as [string, string]
    const steps = [
      seen(0),
      seen(1, { ...rotated('b'), certificateIssuer: 'GTS' }),
      seen(2, { ...AFTER, nameServers: [b, 'x.example'], documentsChanged: true }),
      seen(3, { ...AFTER, nameServers: ['x.example', 'y.example'] }),
    ]
    expect(
      follow(...steps)
        .map(({ verdict }) => verdict)
        .slice(0, 4),
    ).toEqual([...['continuous', 'continuous', 'continuous', 'discontinuous']])
  })

  it('takes back that a move was harmless when a document widens within that time', () => {
    const move = [seen(0), ...daily(1, 5, AFTER)]
    expect(last(...move, seen(6, { ...AFTER, documentsChanged: true }))).toMatchObject({
      verdict: 'discontinuous',
      reasons: ['replaced_together'],
    })
    const settled = [seen(0), ...daily(1, 16, AFTER)]
    expect(last(...settled, seen(17, { ...AFTER, documentsChanged: true })).verdict).toBe('continuous')
  })

  it('keeps what it could not see this time', () => {
    const { standing } = last(seen(0, { registration: { registeredAt: onDay(-9), expiresAt: onDay(99) } }), {
      ...{ seenAt: onDay(1), documentsChanged: false, registration: { expiresAt: onDay(200) } },
    })
    expect(standing).toMatchObject({
      settled: BEFORE,
      registration: { registeredAt: onDay(-9), expiresAt: onDay(200) },
    })
  })

  it('goes by the name servers that were seen last where they were not asked for', () => {
    const moved = (day: number, members: Partial<DomainObservation> = {}) => [
      seen(day, replaced),
      seen(day + 0.5, { ...replaced, nameServers: undefined, ...members }),
    ]
    const judged = follow(seen(0), ...Array.from({ length: 16 }, (_, day) => moved(day + 1)).flat())
    expect(judged.filter(({ isNews }) => isNews)).toHaveLength(1)
    expect(judged.at(-1)?.standing).toMatchObject({ settled: { nameServers: CLOUDFLARE } })
    expect(judged.at(-1)?.standing.recent).toBeUndefined()
    const { certificateIssuer } = AFTER
    expect(
      last(seen(0), seen(1, AFTER), ...moved(1.1, { certificateIssuer, documentsChanged: true })),
    ).toMatchObject({ verdict: 'discontinuous', reasons: ['replaced_together'] })
  })

  it('does not take an answer of a registry, which shows no certificate, for another key', () => {
    const move = seen(1, { ...AFTER, ...rotated('a'), documentsChanged: true })
    expect(
      last(seen(0), move, { seenAt: onDay(1), documentsChanged: false, registration: {} }),
    ).toMatchObject({ verdict: 'changed', standing: { recent: { since: onDay(1) } } })
  })

  it.each<[what: string, story: readonly (DomainObservation | number)[], reasons: readonly string[]]>([
    ['a silence', [seen(0)], ['replaced_after_silence']],
    ['days of NXDOMAIN', [seen(0), 1, 2], ['replaced_after_absence', 'replaced_after_silence']],
  ])('keeps %s against name servers that did not answer at first', (_, story, reasons) => {
    const unanswered = [7, 7.1, 8].map((day) => seen(day, { nameServers: undefined, ...rotated('c') }))
    expect(last(...story, ...unanswered)).toMatchObject({ verdict: 'continuous', standing: { era: 1 } })
    expect(last(...story, ...unanswered, seen(9, replaced))).toMatchObject({
      verdict: 'discontinuous',
      reasons,
    })
    const { standing } = last(...story, ...unanswered, seen(9, rotated('c')))
    expect([standing.absence, standing.silenceSeconds]).toEqual([undefined, undefined])
    const never = follow(seen(0, { nameServers: undefined }), ...unanswered).at(-1)?.standing
    expect(never?.silenceSeconds).toBeUndefined()
  })

  it('begins no era for a registration that is to come, however often it is told', () => {
    const registration = { registeredAt: onDay(900) }
    const told = [1, 2].map((day) => seen(day, { registration }))
    expect(last(seen(0), ...told)).toMatchObject({ verdict: 'continuous', standing: { era: 1 } })
  })

  it('passes over what ended late', () => {
    const { standing } = last(seen(5))
    expect(judgeContinuity(standing, seen(4, AFTER)).standing).toBe(standing)
    expect(noteAbsence(standing, onDay(4))).toBe(standing)
  })

  it('forgets an absence once the domain is back', () => {
    expect(last(seen(0), 1, 2, seen(3)).standing.absence).toBeUndefined()
    expect(last(seen(0), 1, 20, seen(21), 22, seen(33)).verdict).toBe('continuous')
    const unasked = (day: number) => seen(day, { nameServers: undefined, ...rotated('b') })
    expect(last(seen(0), 1, 20, unasked(21), 40, unasked(41))).toMatchObject({
      verdict: 'continuous',
      standing: { absence: { from: onDay(40), to: onDay(40) } },
    })
  })
})

describe('a domain that lapses and returns under new hands', () => {
  // The document is copied to the last byte, from the same issuer of certificates as ever.
  const copied = { ...BEFORE, nameServers: ['ns1.parking.example'], ...rotated('f') }
  const lapse = [...daily(0, 20), 22, 52, ...daily(75, 80, copied)]
  const judged = follow(...lapse)
  const found = judged[21] as ContinuityJudgement

  it('is found when it serves its first document, and begins an era', () => {
    expect(judged.slice(0, 21).every(({ verdict }) => verdict === 'continuous')).toBe(true)
    expect(found).toMatchObject({
      verdict: 'discontinuous',
      signals: ['name_servers', 'certificate_key'],
      reasons: ['long_absence', 'replaced_after_absence', 'replaced_after_silence'],
      standing: { era: 2, eraSince: onDay(75), settled: { nameServers: ['ns1.parking.example'] } },
    })
  })

  it('is an event', () => {
    const event = ownershipEvent('example.com', { lastSeenAt: onDay(20) }, found)
    expect(event).toEqual({
      type: 'host.ownership_changed',
      data: {
        ...{ domain: 'example.com', signals: found.signals, reasons: found.reasons, era: 2 },
        ...{ last_seen_at: onDay(20).toISOString(), seen_at: onDay(75).toISOString() },
      },
    })
    expect(EVENT_DATA['host.ownership_changed'].parse(event?.data)).toEqual(event?.data)
    expect(ownershipEvent('example.com', found.standing, judged[0] as ContinuityJudgement)).toBeUndefined()
  })

  it('stays in the new era, which no time makes the old one', () => {
    const { verdict, standing } = judged.at(-1) as ContinuityJudgement
    expect([verdict, standing.era]).toEqual(['continuous', 2])
    expect(isOwnerUnaccepted(standing, 1)).toBe(true)
    expect(isOwnerUnaccepted(standing, 2)).toBe(false)
  })

  it('is not trusted again when the old signals come back', () => {
    const back = last(...lapse, seen(88))
    expect(back).toMatchObject({ verdict: 'discontinuous', standing: { era: 3 } })
    expect(isOwnerUnaccepted(back.standing, 1)).toBe(true)
  })
})
