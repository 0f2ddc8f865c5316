import { describe, expect, it } from 'vitest'
import type { FailureCode } from '../failure/failure.ts'
import {
  AN_HOUR_AT_MOST,
  at,
  DAY,
  DIGEST,
  failed,
  HOUR,
  judgeAll,
  judgeLast,
  MINUTE,
  type TimedOutcome,
  valid,
} from './attempts.fixture.ts'
import { afterRulesChange } from './rules-change.ts'
import { staleEvents } from './standing-events.ts'

/** What each attempt announces, after one that was valid. */
function announced(...attempts: readonly TimedOutcome[]): readonly (readonly string[])[] {
  return judgeAll([[0, valid()], ...attempts])
    .slice(1)
    .map(({ events }) => events.map(({ type }) => type))
}

const first = judgeLast([0, valid()]).standing
const STALE = ['client.stale']
const RECOVERED = ['client.recovered']

describe('client.stale (CAC-13)', () => {
  it.each<[FailureCode, number]>([
    ['redirect', HOUR],
    ['status_404', 15 * MINUTE],
    ['json_invalid', 15 * MINUTE],
    ['address_blocked', 0],
  ])('is announced at the first %s, with the end of its use', (code, seconds) => {
    expect(judgeLast([0, valid()], [100, failed(code)]).events).toEqual([
      {
        type: 'client.stale',
        data: {
          ...{ digest: DIGEST, code, since: at(100).toISOString() },
          until: at(100 + seconds).toISOString(),
        },
      },
    ])
  })

  it('is announced at the first failure of an outage that finds the lifetime over, with its beginning', () => {
    const outage: TimedOutcome[] = [100, HOUR - 1, HOUR, HOUR + 1].map((seconds) => [
      ...([seconds, failed('status_5xx')] as const),
    ])
    expect(announced(...outage)).toEqual([[], [], STALE, []])
    expect(judgeLast([0, valid()], ...outage.slice(0, 3)).events).toMatchObject([
      { data: { since: at(100).toISOString(), until: at(100 + DAY).toISOString() } },
    ])
  })

  it('names the word of the publisher, which counts before an outage', () => {
    const { events } = judgeLast([0, valid()], [100, failed('status_5xx')], [200, failed('status_404')])
    expect(events).toMatchObject([{ data: { code: 'status_404', since: at(200).toISOString() } }])
  })

  it('is announced once in a run, whatever fails', () => {
    expect(
      announced(
        ...([
          [100, failed('redirect')],
          [200, failed('status_404')],
          [300, failed('status_5xx')],
          [100 * MINUTE, failed('address_blocked')],
        ] as const),
      ),
    ).toEqual([STALE, [], [], ['client.withdrawn']])
  })

  it('is announced of a version whose use is over as well, with when it ended (CHG-05)', () => {
    const { events } = judgeLast([0, valid()], [90 * DAY, failed('status_5xx')])
    expect(events).toMatchObject([{ type: 'client.stale', data: { until: at(HOUR + DAY).toISOString() } }])
  })

  it('says that use is over at once where the origin forbids any that is stale', () => {
    const { events } = judgeLast(
      [0, valid({ freshness: AN_HOUR_AT_MOST })],
      [HOUR + 100, failed('status_5xx')],
    )
    expect(events).toMatchObject([{ type: 'client.stale', data: { until: at(HOUR).toISOString() } }])
  })

  it('says no end that is not known', () => {
    const known = judgeLast([0, valid()], [100, failed('redirect')]).standing
    expect(staleEvents(first, { ...known, usableUntil: undefined }, undefined)).toEqual([
      { type: 'client.stale', data: { digest: DIGEST, code: 'redirect', since: at(100).toISOString() } },
    ])
  })

  it('is not announced by a deferral of ours, which is no attempt (CAC-06)', () => {
    expect(
      announced(
        [100, failed('status_5xx')],
        [2 * HOUR, failed('host_budget')],
        [3 * HOUR, failed('dns_failed')],
      ),
    ).toEqual([[], [], STALE])
  })

  it('is not announced of what never was valid', () => {
    expect(judgeLast([0, failed('status_404')], [100, failed('status_5xx')]).events).toEqual([])
  })

  it('is announced by the attempt that fails under new rules, and by no change of rules (CAC-12)', () => {
    const ending = afterRulesChange(first, 'json_invalid', at(100))
    const [again] = judgeAll([[110, failed('json_invalid')]], ending)
    expect(again?.events).toMatchObject([
      { type: 'client.stale', data: { code: 'json_invalid', since: at(100).toISOString() } },
    ])
    const [mended] = judgeAll([[110, valid()]], ending)
    expect(mended?.events).toEqual([])
  })

  it('is not announced again by an attempt that fails under new rules (CAC-12)', () => {
    const down = judgeLast([0, valid()], [2 * HOUR, failed('status_5xx')]).standing
    const ending = afterRulesChange(down, 'json_invalid', at(3 * HOUR))
    const judged = judgeAll(
      [
        [3 * HOUR + 10, failed('json_invalid')],
        [3 * HOUR + 20, valid()],
      ],
      ending,
    )
    expect(judged.map(({ events }) => events.map(({ type }) => type))).toEqual([[], RECOVERED])
  })
})

describe('client.recovered from it', () => {
  it('is announced once, with the code that was announced', () => {
    const judged = judgeAll([
      [0, valid()],
      [100, failed('redirect')],
      [200, failed('status_5xx')],
      [300, valid()],
      [400, valid()],
    ])
    expect(judged.slice(3).map(({ events }) => events)).toEqual([
      [{ type: 'client.recovered', data: { digest: DIGEST, code: 'redirect' } }],
      [],
    ])
  })

  it('is not announced after an outage that nobody was told of', () => {
    expect(announced([100, failed('status_5xx')], [200, valid()])).toEqual([[], []])
  })

  it('is announced once of a client that was stale and then withdrawn (CAC-14)', () => {
    expect(
      announced([100, failed('status_404')], [1000, failed('status_404')], [2000, valid()], [2100, valid()]),
    ).toEqual([STALE, ['client.withdrawn'], RECOVERED, []])
  })

  it('lets the next run be announced anew', () => {
    expect(
      announced([100, failed('redirect')], [200, valid()], [300, failed('redirect')], [400, valid()]),
    ).toEqual([STALE, RECOVERED, STALE, RECOVERED])
  })
})
