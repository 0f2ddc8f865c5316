import type { DefaultJobOptions } from 'bullmq'
import {
  type Backend,
  CONNECT_TIMEOUT_MS,
  openBackend,
  type QueueStoreOptions,
  retention,
} from './backend.ts'
import { QueueUnavailableError, settlesWithin, withDeadline } from './deadline.ts'
import { JOB_NAME, jobPayload, type QueueName } from './jobs.ts'

/** How many jobs a queue holds in each of BullMQ's states. */
export type QueueCounts = {
  readonly waiting: number
  readonly active: number
  readonly delayed: number
  readonly failed: number
}

/** Options of a producer. */
export type ProducerOptions = QueueStoreOptions & {
  /** Connection trouble between calls; a failing call rejects as well. */
  readonly onError: (error: Error) => void
}

/** Puts work on the queues. Every call ends within about two seconds, with a QueueUnavailableError at worst. */
export type Producer = {
  /** One round trip. Rejected does not mean absent: the same client may be enqueued again at any time. */
  enqueue(queue: QueueName, clients: readonly string[]): Promise<void>
  waitingCount(queue: QueueName): Promise<number>
  counts(queue: QueueName): Promise<QueueCounts>
  /** Resolves when the queue store answers. */
  check(): Promise<void>
  close(): Promise<void>
}

// A user waits behind an enqueue; the sweep repairs what was not enqueued, so giving up early is cheap.
const CALL_TIMEOUT_MS = 2_000
const CLOSE_TIMEOUT_MS = 2_000

type Queue = InstanceType<Backend['Queue']>

/** Opens connections on first use and again after a failed opening. */
export function createProducer(options: ProducerOptions): Producer {
  const open = createOpener(options)

  async function call<T>(queue: QueueName, what: string, work: (queue: Queue) => Promise<T>): Promise<T> {
    const startedAt = performance.now()
    try {
      const opened = await open.queue(queue)
      const leftMs = Math.max(CALL_TIMEOUT_MS - (performance.now() - startedAt), 1)
      return await withDeadline(work(opened), Math.ceil(leftMs), what)
    } catch (error) {
      throw unavailable(`${what} (queue ${queue})`, error)
    }
  }

  return {
    async enqueue(queue, clients) {
      const jobs = clients.map((client) => ({ name: JOB_NAME, data: jobPayload(client) }))
      if (jobs.length > 0) await call(queue, 'enqueue', (opened) => addJobs(opened, jobs))
    },
    waitingCount: (queue) => call(queue, 'count', (opened) => opened.getWaitingCount()),
    counts: (queue) => call(queue, 'count', countJobs),
    async check() {
      await call('fetch', 'check', (opened) => opened.isPaused())
    },
    close: open.close,
  }
}

type Job = { name: string; data: unknown }

// On Postgres addBulk builds temporary tables: 3.5 ms where add takes 0.6 ms, and a demand enqueues one client.
async function addJobs(queue: Queue, jobs: Job[]): Promise<void> {
  const [only, ...others] = jobs
  if (only && others.length === 0) await queue.add(only.name, only.data)
  else await queue.addBulk(jobs)
}

async function countJobs(queue: Queue): Promise<QueueCounts> {
  const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'failed')
  const { waiting = 0, active = 0, delayed = 0, failed = 0 } = counts
  return { waiting, active, delayed, failed }
}

// BullMQ remembers a failed opening for the life of a Queue, so each failure throws the Queue away.
function createOpener(options: ProducerOptions) {
  const backend = openBackend(options, 'producer')
  const opened = new Map<QueueName, Promise<Queue>>()
  let closed = false

  async function openQueue(name: QueueName): Promise<Queue> {
    const queue = new backend.Queue(name, { ...backend.base, defaultJobOptions: jobOptions(backend) })
    // Redis' client reports why it cannot connect only here, and goes on trying.
    let reported: Error | undefined
    queue.on('error', (error) => {
      reported = error
      options.onError(error)
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

  return {
    queue(name: QueueName): Promise<Queue> {
      if (closed) return Promise.reject(new QueueUnavailableError('the producer is closed'))
      const queue = opened.get(name) ?? openQueue(name)
      opened.set(name, queue)
      return queue
    },
    async close(): Promise<void> {
      closed = true
      const queues = await Promise.allSettled(opened.values())
      const open = queues.flatMap((queue) => (queue.status === 'fulfilled' ? [queue.value] : []))
      await Promise.all(open.map((queue) => settlesWithin(queue.close(), CLOSE_TIMEOUT_MS)))
      backend.abandon()
    },
  }
}

// Only an infrastructure fault makes a job throw: three tries within about two seconds ride out a failover of
// the database; anything longer is the sweep's business.
function jobOptions(backend: Backend): DefaultJobOptions {
  return {
    attempts: 3,
    backoff: { type: 'exponential', delay: 500, jitter: 0.5 },
    ...retention(backend.kind),
  }
}

function unavailable(what: string, cause: unknown): QueueUnavailableError {
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause)
  return new QueueUnavailableError(`${what}: ${reason}`, { cause })
}
