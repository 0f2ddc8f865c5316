import type { QueueOptions } from 'bullmq'
import { type Backend, CONNECT_TIMEOUT_MS } from './backend.ts'
import { QueueUnavailableError, settlesWithin, unavailable, withDeadline } from './deadline.ts'

/** A queue of BullMQ on either backend. */
export type Queue = InstanceType<Backend['Queue']>

/** Queues for whoever writes to them, opened on first use and again after a failed opening. */
export type Opener<Name extends string> = {
  /** Has the work done within about two seconds; rejects with a QueueUnavailableError else. */
  call<T>(queue: Name, what: string, work: (queue: Queue) => Promise<T>): Promise<T>
  close(): Promise<void>
}

// A user waits behind an enqueue; the sweep repairs what was not enqueued, so giving up early is cheap.
export const CALL_TIMEOUT_MS = 2_000
const CLOSE_TIMEOUT_MS = 2_000

type Settings = Pick<QueueOptions, 'prefix' | 'defaultJobOptions'> & Pick<Backend['base'], 'connection'>

/** Connects on the first call. */
export function createOpener<Name extends string>(
  backend: Backend,
  settings: Settings,
  onError: (error: Error) => void,
): Opener<Name> {
  const opened = new Map<Name, Promise<Queue>>()
  let closed = false

  // BullMQ remembers a failed opening for the life of a Queue, so each failure throws the Queue away.
  async function openQueue(name: Name): Promise<Queue> {
    const queue = new backend.Queue(name, settings)
    // Redis' client reports why it cannot connect only here, and goes on trying.
    let reported: Error | undefined
    queue.on('error', (error) => {
      reported = error
      onError(error)
    })
    try {
      await withDeadline(queue.waitUntilReady(), CONNECT_TIMEOUT_MS, 'connect')
      return queue
    } catch (error) {
      opened.delete(name)
      await settlesWithin(queue.close(), CLOSE_TIMEOUT_MS - CONNECT_TIMEOUT_MS)
      throw reported ?? error
    }
  }

  function open(name: Name): Promise<Queue> {
    if (closed) return Promise.reject(new QueueUnavailableError('the producer is closed'))
    const queue = opened.get(name) ?? openQueue(name)
    opened.set(name, queue)
    return queue
  }

  return {
    async call(name, what, work) {
      const startedAt = performance.now()
      try {
        const queue = await open(name)
        const leftMs = Math.max(CALL_TIMEOUT_MS - (performance.now() - startedAt), 1)
        return await withDeadline(work(queue), Math.ceil(leftMs), what)
      } catch (error) {
        throw unavailable(`${what} (queue ${name})`, error)
      }
    },
    async close() {
      closed = true
      const queues = await Promise.allSettled(opened.values())
      const open = queues.flatMap((queue) => (queue.status === 'fulfilled' ? [queue.value] : []))
      await Promise.all(open.map((queue) => settlesWithin(queue.close(), CLOSE_TIMEOUT_MS)))
      backend.abandon()
    },
  }
}
