import {
  type DueAction,
  type DueRefresh,
  decideDueWork,
  type HostPace,
  isDeciding,
  paceRefreshes,
} from '@cimd/core'
import type { DecidedClient, DueClient } from '@cimd/store'

/** What a sweep needs from the world. */
export type SweepDeps = {
  /** Locks due clients, hands them to `decide`, and carries out what it says, all in one transaction. */
  readonly withDueClients: (
    options: { readonly limit: number; readonly urgentOnly: boolean },
    decide: (due: readonly DueClient[], paces: HostPaces) => Promise<readonly DecidedClient[]>,
  ) => Promise<readonly DecidedClient[]>
  readonly waitingRefreshes: () => Promise<number>
  readonly enqueue: (queue: 'fetch' | 'refresh', clients: readonly string[]) => Promise<void>
}

/** Where the refreshes of each host stand, in the transaction of the sweep. */
export type HostPaces = {
  /** Locks what it reads. */
  readonly read: (hosts: readonly string[]) => Promise<ReadonlyMap<string, HostPace>>
  readonly write: (paces: ReadonlyMap<string, HostPace>) => Promise<void>
}

export type SweepLimits = {
  readonly refreshQueueMax: number
  /** Of one host, over all schedulers. */
  readonly hostRefreshesPerMinute: number
}

/** A due client with what was decided for it. */
type Considered = DueClient & { readonly action: DueAction }

/** Rows locked by one sweep; a fuller backlog takes more sweeps. */
const SWEEP_ROWS_MAX = 500

/**
 * Looks at every client that is due: re-enqueues work the queue has lost and demands due refreshes. Those that the refresh
 * queue has no room for stay due; those whose host has no turn are put off to it. What is enqueued and lost again becomes due
 * again by itself. Returns how many jobs were enqueued.
 */
export async function sweepDueWork(deps: SweepDeps, limits: SweepLimits): Promise<number> {
  const room = Math.max(0, limits.refreshQueueMax - (await deps.waitingRefreshes()))
  const decided = await deps.withDueClients({ limit: SWEEP_ROWS_MAX, urgentOnly: room === 0 }, (due, paces) =>
    pace(admit(due.map(consider), room), paces, limits.hostRefreshesPerMinute),
  )
  const urgent = decided.filter((one) => queueOf(one) === 'fetch').map(({ client }) => client)
  const background = decided.filter((one) => queueOf(one) === 'refresh').map(({ client }) => client)
  await deps.enqueue('fetch', urgent)
  await deps.enqueue('refresh', background)
  return urgent.length + background.length
}

function consider(due: DueClient): Considered {
  return { ...due, action: decideDueWork(due.facts, due.now) }
}

/** Leaves due, untouched, what the refresh queue has no room for. */
function admit(considered: readonly Considered[], room: number): Considered[] {
  let left = room
  return considered.filter((one) => {
    if (queueOf(one) !== 'refresh') return true
    left -= 1
    return left >= 0
  })
}

/** Defers each refresh until its host may be asked (FET-23); what a user waits for has no turn to wait for. */
async function pace(
  admitted: readonly Considered[],
  paces: HostPaces,
  refreshesPerMinute: number,
): Promise<DecidedClient[]> {
  const begins = admitted.filter(isBeginning)
  const [first] = begins
  const waiting = new Map<string, Date>()
  if (first !== undefined) {
    const before = await paces.read(begins.map(({ host }) => host))
    const paced = paceRefreshes(begins.map(refreshOf), before, { refreshesPerMinute, now: first.now })
    await paces.write(paced.paces)
    for (const { client, notBefore } of paced.wait) waiting.set(client, notBefore)
  }
  return admitted.map(({ client, action }) => {
    const notBefore = waiting.get(client)
    return { client, action, ...(notBefore && { notBefore }) }
  })
}

function refreshOf({ client, host, turnAt, facts }: Considered): DueRefresh {
  return { client, host, turnAt, deciding: isDeciding(facts), attemptedAt: facts.attemptedAt }
}

// Neither what the queue has lost, whose turn has been, nor what waits for something else, nor what a user waits for in line.
function isBeginning({ action, turnAt, facts }: Considered): boolean {
  if (action.kind === 'refresh') return true
  return queueOf({ action }) === 'refresh' && turnAt !== undefined && facts.urgent <= facts.done
}

function queueOf({
  action,
  notBefore,
}: Pick<DecidedClient, 'action' | 'notBefore'>): 'fetch' | 'refresh' | undefined {
  if (notBefore !== undefined) return undefined
  if (action.kind === 'refresh') return 'refresh'
  return action.kind === 'enqueue' ? action.queue : undefined
}
