import { type DueAction, decideDueWork } from '@cimd/core'
import type { DueClient } from '@cimd/store'

/** What a sweep needs from the world. */
export type SweepDeps = {
  /** Locks due clients, hands them to `decide`, and carries out what it says, all in one transaction. */
  readonly withDueClients: (
    options: { readonly limit: number; readonly urgentOnly: boolean },
    decide: (due: readonly DueClient[]) => readonly Decided[],
  ) => Promise<readonly Decided[]>
  readonly waitingRefreshes: () => Promise<number>
  readonly enqueue: (queue: 'fetch' | 'refresh', clients: readonly string[]) => Promise<void>
}

export type Decided = { readonly client: string; readonly action: DueAction }

/** Rows locked by one sweep; a fuller backlog takes more sweeps. */
const SWEEP_ROWS_MAX = 500

/**
 * Looks at every client that is due: re-enqueues work the queue has lost, demands due refreshes as far as the
 * refresh queue has room, postpones the rest. What is enqueued and lost again becomes due again by itself.
 * Returns how many jobs were enqueued.
 */
export async function sweepDueWork(deps: SweepDeps, refreshQueueMax: number): Promise<number> {
  const room = Math.max(0, refreshQueueMax - (await deps.waitingRefreshes()))
  const decided = await deps.withDueClients({ limit: SWEEP_ROWS_MAX, urgentOnly: room === 0 }, (due) =>
    admit(due.map(decide), room),
  )
  const urgent = decided.filter(({ action }) => queueOf(action) === 'fetch').map(({ client }) => client)
  const background = decided.filter(({ action }) => queueOf(action) === 'refresh').map(({ client }) => client)
  await deps.enqueue('fetch', urgent)
  await deps.enqueue('refresh', background)
  return urgent.length + background.length
}

function decide({ client, facts, now }: DueClient): Decided {
  return { client, action: decideDueWork(facts, now) }
}

/** Leaves due, untouched, what the refresh queue has no room for. */
function admit(decided: readonly Decided[], room: number): Decided[] {
  let left = room
  return decided.filter(({ action }) => {
    if (queueOf(action) !== 'refresh') return true
    left -= 1
    return left >= 0
  })
}

function queueOf(action: DueAction): 'fetch' | 'refresh' | undefined {
  if (action.kind === 'refresh') return 'refresh'
  return action.kind === 'enqueue' ? action.queue : undefined
}
