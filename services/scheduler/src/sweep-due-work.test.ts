import type { DueFacts, HostPace } from '@cimd/core'
import type { DecidedClient, DueClient } from '@cimd/store'
import { describe, expect, it } from 'vitest'
import { type SweepDeps, sweepDueWork } from './sweep-due-work.ts'
import { createWorld, mostWithinAMinute } from './sweep-world.fixture.ts'

const now = new Date('2026-11-20T12:00:00Z')
const at = (seconds: number) => new Date(now.getTime() + seconds * 1000)

/** Due for a refresh: resolved since its last attempt, and leased. */
const facts: DueFacts = {
  wanted: 1,
  done: 1,
  urgent: 1,
  claimUntil: undefined,
  deferredUntil: undefined,
  quarantinedUntil: undefined,
  attemptedAt: at(-3600),
  failing: false,
  withdrawingSince: undefined,
  lastResolvedAt: at(-60),
  leasedUntil: at(3600),
  canary: false,
}
const dueClient = (
  client: string,
  given: Partial<DueFacts> = {},
  where: Partial<Pick<DueClient, 'host' | 'turnAt'>> = {},
): DueClient => ({
  client,
  host: `host-${client}.example.net`,
  turnAt: undefined,
  ...where,
  now,
  facts: { ...facts, ...given },
})
/** A host whose line ends in so many seconds, and nothing of which has begun lately. */
const line = (seconds: number): HostPace => ({ nextTurnAt: at(seconds), nextStartAt: now })
const refreshing = (client: string) => dueClient(client)
const lostRefresh = (client: string) => dueClient(client, { wanted: 2 })
const lostFetch = (client: string) => dueClient(client, { wanted: 2, urgent: 2 })
const claimed = (client: string) => dueClient(client, { wanted: 2, claimUntil: at(8) })
const unused = (client: string) => dueClient(client, { leasedUntil: undefined })

function setup(due: readonly DueClient[], waiting = 0, given: Partial<SweepDeps> = {}) {
  const carriedOut: DecidedClient[] = []
  const paces = new Map<string, HostPace>()
  const enqueued: Record<string, string[]> = { fetch: [], refresh: [] }
  const calls: string[] = []
  const deps: SweepDeps = {
    withDueClients: async ({ urgentOnly }, decide) => {
      calls.push(urgentOnly ? 'urgent only' : 'all')
      const decided = await decide(due, {
        read: async (hosts) => new Map([...paces].filter(([host]) => hosts.includes(host))),
        write: async (after) => {
          for (const [host, pace] of after) paces.set(host, pace)
        },
      })
      carriedOut.push(...decided)
      calls.push('commit')
      return decided
    },
    waitingRefreshes: async () => waiting,
    enqueue: async (queue, clients) => {
      calls.push(queue)
      enqueued[queue]?.push(...clients)
    },
    ...given,
  }
  return {
    sweep: (refreshQueueMax = 100) => sweepDueWork(deps, { refreshQueueMax, hostRefreshesPerMinute: 60 }),
    paces,
    carriedOut,
    enqueued,
    calls,
  }
}

describe('sweepDueWork', () => {
  it('enqueues users\u2019 lost work on the fetch queue, and all else on the refresh queue', async () => {
    const { sweep, enqueued } = setup([lostFetch('1'), refreshing('2'), lostRefresh('3'), lostFetch('4')])
    expect(await sweep()).toBe(4)
    expect(enqueued).toEqual({ fetch: ['1', '4'], refresh: ['2', '3'] })
  })

  it('enqueues only what the store has committed, and users\u2019 work first', async () => {
    const { sweep, calls } = setup([refreshing('1'), lostFetch('2')])
    await sweep()
    expect(calls).toEqual(['all', 'commit', 'fetch', 'refresh'])
  })

  it('postpones what another works on and retires what nobody uses, without a job', async () => {
    const { sweep, carriedOut, enqueued } = setup([claimed('1'), unused('2')])
    expect(await sweep()).toBe(0)
    expect(carriedOut).toEqual([
      { client: '1', action: { kind: 'wait', lookAgainAt: at(8) } },
      { client: '2', action: { kind: 'retire' } },
    ])
    expect(enqueued).toEqual({ fetch: [], refresh: [] })
  })

  it('leaves due what the refresh queue has no room for, the first due first', async () => {
    const due = [refreshing('1'), lostRefresh('2'), refreshing('3'), refreshing('4')]
    const { sweep, carriedOut, enqueued } = setup(due, 98)
    expect(await sweep(100)).toBe(2)
    expect(enqueued['refresh']).toEqual(['1', '2'])
    expect(carriedOut.map(({ client }) => client)).toEqual(['1', '2'])
  })

  it.each([100, 5000])('looks for users\u2019 lost work alone with %d refreshes waiting', async (waiting) => {
    const due = [refreshing('1'), lostFetch('2'), claimed('3'), unused('4')]
    const { sweep, calls, carriedOut, enqueued } = setup(due, waiting)
    expect(await sweep(100)).toBe(1)
    expect(calls).toEqual(['urgent only', 'commit', 'fetch', 'refresh'])
    expect(enqueued).toEqual({ fetch: ['2'], refresh: [] })
    expect(carriedOut.map(({ client }) => client)).toEqual(['2', '3', '4'])
  })

  it('takes no work from the store while it cannot ask how full the queue is', async () => {
    const { sweep, calls } = setup([refreshing('1')], 0, {
      waitingRefreshes: () => Promise.reject(new Error('down')),
    })
    await expect(sweep()).rejects.toThrow('down')
    expect(calls).toEqual([])
  })

  it('rejects when the queue takes nothing: what was decided becomes due again by itself', async () => {
    const { sweep, carriedOut } = setup([lostFetch('1')], 0, {
      enqueue: () => Promise.reject(new Error('down')),
    })
    await expect(sweep()).rejects.toThrow('down')
    expect(carriedOut).toEqual([
      { client: '1', action: { kind: 'enqueue', queue: 'fetch', lookAgainAt: at(5) } },
    ])
  })
})

describe('refreshes of one host (FET-23)', () => {
  const busy = (client: string, given: Partial<DueFacts> = {}, turnAt?: Date) =>
    dueClient(client, given, { host: 'busy.example.net', turnAt })

  it('begin at its pace: the first now, each other demanded and deferred to its turn', async () => {
    const { sweep, carriedOut, enqueued } = setup([busy('1'), refreshing('2'), busy('3'), busy('4')])
    expect(await sweep()).toBe(2)
    expect(enqueued['refresh']).toEqual(['1', '2'])
    expect(carriedOut.map(({ notBefore }) => notBefore)).toEqual([undefined, undefined, at(1), at(2)])
    expect(carriedOut.every(({ action }) => action.kind === 'refresh')).toBe(true)
  })

  it('wait behind those that earlier sweeps gave turns to', async () => {
    const { sweep, paces, carriedOut } = setup([busy('1')])
    paces.set('busy.example.net', line(90))
    expect(await sweep()).toBe(0)
    expect(carriedOut).toMatchObject([{ client: '1', notBefore: at(90) }])
    expect(paces.get('busy.example.net')).toEqual(line(91))
  })

  it('take no turn for work a user waits for, nor for what the queue has lost', async () => {
    const urgent = busy('1', { wanted: 2, urgent: 2 })
    const lost = busy('2', { wanted: 2 })
    const { sweep, paces, enqueued } = setup([urgent, lost])
    paces.set('busy.example.net', line(90))
    expect(await sweep()).toBe(2)
    expect(enqueued).toEqual({ fetch: ['1'], refresh: ['2'] })
    expect(paces.get('busy.example.net')).toEqual(line(90))
  })

  it('begin at the turn they were given or missed, and keep their place where they missed it together', async () => {
    const missed = (client: string, seconds: number) =>
      busy(client, { wanted: 2, deferredUntil: at(seconds) }, at(seconds))
    const { sweep, paces, enqueued, carriedOut } = setup([
      missed('1', -1),
      missed('2', -600),
      missed('3', -2),
    ])
    paces.set('busy.example.net', line(90))
    expect(await sweep()).toBe(2)
    expect(enqueued['refresh']).toEqual(['2', '3'])
    expect(carriedOut.map(({ client, notBefore }) => [client, notBefore])).toEqual([
      ['1', at(1)],
      ['2', undefined],
      ['3', undefined],
    ])
    expect(paces.get('busy.example.net')).toEqual({ nextTurnAt: at(90), nextStartAt: at(2) })
  })

  it('take no turn that the queue has no room for', async () => {
    const { sweep, paces } = setup([busy('1'), busy('2'), busy('3')], 99)
    await sweep(100)
    expect(paces.get('busy.example.net')).toEqual({ nextTurnAt: at(1), nextStartAt: at(1) })
  })

  it('are spread over 33 minutes when 10,000 are due at once, with a few decisions for each', async () => {
    const world = createWorld()
    world.add('busy.example.net', 10_000)
    const [other = ''] = world.add('other.example.net', 1)
    await world.sweepUntil(0)
    while (world.startsOf(other).length === 0) await world.sweepUntil(world.nowMs() + 500)
    expect(world.nowMs()).toBeLessThanOrEqual(15_000)

    await world.sweepUntil(34 * 60_000)
    const starts = world.startsAt('busy.example.net')
    expect(starts).toHaveLength(10_000)
    expect((starts.at(-1) ?? 0) / 60_000).toBeCloseTo(10_000 / 300, 0)
    expect(mostWithinAMinute(starts)).toBeLessThanOrEqual(306)
    // Nobody's turn is looked at while each sweep first looks at 500 rows that are new, so all of them are missed.
    expect(world.decisionsMean()).toBeLessThanOrEqual(8)
  })
})
