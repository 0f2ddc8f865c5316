import { toCloudEvent } from '@cimd/core'
import { type Bridge, BridgeRefusedError } from '@cimd/queue'
import { type Repetition, repeat } from '@cimd/runtime'
import type { BridgedBatch, BridgeStart } from '@cimd/store'

/** What a bridge is run with. */
export type RunBridgeDeps = {
  readonly bridge: Pick<Bridge, 'publish' | 'check'>
  /** Names this deployment in its events. */
  readonly source: string
  /** Where it begins if it was never there before. */
  readonly from: BridgeStart
  /** Has it follow every tenant that it does not follow yet. */
  readonly join: (start: BridgeStart) => Promise<void>
  /** Has events of one tenant published; undefined when nobody has news, save those excepted. */
  readonly publishNext: (
    options: { readonly limit: number; readonly except: readonly string[] },
    publish: (batch: BridgedBatch) => Promise<void>,
  ) => Promise<number | undefined>
  /** A turn failed, or one tenant's part of it. */
  readonly onFailed: (error: unknown, tenant?: string) => void
  readonly monotonicMs: () => number
}

/** A bridge at work. */
export type RunningBridge = Repetition & {
  /** Rejects while the target does not answer, or does not take what some tenant is told. */
  readonly check: () => Promise<void>
}

/** How often it looks for news of which no notification came. */
const INTERVAL_MS = 2_000
/** A few hundred kilobytes at most, of common events. */
export const BATCH_MAX = 200
const PAUSES_MS = [1_000, 2_000, 5_000, 10_000, 30_000]
/** What one tenant's stream holds does not mend by itself. */
export const REFUSED_PAUSE_MS = 60_000

/** Publishes until nothing is behind, whenever it is woken and every two seconds; failures are tried again, ever later. */
export function runBridge(deps: RunBridgeDeps): RunningBridge {
  const stopping = new AbortController()
  const { turn, refusing } = createTurns(deps, stopping.signal)
  const { wake, stop } = repeat(INTERVAL_MS, turn, (error) => deps.onFailed(error))
  return {
    wake,
    stop: () => {
      stopping.abort()
      return stop()
    },
    async check() {
      await deps.bridge.check()
      const tenants = refusing()
      if (tenants > 0) throw new Error(`what ${tenants} tenants are told is not taken: see the log`)
    },
  }
}

/** The turns of a bridge, and how many tenants are set aside; a turn that rejects is followed by a pause. */
export function createTurns(deps: RunBridgeDeps, stopping: AbortSignal) {
  const refusedUntil = new Map<string, number>()
  const publish = ({ tenant, feedPosition, events }: BridgedBatch): Promise<void> => {
    const entries = events.map((event) => ({
      position: event.position,
      event: toCloudEvent(event, deps.source),
    }))
    return deps.bridge.publish({ tenant, feedPosition, entries })
  }
  let start = deps.from
  let limit = BATCH_MAX
  let failures = 0
  let pausedUntil = 0

  async function publishSome(): Promise<boolean> {
    try {
      const published = await deps.publishNext({ limit, except: [...refusedUntil.keys()] }, publish)
      failures = 0
      limit = Math.min(limit * 2, BATCH_MAX)
      return published !== undefined
    } catch (error) {
      if (!(error instanceof BridgeRefusedError)) throw error
      refusedUntil.set(error.tenant, deps.monotonicMs() + REFUSED_PAUSE_MS)
      deps.onFailed(error, error.tenant)
      return true
    }
  }

  async function publishAll(): Promise<void> {
    for (const [tenant, until] of refusedUntil) if (deps.monotonicMs() >= until) refusedUntil.delete(tenant)
    await deps.join(start)
    start = 'beginning'
    while (!stopping.aborted && (await publishSome()));
  }

  async function turn(): Promise<void> {
    if (deps.monotonicMs() < pausedUntil) return
    try {
      await publishAll()
    } catch (error) {
      pausedUntil = deps.monotonicMs() + (PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)] ?? 0)
      failures += 1
      // A slow target may never take as much as this in time.
      limit = Math.max(1, Math.floor(limit / 2))
      throw error
    }
  }

  return { turn, refusing: () => refusedUntil.size }
}
