import { setImmediate } from 'node:timers/promises'
import {
  type Bridge,
  type BridgeBatch,
  type BridgeEntry,
  createQueueBridge,
  createStreamBridge,
  type StreamBridgeOptions,
} from '@cimd/queue'
import { recordAttempt, relayOutbox } from '@cimd/store'
import { Redis } from 'ioredis'
import { describe, inject } from 'vitest'
import { openCuttableLink } from '../harness/cuttable-link.ts'
import { createRedisDatabase } from '../harness/redis.ts'
import { describeStore, identify, setup, type TestStore, validRecord } from './store-bundle.ts'

export const PREFIX = 'cimd:events'
export const QUEUE = 'cimd-events'

/** A suite that needs a Redis and a Postgres; skipped with the reason where one is missing. */
export function describeBridges(name: string, suite: () => void): void {
  const server = inject('redis')
  if (server.kind === 'missing') describe.skip(`${name} (${server.how})`, suite)
  else describeStore(name, suite)
}

/** A Redis of one test, bridges to it and what they have published. */
export async function setupRedis() {
  const server = inject('redis')
  if (server.kind === 'missing') throw new Error(server.how)
  const stack = new AsyncDisposableStack()
  const { url, empty } = await createRedisDatabase(server.url)
  const redis = new Redis(url, { maxRetriesPerRequest: null })
  stack.defer(() => redis.disconnect())
  const errors: Error[] = []
  const opened = (bridge: Bridge): Bridge => {
    stack.defer(() => bridge.close())
    return bridge
  }
  const onError = (error: Error) => void errors.push(error)
  const streamBridge = (options: Partial<StreamBridgeOptions> = {}) =>
    opened(createStreamBridge({ url, prefix: PREFIX, onError, ...options }))
  return {
    ...{ url, empty, redis, errors, streamBridge },
    queueBridge: (at = url) => opened(createQueueBridge({ url: at, queue: QUEUE, onError })),
    link: async () => {
      const link = await openCuttableLink(url)
      stack.defer(link.close)
      return link
    },
    /** The entries of a tenant's stream: the id of each, and its fields. */
    entriesOf: async (tenant: string, prefix = PREFIX) =>
      (await redis.xrange(`${prefix}:${tenant}`, '-', '+')).map(([id, fields]) => ({
        entry: id,
        fields: fieldsOf(fields),
      })),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** A Redis as `setupRedis` has it, and a store in which things happen. */
export async function setupBridges() {
  const stack = new AsyncDisposableStack()
  const store = stack.use(await setup())
  const redis = stack.use(await setupRedis())
  return { ...redis, store, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** Events from one position to another, as if the feed ended there. */
export function batchOf(tenant: string, from: number, to: number, feedPosition = to): BridgeBatch {
  const positions = Array.from({ length: to - from + 1 }, (_, index) => from + index)
  return { tenant, feedPosition, entries: positions.map(entryAt) }
}

/** Tries again and again, as soon as what arrived meanwhile has been seen to. */
export async function untilFulfilled(work: () => Promise<void>): Promise<void> {
  for (;;) {
    const [result] = await Promise.allSettled([work()])
    if (result.status === 'fulfilled') return
    await setImmediate()
  }
}

function entryAt(position: number): BridgeEntry {
  const id = `00000000-0000-4000-8000-${String(position).padStart(12, '0')}`
  return { position, event: { id, type: 'client.discovered' } }
}

/** So many clients become known to a tenant alone, each by one event. */
export async function happen(store: TestStore, tenant: string, events: number): Promise<void> {
  for (let n = 0; n < events; n += 1) {
    const { client } = await store.demand(identify(), { tenant })
    await recordAttempt(store.fetcher, validRecord(await store.claim(client)))
  }
  await relayOutbox(store.scheduler, 1_000)
}

function fieldsOf(flat: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? '']] : [])),
  )
}
