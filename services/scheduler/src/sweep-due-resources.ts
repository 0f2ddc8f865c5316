import { type DueAction, decideDueWork } from '@cimd/core'
import type { DueResource } from '@cimd/store'

export type DecidedResource = {
  readonly resource: string
  readonly client: string
  readonly action: DueAction
}

/** What a sweep of key sets and logos needs from the world. */
export type ResourceSweepDeps = {
  /** Locks due resources, hands them to `decide`, and carries out what it says, all in one transaction. */
  readonly withDueResources: (
    options: { readonly limit: number; readonly urgentOnly: boolean },
    decide: (due: readonly DueResource[]) => readonly DecidedResource[],
  ) => Promise<readonly DecidedResource[]>
  readonly waitingRefreshes: () => Promise<number>
  readonly enqueue: (queue: 'fetch' | 'refresh', clients: readonly string[]) => Promise<void>
}

/** Rows locked by one sweep; a fuller backlog takes more sweeps. */
const SWEEP_ROWS_MAX = 500

/**
 * Looks at every key set and logo that is due, by the rules of documents: what the queue lost is enqueued again, what
 * has to be refreshed is wanted, what nobody uses sleeps until its client is used. A job names the client. While the
 * refresh queue is full only what somebody waits for is looked at. Returns how many jobs were enqueued.
 */
export async function sweepDueResources(deps: ResourceSweepDeps, refreshQueueMax: number): Promise<number> {
  const room = Math.min(SWEEP_ROWS_MAX, refreshQueueMax - (await deps.waitingRefreshes()))
  const options = room > 0 ? { limit: room, urgentOnly: false } : { limit: SWEEP_ROWS_MAX, urgentOnly: true }
  const decided = await deps.withDueResources(options, (due) => due.map(decide))
  const urgent = clientsOf(decided, 'fetch')
  const background = clientsOf(decided, 'refresh').filter((client) => !urgent.includes(client))
  await deps.enqueue('fetch', urgent)
  await deps.enqueue('refresh', background)
  return urgent.length + background.length
}

function decide({ resource, client, facts, now }: DueResource): DecidedResource {
  return { resource, client, action: decideDueWork(facts, now) }
}

function clientsOf(decided: readonly DecidedResource[], queue: 'fetch' | 'refresh'): string[] {
  const due = decided.filter(({ action }) => queueOf(action) === queue)
  return [...new Set(due.map(({ client }) => client))]
}

function queueOf(action: DueAction): 'fetch' | 'refresh' | undefined {
  if (action.kind === 'refresh') return 'refresh'
  return action.kind === 'enqueue' ? action.queue : undefined
}
