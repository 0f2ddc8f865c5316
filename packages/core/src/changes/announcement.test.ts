import { describe, expect, it } from 'vitest'
import { announcementOf } from './announcement.ts'
import type { ChangeClass, MemberChange } from './member-change.ts'
import type { Oscillation } from './oscillation.ts'

const changesOf = (...classes: readonly ChangeClass[]): readonly MemberChange[] =>
  classes.map((changeClass) => ({ member: 'x', class: changeClass, before: 1, after: 2 }))
const oscillating: Oscillation = { oscillating: true, returns: 3, digests: ['a', 'b'] }
const calm: Oscillation = { oscillating: false, returns: 2, digests: ['a', 'b'] }

describe('announcementOf', () => {
  it.each<ChangeClass[]>([['display'], ['widening'], ['display', 'widening'], ['cosmetic', 'display']])(
    'CHG-10: holds what an oscillating document merely shows or adds: %s %s',
    (...classes) => {
      expect(announcementOf(changesOf(...classes), oscillating)).toEqual({ kind: 'held' })
    },
  )

  it.each<ChangeClass[]>([
    ['narrowing'],
    ['keys'],
    ['display', 'keys'],
    ['narrowing', 'widening'],
    ['cosmetic'],
  ])('CHG-08: tells all of a change that must be told: %s %s', (...classes) => {
    const changes = changesOf(...classes)
    expect(announcementOf(changes, oscillating)).toEqual({ kind: 'told', changes })
  })

  it('tells everything of a document that is at rest, and nothing where nothing changed', () => {
    const changes = changesOf('display', 'widening')
    expect(announcementOf(changes, calm)).toEqual({ kind: 'told', changes })
    expect(announcementOf([], oscillating)).toEqual({ kind: 'told', changes: [] })
  })
})
