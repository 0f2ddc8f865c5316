import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChangeClass, MemberChange } from './member-change.ts'
import { dampChanges, oscillationOf, type PastVersion } from './oscillation.ts'

const start = new Date('2026-11-20T12:00:00Z')
const HOUR = 3600

/** Versions an hour apart, oldest first; the last is the new one. */
function judge(digests: string, hoursApart = 1) {
  const versions = [...digests].map((digest, index): PastVersion => {
    return { digest, since: new Date(start.getTime() + index * hoursApart * HOUR * 1000) }
  })
  const current = versions.at(-1)
  if (current === undefined) throw new Error('there is a new version')
  return oscillationOf(versions.slice(0, -1), current)
}

describe('oscillationOf', () => {
  it.each([
    ['a first version', 'a', 0, ''],
    ['versions that never come back', 'abcdefgh', 0, ''],
    ['a mistake taken back', 'aba', 1, 'a'],
    ['a mistake repeated and taken back', 'abab', 2, 'ab'],
    ['the same version announced twice', 'aabb', 0, ''],
  ])('CHG-10: calls %s at rest', (_, digests, returns, which) => {
    expect(judge(digests)).toEqual({ oscillating: false, returns, digests: [...which] })
  })

  it.each([
    ['two versions that take turns', 'ababa', 3, 'ab'],
    ['three versions that take turns', 'abcabc', 3, 'abc'],
    ['a version that keeps coming back among new ones', 'abacada', 3, 'a'],
  ])('CHG-10: calls %s an oscillation', (_, digests, returns, which) => {
    expect(judge(digests)).toEqual({ oscillating: true, returns, digests: [...which] })
  })

  it('CHG-10: forgets what is older than a day', () => {
    expect(judge('ababababab', 12)).toMatchObject({ oscillating: true, returns: 3 })
    expect(judge('ababababab', 13)).toMatchObject({ oscillating: false, returns: 2 })
  })

  it('CHG-10: keeps to other bounds', () => {
    const current = { digest: 'a', since: start }
    const history = [
      { digest: 'a', since: start },
      { digest: 'b', since: start },
    ]
    expect(oscillationOf(history, current, { windowSeconds: 1, returnsMax: 1 }).oscillating).toBe(true)
  })

  it('CHG-10: never calls a document that only moves on an oscillation', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1, maxLength: 1 }), { minLength: 1 }), (digests) => {
        expect(
          oscillationOf(
            digests.slice(1).map((digest) => ({ digest, since: start })),
            { digest: digests[0] ?? '', since: start },
          ).returns,
        ).toBe(0)
      }),
    )
  })
})

describe('dampChanges', () => {
  const change = (changeClass: ChangeClass): MemberChange => ({
    member: changeClass,
    class: changeClass,
    before: undefined,
    after: 'x',
  })
  const all = (['widening', 'narrowing', 'keys', 'display', 'cosmetic'] as const).map(change)

  it('CHG-10: holds display and widening of an oscillating document, and nothing else (CHG-08)', () => {
    const { announced, held } = dampChanges(all, judge('ababa'))
    expect(announced.map((one) => one.class)).toEqual(['narrowing', 'keys', 'cosmetic'])
    expect(held.map((one) => one.class)).toEqual(['widening', 'display'])
  })

  it('CHG-10: holds nothing of a document at rest', () => {
    expect(dampChanges(all, judge('ab'))).toEqual({ announced: all, held: [] })
  })
})
