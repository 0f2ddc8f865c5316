import { describe, expect, it } from 'vitest'
import { at, DAY, DIGEST, failed, HOUR, judgeAll, judgeLast, MINUTE, valid } from './attempts.fixture.ts'
import { UNKNOWN_STANDING } from './client-record.ts'
import { judgeAttempt } from './lifecycle.ts'
import { isSuspect, LOST_CLAIMS_MAX, quarantineAt } from './quarantine.ts'
import { usabilityOf } from './resolution.ts'

const dies = failed('quarantined')
const iso = (seconds: number) => at(seconds).toISOString()
const typesOf = (...attempts: Parameters<typeof judgeAll>[0]) =>
  judgeAll(attempts).map(({ events }) => events.map(({ type }) => type))

describe('isSuspect', () => {
  it('is true from the second lost claim on, since one may happen to anybody', () => {
    const lost = Array.from({ length: LOST_CLAIMS_MAX + 2 }, (_, count) => count)
    expect(lost.map(isSuspect)).toEqual([false, false, true, true])
  })
})

describe('a client whose work kills the process it had for itself', () => {
  it('is set aside for a day, and its version used as through an outage (CAC-07, CAC-13)', () => {
    const { standing, nextAttemptAt } = judgeLast([0, valid()], [2 * HOUR, dies])
    const until = at(2 * HOUR + DAY)
    expect(standing).toMatchObject({
      ...{ state: 'failing', digest: DIGEST, failure: { code: 'quarantined', since: at(2 * HOUR) } },
      ...{ quarantine: { since: at(2 * HOUR), until }, retryAt: until },
    })
    expect(nextAttemptAt).toEqual(until)
    expect(usabilityOf(standing, at(3 * HOUR)).kind).toBe('stale')
    expect(usabilityOf(standing, until).kind).toBe('unusable')
  })

  it('stays fresh while its lifetime lasts', () => {
    const { standing } = judgeLast([0, valid()], [MINUTE, dies])
    expect(usabilityOf(standing, at(2 * MINUTE))).toEqual({ kind: 'fresh' })
  })

  it('is announced once, with the end of its use, and then as recovered', () => {
    const told = judgeAll([
      [0, valid()],
      [2 * HOUR, dies],
      [2 * HOUR + DAY, dies],
      [2 * HOUR + 2 * DAY, valid()],
    ])
    expect(told.slice(1).map(({ events }) => events)).toEqual([
      [
        {
          type: 'client.quarantined',
          data: {
            ...{ digest: DIGEST, code: 'quarantined', since: iso(2 * HOUR) },
            ...{ retry_at: iso(2 * HOUR + DAY), until: iso(2 * HOUR + DAY) },
          },
        },
      ],
      [],
      [{ type: 'client.recovered', data: { digest: DIGEST, code: 'quarantined' } }],
    ])
    expect(told[2]?.standing.quarantine).toEqual({ since: at(2 * HOUR), until: at(2 * HOUR + 2 * DAY) })
    expect(told[3]?.standing.quarantine).toBeUndefined()
  })

  it('is announced although no document of it was ever valid, and then as discovered', () => {
    const [first, second] = judgeAll([
      [0, dies],
      [DAY, valid()],
    ])
    const data = { code: 'quarantined', since: iso(0), retry_at: iso(DAY) }
    expect(first).toMatchObject({ nextAttemptAt: undefined, events: [{ type: 'client.quarantined', data }] })
    expect(first?.standing).toMatchObject({
      state: 'discovering',
      retryAt: undefined,
      staleAnnounced: undefined,
    })
    expect(second?.events).toEqual([{ type: 'client.discovered', data: { digest: DIGEST } }])
  })

  it('is not announced as stale as well, and if it was before recovers from what was told last', () => {
    expect(typesOf([0, valid()], [2 * HOUR, dies], [2 * HOUR + DAY, failed('status_5xx')])).toEqual([
      ...[['client.discovered'], ['client.quarantined'], []],
    ])
    const last = judgeLast([0, valid()], [2 * HOUR, failed('status_5xx')], [3 * HOUR, dies], [DAY, valid()])
    expect(last.events).toEqual([{ type: 'client.recovered', data: { digest: DIGEST, code: 'quarantined' } }])
  })

  it('leaves its quarantine with any attempt that is survived, and enters another', () => {
    const judgements = judgeAll([
      [0, dies],
      [DAY, failed('status_5xx')],
      [DAY + 1, dies],
    ])
    expect(judgements.map(({ standing }) => standing.quarantine?.since)).toEqual([
      at(0),
      undefined,
      at(DAY + 1),
    ])
    expect(judgements.map(({ events }) => events.length)).toEqual([1, 0, 1])
  })

  it('is withdrawn only by its publisher: no grace ends with it (CAC-14)', () => {
    const gone = failed('status_404')
    expect(
      typesOf([0, valid()], [HOUR, gone], [HOUR + 16 * MINUTE, dies], [HOUR + 17 * MINUTE, gone]),
    ).toEqual([...[['client.discovered'], ['client.stale'], ['client.quarantined'], ['client.withdrawn']]])
  })

  it('stays withdrawn where it was, and recovers from that', () => {
    const gone = failed('status_404')
    const [, , withdrawn, aside, back] = judgeAll([
      ...([
        [0, valid()],
        [HOUR, gone],
        [2 * HOUR, gone],
        [3 * HOUR, dies],
        [DAY, valid()],
      ] as const),
    ])
    expect(withdrawn?.standing.state).toBe('withdrawn')
    expect(aside?.standing.state).toBe('withdrawn')
    expect(aside?.standing.quarantine?.until).toEqual(at(3 * HOUR + DAY))
    expect(back?.events).toEqual([{ type: 'client.recovered', data: { digest: DIGEST, code: 'status_404' } }])
  })

  it('keeps its quarantine through a deferral', () => {
    const { standing } = judgeAttempt(UNKNOWN_STANDING, dies, at(0), 0.5)
    expect(judgeAttempt(standing, failed('host_budget'), at(1), 0.5).standing).toEqual(standing)
  })
})

describe('quarantineAt', () => {
  it('is what holds a client back, and nothing once that is over', () => {
    const { standing } = judgeAttempt(UNKNOWN_STANDING, dies, at(0), 0.5)
    expect(quarantineAt(standing, at(DAY - 1))).toEqual({ since: at(0), until: at(DAY) })
    expect(quarantineAt(standing, at(DAY))).toBeUndefined()
    expect(quarantineAt(UNKNOWN_STANDING, at(0))).toBeUndefined()
  })
})
