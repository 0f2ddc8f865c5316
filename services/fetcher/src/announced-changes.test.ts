import { type ChangeClass, changeClasses, sha256Hex } from '@cimd/core'
import type { Claim } from '@cimd/store'
import { describe, expect, it } from 'vitest'
import { announcedChanges } from './announced-changes.ts'
import { documentWith, stranger, versionOf } from './claims.fixture.ts'

const now = new Date('2026-11-20T12:00:00Z')
const HOUR_MS = 3600 * 1000
const minutesAgo = (minutes: number) => new Date(now.getTime() - minutes * 60_000)
const CALLBACK = 'https://app.example.com/cb'

function documentOf(members: object) {
  const body = documentWith(members)
  return { digest: sha256Hex(body), body }
}
type Document = ReturnType<typeof documentOf>

const shown = documentOf({ client_name: 'Shown' })
const renamed = documentOf({ client_name: 'Renamed' })
const wider = documentOf({ client_name: 'Shown', redirect_uris: [CALLBACK, `${CALLBACK}/2`] })

/** A client whose versions came one after the other, a minute apart; the last is the current one. */
function claimOf(versions: readonly Document[], announced?: Document): Claim {
  const current = versions.at(-1)
  return {
    ...stranger,
    version: current && versionOf(current.body),
    history: versions.map(({ digest }, index) => ({ digest, since: minutesAgo(versions.length - index) })),
    announced,
  }
}
const classesOf = (announced: ReturnType<typeof announcedChanges>): readonly ChangeClass[] =>
  changeClasses(announced.changes)

describe('announcedChanges', () => {
  it('CHG-07: tells what differs from the current version', () => {
    const announced = announcedChanges(claimOf([shown]), renamed, now)
    expect(classesOf(announced)).toEqual(['display'])
    expect(announced).not.toHaveProperty('announcement')
    expect(announced).not.toHaveProperty('changedFrom')
  })

  it('tells nothing of a first version and of the same again', () => {
    expect(announcedChanges(claimOf([]), shown, now)).toEqual({ changes: [] })
    expect(announcedChanges(claimOf([shown]), shown, now)).toEqual({ changes: [] })
  })

  it.each([
    ['a name', renamed],
    ['a redirect', wider],
  ])('CHG-10: of a document that returns for the third time within a day holds %s', (_, other) => {
    const second = announcedChanges(claimOf([shown, other, shown]), other, now)
    expect(second.changes.length).toBeGreaterThan(0)
    const third = announcedChanges(claimOf([other, shown, other, shown]), other, now)
    expect(third).toEqual({ announcement: 'held', changes: [] })
  })

  it('CHG-08: tells a narrowing of an oscillating document, with all that changed since what was told last', () => {
    const both = documentOf({ client_name: 'Other', redirect_uris: [`${CALLBACK}/2`] })
    const announced = announcedChanges(claimOf([shown, renamed, shown, renamed], shown), both, now)
    expect(announced).toMatchObject({ announcement: 'told', changedFrom: shown.digest })
    expect(classesOf(announced)).toEqual(['display', 'narrowing', 'widening'])
  })

  it('CHG-10: tells nothing where the document returned to what was told last', () => {
    const announced = announcedChanges(claimOf([shown, renamed, shown, renamed], shown), shown, now)
    expect(announced).toEqual({ announcement: 'told', changedFrom: shown.digest, changes: [] })
  })

  it('CHG-10: tells what was held with the first answer after the document has come to rest', () => {
    const claim = claimOf([shown, renamed, shown, renamed, shown, renamed], shown)
    const meanwhile = new Date(now.getTime() + 12 * HOUR_MS)
    expect(announcedChanges(claim, renamed, meanwhile)).toEqual({ announcement: 'held', changes: [] })
    const atRest = announcedChanges(claim, renamed, new Date(now.getTime() + 24 * HOUR_MS))
    expect(atRest).toMatchObject({ announcement: 'told', changedFrom: shown.digest })
    expect(atRest.changes).toMatchObject([{ member: 'client_name', before: 'Shown', after: 'Renamed' }])
  })

  it('tells nothing against a version that the present rules refuse', () => {
    const refused = { ...shown, body: new TextEncoder().encode('[]'), digest: sha256Hex('[]') }
    expect(announcedChanges(claimOf([refused]), renamed, now)).toEqual({ changes: [] })
  })
})
