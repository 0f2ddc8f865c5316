import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import {
  type ClientQueue,
  type ConsumerOptions,
  createConsumer,
  createProducer,
  type JobFailure,
  type LaneJob,
  prepareQueueStore,
  QueueUnavailableError,
} from '@cimd/queue'
import { createPostgresBackend, createRedisBackend, type IQueueBackend, withBackend } from 'bullmq'
import pg from 'pg'
import { expect, it } from 'vitest'
import { serverAddress, throughPort } from '../harness/addresses.ts'
import { describeEachBackend, type TestBackend } from '../harness/backends.ts'
import { openCuttableLink } from '../harness/cuttable-link.ts'
import { freePort } from '../harness/local-server.ts'
import { untilFulfilled } from './bridge-bundle.ts'

// lockDuration 8 s + stalledInterval 3 s, and what a busy machine takes; by BullMQ's defaults it would be a minute.
const REDELIVERY_MS = 25_000
// Two or three seconds of our own, and what a busy machine takes.
const GIVES_UP_MS = 10_000

describeEachBackend('the queues', (backend) => {
  it('run each job once, in both queues', async () => {
    await using queues = await setup(backend)
    const fetches = await queues.consume({ queue: 'fetch', concurrency: 2 })
    const refreshes = await queues.consume({ queue: 'refresh' })
    await queues.producer.enqueue('fetch', ['1', '2', '3'])
    await queues.producer.enqueue('refresh', ['4'])
    expect(await refreshes.runs.next()).toBe('4')
    expect(
      new Set([await fetches.runs.next(), await fetches.runs.next(), await fetches.runs.next()]),
    ).toEqual(new Set(['1', '2', '3']))
    expect(queues.errors).toEqual([])
  })

  it('carry the lanes of deliveries, which wait apart from the work on clients', async () => {
    await using queues = await setup(backend)
    const [first, second] = [
      { subscription: '0e7bb6ae-5b7c-4f8e-9a63-1c1b8ea0d9d5', lane: '-1' },
      { subscription: '0e7bb6ae-5b7c-4f8e-9a63-1c1b8ea0d9d5', lane: '42' },
    ]
    await queues.producer.wakeLanes([])
    await queues.producer.wakeLanes([first, second])
    expect(await queues.producer.waitingCount('deliver')).toBe(2)
    expect(await queues.producer.waitingCount('fetch')).toBe(0)
    const told = createInbox<LaneJob>()
    await using stack = new AsyncDisposableStack()
    const consumer = createConsumer({
      ...{ url: backend.url, schema: queues.schema, queue: 'deliver', concurrency: 1 },
      run: async (job) => told.push(job),
      onError: (error) => void queues.errors.push(error),
      onFailed: ({ error }) => void queues.errors.push(error),
    })
    stack.defer(consumer.close)
    expect([await told.next(), await told.next()]).toEqual([first, second])
    expect(queues.errors).toEqual([])
  })

  it('count what waits', async () => {
    await using queues = await setup(backend)
    await queues.producer.check()
    await queues.producer.enqueue('refresh', [])
    await queues.producer.enqueue('refresh', ['1', '2'])
    expect(await queues.producer.waitingCount('refresh')).toBe(2)
    expect(await queues.producer.counts('refresh')).toEqual({ waiting: 2, active: 0, delayed: 0, failed: 0 })
    expect(await queues.producer.waitingCount('fetch')).toBe(0)
  })

  it('hold duplicates: the claim, not the queue, makes one fetch of them', async () => {
    await using queues = await setup(backend)
    await queues.producer.enqueue('fetch', ['1'])
    await queues.producer.enqueue('fetch', ['1', '1'])
    expect(await queues.producer.waitingCount('fetch')).toBe(3)
  })

  it('try an infrastructure fault again', async () => {
    await using queues = await setup(backend)
    const faults = [new Error('database restarts')]
    const { runs, failures } = await queues.consume({
      run: async () => {
        const fault = faults.pop()
        if (fault) throw fault
      },
    })
    await queues.producer.enqueue('fetch', ['1'])
    expect(await failures.next()).toMatchObject({
      job: { client: '1' },
      reason: 'database restarts',
      final: false,
    })
    expect([await runs.next(), await runs.next()]).toEqual(['1', '1'])
  })

  it('fail a malformed job at once, with the reason', async () => {
    await using queues = await setup(backend)
    const { failures } = await queues.consume({})
    await queues.raw.queue.add('client', { v: 1, client: 'x' }, { attempts: 3 })
    const reason = 'malformed job: client: must be a positive decimal row id'
    expect(await failures.next()).toMatchObject({ job: undefined, reason, final: true })
    expect(await queues.producer.counts('fetch')).toMatchObject({ waiting: 0, delayed: 0, failed: 1 })
    const [failed] = await queues.raw.queue.getFailed()
    expect(failed).toMatchObject({ failedReason: reason, attemptsMade: 1 })
  })

  it('put a job of a newer release back, at no attempt, until it is understood', async () => {
    await using queues = await setup(backend)
    const { runs } = await queues.consume({})
    const { id = '' } = await queues.raw.queue.add('client', { v: 2, clients: ['5'] }, { attempts: 1 })
    await expect.poll(() => queues.raw.queue.getJobState(id)).toBe('delayed')
    const job = await queues.raw.queue.getJob(id)
    expect(job?.attemptsMade).toBe(0)
    // What this release sees of a release that understands it.
    await job?.updateData({ v: 1, client: '5' })
    await job?.promote()
    expect(await runs.next()).toBe('5')
  })

  it.concurrent('redeliver the job of a worker that is killed', { timeout: 60_000 }, async () => {
    await using queues = await setup(backend)
    await queues.producer.enqueue('fetch', ['9'])
    using victim = spawnWorker(backend.url, queues.schema)
    expect(await victim.firstLine).toBe('9')
    const { runs } = await queues.consume({})
    victim.child.kill('SIGKILL')
    await once(victim.child, 'exit')
    const killedAt = performance.now()
    expect(await runs.next()).toBe('9')
    expect(performance.now() - killedAt).toBeLessThan(REDELIVERY_MS)
  })

  it.concurrent('leave a job that ignores the abort to redelivery', { timeout: 60_000 }, async () => {
    await using queues = await setup(backend)
    const { consumer, runs } = await queues.consume({ run: () => new Promise(() => undefined) })
    await queues.producer.enqueue('fetch', ['1'])
    await runs.next()
    const drainedAt = performance.now()
    await consumer.drain(10)
    expect(performance.now() - drainedAt).toBeLessThan(GIVES_UP_MS)
    const other = await queues.consume({})
    expect(await other.runs.next()).toBe('1')
  })

  it.concurrent('are worked on again after their server vanished without a word', {
    timeout: 60_000,
  }, async () => {
    await using queues = await setup(backend)
    await using stack = new AsyncDisposableStack()
    const link = await openCuttableLink(backend.url)
    stack.defer(link.close)
    const { consumer, runs } = queues.start({ url: link.url })
    await consumer.ready()
    await queues.producer.enqueue('fetch', ['1'])
    expect(await runs.next()).toBe('1')
    link.stall()
    await queues.producer.enqueue('fetch', ['2'])
    expect(await runs.next()).toBe('2')
  })

  it('run nothing after intake has stopped; another consumer does', async () => {
    await using queues = await setup(backend)
    const stopped = await queues.consume({})
    await stopped.consumer.stopIntake()
    await queues.producer.enqueue('fetch', ['1', '2'])
    const other = await queues.consume({})
    expect(new Set([await other.runs.next(), await other.runs.next()])).toEqual(new Set(['1', '2']))
    expect(stopped.runs.count()).toBe(0)
  })

  it('let a running job finish within the grace', async () => {
    await using queues = await setup(backend)
    const gate = Promise.withResolvers<void>()
    const { consumer, runs, signals } = await queues.consume({ run: () => gate.promise })
    await queues.producer.enqueue('fetch', ['1'])
    await runs.next()
    expect(consumer.running()).toBe(1)
    const drained = consumer.drain(30_000)
    gate.resolve()
    await drained
    expect(consumer.running()).toBe(0)
    expect(signals[0]?.aborted).toBe(false)
    expect(await queues.producer.counts('fetch')).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 })
  })

  it('abort a job over the grace and hand it to another consumer at once', async () => {
    await using queues = await setup(backend)
    const { consumer, runs } = await queues.consume({
      run: (_job, signal) => once(signal, 'abort').then(() => signal.throwIfAborted()),
    })
    await queues.producer.enqueue('fetch', ['1'])
    await runs.next()
    await consumer.drain(10)
    expect(consumer.running()).toBe(0)
    const other = await queues.consume({})
    expect(await other.runs.next()).toBe('1')
    const [job] = await queues.raw.queue.getJobs(['active', 'completed'])
    expect(job?.attemptsMade).toBeLessThanOrEqual(1)
    expect(consumer.running() + other.failures.count()).toBe(0)
  })

  it('survive the loss of everything queued, also under a running job', async () => {
    await using queues = await setup(backend)
    const gate = Promise.withResolvers<void>()
    const { runs } = await queues.consume({
      concurrency: 2,
      run: ({ client }) => (client === '1' ? gate.promise : Promise.resolve()),
    })
    await queues.producer.enqueue('fetch', ['1'])
    expect(await runs.next()).toBe('1')
    await backend.empty()
    await queues.producer.enqueue('fetch', ['2'])
    expect(await runs.next()).toBe('2')
    gate.resolve()
    await queues.producer.enqueue('fetch', ['3', '4'])
    expect(new Set([await runs.next(), await runs.next()])).toEqual(new Set(['3', '4']))
  })

  it('refuse within two seconds while the store is unreachable, and recover', async () => {
    await using queues = await setup(backend)
    await using proxy = await createProxy(backend.url)
    const early = queues.producerFor(proxy.url)
    const refusal = await timed(() => early.enqueue('fetch', ['1']))
    expect(refusal.error).toBeInstanceOf(QueueUnavailableError)
    expect(refusal.ms).toBeLessThan(GIVES_UP_MS)
    const { consumer, runs } = queues.start({ url: proxy.url })
    await proxy.open()
    await consumer.ready()
    await early.enqueue('fetch', ['2'])
    expect(await runs.next()).toBe('2')
  })

  it('refuse within two seconds when an open store falls silent', async () => {
    await using queues = await setup(backend)
    await using proxy = await createProxy(backend.url)
    await proxy.open()
    const producer = queues.producerFor(proxy.url)
    await producer.check()
    proxy.silence()
    const refusal = await timed(() => producer.enqueue('fetch', ['1']))
    expect(refusal.error).toBeInstanceOf(QueueUnavailableError)
    expect(refusal.ms).toBeLessThan(GIVES_UP_MS)
  })

  if (backend.kind === 'postgres') {
    it('survive a connection that ends while the schema is looked at', async () => {
      await using queues = await setup(backend)
      const link = await openCuttableLink(backend.url, { endAt: 'server_version_num' })
      await expect(queues.producerFor(link.url).check()).rejects.toBeInstanceOf(QueueUnavailableError)
      await link.close()
    })

    it('work under a role that may not change the schema', async () => {
      await using queues = await setup(backend)
      await using role = await createRole(backend.url)
      await prepareQueueStore(backend.url, { schema: queues.schema, grantTo: [role.name] })
      const producer = queues.producerFor(backend.url, role.name)
      const { runs, failures } = await queues.consume({ role: role.name })
      await producer.enqueue('fetch', ['1'])
      await producer.enqueue('fetch', ['2', '3'])
      expect(new Set([await runs.next(), await runs.next(), await runs.next()])).toEqual(
        new Set(['1', '2', '3']),
      )
      await expect(role.query(`CREATE TABLE ${queues.schema}.mine ()`)).rejects.toThrow(/permission denied/)
      await expect(role.query(`DELETE FROM ${queues.schema}.migration`)).rejects.toThrow(/permission denied/)
      expect(failures.count()).toBe(0)
    })
  }
})

/** The queues of one test, in a schema (or under a prefix) of their own. */
async function setup(backend: TestBackend) {
  const schema = `queue_${randomBytes(4).toString('hex')}`
  const stack = new AsyncDisposableStack()
  const errors: Error[] = []
  const onError = (error: Error) => void errors.push(error)
  await prepareQueueStore(backend.url, { schema })
  const producerFor = (url: string, role?: string) => {
    const producer = createProducer({ url, schema, role, onError })
    stack.defer(() => producer.close())
    return producer
  }
  const start = (options: Partial<ClientOptions>) => {
    const started = startConsumer({ url: backend.url, schema, onError, ...options })
    stack.defer(() => started.consumer.close())
    return started
  }
  const raw = stack.use(openRaw(backend, schema))
  const producer = producerFor(backend.url)
  // Opening takes longest of all it does; a busy machine may take longer than a producer may.
  await untilFulfilled(producer.check)
  errors.length = 0
  return {
    schema,
    errors,
    raw,
    producer,
    producerFor,
    start,
    consume: async (options: Partial<ClientOptions>) => {
      const started = start(options)
      await started.consumer.ready()
      return started
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

type ClientOptions = ConsumerOptions<ClientQueue>

function startConsumer(options: Partial<ClientOptions> & Pick<ClientOptions, 'url' | 'onError'>) {
  const runs = createInbox<string>()
  const failures = createInbox<JobFailure<ClientQueue>>()
  const signals: AbortSignal[] = []
  const consumer = createConsumer<ClientQueue>({
    queue: 'fetch',
    concurrency: 1,
    onFailed: failures.push,
    ...options,
    run: async (job, signal) => {
      signals.push(signal)
      runs.push(job.client)
      await options.run?.(job, signal)
    },
  })
  return { consumer, runs, failures, signals }
}

/** Arrivals to wait for one by one. */
function createInbox<T>() {
  const arrivals = new EventEmitter()
  const waiting: T[] = []
  let total = 0
  return {
    push: (item: T) => {
      total += 1
      waiting.push(item)
      arrivals.emit('arrival')
    },
    next: async (): Promise<T> => {
      while (waiting.length === 0) await once(arrivals, 'arrival')
      return waiting.shift() as T
    },
    count: () => total,
  }
}

/** BullMQ without our contract: to write what we would not, and to look at what we do not show. */
function openRaw(backend: TestBackend, prefix: string) {
  const name: ClientQueue = 'fetch'
  const connection = { connectionString: backend.url, schema: prefix, url: backend.url }
  const redis = { url: backend.url, maxRetriesPerRequest: null }
  const { Queue } = withBackend<IQueueBackend, typeof connection>((queue, opts, extra) =>
    backend.kind === 'redis'
      ? createRedisBackend(queue, { ...opts, connection: redis }, extra)
      : createPostgresBackend(queue, { ...opts, connection }, extra),
  )
  const queue = new Queue(name, { connection, prefix })
  queue.on('error', () => undefined)
  return { queue, [Symbol.asyncDispose]: () => queue.close() }
}

function spawnWorker(url: string, schema: string) {
  const script = fileURLToPath(new URL('queue-worker.ts', import.meta.url))
  const child: ChildProcess = spawn(process.execPath, [script, url, schema], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (!child.stdout) throw new Error('no stdout')
  const firstLine = once(createInterface({ input: child.stdout }), 'line').then(([line]) => String(line))
  return { child, firstLine, [Symbol.dispose]: () => void child.kill('SIGKILL') }
}

/** A way to the store that can be closed (at first), open or silent. */
async function createProxy(target: string) {
  const port = await freePort()
  const stack = new DisposableStack()
  let silent = false
  const server: Server = createServer((incoming) => {
    const outgoing = connect(serverAddress(target))
    for (const [from, to] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      stack.defer(() => from.destroy())
      from.on('data', (chunk) => void (silent || to.write(chunk)))
      from.on('error', () => undefined)
      from.on('close', () => to.destroy())
    }
  })
  return {
    url: throughPort(target, port),
    open: async () => {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    silence: () => {
      silent = true
    },
    [Symbol.asyncDispose]: async () => {
      stack.dispose()
      if (!server.listening) return
      server.close()
      await once(server, 'close')
    },
  }
}

async function timed(work: () => Promise<unknown>): Promise<{ error: unknown; ms: number }> {
  const startedAt = performance.now()
  const error = await work().then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return { error, ms: performance.now() - startedAt }
}

async function createRole(url: string) {
  const name = `cimd_test_${randomBytes(4).toString('hex')}`
  const client = new pg.Client(url)
  await client.connect()
  await client.query(
    'REVOKE TEMPORARY ON DATABASE current FROM PUBLIC'.replace('current', client.database ?? ''),
  )
  await client.query(`CREATE ROLE ${name} NOLOGIN`)
  return {
    name,
    query: async (sql: string) => {
      await client.query(`SET ROLE ${name}`)
      await client.query(sql).finally(() => client.query('RESET ROLE'))
    },
    [Symbol.asyncDispose]: async () => {
      await client.query(`DROP OWNED BY ${name}; DROP ROLE ${name}`)
      await client.end()
    },
  }
}
