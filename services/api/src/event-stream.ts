import { type ReadEventsDeps, readEvents } from './read-events.ts'
import { toldEvent } from './told-event.ts'

export type EventStreamDeps = ReadEventsDeps & {
  readonly eventSource: string
  readonly isStopping: () => boolean
  /** How often something is said at least, and leave asked for. */
  readonly heartbeatMs?: number
  /** Rejects once the caller may not read any more; asked again and again. */
  readonly requireLeave: () => Promise<unknown>
}

/** Often enough that nothing between us and the reader takes the connection for dead. */
const HEARTBEAT_MS = 15_000
const BATCH = 100
const RECONNECT_MS = 1000

/**
 * A tenant's events after a position as a stream of server-sent events (WHATWG HTML, 9.2), for as long as the reader reads,
 * may read, and the process does not stop. What is not read is not fetched from the store.
 */
export async function* streamEvents(
  deps: EventStreamDeps,
  tenantId: string,
  after: number,
): AsyncGenerator<string> {
  const { heartbeatMs = HEARTBEAT_MS } = deps
  yield `retry: ${RECONNECT_MS}\n\n`
  let checkedMs = performance.now()
  for (let position = after; !deps.isStopping(); ) {
    const query = { after: position, limit: BATCH, waitMs: heartbeatMs }
    const events = await readEvents(deps, tenantId, query)
    if (performance.now() - checkedMs >= heartbeatMs) {
      await deps.requireLeave()
      checkedMs = performance.now()
    }
    if (events.length === 0) yield ': nothing new\n\n'
    for (const event of events) {
      const told = toldEvent(event, deps.eventSource)
      yield `id: ${told.cursor}\nevent: ${told.type}\ndata: ${JSON.stringify(told)}\n\n`
      position = event.position
    }
  }
}

/** How many streams each tenant has open at this process. */
export type StreamPlaces = {
  /** Returns how to leave again; undefined where the tenant has as many as it may. */
  readonly take: (tenantId: string) => (() => void) | undefined
}

/** Places for `max` streams of each tenant. */
export function createStreamPlaces(max: number): StreamPlaces {
  const taken = new Map<string, number>()
  return {
    take: (tenantId) => {
      const before = taken.get(tenantId) ?? 0
      if (before >= max) return undefined
      taken.set(tenantId, before + 1)
      return () => {
        const left = (taken.get(tenantId) ?? 1) - 1
        if (left === 0) taken.delete(tenantId)
        else taken.set(tenantId, left)
      }
    },
  }
}
