import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChangeClass, MemberChange } from './member-change.ts'
import { dampChanges, type Oscillation, oscillationOf, type PastVersion } from './oscillation.ts'

const start = new Date('2026-11-20T12:00:00Z')
const HOUR = 3600

const versionAt = (digest: string, hours: number): PastVersion => ({
  digest,
  since: new Date(start.getTime() + hours * HOUR * 1000),
})

/** Versions an hour apart, oldest first; the last is the new one. */
function judge(digests: string, hoursApart = 1): Oscillation {
  const versions = [...digests].map((digest, index) => versionAt(digest, index * hoursApart))
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

  it('CHG-10: sees a document come to rest a day after the first of its last three returns', () => {
    const history = [...'ababa'].map(versionAt)
    expect(oscillationOf(history, versionAt('a', 26)).oscillating).toBe(true)
    expect(oscillationOf(history, versionAt('a', 27))).toEqual({
      oscillating: false,
      returns: 2,
      digests: ['a', 'b'],
    })
  })

  it('CHG-10: keeps to other bounds', () => {
    const history = [versionAt('a', 0), versionAt('b', 0)]
    const bounds = { windowSeconds: 1, returnsMax: 1 }
    expect(oscillationOf(history, versionAt('a', 0), bounds).oscillating).toBe(true)
  })

  const digest = fc.constantFrom('a', 'b', 'c', 'd')

  it('CHG-10: never calls a document that only moves on an oscillation', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1 }), (digests) => {
        const [current = '', ...history] = digests
        const past = history.map((one) => versionAt(one, 0))
        expect(oscillationOf(past, versionAt(current, 0)).returns).toBe(0)
      }),
    )
  })

  it('CHG-10: never calls fewer than five versions an oscillation, however they alternate', () => {
    fc.assert(
      fc.property(fc.array(digest, { minLength: 1, maxLength: 4 }), (digests) => {
        expect(judge(digests.join('')).oscillating).toBe(false)
      }),
    )
  })

  it('CHG-10: counts no more returns than there are changes', () => {
    fc.assert(
      fc.property(fc.array(digest, { minLength: 1 }), (digests) => {
        const changes = digests.filter((one, index) => index > 0 && digests[index - 1] !== one)
        const { returns, digests: distinct } = judge(digests.join(''), 0)
        expect(returns).toBe(Math.max(0, changes.length - (new Set(digests).size - 1)))
        expect(distinct.length).toBeLessThanOrEqual(returns)
      }),
    )
  })
})

describe('dampChanges', () => {
  const CLASSES = ['widening', 'narrowing', 'keys', 'display', 'cosmetic'] as const
  const change = (changeClass: ChangeClass): MemberChange => ({
    member: changeClass,
    class: changeClass,
    before: undefined,
    after: 'x',
  })
  const all = CLASSES.map(change)

  it('CHG-10: holds display and widening of an oscillating document, and nothing else (CHG-08)', () => {
    const { announced, held } = dampChanges(all, judge('ababa'))
    expect(announced.map((one) => one.class)).toEqual(['narrowing', 'keys', 'cosmetic'])
    expect(held.map((one) => one.class)).toEqual(['widening', 'display'])
  })

  it('CHG-10: holds nothing of a document at rest', () => {
    expect(dampChanges(all, judge('ab'))).toEqual({ announced: all, held: [] })
  })

  it('CHG-08: lets every narrowing and every change of keys pass, and loses no change', () => {
    const changes = fc.array(fc.constantFrom(...CLASSES).map(change))
    fc.assert(
      fc.property(changes, fc.array(fc.constantFrom('a', 'b'), { minLength: 1 }), (some, digests) => {
        const { announced, held } = dampChanges(some, judge(digests.join('')))
        expect(held.every((one) => one.class === 'widening' || one.class === 'display')).toBe(true)
        expect([...announced, ...held].toSorted(byClass)).toEqual(some.toSorted(byClass))
      }),
    )
  })
})

function byClass(a: MemberChange, b: MemberChange): number {
  return a.class < b.class ? -1 : Number(a.class > b.class)
}
