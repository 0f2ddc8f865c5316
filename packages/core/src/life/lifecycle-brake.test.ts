import { describe, expect, it } from 'vitest'
import type { FailureCode } from '../failure/failure.ts'
import {
  AN_HOUR,
  AN_HOUR_AT_MOST,
  at,
  DAY,
  failed,
  HOUR,
  judgeAll,
  judgeLast,
  MINUTE,
  type TimedOutcome,
  valid,
} from './attempts.fixture.ts'
import type { Brake } from './brake.ts'
import type { ClientStanding } from './client-record.ts'
import { type Judgement, judgeAttempt } from './lifecycle.ts'
import { usabilityOf } from './resolution.ts'

const brake: Brake = { heldFrom: at(0) }

/** Judges attempts on a client that was valid at the start, all while the brake is engaged. */
function judgeBraked(attempts: readonly TimedOutcome[], first = judgeLast([0, valid()])): Judgement {
  return attempts.reduce(
    ({ standing }, [seconds, outcome]) => judgeAttempt(standing, outcome, at(seconds), 0, brake),
    first,
  )
}
const kindAt = (standing: ClientStanding, seconds: number) =>
  usabilityOf(standing, at(seconds), { brake }).kind

describe('judgeAttempt while the brake is engaged', () => {
  it.each<FailureCode>(['status_404', 'json_invalid', 'client_id_mismatch'])(
    'of %s carries nothing out and announces nothing more, long after the grace',
    (code) => {
      const again = [100, 1000, 2000, 20 * HOUR].map((seconds): TimedOutcome => [seconds, failed(code)])
      const { standing, events } = judgeBraked(again)
      expect(standing).toMatchObject({ state: 'failing', withdrawing: { code, since: at(100) } })
      expect(events).toEqual([])
      expect(kindAt(standing, 20 * HOUR)).toBe('stale')
    },
  )

  it.each<FailureCode>(['status_404', 'address_blocked'])(
    'of %s announces that it is stale for as long as it is held',
    (code) => {
      const { standing, events } = judgeBraked([[100, failed(code)]])
      const until = at(100 + DAY).toISOString()
      expect(events).toMatchObject([{ type: 'client.stale', data: { code, until } }])
      expect(kindAt(standing, 100 + DAY)).toBe('unusable')
    },
  )

  it('announces no end of a version either whose use was over when it was found, and revives none (CHG-05)', () => {
    const freshness = { ...AN_HOUR, staleForbidden: true, staleIfErrorSeconds: undefined }
    const lapsed = judgeLast([0, valid({ freshness })])
    const again = [10, 11, 13, 20].map((hours): TimedOutcome => [hours * HOUR, failed('client_id_mismatch')])
    const { standing, events } = judgeBraked(again, lapsed)
    expect([standing.state, events, kindAt(standing, 20 * HOUR)]).toEqual(['failing', [], 'unusable'])
  })

  it('keeps a client for a day at most, and still announces no end', () => {
    const { standing, events } = judgeBraked([
      [100, failed('status_404')],
      [2 * DAY, failed('status_404')],
    ])
    expect([kindAt(standing, 100 + DAY - 1), kindAt(standing, 100 + DAY)]).toEqual(['stale', 'unusable'])
    expect([standing.state, events]).toEqual(['failing', []])
  })

  it.each<[FailureCode, number]>([
    ['status_404', 5 * MINUTE],
    ['json_invalid', 5 * MINUTE],
    ['address_blocked', HOUR],
  ])('of %s is tried again at the pace of its class: after %d seconds at most', (code, pause) => {
    const { standing, nextAttemptAt } = judgeBraked([
      [100, failed(code)],
      [10 * HOUR, failed(code)],
    ])
    expect(nextAttemptAt).toEqual(at(10 * HOUR + pause))
    expect(standing.retryAt).toEqual(nextAttemptAt)
  })

  it('tries a client as often that was withdrawn before it was engaged, and says so no more', () => {
    const withdrawn = judgeLast([0, valid()], [100, failed('status_404')], [1000, failed('status_404')])
    const { standing, nextAttemptAt, events } = judgeBraked([[2000, failed('status_404')]], withdrawn)
    expect([standing.state, nextAttemptAt, events]).toEqual(['withdrawn', at(2000 + 5 * MINUTE), []])
    expect(kindAt(standing, 2000)).toBe('stale')
  })

  it('keeps in use what its origin forbids to use stale: the finding is what is doubted', () => {
    const strict = judgeLast([0, valid({ freshness: AN_HOUR_AT_MOST })])
    const { standing } = judgeBraked([[100, failed('status_404')]], strict)
    expect([kindAt(standing, 200), usabilityOf(standing, at(200)).kind]).toEqual(['stale', 'unusable'])
  })

  it('holds a refusal, whatever the attempts after it come to', () => {
    const { standing } = judgeBraked([
      [100, failed('address_blocked')],
      [200, failed('timeout_dns')],
      [300, failed('status_404')],
      [400, failed('address_blocked')],
    ])
    expect(standing).toMatchObject({
      failure: { code: 'address_blocked', since: at(100) },
      withdrawing: undefined,
    })
    expect([kindAt(standing, 20 * HOUR), kindAt(standing, 100 + DAY)]).toEqual(['stale', 'unusable'])
  })

  it('holds a refusal that followed an outage from before', () => {
    const down = judgeLast([0, valid()], [10, failed('timeout_dns')])
    const late: Brake = { heldFrom: at(HOUR) }
    const { standing } = judgeAttempt(down.standing, failed('address_blocked'), at(2 * HOUR), 0, late)
    expect(standing.failure).toEqual({ code: 'address_blocked', since: at(2 * HOUR) })
    expect(usabilityOf(standing, at(3 * HOUR), { brake: late }).kind).toBe('stale')
  })

  it.each<FailureCode>(['status_404', 'address_blocked'])(
    'of %s revives no version that nobody kept up (CHG-05)',
    (code) => {
      const { standing } = judgeBraked([[90 * DAY, failed(code)]])
      expect(kindAt(standing, 90 * DAY)).toBe('unusable')
    },
  )

  it.each<FailureCode>(['status_5xx', 'status_forbidden'])('changes nothing about %s', (code) => {
    const attempts: TimedOutcome[] = [[100, failed(code)]]
    expect(judgeBraked(attempts).standing).toEqual(judgeLast([0, valid()], ...attempts).standing)
  })

  it('lets the word of the publisher from before the held findings be carried out', () => {
    const late: Brake = { heldFrom: at(101) }
    const withdrawing = judgeLast([0, valid()], [100, failed('status_404')])
    const { standing, events } = judgeAttempt(withdrawing.standing, failed('status_404'), at(1000), 0, late)
    expect([standing.state, events.length]).toEqual(['withdrawn', 1])
  })

  it('takes a valid answer for what it is', () => {
    const { standing, events } = judgeBraked([
      [100, failed('status_404')],
      [2000, valid()],
    ])
    expect([standing.state, standing.withdrawing]).toEqual(['valid', undefined])
    expect(events).toMatchObject([{ type: 'client.recovered', data: { code: 'status_404' } }])
  })

  it('has every finding take effect with the first attempt after its release', () => {
    const { standing } = judgeBraked([
      [100, failed('status_404')],
      [2000, failed('status_404')],
    ])
    const [after] = judgeAll([[2100, failed('status_5xx')]], standing)
    expect(after?.standing.state).toBe('withdrawn')
    expect(after?.events).toMatchObject([
      { type: 'client.withdrawn', data: { since: at(100).toISOString() } },
    ])
  })
})
