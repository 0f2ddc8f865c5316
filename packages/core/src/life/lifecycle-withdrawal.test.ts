import { describe, expect, it } from 'vitest'
import { WITHDRAWAL_GRACE_SECONDS } from '../caching/stale-use.ts'
import type { MemberChange } from '../changes/member-change.ts'
import type { FailureCode } from '../failure/failure.ts'
import {
  at,
  DAY,
  DIGEST,
  failed,
  HOUR,
  judgeAll,
  judgeLast,
  MINUTE,
  OTHER_DIGEST,
  start,
  valid,
} from './attempts.fixture.ts'
import type { ClientStanding } from './client-record.ts'
import { type Judgement, judgeAttempt } from './lifecycle.ts'

const renamed: MemberChange = { member: 'client_name', class: 'display', before: 'A', after: 'B' }
const commented: MemberChange = { member: '_comment', class: 'cosmetic', before: undefined, after: 'x' }

describe('the pause after a failure', () => {
  const pauseAfter = (code: FailureCode, failingForSeconds: number, retryAfterSeconds?: number) => {
    const seconds = 100 + failingForSeconds
    const { nextAttemptAt } = judgeLast(
      [0, valid()],
      [100, failed('status_5xx')],
      [seconds, failed(code, retryAfterSeconds)],
    )
    return ((nextAttemptAt?.getTime() ?? 0) - at(seconds).getTime()) / 1000
  }

  it.each<[FailureCode, number, number]>([
    ['status_5xx', 10, MINUTE],
    ['status_5xx', 90, 90],
    ['status_5xx', 1234, 1234],
    ['status_5xx', 5 * HOUR, HOUR],
    ['redirect', 5 * HOUR, 10 * MINUTE],
    ['status_404', 5 * HOUR, 5 * MINUTE],
    ['json_invalid', 5 * HOUR, 5 * MINUTE],
    ['address_blocked', 5 * HOUR, HOUR],
  ])('with %s after %d seconds of failing is %d seconds', (code, failingForSeconds, expected) => {
    expect(pauseAfter(code, failingForSeconds)).toBe(expected)
  })

  it.each([
    ['longer', 600, 600],
    ['shorter than the least', 1, MINUTE],
    ['longer than the most', DAY, HOUR],
  ])('follows a Retry-After that is %s within bounds', (_, retryAfterSeconds, expected) => {
    expect(pauseAfter('status_429', 10, retryAfterSeconds)).toBe(expected)
  })

  it('is what the record keeps, so that a login does not go round it (CAC-06)', () => {
    const { standing, nextAttemptAt } = judgeLast([0, valid()], [100, failed('status_5xx')])
    expect(standing.retryAt).toEqual(nextAttemptAt)
  })

  it('ends with the grace, to decide it in time (CAC-14)', () => {
    const { nextAttemptAt } = judgeLast(
      [0, valid()],
      [100, failed('status_404')],
      [100 + 14 * MINUTE, failed('status_5xx', HOUR)],
    )
    expect(nextAttemptAt).toEqual(at(100 + WITHDRAWAL_GRACE_SECONDS))
  })

  it('is a day once the client is withdrawn', () => {
    const gone = 100 + WITHDRAWAL_GRACE_SECONDS
    const { nextAttemptAt } = judgeLast(
      [0, valid()],
      [100, failed('status_404')],
      [gone, failed('status_404')],
    )
    expect(nextAttemptAt).toEqual(at(gone + DAY))
  })
})

describe('withdrawal (CAC-14)', () => {
  it.each<[FailureCode, number, ClientStanding['state']]>([
    ['status_404', 899, 'failing'],
    ['status_404', 900, 'withdrawn'],
    ['status_410', 901, 'withdrawn'],
    ['client_id_mismatch', 899, 'failing'],
    ['client_id_mismatch', 900, 'rejected'],
  ])('of %s, still so after %d seconds, comes to %s', (code, seconds, state) => {
    const { standing } = judgeLast([0, valid()], [100, failed(code)], [100 + seconds, failed(code)])
    expect(standing.state).toBe(state)
  })

  it('is decided and named by the first word of the publisher', () => {
    const { standing, events } = judgeLast(
      [0, valid()],
      [50, failed('status_5xx')],
      [100, failed('status_404')],
      [200, failed('json_invalid')],
      [1000, failed('timeout_body')],
    )
    expect(standing.state).toBe('withdrawn')
    expect(events).toEqual([
      {
        type: 'client.withdrawn',
        data: { digest: DIGEST, code: 'status_404', since: at(100).toISOString() },
      },
    ])
  })

  it('is not put off by alternating 404 with 503', () => {
    let judgement = judgeLast([0, valid()], [100, failed('status_404')])
    let tried: Date | undefined
    for (let turn = 0; judgement.standing.state === 'failing' && turn < 100; turn += 1) {
      tried = judgement.nextAttemptAt ?? start
      const code = turn % 2 === 0 ? 'status_5xx' : 'status_404'
      judgement = judgeAttempt(judgement.standing, failed(code), tried, 0)
    }
    expect(judgement.standing.state).toBe('withdrawn')
    expect(tried).toEqual(at(100 + WITHDRAWAL_GRACE_SECONDS))
  })

  it('never follows from an outage or a gate alone, however long', () => {
    const { standing, events } = judgeLast(
      [0, valid()],
      [100, failed('status_5xx')],
      [100 + DAY, failed('status_forbidden')],
      [100 + 30 * DAY, failed('dns_not_found')],
    )
    expect(standing).toMatchObject({ state: 'failing', withdrawing: undefined })
    expect(events).toEqual([])
  })
})

describe('the events of an attempt', () => {
  const typesOf = (judgements: readonly Judgement[]) =>
    judgements.map(({ events }) => events.map(({ type }) => type))
  const gone = 100 + WITHDRAWAL_GRACE_SECONDS

  it('announce a discovery once, with the first valid document', () => {
    const judgements = judgeAll([
      [0, failed('status_404')],
      [10, valid()],
      [20, valid()],
      [30, failed('status_5xx')],
      [40, valid()],
    ])
    expect(typesOf(judgements)).toEqual([[], ['client.discovered'], [], [], []])
    expect(judgements[1]?.events).toEqual([{ type: 'client.discovered', data: { digest: DIGEST } }])
  })

  it('announce a withdrawal once, and the recovery from it', () => {
    const judgements = judgeAll([
      [0, valid()],
      [100, failed('json_invalid')],
      [gone, failed('json_invalid')],
      [gone + DAY, failed('status_404')],
      [gone + 2 * DAY, failed('status_5xx')],
      [gone + 3 * DAY, valid()],
      [gone + 3 * DAY + 1, valid()],
    ])
    expect(typesOf(judgements).slice(1)).toEqual([
      ...[['client.stale'], ['client.withdrawn'], [], [], ['client.recovered'], []],
    ])
    expect(judgements[5]?.events).toEqual([
      { type: 'client.recovered', data: { digest: DIGEST, code: 'json_invalid' } },
    ])
  })

  it('announce a withdrawal alone where the attempt that is told first ends the client', () => {
    const standing = {
      ...judgeLast([0, valid()], [100, failed('status_404')]).standing,
      staleAnnounced: undefined,
    }
    const judgements = judgeAll(
      [
        [gone, failed('status_404')],
        [gone + 1, valid()],
      ],
      standing,
    )
    expect(typesOf(judgements)).toEqual([['client.withdrawn'], ['client.recovered']])
  })

  it('announce a change with what changed beyond cosmetics (CHG-07)', () => {
    const widened: MemberChange = {
      member: 'redirect_uris',
      class: 'widening',
      before: [],
      after: ['https://b.example/'],
    }
    const { events } = judgeLast(
      [0, valid()],
      [100, valid({ digest: OTHER_DIGEST, changes: [commented, renamed, widened] })],
    )
    expect(events).toEqual([
      {
        type: 'client.metadata_changed',
        data: {
          from_digest: DIGEST,
          to_digest: OTHER_DIGEST,
          classes: ['display', 'widening'],
          changes: [renamed, widened],
        },
      },
    ])
  })

  it.each([
    ['cosmetic', [commented]],
    ['of white space', []],
  ])('announce nothing for a change that is only %s (CHG-07)', (_, changes) => {
    const { standing, events } = judgeLast([0, valid()], [100, valid({ digest: OTHER_DIGEST, changes })])
    expect(events).toEqual([])
    expect(standing.digest).toBe(OTHER_DIGEST)
  })

  it('announce the recovery before the change it came with', () => {
    const judgements = judgeAll([
      [0, valid()],
      [100, failed('status_404')],
      [gone, failed('status_404')],
      [gone + 1, valid({ digest: OTHER_DIGEST, changes: [renamed] })],
    ])
    expect(typesOf(judgements).at(-1)).toEqual(['client.recovered', 'client.metadata_changed'])
  })
})
