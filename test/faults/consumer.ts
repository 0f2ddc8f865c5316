import { events } from '@cimd/client'
import type { Reception } from './evidence.ts'
import type { Random } from './random.ts'

/** Somebody who follows the feed of a tenant and is cut off now and then. */
export type Follower = {
  readonly received: readonly Reception[]
  /** The cursor of the newest event so far. */
  readonly position: () => number
  /** Why it could not go on, if so. */
  readonly refused: () => unknown
  readonly close: () => Promise<void>
}

/** How long it reads before it forgets where it was. */
const READS_MS_MAX = 20_000
/** How much of what it had been told it is told again. */
const FORGETS_MAX = 30
const WAIT_MS = 5000

/** Follows a feed until it is closed; after each interruption it goes on from a cursor before the last one. */
export function follow(options: {
  readonly url: string
  readonly key: string
  readonly random: Random
}): Follower {
  const received: Reception[] = []
  const closing = new AbortController()
  let position = 0
  let refused: unknown
  const read = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      const { random, url, key } = options
      const forgotten = Math.floor(random.between(0, FORGETS_MAX))
      const after = String(Math.max(0, position - forgotten))
      const signal = AbortSignal.any([
        closing.signal,
        AbortSignal.timeout(Math.round(random.between(1000, READS_MS_MAX))),
      ])
      for await (const event of events({ url, key, after, signal, waitMs: WAIT_MS, retryMinMs: 100 })) {
        const cursor = Number(event.cursor)
        position = Math.max(position, cursor)
        const { id, type, subject, clientseq, data } = event
        received.push({
          at: Date.now(),
          cursor,
          id,
          type,
          subject,
          clientseq,
          data: data as Reception['data'],
        })
      }
    }
  }
  const reading = read().catch((error: unknown) => {
    refused = error
  })
  return {
    received,
    position: () => position,
    refused: () => refused,
    close: async () => {
      closing.abort()
      await reading
    },
  }
}
