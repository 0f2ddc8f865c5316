import { describe, expect, it } from 'vitest'
import { at, DAY, failed, HOUR, judgeLast, valid } from './attempts.fixture.ts'
import { type ClientStanding, UNKNOWN_STANDING } from './client-record.ts'
import { type LifeState, lifeStateOf } from './life-state.ts'

const fresh = judgeLast([0, valid()]).standing

describe('lifeStateOf', () => {
  it.each<[LifeState, ClientStanding, number]>([
    ['discovering', UNKNOWN_STANDING, 0],
    ['discovering', judgeLast([0, failed('status_404')]).standing, 0],
    ['fresh', fresh, HOUR - 1],
    ['stale', fresh, HOUR],
    ['stale', { ...fresh, freshUntil: undefined }, 0],
    ['failing_unreachable', judgeLast([0, valid()], [1, failed('status_5xx')]).standing, 1],
    ['failing_ambiguous', judgeLast([0, valid()], [1, failed('redirect')]).standing, 1],
    ['failing_refused', judgeLast([0, valid()], [1, failed('address_blocked')]).standing, 1],
    [
      'withdrawn',
      judgeLast([0, valid()], [1, failed('status_404')], [DAY, failed('status_5xx')]).standing,
      DAY,
    ],
    [
      'rejected',
      judgeLast([0, valid()], [1, failed('json_invalid')], [DAY, failed('status_404')]).standing,
      DAY,
    ],
  ])('is %s (%#)', (expected, standing, seconds) => {
    expect(lifeStateOf(standing, undefined, at(seconds))).toBe(expected)
  })

  it('goes by the word of the publisher before a later outage (CAC-14)', () => {
    const { standing } = judgeLast([0, valid()], [1, failed('json_invalid')], [2, failed('status_5xx')])
    expect(lifeStateOf(standing, undefined, at(2))).toBe('failing_rejected')
  })

  it('reads a stored code that says nothing any more as an outage', () => {
    const standing: ClientStanding = {
      ...fresh,
      state: 'failing',
      failure: { code: 'host_budget', since: at(0) },
    }
    expect(lifeStateOf(standing, undefined, at(1))).toBe('failing_unreachable')
  })

  it('is dormant whatever else is known, while nobody uses it', () => {
    for (const standing of [UNKNOWN_STANDING, fresh])
      expect(lifeStateOf(standing, at(0), at(1))).toBe('dormant')
  })
})
