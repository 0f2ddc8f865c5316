import { randomUUID } from 'node:crypto'
import { BridgeRefusedError, QueueUnavailableError } from '@cimd/queue'
import { expect, it } from 'vitest'
import { batchOf, describeBridges, PREFIX, setupRedis, untilFulfilled } from './bridge-bundle.ts'

// Two seconds of the bridge's own, and what a busy machine takes; without a bound it would wait for as long as Redis is away.
const REFUSAL_MS = 10_000

describeBridges('a bridge to Redis Streams', () => {
  it('writes each event at its position, to a stream of its tenant', async () => {
    await using redis = await setupRedis()
    const [one, two] = [randomUUID(), randomUUID()]
    const bridge = redis.streamBridge()
    expect(bridge.name).toBe(`stream:${PREFIX}`)
    await bridge.check()
    const batch = batchOf(one, 7, 9)
    await bridge.publish(batch)
    await bridge.publish(batchOf(two, 1, 1))
    expect(await redis.entriesOf(one)).toEqual(
      batch.entries.map(({ position, event }) => ({
        entry: `${position}-0`,
        fields: {
          ...{ event: JSON.stringify(event), type: event.type, id: event.id, cursor: String(position) },
        },
      })),
    )
    expect(await redis.entriesOf(two)).toHaveLength(1)
    expect(redis.errors).toEqual([])
  })

  it('adds of what comes again only what is new', async () => {
    await using redis = await setupRedis()
    const tenant = randomUUID()
    const bridge = redis.streamBridge()
    await bridge.publish(batchOf(tenant, 1, 3))
    await Promise.all([bridge.publish(batchOf(tenant, 1, 5)), bridge.publish(batchOf(tenant, 2, 6))])
    expect((await redis.entriesOf(tenant)).map(({ entry }) => entry)).toEqual(
      [1, 2, 3, 4, 5, 6].map((position) => `${position}-0`),
    )
  })

  it('adds nothing again that a consumer has deleted', async () => {
    await using redis = await setupRedis()
    const tenant = randomUUID()
    const bridge = redis.streamBridge()
    await bridge.publish(batchOf(tenant, 1, 3))
    await redis.redis.xdel(`${PREFIX}:${tenant}`, '1-0', '2-0', '3-0')
    await bridge.publish(batchOf(tenant, 2, 4))
    expect((await redis.entriesOf(tenant)).map(({ entry }) => entry)).toEqual(['4-0'])
  })

  it('keeps about as many entries as it was told, and no fewer', async () => {
    await using redis = await setupRedis()
    const tenant = randomUUID()
    const bridge = redis.streamBridge({ maxLength: 300 })
    await bridge.publish(batchOf(tenant, 1, 1_000))
    const entries = await redis.entriesOf(tenant)
    expect(entries.length).toBeGreaterThanOrEqual(300)
    expect(entries.length).toBeLessThan(500)
    expect(entries.at(-1)?.entry).toBe('1000-0')
    await bridge.publish(batchOf(tenant, 1, 1_001))
    expect((await redis.entriesOf(tenant)).at(-1)?.entry).toBe('1001-0')
  })

  it('goes on where it is in a Redis that lost everything', async () => {
    await using redis = await setupRedis()
    const tenant = randomUUID()
    const bridge = redis.streamBridge()
    await bridge.publish(batchOf(tenant, 1, 3))
    await redis.empty()
    await bridge.publish(batchOf(tenant, 4, 5))
    expect((await redis.entriesOf(tenant)).map(({ entry }) => entry)).toEqual(['4-0', '5-0'])
  })

  it.each<[string, (key: string) => string[], RegExp]>([
    ['is no stream', (key) => ['SET', key, 'x'], /is no stream/],
    [
      'has another event at a position',
      (key) => ['XADD', key, '2-0', 'id', 'x'],
      /another event at position 2/,
    ],
    ['is ahead of the feed', (key) => ['XADD', key, '*', 'id', 'x'], /is ahead of the feed/],
    ['was ahead of the feed', (key) => ['XADD', key, '9-0', 'id', 'x'], /is ahead of the feed/],
  ])('writes nothing to a key that %s, and to the other tenants as before', async (_, command, reason) => {
    await using redis = await setupRedis()
    const [tenant, other] = [randomUUID(), randomUUID()]
    const bridge = redis.streamBridge()
    const [name = '', ...args] = command(`${PREFIX}:${tenant}`)
    await redis.redis.call(name, ...args)
    const refusal = await bridge.publish(batchOf(tenant, 2, 3)).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(BridgeRefusedError)
    expect(refusal).toMatchObject({ tenant, message: expect.stringMatching(reason) })
    await bridge.publish(batchOf(other, 1, 1))
    expect(await redis.entriesOf(other)).toHaveLength(1)
  })

  it('refuses within two seconds while Redis is away or silent, tells it once, and is there again with it', async () => {
    await using redis = await setupRedis()
    const link = await redis.link()
    const tenant = randomUUID()
    const bridge = redis.streamBridge({ url: link.url })
    await bridge.publish(batchOf(tenant, 1, 1))
    await link.cut()
    for (let n = 0; n < 3; n += 1) await expectUnavailable(() => bridge.publish(batchOf(tenant, 2, 2)))
    await expectUnavailable(() => bridge.check())
    expect(redis.errors).toHaveLength(1)
    await link.restore()
    await untilFulfilled(() => bridge.publish(batchOf(tenant, 2, 2)))
    link.stall()
    await expectUnavailable(() => bridge.publish(batchOf(tenant, 3, 3)))
    await untilFulfilled(() => bridge.publish(batchOf(tenant, 3, 3)))
    expect((await redis.entriesOf(tenant)).map(({ entry }) => entry)).toEqual(['1-0', '2-0', '3-0'])
  })

  it('is closed for good, whether it was ever open or not', async () => {
    await using redis = await setupRedis()
    for (const opened of [true, false]) {
      const bridge = redis.streamBridge()
      if (opened) await bridge.check()
      await bridge.close()
      await expectUnavailable(() => bridge.publish(batchOf(randomUUID(), 1, 1)))
    }
  })
})

async function expectUnavailable(work: () => Promise<void>): Promise<void> {
  const startedAt = performance.now()
  await expect(work()).rejects.toBeInstanceOf(QueueUnavailableError)
  expect(performance.now() - startedAt).toBeLessThan(REFUSAL_MS)
}
