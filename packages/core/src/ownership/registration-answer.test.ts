import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonValue } from '../json/json.ts'
import { parseRegistration } from './registration-answer.ts'

const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
const event = (eventAction: string, eventDate: JsonValue) => ({ eventAction, eventDate })
const answer = (events: JsonValue, members: object = {}): Uint8Array =>
  bytesOf({ objectClassName: 'domain', ldhName: 'EXAMPLE.com.', events, ...members })
const read = (body: Uint8Array) => parseRegistration(body, 'example.com')

const REGISTERED = event('registration', '2019-03-01T00:00:00Z')
const EXPIRES = event('expiration', '2027-03-01T00:00:00.5+02:00')

describe('parseRegistration', () => {
  it('CHG-05: reads when a domain was registered and when that ends (RFC 9083 section 4.5)', () => {
    expect(read(answer([event('last changed', '2026-01-01T00:00:00Z'), REGISTERED, EXPIRES]))).toEqual({
      registeredAt: new Date('2019-03-01T00:00:00Z'),
      expiresAt: new Date('2027-02-28T22:00:00.500Z'),
    })
  })

  it('CHG-05: takes the last registration and the first end', () => {
    const again = event('reregistration', '2026-02-01T00:00:00Z')
    const sooner = event('expiration', '2026-12-01T00:00:00Z')
    expect(read(answer([again, REGISTERED, EXPIRES, sooner]))).toEqual({
      registeredAt: new Date('2026-02-01T00:00:00Z'),
      expiresAt: new Date('2026-12-01T00:00:00Z'),
    })
  })

  it.each([
    ['only the one', [REGISTERED], { registeredAt: new Date('2019-03-01T00:00:00Z') }],
    ['only the other', [EXPIRES], { expiresAt: new Date('2027-02-28T22:00:00.500Z') }],
  ])('CHG-05: tells %s where no more is said', (_, events, expected) => {
    expect(read(answer(events))).toEqual(expected)
  })

  it.each<[what: string, body: Uint8Array]>([
    ['what is no JSON', new TextEncoder().encode('<html>')],
    ['what is no object', bytesOf([REGISTERED])],
    ['another domain', answer([REGISTERED], { ldhName: 'example.org' })],
    ['a name that is none', answer([REGISTERED], { ldhName: 7 })],
    ['another object', answer([REGISTERED], { objectClassName: 'entity' })],
    ['no events', answer({})],
    ['events that are none', answer([null, 'registration', [], { eventAction: 7 }])],
    ['dates that are none', answer([event('registration', 'yesterday'), event('expiration', 0)])],
    ['a date that no calendar has', answer([event('registration', '2026-13-45T00:00:00Z')])],
    [
      'dates whose years have no four digits',
      answer([
        event('registration', '0000-01-01T00:00:00+12:00'),
        event('expiration', '9999-12-31T23:59:59-12:00'),
      ]),
    ],
    ['more events than any domain has', answer([...Array(64).fill(null), REGISTERED])],
  ])('CHG-05: makes nothing of %s', (_, body) => {
    expect(read(body)).toBeUndefined()
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (events) => {
        read(answer(events as JsonValue))
      }),
    )
  })
})
