import type { DueFacts, HostPace } from '@cimd/core'
import type { DueClient } from '@cimd/store'
import { type SweepDeps, sweepDueWork } from './sweep-due-work.ts'

// What the tests of sweeps over a long time have in place of a store, a queue, a clock and origins.

const START_MS = Date.parse('2026-11-20T12:00:00Z')
const MINUTE_MS = 60_000
const GRACE_MS = 15 * MINUTE_MS

type Row = {
  readonly host: string
  readonly isGone: boolean
  readonly starts: number[]
  dueMs: number
  turnMs?: number | undefined
  withdrawingSinceMs?: number
  decisions: number
}

/**
 * A world that is swept each half second. What begins is answered at once: a document that is gone is tried again as
 * the store would schedule it, until its grace is over; any other is not due again.
 */
export function createWorld() {
  const rows = new Map<string, Row>()
  const due = new Map<string, Row>()
  const paces = new Map<string, HostPace>()
  let nowMs = 0

  const add = (
    host: string,
    count: number,
    given: { readonly isGone?: boolean; readonly dueMs?: number } = {},
  ) =>
    Array.from({ length: count }, () => {
      const client = String(rows.size + 1)
      const { isGone = false, dueMs = nowMs } = given
      const row: Row = { host, isGone, dueMs, decisions: 0, starts: [] }
      rows.set(client, row)
      due.set(client, row)
      return client
    })
  const dueNow = (limit: number): DueClient[] =>
    [...due]
      .filter(([, row]) => row.dueMs <= nowMs)
      .toSorted(([, a], [, b]) => a.dueMs - b.dueMs)
      .slice(0, limit)
      .map(([client, row]) => dueClient(client, row, nowMs))
  const begin = (client: string): void => {
    const row = rowOf(client)
    row.starts.push(nowMs)
    row.turnMs = undefined
    if (!(row.isGone && fail(row, nowMs))) due.delete(client)
  }
  const rowOf = (client: string): Row => {
    const row = rows.get(client)
    if (row === undefined) throw new Error(`there is no client ${client}`)
    return row
  }
  const deps: SweepDeps = {
    withDueClients: async ({ limit }, decide) => {
      const decided = await decide(dueNow(limit), {
        read: async (hosts) => new Map([...paces].filter(([host]) => hosts.includes(host))),
        write: async (after) => {
          for (const [host, pace] of after) paces.set(host, pace)
        },
      })
      for (const { client, notBefore } of decided) {
        const row = rowOf(client)
        row.decisions += 1
        if (notBefore !== undefined) row.dueMs = row.turnMs = notBefore.getTime() - START_MS
      }
      return decided
    },
    waitingRefreshes: async () => 0,
    enqueue: async (_queue, clients) => {
      for (const client of clients) begin(client)
    },
  }
  return {
    add,
    /** As if everything that is gone had just been found to be. */
    failAll: (): void => {
      for (const row of rows.values()) if (row.isGone) fail(row, nowMs)
    },
    nowMs: () => nowMs,
    sweepUntil: async (untilMs: number): Promise<void> => {
      for (; nowMs <= untilMs; nowMs += 500) {
        await sweepDueWork(deps, { refreshQueueMax: 1000, hostRefreshesPerMinute: 300 })
      }
    },
    startsOf: (client: string): readonly number[] => rowOf(client).starts,
    startsAt: (host: string): readonly number[] =>
      [...rows.values()].flatMap((row) => (row.host === host ? row.starts : [])).toSorted((a, b) => a - b),
    decisionsMean: () => [...rows.values()].reduce((sum, { decisions }) => sum + decisions, 0) / rows.size,
  }
}

/** The most instants that lie within any one minute. */
export function mostWithinAMinute(startsMs: readonly number[]): number {
  let most = 0
  let first = 0
  for (const [n, startedAt] of startsMs.entries()) {
    while ((startsMs[first] ?? 0) <= startedAt - MINUTE_MS) first += 1
    most = Math.max(most, n - first + 1)
  }
  return most
}

function dueClient(
  client: string,
  { host, turnMs, starts, withdrawingSinceMs }: Row,
  nowMs: number,
): DueClient {
  const turnAt = turnMs === undefined ? undefined : at(turnMs)
  const triedMs = starts.at(-1)
  const facts: DueFacts = {
    wanted: turnMs === undefined ? 1 : 2,
    done: 1,
    urgent: 1,
    claimUntil: undefined,
    deferredUntil: turnAt,
    quarantinedUntil: undefined,
    attemptedAt: triedMs === undefined ? at(-MINUTE_MS * 60) : at(triedMs),
    failing: withdrawingSinceMs !== undefined,
    withdrawingSince: withdrawingSinceMs === undefined ? undefined : at(withdrawingSinceMs),
    lastResolvedAt: at(nowMs),
    leasedUntil: at(nowMs + MINUTE_MS),
    canary: false,
  }
  return { client, host, turnAt, now: at(nowMs), facts }
}

/** Whether it is tried again soon. */
function fail(row: Row, nowMs: number): boolean {
  row.withdrawingSinceMs ??= nowMs
  const endMs = row.withdrawingSinceMs + GRACE_MS
  const pauseMs = Math.min(Math.max(nowMs - row.withdrawingSinceMs, MINUTE_MS), 5 * MINUTE_MS)
  row.dueMs = Math.min(nowMs + pauseMs, endMs)
  return nowMs < endMs
}

function at(ms: number): Date {
  return new Date(START_MS + ms)
}
