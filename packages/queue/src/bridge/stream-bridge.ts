import { once } from 'node:events'
import { Redis } from 'ioredis'
import { backendKind, redisSettings } from '../backend.ts'
import { QueueUnavailableError, settlesWithin, unavailable, withDeadline } from '../deadline.ts'
import { CALL_TIMEOUT_MS } from '../opener.ts'
import {
  type Bridge,
  type BridgeBatch,
  type BridgeOptions,
  BridgeRefusedError,
  createOutageReport,
} from './bridge.ts'
import { PUBLISH_SCRIPT } from './publish-script.ts'

/** Which streams to publish to. */
export type StreamBridgeOptions = BridgeOptions & {
  /** The stream of a tenant is `<prefix>:<tenant id>`. */
  readonly prefix: string
  /** About how many of its newest entries a stream keeps; all of them if it is undefined. */
  readonly maxLength?: number | undefined
}

const CLOSE_TIMEOUT_MS = 1_000

/** Publishes each event to the Redis Stream of its tenant: once, in order, with its position as the entry's id. */
export function createStreamBridge(options: StreamBridgeOptions): Bridge {
  const { prefix, maxLength } = options
  if (backendKind(options.url) !== 'redis') throw new TypeError('a bridge publishes to Redis')
  const report = createOutageReport(options.onError)
  const redis = openRedis(options.url, report.onError)

  async function call<T>(what: string, work: () => Promise<T>): Promise<T> {
    const readied = async () => {
      await untilReady(redis)
      return await work()
    }
    return report.over(await withDeadline(readied(), CALL_TIMEOUT_MS, what))
  }

  return {
    name: `stream:${prefix}`,
    async publish(batch) {
      const key = `${prefix}:${batch.tenant}`
      const run = () => redis.eval(PUBLISH_SCRIPT, 1, key, ...argumentsOf(batch, maxLength))
      const reply = await call('publish', run).catch((error: unknown) => rethrow(batch.tenant, key, error))
      if (reply !== null) throw new BridgeRefusedError(batch.tenant, `the stream ${key} ${reply}`)
    },
    check: () => call('check', () => redis.ping()).then(() => undefined, asUnavailable('check')),
    async close() {
      if (redis.status === 'ready') await settlesWithin(redis.quit(), CLOSE_TIMEOUT_MS)
      redis.disconnect()
    },
  }
}

function openRedis(url: string, onError: (error: Error) => void): Redis {
  const redis = new Redis(url, {
    ...redisSettings('producer'),
    lazyConnect: true,
    // The caller was told that it failed, and publishes anew.
    autoResendUnfulfilledCommands: false,
  })
  redis.on('error', onError)
  return redis
}

async function untilReady(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return
  if (redis.status === 'end') throw new QueueUnavailableError('the bridge is closed')
  // Why it fails is said by the event that `once` rejects with.
  if (redis.status === 'wait') redis.connect().catch(() => undefined)
  await once(redis, 'ready', { signal: AbortSignal.timeout(CALL_TIMEOUT_MS) })
}

function argumentsOf({ feedPosition, entries }: BridgeBatch, maxLength: number | undefined): string[] {
  const events = entries.flatMap(({ position, event }) => [
    ...[String(position), event.id, event.type],
    JSON.stringify(event),
  ])
  return [String(feedPosition), String(maxLength ?? 0), ...events]
}

function rethrow(tenant: string, key: string, error: unknown): never {
  // Older servers put their own words before that of the command.
  if (error instanceof Error && /\bWRONGTYPE\b/.test(error.message)) {
    throw new BridgeRefusedError(tenant, `${key} is no stream`, { cause: error })
  }
  return asUnavailable('publish')(error)
}

function asUnavailable(what: string): (error: unknown) => never {
  return (error) => {
    throw unavailable(`${what} (stream)`, error)
  }
}
