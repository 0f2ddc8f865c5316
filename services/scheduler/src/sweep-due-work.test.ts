import type { DueFacts } from '@cimd/core'
import type { DueClient } from '@cimd/store'
import { describe, expect, it } from 'vitest'
import { type Decided, type SweepDeps, sweepDueWork } from './sweep-due-work.ts'

const now = new Date('2026-11-20T12:00:00Z')
const at = (seconds: number) => new Date(now.getTime() + seconds * 1000)

/** Due for a refresh: resolved since its last attempt, and leased. */
const facts: DueFacts = {
  wanted: 1,
  done: 1,
  urgent: 1,
  claimUntil: undefined,
  deferredUntil: undefined,
  attemptedAt: at(-3600),
  failing: false,
  lastResolvedAt: at(-60),
  leasedUntil: at(3600),
}
const dueClient = (client: string, given: Partial<DueFacts> = {}): DueClient => ({
  client,
  now,
  facts: { ...facts, ...given },
})
const refreshing = (client: string) => dueClient(client)
const lostRefresh = (client: string) => dueClient(client, { wanted: 2 })
const lostFetch = (client: string) => dueClient(client, { wanted: 2, urgent: 2 })
const claimed = (client: string) => dueClient(client, { wanted: 2, claimUntil: at(8) })
const unused = (client: string) => dueClient(client, { leasedUntil: undefined })

function setup(due: readonly DueClient[], waiting = 0, given: Partial<SweepDeps> = {}) {
  const carriedOut: Decided[] = []
  const enqueued: Record<string, string[]> = { fetch: [], refresh: [] }
  const calls: string[] = []
  const deps: SweepDeps = {
    withDueClients: async ({ urgentOnly }, decide) => {
      calls.push(urgentOnly ? 'urgent only' : 'all')
      const decided = decide(due)
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
    sweep: (refreshQueueMax = 100) => sweepDueWork(deps, refreshQueueMax),
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
