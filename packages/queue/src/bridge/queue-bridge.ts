import { Job, type JobsOptions } from 'bullmq'
import { backendKind, openBackend } from '../backend.ts'
import { createOpener, type Queue } from '../opener.ts'
import { type Bridge, type BridgeBatch, type BridgeOptions, createOutageReport } from './bridge.ts'

/** BullMQ's own default, so that a consumer need not name one. */
export const DEFAULT_BRIDGE_QUEUE_PREFIX = 'bull'

/** Which queue to publish to. */
export type QueueBridgeOptions = BridgeOptions & {
  readonly queue: string
  readonly prefix?: string
}

/**
 * In BullMQ whoever adds a job says how often it is tried and how long it is kept, and a worker cannot overrule it. Ten
 * attempts are four to nine minutes. What is kept bounds memory and is what a repeated publication is recognised by.
 */
const JOB_OPTIONS: JobsOptions = {
  attempts: 10,
  backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
  removeOnComplete: { count: 10_000, age: 24 * 3_600 },
  removeOnFail: { count: 10_000, age: 7 * 24 * 3_600 },
}

/** Publishes each event as a job of a BullMQ queue on Redis: once, for as long as BullMQ keeps the job. */
export function createQueueBridge(options: QueueBridgeOptions): Bridge {
  const { url, queue: name, prefix = DEFAULT_BRIDGE_QUEUE_PREFIX } = options
  if (backendKind(url) !== 'redis') throw new TypeError('a bridge publishes to Redis')
  const backend = openBackend({ url }, 'producer')
  const report = createOutageReport(options.onError)
  const { call, close } = createOpener(backend, { ...backend.base, prefix }, report.onError)

  return {
    name: `queue:${prefix}:${name}`,
    publish: (batch) => call(name, 'publish', (queue) => addInOrder(queue, batch)).then(report.over),
    check: async () => void report.over(await call(name, 'check', (queue) => queue.isPaused())),
    close,
  }
}

// `addBulk` is a pipeline, of which a later command may succeed where an earlier one did not; this is a transaction.
async function addInOrder(queue: Queue, { tenant, entries }: BridgeBatch): Promise<void> {
  const jobs = entries.map(({ position, event }) => {
    const data = { tenant, event, cursor: String(position) }
    // BullMQ takes no colon in an id.
    const id = `${tenant}.${event.id}`
    return new Job(queue, event.type, data, { ...JOB_OPTIONS, jobId: id }, id).toFlowEntry()
  })
  const results = await queue.getBackend().addFlow(jobs)
  for (const [error] of results) if (error) throw error
}
