import { EventEmitter, once } from 'node:events'
import { startBridges } from '@cimd/notifier'
import { type Bridge, BridgeRefusedError, QueueUnavailableError } from '@cimd/queue'
import { createLogger } from '@cimd/runtime'
import { joinBridge, publishBridged } from '@cimd/store'
import { expect, it } from 'vitest'
import { describeBridges, happen, PREFIX, QUEUE, setupBridges } from './bridge-bundle.ts'

type World = Awaited<ReturnType<typeof setupBridges>>

describeBridges('the bridges of a deployment', () => {
  it('publish the feeds of all tenants to queue and streams, as the notifier, when they are woken', async () => {
    await using world = await setupBridges()
    const { store } = world
    await happen(store, store.tenant, 1)
    await using bridges = start(world, {
      from: 'beginning',
      queue: { url: world.url, queue: QUEUE, prefix: 'bull' },
    })
    await happen(store, store.tenant, 2)
    await happen(store, store.otherTenant, 1)
    bridges.wake()
    await untilLength(world, store.tenant, 3)
    await untilLength(world, store.otherTenant, 1)
    const [first] = await world.entriesOf(store.tenant)
    expect(JSON.parse(first?.fields['event'] ?? '')).toMatchObject({
      ...{ specversion: '1.0', source: '/test', type: 'client.discovered', clientseq: 1 },
    })
    while ((await world.redis.llen(`bull:${QUEUE}:wait`)) < 4);
    expect(Object.keys(bridges.checks)).toEqual([`queue:bull:${QUEUE}`, `stream:${PREFIX}`])
    for (const check of Object.values(bridges.checks)) {
      if (typeof check === 'function') throw new Error('is required')
      await check.check()
    }
    expect(bridges.lines()).toEqual([])
  })

  it('write each event once though the process dies before it is noted', async () => {
    await using world = await setupBridges()
    const { store } = world
    const bridge = world.streamBridge()
    await joinBridge(store.notifier, bridge.name, 'beginning')
    await happen(store, store.tenant, 3)
    const dying = publishOnce(world, bridge, async () => {
      throw new Error('the process dies here')
    })
    await expect(dying).rejects.toThrow('dies')
    expect(await world.entriesOf(store.tenant)).toHaveLength(3)
    await happen(store, store.tenant, 2)
    await using _ = start(world, {})
    await untilLength(world, store.tenant, 5)
    expect(await entryIds(world, store.tenant)).toEqual(['1-0', '2-0', '3-0', '4-0', '5-0'])
  })

  it('write each event once and in order from two processes', async () => {
    await using world = await setupBridges()
    const { store } = world
    await using one = start(world, { from: 'beginning' })
    await using two = start(world, { from: 'beginning' })
    for (let n = 0; n < 10; n += 1) {
      await happen(store, store.tenant, 3)
      for (const { wake } of [one, two]) wake()
    }
    await untilLength(world, store.tenant, 30)
    expect(await entryIds(world, store.tenant)).toEqual(
      Array.from({ length: 30 }, (_, index) => `${index + 1}-0`),
    )
    expect([...one.lines(), ...two.lines()]).toEqual([])
  })

  it('catch up when Redis is back, and say what is wrong meanwhile', async () => {
    await using world = await setupBridges()
    const { store } = world
    const link = await world.link()
    await link.cut()
    await using bridges = start(world, { from: 'beginning', url: link.url })
    await happen(store, store.tenant, 2)
    bridges.wake()
    const failed = await bridges.line('bridge.failed')
    expect(failed).toMatchObject({
      level: 50,
      bridge: `stream:${PREFIX}`,
      err: { type: 'QueueUnavailableError' },
    })
    const check = bridges.checks[`stream:${PREFIX}`]
    if (typeof check !== 'object') throw new Error('is required')
    await expect(check.check()).rejects.toBeInstanceOf(QueueUnavailableError)
    await link.restore()
    await untilLength(world, store.tenant, 2)
    expect(await entryIds(world, store.tenant)).toEqual(['1-0', '2-0'])
  })

  it('go on with what comes when Redis lost everything', async () => {
    await using world = await setupBridges()
    const { store } = world
    await using bridges = start(world, { from: 'beginning' })
    await happen(store, store.tenant, 2)
    bridges.wake()
    await untilPosition(world, 2)
    await world.empty()
    await happen(store, store.tenant, 1)
    bridges.wake()
    await untilLength(world, store.tenant, 1)
    expect(await entryIds(world, store.tenant)).toEqual(['3-0'])
  })

  it('serve the other tenants where the stream of one is another thing', async () => {
    await using world = await setupBridges()
    const { store } = world
    await world.redis.set(`${PREFIX}:${store.tenant}`, 'no stream')
    await using bridges = start(world, { from: 'beginning' })
    await happen(store, store.tenant, 1)
    bridges.wake()
    expect(await bridges.line('bridge.failed')).toMatchObject({
      tenant: store.tenant,
      err: { type: BridgeRefusedError.name },
    })
    await happen(store, store.otherTenant, 3)
    bridges.wake()
    await untilLength(world, store.otherTenant, 3)
    const check = bridges.checks[`stream:${PREFIX}`]
    if (typeof check !== 'object') throw new Error('is required')
    await expect(check.check()).rejects.toThrow('what 1 tenants are told is not taken')
  })
})

type Started = {
  from?: 'beginning' | 'now'
  url?: string
  queue?: { url: string; queue: string; prefix: string }
}

/** The bridges as the notifier runs them, with what they log. */
function start(world: World, { from = 'now', url = world.url, queue }: Started) {
  const logged: Record<string, unknown>[] = []
  const arrivals = new EventEmitter()
  const write = (line: string): void => {
    logged.push(JSON.parse(line))
    arrivals.emit('line')
  }
  const running = startBridges({
    log: createLogger('notifier', 'info', { write }),
    db: world.store.notifier,
    config: { from, queue, stream: { url, prefix: PREFIX, maxLength: 1_000 } },
    source: '/test',
  })
  return {
    ...running,
    lines: () => logged,
    line: async (event: string) => {
      for (;;) {
        const line = logged.find((entry) => entry['event'] === event)
        if (line !== undefined) return line
        await once(arrivals, 'line')
      }
    },
    [Symbol.asyncDispose]: running.stop,
  }
}

async function publishOnce(world: World, bridge: Bridge, then: () => Promise<void>) {
  return publishBridged(world.store.notifier, bridge.name, { limit: 100 }, async (batch) => {
    const entries = batch.events.map((event) => ({ position: event.position, event }))
    await bridge.publish({ ...batch, entries })
    await then()
  })
}

async function entryIds(world: World, tenant: string): Promise<string[]> {
  return (await world.entriesOf(tenant)).map(({ entry }) => entry)
}

async function untilLength(world: World, tenant: string, length: number): Promise<void> {
  while ((await world.redis.xlen(`${PREFIX}:${tenant}`)) < length);
}

async function untilPosition(world: World, position: number): Promise<void> {
  for (let reached = 0; reached < position; ) {
    const row = await world.store.owner
      .selectFrom('cimd.bridges')
      .select('position')
      .where('tenant_id', '=', world.store.tenant)
      .executeTakeFirst()
    reached = row?.position ?? 0
  }
}
