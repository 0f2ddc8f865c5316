import { events, type FeedEvent, knownEvent } from '@cimd/client'
import { createApiKey } from '@cimd/store'
import { expect, it } from 'vitest'
import { publishRelayed, serveApi } from './api-bundle.ts'
import { describeStore, identify, setup } from './store-bundle.ts'

describeStore('a consumer of events', () => {
  // Notified: one that waits for nothing but its end is answered after 30 seconds.
  it('is told each once and in order, while the api goes away and comes back', {
    timeout: 28_000,
  }, async () => {
    await using store = await setup()
    const key = await createApiKey(store.owner, store.tenant, ['events'])
    const clientId = identify()
    const first = await serveApi(store.url)
    const port = new URL(first.baseUrl).port
    const gone = Promise.withResolvers<void>()
    const reading = readUntil(
      events({ url: first.baseUrl, key, retryMinMs: 1, onRetry: () => gone.resolve() }),
      4,
    )
    for (const name of ['One', 'Two']) await publishRelayed(store, clientId, name)
    await first.stop()
    await gone.promise
    await publishRelayed(store, clientId, 'Three')
    await using _again = await serveApi(store.url, { CIMD_API_PORT: port })
    await publishRelayed(store, clientId, 'Four')
    const told = await reading
    expect(told.map(({ cursor, clientseq, subject }) => [cursor, clientseq, subject])).toEqual(
      [1, 2, 3, 4].map((n) => [String(n), n, clientId]),
    )
    const renamed = told.map((event) => knownEvent(event)).flatMap((event) => nameOf(event) ?? [])
    expect(renamed).toEqual(['Two', 'Three', 'Four'])
  })

  it('goes on after the cursor it has kept, told again what it has not', async () => {
    await using store = await setup()
    const key = await createApiKey(store.owner, store.tenant, ['events'])
    await using api = await serveApi(store.url)
    for (let n = 0; n < 3; n += 1) await publishRelayed(store, identify(), 'One of three')
    const [, second] = await readUntil(events({ url: api.baseUrl, key }), 2)
    const after = second?.cursor
    const rest = await readUntil(events({ url: api.baseUrl, key, after }), 1)
    const again = await readUntil(events({ url: api.baseUrl, key, after }), 1)
    expect(rest.map(({ cursor }) => cursor)).toEqual(['3'])
    expect(again).toEqual(rest)
  })

  it('learns that its key is none', async () => {
    await using store = await setup()
    await using api = await serveApi(store.url)
    const reading = readUntil(events({ url: api.baseUrl, key: 'cimd_none' }), 1)
    await expect(reading).rejects.toMatchObject({ status: 401, code: 'unauthorized' })
  })
})

async function readUntil(feed: AsyncIterable<FeedEvent>, count: number): Promise<FeedEvent[]> {
  const told: FeedEvent[] = []
  for await (const event of feed) {
    told.push(event)
    if (told.length === count) break
  }
  return told
}

function nameOf(event: ReturnType<typeof knownEvent>): unknown {
  if (event?.type !== 'client.metadata_changed') return undefined
  return event.data.changes.find(({ member }) => member === 'client_name')?.after
}
