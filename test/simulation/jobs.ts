import type { ClientQueue } from '@cimd/queue'

/**
 * An in-process array in the place of the queue backends, with what they promise: a job is delivered at least once,
 * some of them twice. What real queues do beyond that is for test/e2e.
 */
export type Jobs = {
  readonly enqueue: (queue: ClientQueue, clients: readonly string[]) => Promise<void>
  readonly waiting: (queue: ClientQueue) => number
  /** Resolves when nothing waits and nothing runs; rejects with the first fault of a job. */
  readonly idle: () => Promise<void>
}

type Waiting = { readonly queue: ClientQueue; readonly client: string }

/** One job of so many is delivered a second time. */
const TWICE_EVERY = 50

export function createJobs(
  run: (queue: ClientQueue, client: string) => Promise<void>,
  concurrency: number,
): Jobs {
  const waiting: Record<ClientQueue, string[]> = { fetch: [], refresh: [] }
  const idlers: PromiseWithResolvers<void>[] = []
  const faults: unknown[] = []
  let [running, delivered] = [0, 0]

  const next = (): Waiting | undefined => {
    for (const queue of ['fetch', 'refresh'] as const) {
      const client = waiting[queue].shift()
      if (client !== undefined) return { queue, client }
    }
    return undefined
  }
  const settle = (): void => {
    for (const { resolve, reject } of idlers.splice(0)) faults.length === 0 ? resolve() : reject(faults[0])
  }
  // Counts itself out in the same turn in which it found nothing: what comes later must find a worker or start one.
  const work = async (): Promise<void> => {
    running += 1
    try {
      for (let job = next(); job !== undefined; job = next()) {
        delivered += 1
        await run(job.queue, job.client)
        if (delivered % TWICE_EVERY === 0) await run(job.queue, job.client)
      }
    } catch (error) {
      faults.push(error)
    }
    running -= 1
    if (running === 0) settle()
  }
  const count = (): number => waiting.fetch.length + waiting.refresh.length
  return {
    enqueue: async (queue, clients) => {
      waiting[queue].push(...clients)
      while (running < concurrency && count() > 0) void work()
    },
    waiting: (queue) => waiting[queue].length,
    idle: () => {
      const idler = Promise.withResolvers<void>()
      idlers.push(idler)
      if (running === 0) settle()
      return idler.promise
    },
  }
}
