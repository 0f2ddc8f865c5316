import { setTimeout as delay } from 'node:timers/promises'
import { DelayedError, type Job, UnrecoverableError, WaitingError } from 'bullmq'
import { type Backend, openBackend, type QueueStoreOptions } from './backend.ts'
import { QueueUnavailableError, settlesWithin } from './deadline.ts'
import { type Jobs, parseJob, type QueueName } from './jobs.ts'

/** A job whose attempt failed. */
export type JobFailure<Queue extends QueueName> = {
  readonly queue: Queue
  /** Undefined where it was malformed. */
  readonly job: Jobs[Queue] | undefined
  readonly reason: string
  /** Whether BullMQ has given the job up, rather than scheduled its next attempt. */
  readonly final: boolean
  readonly error: Error
}

/** Options of a consumer. */
export type ConsumerOptions<Queue extends QueueName> = QueueStoreOptions & {
  readonly queue: Queue
  readonly concurrency: number
  /** Throws on infrastructure faults only. Once the signal aborts, a rejection puts the job back. */
  readonly run: (job: Jobs[Queue], signal: AbortSignal) => Promise<void>
  readonly onError: (error: Error) => void
  readonly onFailed: (failure: JobFailure<Queue>) => void
}

/** Takes work off one queue. */
export type Consumer = {
  /** Resolves once jobs are being taken; an unreachable store is tried again until then. */
  ready(): Promise<void>
  /** No run begins after this resolves. */
  stopIntake(): Promise<void>
  /** Stops intake, waits `graceMs` for runs, aborts the rest (they go back to the queue), then closes. */
  drain(graceMs: number): Promise<void>
  /** Stops intake and closes. Runs still under way are abandoned: redelivered when their locks expire. */
  close(): Promise<void>
  /** Runs under way. */
  running(): number
}

// Put-back delay of a job from a newer release: long enough for an upgraded worker to be there first.
const NEWER_JOB_DELAY_MS = 5_000

/**
 * A killed worker's job is redelivered after lockDuration + stalledInterval = 11 s at most. The deadline of a
 * fetch (5 s) is below the lock, which BullMQ renews at half time anyway. The claim in Postgres decides who
 * works, so surviving five killed workers costs nothing; more is a job that kills them.
 */
const DELIVERY = { lockDuration: 8_000, stalledInterval: 3_000, maxStalledCount: 5 } as const
const RECONNECT_DELAY_MS = 1_000
const ABORT_GRACE_MS = 1_000
const CLOSE_TIMEOUT_MS = 2_000

type Process = (job: Job, token?: string) => Promise<void>
type Worker = Pick<InstanceType<Backend['Worker']>, 'waitUntilReady' | 'run' | 'pause' | 'close'>

/** Starts at once; `ready` tells when it has succeeded. */
export function createConsumer<Queue extends QueueName>(options: ConsumerOptions<Queue>): Consumer {
  const runs = createRuns(options)
  const connection = connectWorker(options, runs.process)

  async function stopIntake(): Promise<void> {
    runs.stop()
    await connection.pause()
  }

  async function close(): Promise<void> {
    await stopIntake()
    await connection.close({ abandonRuns: runs.count() > 0 })
  }

  return {
    ready: () => connection.ready,
    stopIntake,
    async drain(graceMs) {
      await stopIntake()
      if (!(await settlesWithin(runs.idle(), graceMs))) {
        runs.abort()
        await settlesWithin(runs.idle(), ABORT_GRACE_MS)
      }
      await close()
    },
    close,
    running: runs.count,
  }
}

// The jobs under way: begins them, counts them, aborts them.
function createRuns<Queue extends QueueName>({ queue, run }: ConsumerOptions<Queue>) {
  const under = new Map<AbortController, Promise<void>>()
  let taking = true

  async function process(job: Job, token?: string): Promise<void> {
    // BullMQ may still take one job after a pause, when it was already waiting for one.
    if (!taking) return putBack(job, token)
    const parsed = parseJob(queue, job.data)
    if (parsed.kind === 'malformed') throw new UnrecoverableError(parsed.reason)
    if (parsed.kind === 'newer') return await putOff(job, token)
    const controller = new AbortController()
    const running = runOrPutBack(parsed.job, controller.signal, () => putBack(job, token))
    under.set(controller, running)
    await running.finally(() => under.delete(controller))
  }

  async function runOrPutBack(
    job: Jobs[Queue],
    signal: AbortSignal,
    back: () => Promise<void>,
  ): Promise<void> {
    try {
      await run(job, signal)
    } catch (error) {
      if (!signal.aborted) throw error
      await back()
    }
  }

  return {
    process,
    stop: () => {
      taking = false
    },
    count: () => under.size,
    idle: () => Promise.allSettled(under.values()),
    abort: () => {
      for (const controller of under.keys()) controller.abort(new Error('the consumer is shutting down'))
    },
  }
}

async function putBack(job: Job, token: string | undefined): Promise<void> {
  await job.moveToWait(token)
  throw new WaitingError()
}

async function putOff(job: Job, token: string | undefined): Promise<void> {
  await job.moveToDelayed(Date.now() + NEWER_JOB_DELAY_MS, token)
  throw new DelayedError()
}

// BullMQ remembers a failed opening for the life of a Worker, so one that failed is replaced.
function connectWorker<Queue extends QueueName>(options: ConsumerOptions<Queue>, process: Process) {
  const backend = openBackend(options, 'consumer')
  const closing = new AbortController()
  let worker: Worker | undefined
  let paused = false

  async function connect(): Promise<void> {
    while (!closing.signal.aborted) {
      worker = openWorker(backend, options, process)
      try {
        await worker.waitUntilReady()
        if (!paused) worker.run().catch(options.onError)
        return
      } catch (error) {
        if (closing.signal.aborted) break
        options.onError(asError(error))
        await settlesWithin(worker.close(true), CLOSE_TIMEOUT_MS)
        await delay(RECONNECT_DELAY_MS, undefined, { signal: closing.signal }).catch(() => undefined)
      }
    }
    throw new QueueUnavailableError('the consumer was closed before it was ready')
  }

  const ready = connect()
  ready.catch(() => undefined)

  return {
    ready,
    // Only BullMQ's pause that waits for nothing: the other one reconnects when it is done, closed or not.
    pause: async () => {
      paused = true
      await worker?.pause(true)
    },
    // Without `abandonRuns` BullMQ first writes the outcome of the jobs it had taken; it knows no bound of its own.
    close: async ({ abandonRuns }: { abandonRuns: boolean }) => {
      closing.abort()
      const force = abandonRuns || !backend.connected()
      if (worker) await settlesWithin(worker.close(force), CLOSE_TIMEOUT_MS)
      backend.abandon()
    },
  }
}

function openWorker<Queue extends QueueName>(
  backend: Backend,
  options: ConsumerOptions<Queue>,
  process: Process,
): Worker {
  const { queue, concurrency, onError } = options
  const settings = {
    ...backend.base,
    ...DELIVERY,
    concurrency,
    autorun: false,
    runRetryDelay: RECONNECT_DELAY_MS,
  }
  const worker = new backend.Worker(queue, process, settings)
  worker.on('error', onError)
  worker.on('failed', (job, error) => options.onFailed(failure(queue, job, error)))
  return worker
}

function failure<Queue extends QueueName>(
  queue: Queue,
  failed: Job | undefined,
  error: Error,
): JobFailure<Queue> {
  const parsed = parseJob(queue, failed?.data)
  const job = parsed.kind === 'job' ? parsed.job : undefined
  return { queue, job, reason: error.message, final: failed?.finishedOn !== undefined, error }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
