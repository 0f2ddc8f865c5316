import { DEFAULT_SCHEMA, type QUEUE_NAMES } from '@cimd/queue'
import { createPostgresBackend, createRedisBackend, type IQueueBackend, withBackend } from 'bullmq'
import { truncateQueues } from '../harness/backends.ts'
import type { OwnedRedis } from './owned-redis.ts'
import type { Queue } from './world.ts'

/** The queues of a Redis of ours, or in a database of the Postgres. */
export function queueOf(url: string, redis: OwnedRedis | undefined): Queue {
  return {
    kind: redis === undefined ? 'postgres' : 'redis',
    redis,
    empty: async () => {
      if (redis === undefined) await truncateQueues(url)
      else await redis.call('FLUSHALL')
    },
    put: (name, data) => putRaw(url, redis !== undefined, name, data),
  }
}

// Not with our own producer, which writes what it understands alone.
async function putRaw(
  url: string,
  isRedis: boolean,
  name: (typeof QUEUE_NAMES)[number],
  data: unknown,
): Promise<void> {
  const connection = isRedis
    ? { url, maxRetriesPerRequest: 1 }
    : { connectionString: url, schema: DEFAULT_SCHEMA }
  const factory = (isRedis ? createRedisBackend : createPostgresBackend) as (
    name: string,
    options: object,
    extra: unknown,
  ) => IQueueBackend
  const { Queue: RawQueue } = withBackend((queue: string, options: object, extra: unknown) =>
    factory(queue, { ...options, connection }, extra),
  )
  const queue = new RawQueue(name, { connection, prefix: DEFAULT_SCHEMA })
  queue.on('error', () => undefined)
  try {
    await queue.add('client', data, { attempts: 3, removeOnFail: true })
  } finally {
    await queue.close()
  }
}
