import { describe, expect, it } from 'vitest'
import { WITHDRAWAL_GRACE_SECONDS } from './caching/stale-use.ts'
import type { MemberChange } from './changes/member-change.ts'
import { type ClientEvent, EVENT_DATA } from './event.ts'
import { UNKNOWN_STANDING } from './life/client-record.ts'
import { type AttemptOutcome, judgeAttempt } from './life/lifecycle.ts'

const [DIGEST, OTHER_DIGEST] = ['a'.repeat(64), '0123456789abcdef'.repeat(4)]
const freshness = {
  freshForSeconds: 3600,
  staleWhileRevalidateSeconds: 600,
  staleIfErrorSeconds: undefined,
  staleForbidden: false,
}
const changes: MemberChange[] = [
  { member: 'redirect_uris', class: 'widening', before: [], after: ['https://b.example/'] },
  { member: 'scope', class: 'narrowing', before: ['b'], after: [] },
  { member: 'jwks_uri', class: 'keys', before: undefined, after: 'https://a.example/keys' },
  { member: 'client_name', class: 'display', before: 'A', after: undefined },
]
const outcomes: [seconds: number, outcome: AttemptOutcome][] = [
  [0, { kind: 'valid', digest: DIGEST, freshness, changes: [] }],
  [100, { kind: 'failed', code: 'status_404' }],
  [100 + WITHDRAWAL_GRACE_SECONDS, { kind: 'failed', code: 'status_404' }],
  [2000, { kind: 'valid', digest: OTHER_DIGEST, freshness, changes }],
  [3000, { kind: 'failed', code: 'quarantined' }],
]

/** One event of every type that an attempt on a document makes. */
function produceEvents(): ClientEvent[] {
  let standing = UNKNOWN_STANDING
  return outcomes.flatMap(([seconds, outcome]) => {
    const judgement = judgeAttempt(standing, outcome, new Date(Date.UTC(2026, 10, 20, 12, 0, seconds)), 0)
    standing = judgement.standing
    return judgement.events
  })
}

describe('EVENT_DATA', () => {
  it('describes the events that an attempt on a document makes, and those that are made elsewhere', () => {
    const types = produceEvents().map(({ type }) => type)
    expect(types).toEqual([
      'client.discovered',
      'client.stale',
      'client.withdrawn',
      'client.recovered',
      'client.metadata_changed',
      'client.quarantined',
    ])
    const elsewhere = [
      ...['client.keys_changed', 'client.logo_changed', 'client.dormant'],
      ...['subscription.disabled', 'service.advertise_changed', 'decision.changed', 'host.ownership_changed'],
    ]
    expect([...types, ...elsewhere].sort()).toEqual(Object.keys(EVENT_DATA).sort())
  })

  it.each(produceEvents())(
    'holds for $type as consumers receive it, to the last member',
    ({ type, data }) => {
      const received = JSON.parse(JSON.stringify(data))
      expect(EVENT_DATA[type].parse(received)).toEqual(received)
    },
  )

  it.each<[string, ClientEvent['type'], object]>([
    ['a digest that is not sha-256', 'client.discovered', { digest: 'A'.repeat(64) }],
    ['a code in capitals', 'client.recovered', { digest: DIGEST, code: 'Status 404' }],
    [
      'an instant without a zone',
      'client.withdrawn',
      { digest: DIGEST, code: 'x', since: '2026-11-20T12:00' },
    ],
  ])('does not hold for %s', (_, type, data) => {
    expect(EVENT_DATA[type].safeParse(data).success).toBe(false)
  })

  it('says why nothing is to be advertised in words that are known', () => {
    const schema = EVENT_DATA['service.advertise_changed']
    for (const data of [{ advertise: true }, { advertise: false, why: 'egress_broken' }]) {
      expect(schema.parse(data)).toEqual(data)
    }
    expect(schema.safeParse({ advertise: false, why: 'unjudged' }).success).toBe(false)
  })

  it('holds for members a later release adds', () => {
    expect(EVENT_DATA['client.discovered'].safeParse({ digest: DIGEST, later: 1 }).success).toBe(true)
  })
})
