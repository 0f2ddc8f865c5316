import { describe, expect, it } from 'vitest'
import { type DomainStanding, judgeContinuity, noteAbsence } from './continuity.ts'
import { standingOfDomain } from './stored-standing.ts'

const onDay = (day: number): Date => new Date(Date.UTC(2026, 0, 1) + day * 86_400_000)

describe('standingOfDomain', () => {
  it('CHG-05: is what JSON was made of', () => {
    const seen = { nameServers: ['ns1.example'], certificateIssuer: 'A', certificateKey: 'a'.repeat(64) }
    const first = judgeContinuity(undefined, { ...seen, seenAt: onDay(0), documentsChanged: false }).standing
    const moved = judgeContinuity(first, {
      ...{ ...seen, certificateIssuer: 'B', seenAt: onDay(1), documentsChanged: true },
      registration: { registeredAt: onDay(-9), expiresAt: onDay(300) },
    }).standing
    const unanswered = {
      ...seen,
      nameServers: undefined,
      certificateKey: 'b'.repeat(64),
      documentsChanged: false,
    }
    const back = judgeContinuity(noteAbsence(first, onDay(2)), { ...unanswered, seenAt: onDay(9) }).standing
    expect(back).toMatchObject({ absence: {}, silenceSeconds: 9 * 86_400 })
    for (const standing of [first, noteAbsence(moved, onDay(2)), back] satisfies DomainStanding[]) {
      expect(standingOfDomain(JSON.parse(JSON.stringify(standing)))).toEqual(standing)
    }
  })

  it.each([null, {}, { era: 0 }])('throws for %j', (stored) => {
    expect(() => standingOfDomain(stored)).toThrow()
  })
})
