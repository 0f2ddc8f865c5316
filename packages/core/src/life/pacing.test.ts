import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { at, start } from './attempts.fixture.ts'
import { type DueRefresh, type HostPace, paceRefreshes } from './pacing.ts'

const pace = { refreshesPerMinute: 300, now: start }
const due = (client: string, host = 'a.example', turnAt?: Date): DueRefresh => ({
  ...{ client, host, turnAt, deciding: false, attemptedAt: undefined },
})
/** One whose publisher's word is being decided on, tried last so many seconds ago. */
const deciding = (client: string, triedSecondsAgo = 60, turnAt?: Date): DueRefresh => ({
  ...due(client, 'a.example', turnAt),
  ...{ deciding: true, attemptedAt: at(-triedSecondsAgo) },
})
const many = (count: number, host: string) =>
  Array.from({ length: count }, (_, index) => due(`${host}/${index}`, host))
const nobody = new Map<string, HostPace>()
/** A host with turns given until then, and nothing begun lately. */
const lineTo = (seconds: number) =>
  new Map([['a.example', { nextTurnAt: at(seconds), nextStartAt: at(-9999) }]])

describe('paceRefreshes', () => {
  it('lets a host that rested be asked for what a second allows, and gives the others turns', () => {
    const paced = paceRefreshes(many(8, 'a.example'), nobody, pace)
    expect(paced.go).toEqual(many(5, 'a.example').map(({ client }) => client))
    expect(paced.wait).toEqual([
      { client: 'a.example/5', notBefore: at(0.2) },
      { client: 'a.example/6', notBefore: at(0.4) },
      { client: 'a.example/7', notBefore: at(0.6) },
    ])
    expect(paced.paces).toEqual(new Map([['a.example', { nextTurnAt: at(1.6), nextStartAt: at(1) }]]))
  })

  it('goes on where the sweep before it ended', () => {
    const { paces } = paceRefreshes(many(8, 'a.example'), nobody, pace)
    const { go, wait } = paceRefreshes([due('late')], paces, pace)
    expect([go, wait]).toEqual([[], [{ client: 'late', notBefore: at(0.8) }]])
  })

  it('owes a host nothing for the time it was not asked', () => {
    const { go, paces } = paceRefreshes(many(8, 'a.example'), lineTo(-9999), pace)
    expect([go.length, paces.get('a.example')?.nextTurnAt]).toEqual([5, at(1.6)])
  })

  it('lets no host wait for another', () => {
    const { go } = paceRefreshes([...many(100, 'busy.example'), due('alone', 'b.example')], nobody, pace)
    expect(go).toContain('alone')
  })

  it('gives turns within a host in the order of what is due', () => {
    const given = many(50, 'a.example').toReversed()
    const { go, wait } = paceRefreshes(given, nobody, pace)
    expect([...go, ...wait.map(({ client }) => client)]).toEqual(given.map(({ client }) => client))
  })

  it.each([
    ['has come', at(0)],
    ['came long ago', at(-600)],
  ])('lets go who waited for a turn that %s, without another one', (_, turnAt) => {
    const { go, paces } = paceRefreshes([due('waited', 'a.example', turnAt)], lineTo(99), pace)
    expect([go, paces.get('a.example')]).toEqual([['waited'], { nextTurnAt: at(99), nextStartAt: at(0.2) }])
  })

  it('leaves a turn that is still to come as it is', () => {
    const { wait, paces } = paceRefreshes([due('early', 'a.example', at(7))], nobody, pace)
    expect(wait).toEqual([{ client: 'early', notBefore: at(7) }])
    expect(paces.get('a.example')).toEqual({ nextTurnAt: at(0), nextStartAt: at(0) })
  })

  it('keeps the places of those whose turns were missed together: they cannot all begin at once', () => {
    const missed = many(1000, 'a.example').map((each, index) => ({ ...each, turnAt: at(-600 + index / 5) }))
    const { go, wait, paces } = paceRefreshes(missed.toReversed(), lineTo(500), pace)
    expect(go).toEqual(missed.slice(0, 6).map(({ client }) => client))
    expect(wait.map(({ client }) => client)).toEqual(missed.slice(6).map(({ client }) => client))
    expect([wait[0]?.notBefore, wait.at(-1)?.notBefore]).toEqual([at(0.2), at(198.8)])
    // What waits takes nothing from those who come after it: it has had its turn.
    expect(paces.get('a.example')).toEqual({ nextTurnAt: at(500), nextStartAt: at(1.2) })
  })

  it('lets nobody who is new go before those who missed their turn', () => {
    const missed = many(9, 'a.example').map((each) => ({ ...each, turnAt: at(-60) }))
    const { go, wait } = paceRefreshes([due('new'), ...missed], nobody, pace)
    expect(go).not.toContain('new')
    expect(wait.at(-1)).toEqual({ client: 'new', notBefore: at(0.8) })
  })

  it('lets go at once what decides on a publisher\u2019s word, whoever stands in line, and it takes no turn (CAC-14)', () => {
    const missed = many(9, 'a.example').map((each) => ({ ...each, turnAt: at(-60) }))
    const { go, paces } = paceRefreshes([...missed, due('new'), deciding('word')], lineTo(2000), pace)
    expect(go[0]).toBe('word')
    expect(paces.get('a.example')?.nextTurnAt).toEqual(at(2000.2))
  })

  it('lets what decides begin no sooner than the host may be asked, and nobody before it', () => {
    const asked = new Map([['a.example', { nextTurnAt: at(2000), nextStartAt: at(1.4) }]])
    const missed = due('missed', 'a.example', at(-60))
    const { go, wait, paces } = paceRefreshes([missed, deciding('word')], asked, pace)
    expect([go, paces]).toEqual([[], asked])
    expect(wait).toEqual([
      { client: 'word', notBefore: at(0.4) },
      { client: 'missed', notBefore: at(0.6) },
    ])
  })

  it('tries first what was tried longest ago where it cannot try all that decide, whatever turns they waited for', () => {
    const words = [
      deciding('1', 60),
      deciding('2', 300, at(-1)),
      deciding('3', 120),
      deciding('4', 240, at(-9)),
    ]
    const slow = { refreshesPerMinute: 60, now: start }
    expect(paceRefreshes(words, nobody, slow)).toMatchObject({
      go: ['2', '4'],
      wait: [{ client: '3' }, { client: '1' }],
    })
  })

  it('asks a host once at a time where its pace is slow, and rounds in its favour', () => {
    const paced = paceRefreshes(many(3, 'a.example'), nobody, { refreshesPerMinute: 7, now: start })
    expect(paced.go).toEqual(['a.example/0'])
    expect(paced.wait.map(({ notBefore }) => notBefore)).toEqual([at(8.572), at(17.143)])
  })

  it('says nothing of hosts of which nothing is due', () => {
    const { paces } = paceRefreshes([due('x', 'b.example')], lineTo(9), pace)
    expect([...paces.keys()]).toEqual(['b.example'])
  })

  it('spreads 10,000 documents of one host evenly, swept in parts, and overtakes nobody (FET-23)', () => {
    const clients = many(10_000, 'a.example')
    const begun = sweepAll(clients)
    expect(begun.map(({ client }) => client)).toEqual(clients.map(({ client }) => client))
    const instants = begun.map(({ turnAt }) => turnAt.getTime())
    const secondsOfTen = instants
      .slice(0, -10)
      .map((turn, index) => ((instants[index + 10] ?? 0) - turn) / 1000)
    expect(Math.min(...secondsOfTen)).toBeGreaterThanOrEqual(1)
    expect(Math.max(...secondsOfTen)).toBeLessThanOrEqual(2)
    expect(instants.at(-1)).toBeLessThanOrEqual(at((10_000 / 300) * 60).getTime())
  })

  it('lets each of them go when its turn has come', () => {
    for (const { client, turnAt } of sweepAll(many(10_000, 'a.example')).filter(
      (_, index) => index % 99 === 0,
    )) {
      const now = new Date(turnAt.getTime() + 400)
      const { go } = paceRefreshes([due(client, 'a.example', turnAt)], lineTo(9999), { ...pace, now })
      expect(go).toEqual([client])
    }
  })

  it('lets no host be asked more often than its pace and a second of it, whatever is due when', () => {
    const rounds = fc.array(
      fc.record({
        pauseMs: fc.nat(20_000),
        hosts: fc.array(fc.constantFrom('a.example', 'b.example'), { maxLength: 40 }),
      }),
      { maxLength: 20 },
    )
    fc.assert(
      fc.property(rounds, fc.integer({ min: 1, max: 1000 }), (given, refreshesPerMinute) => {
        const turns = turnsOf(given, refreshesPerMinute)
        const burst = Math.max(1, refreshesPerMinute / 60)
        for (const [first, from] of turns.entries()) {
          for (const [last, to] of turns.entries()) {
            if (last < first) continue
            const allowed = burst + ((to - from) / 60_000) * refreshesPerMinute
            expect(last - first + 1).toBeLessThanOrEqual(allowed + 1)
          }
        }
      }),
    )
  })

  it.each([0, 4, 10, 60, 600])(
    'refreshes every document of a large host, each looked at %i s late (FET-23)',
    (lateSeconds) => {
      const count = 3000
      const begun = refreshLate(count, () => lateSeconds)
      expect(new Set(begun.map(({ client }) => client)).size).toBe(count)
      expect(begun.at(-1)?.second).toBeLessThanOrEqual(lateSeconds + (count / 300) * 60 * 1.02)
      expect(mostInAMinute(begun)).toBeLessThanOrEqual(300 + 6)
    },
  )

  it('refreshes every document in about its time, however late each is looked at, and never faster than the pace', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(120), { minLength: 1, maxLength: 50 }), fc.nat(4), (late, nth) => {
        const isDeciding = (index: number) => nth > 0 && index % nth === 0
        const begun = refreshLate(600, (looks) => late[looks % late.length] ?? 0, isDeciding)
        expect(new Set(begun.map(({ client }) => client)).size).toBe(600)
        expect(begun.at(-1)?.second).toBeLessThanOrEqual(600 / 5 + 3 * 120)
        expect(mostInAMinute(begun)).toBeLessThanOrEqual(300 + 6)
      }),
      { numRuns: 30 },
    )
  })
})

/** Sweeps every half second, 500 at a time, until everybody has a turn; in the order in which they begin. */
function sweepAll(clients: readonly DueRefresh[]): { readonly client: string; readonly turnAt: Date }[] {
  let paces: ReadonlyMap<string, HostPace> = nobody
  return Array.from({ length: Math.ceil(clients.length / 500) }, (_, sweep) => {
    const now = at(sweep / 2)
    const paced = paceRefreshes(clients.slice(sweep * 500, (sweep + 1) * 500), paces, { ...pace, now })
    paces = paced.paces
    const waiting = paced.wait.map(({ client, notBefore }) => ({ client, turnAt: notBefore }))
    return [...paced.go.map((client) => ({ client, turnAt: now })), ...waiting]
  }).flat()
}

/** The turns that one host was given, in milliseconds; everybody goes when the turn has come. */
function turnsOf(
  rounds: readonly { readonly pauseMs: number; readonly hosts: readonly string[] }[],
  refreshesPerMinute: number,
): readonly number[] {
  let [nowMs, paces] = [start.getTime(), nobody as ReadonlyMap<string, HostPace>]
  const turns = rounds.flatMap(({ pauseMs, hosts }) => {
    nowMs += pauseMs
    const clients = hosts.map((host, index) => due(String(index), host))
    const now = new Date(nowMs)
    const paced = paceRefreshes(clients, paces, { refreshesPerMinute, now })
    paces = new Map([...paces, ...paced.paces])
    const turnAt = new Map(paced.wait.map(({ client, notBefore }) => [client, notBefore.getTime()]))
    return clients.filter(({ host }) => host === 'a.example').map(({ client }) => turnAt.get(client) ?? nowMs)
  })
  return turns.toSorted((a, b) => a - b)
}

type Begun = { readonly client: string; readonly second: number }

/** Sweeps every second while each that waits is looked at so many seconds after its turn; who began when. */
function refreshLate(
  count: number,
  lateSeconds: (looks: number) => number,
  isDeciding: (index: number) => boolean = () => false,
): readonly Begun[] {
  const begun: Begun[] = []
  let paces: ReadonlyMap<string, HostPace> = nobody
  let looks = 0
  let waiting = many(count, 'a.example').map((each, index) => ({
    ...{ ...each, deciding: isDeciding(index), second: 0 },
  }))
  for (let second = 0; waiting.length > 0 && second < 5 * 3600; second += 1) {
    const looked = new Set(waiting.filter((one) => one.second <= second).slice(0, 500))
    if (looked.size === 0) continue
    const paced = paceRefreshes([...looked], paces, { ...pace, now: at(second) })
    paces = paced.paces
    begun.push(...paced.go.map((client) => ({ client, second })))
    const turns = new Map(paced.wait.map(({ client, notBefore }) => [client, notBefore]))
    waiting = waiting.flatMap((one) => {
      const turnAt = turns.get(one.client)
      if (turnAt === undefined) return looked.has(one) ? [] : [one]
      const turnSecond = (turnAt.getTime() - start.getTime()) / 1000
      looks += 1
      return [{ ...one, turnAt, second: turnSecond + lateSeconds(looks) }]
    })
  }
  return begun
}

function mostInAMinute(begun: readonly Begun[]): number {
  const counts = begun.map(
    (first) => begun.filter(({ second }) => second >= first.second && second < first.second + 60).length,
  )
  return Math.max(...counts)
}
