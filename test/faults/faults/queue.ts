import { setTimeout as sleep } from 'node:timers/promises'
import type { OwnedRedis } from '../owned-redis.ts'
import type { World } from '../world.ts'
import { type Fault, withoutRedis } from './fault.ts'

const AWAY_MS_MAX = 2500
const FULL_MS = 4000
const FLUSHES = 3
const FLUSH_PAUSE_MS_MAX = 1500

function redisOf({ queue }: World): OwnedRedis {
  if (queue.redis === undefined) throw new Error('there is no Redis')
  return queue.redis
}

function restart(mode: 'orderly' | 'kill', name: string): Fault {
  return {
    name,
    turns: 3,
    disturbsStore: false,
    impossible: withoutRedis,
    strike: async (world) => {
      await redisOf(world).stop(mode)
      await sleep(world.random.between(0, AWAY_MS_MAX))
      await redisOf(world).start()
      return 1
    },
  }
}

/** Every job is forgotten, whatever is being done with it. */
const flushed: Fault = {
  name: 'queue flushed',
  turns: 5,
  disturbsStore: false,
  strike: async ({ queue, random }) => {
    for (let flush = 0; flush < FLUSHES; flush += 1) {
      await queue.empty()
      await sleep(random.between(0, FLUSH_PAUSE_MS_MAX))
    }
    return FLUSHES
  },
}

/** Redis takes nothing new, and gives what it has. */
const outOfMemory: Fault = {
  name: 'Redis out of memory',
  turns: 3,
  disturbsStore: false,
  impossible: withoutRedis,
  strike: async (world) => {
    const redis = redisOf(world)
    await redis.call('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    await redis.call('CONFIG', 'SET', 'maxmemory', '1')
    try {
      const refused = await redis.call('SET', 'faults', '1').then(
        () => false,
        () => true,
      )
      if (!refused) throw new Error('Redis takes what it has no memory for')
      await sleep(FULL_MS)
    } finally {
      await redis.call('CONFIG', 'SET', 'maxmemory', '0')
    }
    return 1
  },
}

export const QUEUE_FAULTS: readonly Fault[] = [
  restart('orderly', 'Redis restarted'),
  restart('kill', 'Redis killed'),
  flushed,
  outOfMemory,
]
