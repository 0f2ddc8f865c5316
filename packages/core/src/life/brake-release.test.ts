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
import { endingOf } from './brake.ts'
import { afterRelease } from './brake-release.ts'
import type { ClientStanding } from './client-record.ts'
import { planResolve, usabilityOf } from './resolution.ts'

const brake = { heldFrom: at(0) }
const RELEASE = 3 * HOUR
const first = judgeLast([0, valid()]).standing
const withdrawing = judgeLast([0, valid()], [100, failed('status_404')]).standing
const rejected = judgeLast(
  [0, valid()],
  [100, failed('json_invalid')],
  [1000, failed('json_invalid')],
).standing
const blocked = judgeLast([0, valid()], [100, failed('address_blocked')]).standing
const strict = judgeLast([0, valid({ freshness: AN_HOUR_AT_MOST })], [100, failed('status_404')]).standing
const held: readonly [string, ClientStanding][] = [
  ['withdrawing', withdrawing],
  ['rejected', rejected],
  ['refused', blocked],
  ['must-revalidate', strict],
]
/** Nobody could use it any more when this was found. */
const lapsed = judgeLast(
  [0, valid({ freshness: AN_HOUR_AT_MOST })],
  [2 * HOUR, failed('client_id_mismatch')],
).standing
const lapsedAndGone = last(lapsed, [[2 * HOUR + 15 * MINUTE, failed('client_id_mismatch')]])

function last(standing: ClientStanding, attempts: readonly TimedOutcome[]): ClientStanding {
  return judgeAll(attempts, standing).at(-1)?.standing ?? standing
}

const release = (standing: ClientStanding) => afterRelease(standing, at(RELEASE), brake)?.standing ?? standing
const kindAt = (standing: ClientStanding, seconds: number) => usabilityOf(standing, at(seconds)).kind

describe('afterRelease', () => {
  it('drops what was found, and has the client tried at once', () => {
    expect(afterRelease(withdrawing, at(RELEASE), brake)).toEqual({
      standing: {
        ...first,
        freshUntil: at(100),
        revalidateUntil: at(RELEASE + 15 * MINUTE),
        usableUntil: at(RELEASE + DAY),
      },
      nextAttemptAt: at(RELEASE),
      events: [{ type: 'client.recovered', data: { digest: DIGEST, code: 'status_404' } }],
    })
  })

  it('leaves nothing fresh, however long it was said to be', () => {
    const standing = { ...withdrawing, freshUntil: at(DAY) }
    expect(afterRelease(standing, at(RELEASE), brake)?.standing.freshUntil).toEqual(at(RELEASE))
    expect(afterRelease({ ...standing, freshUntil: undefined }, at(RELEASE), brake)).toMatchObject({
      standing: { freshUntil: at(RELEASE) },
    })
  })

  it('announces nothing of a client that nobody was told of as stale', () => {
    const untold = { ...withdrawing, staleAnnounced: undefined }
    expect(afterRelease(untold, at(RELEASE), brake)?.events).toEqual([])
  })

  it('takes back once what was announced of a client that was withdrawn before the brake was engaged', () => {
    const judgement = afterRelease(rejected, at(HOUR), brake)
    expect(judgement?.standing).toMatchObject({ state: 'valid', failure: undefined, withdrawing: undefined })
    expect(judgement?.standing.staleAnnounced).toBeUndefined()
    expect(judgement?.events).toEqual([
      { type: 'client.recovered', data: { digest: DIGEST, code: 'json_invalid' } },
    ])
  })

  it.each(held)('answers a %s client at once while it is fetched', (_, standing) => {
    const request = { purpose: 'authorize', mayDemand: true, known: true } as const
    const planAt = (seconds: number) => planResolve(release(standing), request, at(RELEASE + seconds))
    expect(planAt(0)).toEqual({ kind: 'answer', refresh: true })
    expect(planAt(15 * MINUTE)).toEqual({ kind: 'demand' })
    expect(kindAt(release(standing), RELEASE + DAY - 1)).toBe('stale')
    expect(kindAt(release(standing), RELEASE + DAY)).toBe('unusable')
  })

  it('revives nothing whose use was over when it was found, and drops what was found all the same (CHG-05)', () => {
    const judgement = afterRelease(lapsed, at(RELEASE), brake)
    expect(judgement).toMatchObject({
      standing: { state: 'valid', failure: undefined, withdrawing: undefined, retryAt: undefined },
      ...{ nextAttemptAt: at(RELEASE), events: [] },
    })
    expect(judgement?.standing.usableUntil).toEqual(lapsed.usableUntil)
    expect(kindAt(release(lapsed), RELEASE)).toBe('unusable')
  })

  it.each(held)('keeps a %s client that was held for a day already no longer (CAC-13)', (_, standing) => {
    const { since } = endingOf(standing) ?? { since: at(0) }
    const holdEnds = new Date(since.getTime() + DAY * 1000)
    const before = afterRelease(standing, new Date(holdEnds.getTime() - 1), brake)?.standing ?? standing
    expect(usabilityOf(before, holdEnds).kind).toBe('stale')
    for (const releasedAt of [holdEnds, at(3 * DAY)]) {
      const judgement = afterRelease(standing, releasedAt, brake)
      expect(judgement).toMatchObject({ nextAttemptAt: releasedAt, events: [] })
      expect(usabilityOf(judgement?.standing ?? standing, releasedAt).kind).toBe('unusable')
    }
  })

  it('drops what was found of a client whose hold is over, and does not revive it (CAC-13)', () => {
    expect(afterRelease(withdrawing, at(3 * DAY), brake)?.standing).toEqual({
      ...{ ...withdrawing, state: 'valid', failure: undefined, withdrawing: undefined, retryAt: undefined },
    })
  })

  it.each([
    ['whose hold is over', withdrawing, 3 * DAY],
    ['whose use was over when it was found', lapsed, RELEASE],
  ])('leaves it to the next valid answer to announce that a client is back %s', (_, standing, seconds) => {
    const released = afterRelease(standing, at(seconds), brake)?.standing ?? standing
    const judged = judgeAll(
      [
        [seconds + 10, failed('status_5xx')],
        [seconds + 20, valid()],
      ],
      released,
    )
    const code = endingOf(standing)?.code
    expect(judged.map(({ events }) => events)).toMatchObject([
      ...[[], [{ type: 'client.recovered', data: { digest: DIGEST, code } }]],
    ])
  })

  it.each<[string, ClientStanding, number]>([
    ['whose hold is over', rejected, 3 * DAY],
    ['whose use was over when it was found', lapsedAndGone, 3 * HOUR],
  ])('leaves a gone client as it is %s, and has it tried at once', (_, standing, seconds) => {
    expect(afterRelease(standing, at(seconds), brake)).toEqual({
      ...{ standing, nextAttemptAt: at(seconds), events: [] },
    })
    const [back, gone] = [valid(), failed('status_404')].map(
      (outcome) => judgeAll([[seconds + 10, outcome]], standing)[0],
    )
    expect(back?.events).toMatchObject([{ type: 'client.recovered' }])
    expect(gone?.events).toEqual([])
  })

  it.each<[string, ClientStanding]>([
    ['of a client that is down', judgeLast([0, valid()], [100, failed('status_5xx')]).standing],
    [
      'of one whose withdrawal was found before',
      judgeLast([-DAY, valid()], [-1, failed('status_404')]).standing,
    ],
    ['of one that is valid', first],
    ['of one that never was', judgeLast([100, failed('address_blocked')]).standing],
  ])('changes nothing %s', (_, standing) => {
    expect(afterRelease(standing, at(HOUR), brake)).toBeUndefined()
  })
})

describe('what is found after a release', () => {
  it.each(held.slice(0, 3))(
    'is an outage like any other, of a %s client: no word counts that was never said',
    (_, standing) => {
      const outage = [0, 5, 16, 300].map(
        (minutes): TimedOutcome => [RELEASE + minutes * MINUTE, failed('status_5xx')],
      )
      const judged = judgeAll(outage, release(standing))
      expect(judged.flatMap(({ events }) => events)).toMatchObject([
        { type: 'client.stale', data: { code: 'status_5xx' } },
      ])
      const { standing: down } = judged.at(-1) ?? { standing }
      expect(down).toMatchObject({ state: 'failing', withdrawing: undefined })
      expect(kindAt(down, RELEASE + DAY - 1)).toBe('stale')
      expect(kindAt(down, RELEASE + DAY)).toBe('unusable')
    },
  )

  it.each<[FailureCode, number]>([
    ['status_404', 15 * MINUTE],
    ['json_invalid', 15 * MINUTE],
  ])('has 15 minutes of its own, if it is %s again (CAC-14)', (code, seconds) => {
    const found = RELEASE + 10
    const again = last(release(withdrawing), [[found, failed(code)]])
    expect(again.withdrawing).toEqual({ code, since: at(found) })
    expect([kindAt(again, found + seconds - 1), kindAt(again, found + seconds)]).toEqual([
      'stale',
      'unusable',
    ])
    const [carriedOut] = judgeAll([[found + seconds, failed(code)]], again)
    expect(carriedOut?.events).toMatchObject([{ type: 'client.withdrawn' }])
  })

  it('ends the use at once where an address is refused again', () => {
    expect(kindAt(last(release(blocked), [[RELEASE + 10, failed('address_blocked')]]), RELEASE + 10)).toBe(
      'unusable',
    )
  })

  it.each<FailureCode>(['status_5xx', 'status_404'])(
    'ends at once what its publisher forbids to use stale: %s',
    (code) => {
      expect(kindAt(last(release(strict), [[RELEASE + 10, failed(code)]]), RELEASE + 10)).toBe('unusable')
    },
  )
})
