import { type BridgedBatch, type BridgeStart, ensureTenant, joinBridge, publishBridged } from '@cimd/store'
import { expect, it } from 'vitest'
import { happen } from './bridge-bundle.ts'
import { createGate, describeStore, setup, type TestStore } from './store-bundle.ts'

const BRIDGE = 'stream:cimd:events'

describeStore('a bridge', () => {
  it('publishes the feed of every tenant in order, a batch at a time, and nothing twice', async () => {
    await using store = await setup()
    const bridge = await join(store, 'beginning')
    await happen(store, store.tenant, 5)
    await happen(store, store.otherTenant, 2)
    const batches = await bridge.publishAll({ limit: 2 })
    expect(positionsOf(batches, store.tenant)).toEqual([1, 2, 3, 4, 5])
    expect(positionsOf(batches, store.otherTenant)).toEqual([1, 2])
    expect(batches.filter(({ events }) => events.length > 2)).toEqual([])
    for (const { tenant, feedPosition } of batches) expect(feedPosition).toBe(tenant === store.tenant ? 5 : 2)
    expect(await bridge.publishAll()).toEqual([])
  })

  it('publishes the same again where publishing failed', async () => {
    await using store = await setup()
    const bridge = await join(store, 'beginning')
    await happen(store, store.tenant, 3)
    const fail = () => Promise.reject(new Error('no answer'))
    await expect(publishBridged(store.notifier, BRIDGE, { limit: 2 }, fail)).rejects.toThrow('no answer')
    expect(positionsOf(await bridge.publishAll(), store.tenant)).toEqual([1, 2, 3])
  })

  it('begins with what comes, for the tenants of now, and with everything for a tenant that comes later', async () => {
    await using store = await setup()
    await happen(store, store.tenant, 2)
    const bridge = await join(store, 'now')
    expect(await bridge.publishAll()).toEqual([])
    const later = await ensureTenant(store.owner, 'later')
    await happen(store, store.tenant, 1)
    await happen(store, later, 1)
    await joinBridge(store.notifier, BRIDGE, 'now')
    const batches = await bridge.publishAll()
    expect(positionsOf(batches, store.tenant)).toEqual([3])
    expect(positionsOf(batches, later)).toEqual([1])
  })

  it('goes on where it was when it begins again, wherever it should begin', async () => {
    await using store = await setup()
    const bridge = await join(store, 'beginning')
    await happen(store, store.tenant, 1)
    await bridge.publishAll()
    await happen(store, store.tenant, 1)
    for (const start of ['now', 'beginning'] as const) await joinBridge(store.notifier, BRIDGE, start)
    expect(positionsOf(await bridge.publishAll(), store.tenant)).toEqual([2])
  })

  it('knows nothing of another', async () => {
    await using store = await setup()
    const bridge = await join(store, 'beginning')
    await happen(store, store.tenant, 1)
    await bridge.publishAll()
    const other = await join(store, 'beginning', 'queue:bull:cimd-events')
    expect(positionsOf(await other.publishAll(), store.tenant)).toEqual([1])
  })

  it('has one publisher for a tenant at a time, and another for another', async () => {
    await using store = await setup()
    const bridge = await join(store, 'beginning')
    await happen(store, store.tenant, 1)
    await happen(store, store.otherTenant, 1)
    const [holding, mayGoOn] = [createGate(), createGate()]
    let held = ''
    const first = publishBridged(store.notifier, BRIDGE, { limit: 10 }, async ({ tenant }) => {
      held = tenant
      holding.open()
      await mayGoOn.opened
    })
    await holding.opened
    const others = await bridge.publishAll()
    expect(others.map(({ tenant }) => tenant)).toEqual(
      [store.tenant, store.otherTenant].filter((id) => id !== held),
    )
    mayGoOn.open()
    expect(await first).toBe(1)
    expect(await bridge.publishAll()).toEqual([])
  })

  it('passes over a tenant that is excepted', async () => {
    await using store = await setup()
    const bridge = await join(store, 'beginning')
    await happen(store, store.tenant, 1)
    await happen(store, store.otherTenant, 1)
    const batches = await bridge.publishAll({ except: [store.tenant] })
    expect(batches.map(({ tenant }) => tenant)).toEqual([store.otherTenant])
  })
})

/** A bridge under the notifier's role that joined once. */
async function join(store: TestStore, start: BridgeStart, name = BRIDGE) {
  await joinBridge(store.notifier, name, start)
  return {
    /** Everything that is there to publish now. */
    publishAll: async ({ limit = 10, except = [] as string[] } = {}): Promise<BridgedBatch[]> => {
      const batches: BridgedBatch[] = []
      const publish = async (batch: BridgedBatch) => void batches.push(batch)
      while ((await publishBridged(store.notifier, name, { limit, except }, publish)) !== undefined);
      return batches
    },
  }
}

function positionsOf(batches: readonly BridgedBatch[], tenant: string): number[] {
  return batches
    .filter((batch) => batch.tenant === tenant)
    .flatMap(({ events }) => events.map(({ position }) => position))
}
