import type { DueFacts } from '@cimd/core'
import type { DueResource } from '@cimd/store'
import { describe, expect, it } from 'vitest'
import { type DecidedResource, sweepDueResources } from './sweep-due-resources.ts'

const now = new Date('2026-11-20T12:00:00Z')
const at = (seconds: number) => new Date(now.getTime() + seconds * 1000)

/** Due for a refresh: its client was resolved since its last attempt, and is leased. */
const facts: DueFacts = {
  ...{
    wanted: 1,
    done: 1,
    urgent: 0,
    claimUntil: undefined,
    deferredUntil: undefined,
    quarantinedUntil: undefined,
    canary: false,
  },
  ...{
    attemptedAt: at(-3600),
    failing: false,
    withdrawingSince: undefined,
    lastResolvedAt: at(-60),
    leasedUntil: at(3600),
  },
}
const due = (resource: string, client: string, given: Partial<DueFacts> = {}): DueResource => ({
  ...{ resource, client, now },
  facts: { ...facts, ...given },
})

function setup(rows: readonly DueResource[], waiting = 0) {
  const carriedOut: DecidedResource[] = []
  const enqueued: Record<string, readonly string[]> = {}
  const asked: object[] = []
  const sweep = () =>
    sweepDueResources(
      {
        withDueResources: async (options, decide) => {
          asked.push(options)
          carriedOut.push(...decide(rows))
          return carriedOut
        },
        waitingRefreshes: async () => waiting,
        enqueue: async (queue, clients) => {
          enqueued[queue] = clients
        },
      },
      100,
    )
  return { sweep, carriedOut, enqueued, asked }
}

describe('sweepDueResources', () => {
  it('enqueues a client once, however many resources of it are due (ARC-04)', async () => {
    const { sweep, enqueued, carriedOut } = setup([due('1', '7'), due('2', '7'), due('3', '8')])
    expect(await sweep()).toBe(2)
    expect(enqueued).toEqual({ fetch: [], refresh: ['7', '8'] })
    expect(carriedOut.map(({ resource, action }) => [resource, action.kind])).toEqual([
      ['1', 'refresh'],
      ['2', 'refresh'],
      ['3', 'refresh'],
    ])
  })

  it('enqueues on the fetch queue alone what somebody waits for', async () => {
    const { sweep, enqueued } = setup([due('1', '7', { wanted: 2, urgent: 2 }), due('2', '7')])
    expect(await sweep()).toBe(1)
    expect(enqueued).toEqual({ fetch: ['7'], refresh: [] })
  })

  it('lets sleep what nobody uses, and looks at a cold one once a day', async () => {
    const cold = { lastResolvedAt: at(-7200) }
    const { sweep, carriedOut } = setup([due('1', '7', { leasedUntil: undefined }), due('2', '8', cold)])
    expect(await sweep()).toBe(0)
    expect(carriedOut.map(({ action }) => action)).toEqual([
      { kind: 'retire' },
      { kind: 'wait', lookAgainAt: at(23 * 3600) },
    ])
  })

  it.each([
    [0, { limit: 100, urgentOnly: false }],
    [98, { limit: 2, urgentOnly: false }],
    [100, { limit: 500, urgentOnly: true }],
  ])('takes no more than the refresh queue has room for, with %d waiting', async (waiting, options) => {
    const { sweep, asked } = setup([], waiting)
    await sweep()
    expect(asked).toEqual([options])
  })
})
