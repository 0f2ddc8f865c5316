import { describe, expect, it } from 'vitest'
import type { ClientEvent } from '../event.ts'
import type { FetchEvidence } from '../ports.ts'
import type { DomainStanding } from './continuity.ts'
import {
  type AttemptOnDomain,
  isDoubtfulChange,
  isNameServersDue,
  type KnownDomain,
  seenOfDomain,
} from './observation.ts'

const NOW = new Date('2026-11-20T12:00:00Z')
const minutesAgo = (minutes: number): Date => new Date(NOW.getTime() - minutes * 60_000)
const DAY = 24 * 60

const SIGNALS = { certificateIssuer: "Let's Encrypt", certificateKey: 'a'.repeat(64) }
const EVIDENCE: FetchEvidence = {
  ...{ phase: 'body', addresses: ['93.184.215.14'], bodyBytes: 9, times: { totalMs: 1 } },
  ...{ certificateIssuer: SIGNALS.certificateIssuer, certificateKeySha256: SIGNALS.certificateKey },
}
const STANDING: DomainStanding = {
  ...{ era: 1, eraSince: minutesAgo(90 * DAY), lastSeenAt: minutesAgo(10), settled: SIGNALS },
}

const known = (given: Partial<KnownDomain> = {}): KnownDomain => ({
  ...{ standing: STANDING, changesPending: false, nameServersAskedAt: minutesAgo(5) },
  ...given,
})
const attempt = (given: Partial<AttemptOnDomain> = {}): AttemptOnDomain => ({
  ...{ finishedAt: NOW, isValid: true, evidence: EVIDENCE, nameServers: { kind: 'unknown' } },
  ...{ events: [], isHeld: false },
  ...given,
})

const changed = (classes: ('widening' | 'display' | 'keys')[]): ClientEvent => ({
  type: 'client.metadata_changed',
  data: { from_digest: 'a'.repeat(64), to_digest: 'b'.repeat(64), classes, changes: [] },
})
const newKeys: ClientEvent = {
  type: 'client.keys_changed',
  data: { source: 'jwks', to_digest: 'b'.repeat(64), added: [], removed: [] },
}

describe('isNameServersDue', () => {
  it.each([
    ['is not where nothing of the domain was ever valid', undefined, false],
    ['is where they were never asked for', known({ nameServersAskedAt: undefined }), true],
    ['is not within a day', known({ nameServersAskedAt: minutesAgo(DAY - 1) }), false],
    ['is once a day', known({ nameServersAskedAt: minutesAgo(DAY) }), true],
  ])('CHG-05: %s', (_, domain, expected) => {
    expect(isNameServersDue(domain, NOW)).toBe(expected)
  })
})

describe('seenOfDomain', () => {
  it('CHG-05: shows what a valid document was served with', () => {
    const nameServers = { kind: 'found', names: ['ns1.host.example'] } as const
    expect(seenOfDomain(undefined, attempt({ nameServers }))).toEqual({
      kind: 'observed',
      observation: {
        ...SIGNALS,
        ...{ nameServers: ['ns1.host.example'], seenAt: NOW, documentsChanged: false },
      },
    })
  })

  it.each<[what: string, domain: KnownDomain | undefined, given: Partial<AttemptOnDomain>]>([
    ['what is seen for the first time', undefined, {}],
    ['a change that is pending', known({ changesPending: true }), {}],
    ['a document that widens', known(), { events: [changed(['display', 'widening'])] }],
    ['a document that nobody is told of yet', known(), { isHeld: true }],
    ['name servers', known(), { nameServers: { kind: 'found', names: ['ns.example'] } }],
    ['another issuer', known(), { evidence: { ...EVIDENCE, certificateIssuer: 'GTS' } }],
    [
      'an issuer that has not settled, gone again',
      known({
        standing: {
          ...STANDING,
          recent: {
            signals: { ...SIGNALS, certificateIssuer: 'GTS' },
            ...{ since: minutesAgo(20), isTold: false, isDoubtful: false },
          },
        },
      }),
      {},
    ],
    ['the same as an hour ago', known({ standing: { ...STANDING, lastSeenAt: minutesAgo(60) } }), {}],
  ])('CHG-05: has %s judged', (_, domain, given) => {
    expect(seenOfDomain(domain, attempt(given))).toMatchObject({ kind: 'observed' })
  })

  it.each<[what: string, domain: KnownDomain | undefined, given: Partial<AttemptOnDomain>]>([
    ['the same as within the hour', known(), {}],
    ['another key', known(), { evidence: { ...EVIDENCE, certificateKeySha256: 'b'.repeat(64) } }],
    ['a document that shows another name', known(), { events: [changed(['display'])] }],
    ['a failure', known(), { isValid: false }],
    [
      'that a host is found below a name that is denied',
      known(),
      { isValid: false, nameServers: { kind: 'absent' } },
    ],
    [
      'an absence of what was never there',
      undefined,
      { isValid: false, nameServers: { kind: 'absent' }, evidence: { ...EVIDENCE, addresses: [] } },
    ],
  ])('CHG-05: makes nothing of %s', (_, domain, given) => {
    expect(seenOfDomain(domain, attempt(given))).toBeUndefined()
  })

  it('CHG-05: shows an absence where neither the domain nor its host is found', () => {
    const nowhere = { ...EVIDENCE, addresses: [] }
    expect(
      seenOfDomain(known(), attempt({ isValid: false, nameServers: { kind: 'absent' }, evidence: nowhere })),
    ).toEqual({ kind: 'absent', at: NOW })
  })
})

describe('isDoubtfulChange', () => {
  it.each<[ClientEvent, boolean]>([
    [changed(['widening']), true],
    [changed(['keys']), true],
    [newKeys, true],
    [changed(['display']), false],
    [{ type: 'client.discovered', data: { digest: 'a'.repeat(64) } }, false],
  ])('CHG-05: $0.type is one: $1', (event, expected) => {
    expect(isDoubtfulChange(event)).toBe(expected)
  })
})
