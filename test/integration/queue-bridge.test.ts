import { randomUUID } from 'node:crypto'
import { QueueUnavailableError } from '@cimd/queue'
import { type Job, Queue, Worker } from 'bullmq'
import { expect, it } from 'vitest'
import { batchOf, describeBridges, QUEUE, setupRedis, untilFulfilled } from './bridge-bundle.ts'

describeBridges('a bridge to a BullMQ queue', () => {
  it('gives a worker each event as a job, in order', async () => {
    await using redis = await setupRedis()
    const bridge = redis.queueBridge()
    expect(bridge.name).toBe(`queue:bull:${QUEUE}`)
    await bridge.check()
    const batch = batchOf(randomUUID(), 5, 54)
    await bridge.publish(batch)
    const jobs = await consume(redis.url, 50)
    expect(jobs.map(({ name, data }) => ({ name, data }))).toEqual(
      batch.entries.map(({ position, event }) => ({
        name: event.type,
        data: { tenant: batch.tenant, event, cursor: String(position) },
      })),
    )
    expect(redis.errors).toEqual([])
  })

  it('makes one job of what comes again, waiting or done, and another for another tenant', async () => {
    await using redis = await setupRedis()
    const [tenant, other] = [randomUUID(), randomUUID()]
    const bridge = redis.queueBridge()
    await bridge.publish(batchOf(tenant, 1, 3))
    await Promise.all([bridge.publish(batchOf(tenant, 1, 5)), bridge.publish(batchOf(tenant, 2, 6))])
    expect((await consume(redis.url, 6)).map(({ data }) => data.cursor)).toEqual([
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
    ])
    await bridge.publish(batchOf(tenant, 4, 7))
    await bridge.publish(batchOf(other, 4, 4))
    expect((await consume(redis.url, 2)).map(({ data }) => [data.tenant, data.cursor])).toEqual([
      [tenant, '7'],
      [other, '4'],
    ])
  })

  it('tells of a batch that was not added, which BullMQ itself does not', async () => {
    await using redis = await setupRedis()
    const bridge = redis.queueBridge()
    await bridge.check()
    // What BullMQ puts its waiting jobs into.
    await redis.redis.set(`bull:${QUEUE}:wait`, 'no list')
    await expect(bridge.publish(batchOf(randomUUID(), 1, 3))).rejects.toBeInstanceOf(QueueUnavailableError)
    await redis.redis.del(`bull:${QUEUE}:wait`)
    const tenant = randomUUID()
    await bridge.publish(batchOf(tenant, 1, 3))
    expect((await consume(redis.url, 3)).map(({ data }) => data.tenant)).toEqual([tenant, tenant, tenant])
  })

  it('bounds what is kept of jobs, and tries a failing one again', async () => {
    await using redis = await setupRedis()
    await redis.queueBridge().publish(batchOf(randomUUID(), 1, 1))
    await using queue = openQueue(redis.url)
    const [job] = await queue.getJobs(['waiting'])
    expect(job?.opts).toMatchObject({
      attempts: 10,
      backoff: { type: 'exponential', delay: 1_000 },
      removeOnComplete: { count: 10_000, age: 86_400 },
      removeOnFail: { count: 10_000, age: 604_800 },
    })
  })

  it('refuses while Redis is away, tells it once, and is there again with it', async () => {
    await using redis = await setupRedis()
    const link = await redis.link()
    const tenant = randomUUID()
    const bridge = redis.queueBridge(link.url)
    await bridge.publish(batchOf(tenant, 1, 1))
    await link.cut()
    for (let n = 0; n < 3; n += 1) {
      await expect(bridge.publish(batchOf(tenant, 2, 2))).rejects.toBeInstanceOf(QueueUnavailableError)
    }
    expect(redis.errors).toHaveLength(1)
    await link.restore()
    await untilFulfilled(() => bridge.publish(batchOf(tenant, 2, 2)))
    expect((await consume(redis.url, 2)).map(({ data }) => data.cursor)).toEqual(['1', '2'])
  })
})

function openQueue(url: string) {
  const queue = new Queue(QUEUE, { connection: { url } })
  return Object.assign(queue, { [Symbol.asyncDispose]: () => queue.close() })
}

/** The next jobs, as a consumer of the operator's has them. */
async function consume(url: string, count: number): Promise<Job[]> {
  const jobs: Job[] = []
  const all = Promise.withResolvers<void>()
  const worker = new Worker(
    QUEUE,
    async (job) => {
      jobs.push(job)
    },
    { connection: { url, maxRetriesPerRequest: null } },
  )
  worker.on('completed', () => jobs.length >= count && all.resolve())
  worker.on('drained', () => jobs.length >= count && all.resolve())
  await all.promise
  await worker.close()
  return jobs
}
