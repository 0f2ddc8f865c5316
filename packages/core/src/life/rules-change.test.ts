import { describe, expect, it } from 'vitest'
import { AN_HOUR_AT_MOST, at, DAY, failed, HOUR, judgeLast, MINUTE, valid } from './attempts.fixture.ts'
import { UNKNOWN_STANDING } from './client-record.ts'
import { judgeAttempt } from './lifecycle.ts'
import { usabilityOf } from './resolution.ts'
import { afterRulesChange, usabilityUnderOldRules } from './rules-change.ts'

const CODE = 'symmetric_method'
const inUse = judgeLast([0, valid()]).standing
const down = judgeLast([0, valid()], [2 * HOUR, failed('status_5xx')]).standing

describe('afterRulesChange', () => {
  it('CAC-12, CAC-14: gives a client the grace of the publisher’s word, and has it tried at once', () => {
    const now = at(10 * MINUTE)
    expect(afterRulesChange(inUse, CODE, now)).toEqual({
      ...inUse,
      state: 'failing',
      failure: { code: CODE, since: now },
      withdrawing: { code: CODE, since: now },
      freshUntil: now,
      revalidateUntil: now,
      usableUntil: at(25 * MINUTE),
      retryAt: now,
    })
  })

  it('CAC-14: its use ends with the grace unless a valid answer comes, as after any rejection', () => {
    const standing = afterRulesChange(inUse, CODE, at(0)) ?? inUse
    expect(usabilityOf(standing, at(14 * MINUTE))).toMatchObject({ kind: 'stale', why: CODE })
    expect(usabilityOf(standing, at(15 * MINUTE))).toEqual({ kind: 'unusable', why: CODE })
    const again = judgeAttempt(standing, { kind: 'failed', code: CODE }, at(16 * MINUTE), 0)
    expect(again).toMatchObject({ standing: { state: 'rejected' }, events: [{ type: 'client.withdrawn' }] })
    const mended = judgeAttempt(standing, valid(), at(5 * MINUTE), 0)
    expect(mended).toMatchObject({ standing: { state: 'valid', withdrawing: undefined }, events: [] })
  })

  it('is held by the brake like any other finding', () => {
    const standing = afterRulesChange(inUse, CODE, at(0)) ?? inUse
    const brake = { heldFrom: at(0) }
    expect(usabilityOf(standing, at(20 * HOUR), { brake })).toMatchObject({ kind: 'stale', why: CODE })
  })

  it('CAC-07: gives no use beyond that which an outage left, and keeps when that began', () => {
    const standing = afterRulesChange(down, CODE, at(25 * HOUR + 55 * MINUTE))
    expect(standing).toMatchObject({
      usableUntil: at(26 * HOUR),
      failure: { code: CODE, since: at(2 * HOUR) },
    })
    expect(afterRulesChange(down, CODE, at(3 * DAY))?.usableUntil).toEqual(at(26 * HOUR))
  })

  it('CAC-13: gives none beyond the lifetime where the origin forbids it', () => {
    const standing = judgeLast([0, valid({ freshness: AN_HOUR_AT_MOST })]).standing
    expect(afterRulesChange(standing, CODE, at(55 * MINUTE))?.usableUntil).toEqual(standing.usableUntil)
  })

  it.each([
    ['never was valid', UNKNOWN_STANDING],
    ['is being withdrawn', judgeLast([0, valid()], [10, failed('status_404')]).standing],
    ['is gone', { ...inUse, state: 'rejected' as const }],
  ])('leaves alone what %s', (_, standing) => {
    expect(afterRulesChange(standing, CODE, at(HOUR))).toBeUndefined()
  })
})

describe('usabilityUnderOldRules', () => {
  const under = (standing: typeof inUse, seconds: number) =>
    usabilityUnderOldRules(usabilityOf(standing, at(seconds)), standing)

  it('CAC-12: is stale for the whole lifetime and after it, and says why', () => {
    const pending = { kind: 'stale', until: inUse.usableUntil, why: 'rules_pending' }
    expect(under(inUse, 1)).toEqual({ ...pending, since: at(0) })
    expect(under(inUse, HOUR + 1)).toEqual({ ...pending, since: at(HOUR) })
  })

  it('lets a failure be the reason, and an end an end', () => {
    expect(under(down, 2 * HOUR)).toMatchObject({ kind: 'stale', why: 'status_5xx' })
    expect(under(down, 3 * DAY)).toEqual({ kind: 'unusable', why: 'status_5xx' })
  })

  it('is none where nothing was ever valid', () => {
    expect(usabilityUnderOldRules({ kind: 'fresh' }, UNKNOWN_STANDING)).toEqual({ kind: 'fresh' })
  })
})
