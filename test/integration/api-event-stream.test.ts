import { once } from 'node:events'
import { connect } from 'node:net'
import { createWaiters, streamEvents } from '@cimd/api'
import { createApiKey } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { publishRelayed, serveApi } from './api-bundle.ts'
import { describeStore, identify, setup } from './store-bundle.ts'

type Message = { readonly id: string; readonly event: string; readonly data: Record<string, unknown> }

describeStore('events as a stream', () => {
  it('are sent as they are there, and then as they come, each with its cursor as its id', async () => {
    await using world = await serve()
    const clientId = identify()
    await world.publish(clientId, 'First')
    await using reader = await world.read()
    expect(reader.headers).toEqual(['text/event-stream', 'no-store'])
    const [discovered] = await reader.take(1)
    expect(discovered).toMatchObject({ id: '1', event: 'client.discovered' })
    expect(discovered?.data).toMatchObject({
      ...{ specversion: '1.0', source: '/cimd-registrar', type: 'client.discovered', subject: clientId },
      ...{ datacontenttype: 'application/json', clientseq: 1, cursor: '1' },
    })
    await world.publish(clientId, 'Second')
    const publishedAt = performance.now()
    const [changed] = await reader.take(1)
    // By a notification: without one it is looked for every 15 seconds.
    expect(performance.now() - publishedAt).toBeLessThan(10_000)
    expect(changed).toMatchObject({ id: '2', event: 'client.metadata_changed', data: { clientseq: 2 } })
  })

  it('go on after the last one a reader had seen, whatever its URL says', async () => {
    await using world = await serve()
    for (let n = 0; n < 150; n += 1) await world.publish(identify(), 'One of many')
    await using first = await world.read()
    const seen = await first.take(150)
    expect(seen.map(({ id }) => Number(id))).toEqual(seen.map((_, index) => index + 1))
    await using second = await world.read({ 'last-event-id': '148' })
    expect((await second.take(2)).map(({ id }) => id)).toEqual(['149', '150'])
  })

  it('end when the process stops, and only then', async () => {
    await using world = await serve()
    await using reader = await world.read()
    await world.stop()
    expect(await reader.rest()).toBe('')
  })

  it('are refused to a tenant that reads as many as it may, until one of them is closed', async () => {
    await using world = await serve({ CIMD_EVENT_STREAMS_PER_TENANT_MAX: '2' })
    await using first = await world.read()
    await using _second = await world.read()
    const refused = await world.request()
    expect(refused.status).toBe(429)
    expect(await refused.json()).toMatchObject({ code: 'event_streams_exhausted' })
    await first.close()
    await expect.poll(async () => (await world.request()).status).toBe(200)
  })

  it('leave no place taken by a reader that was gone before they began', async () => {
    await using world = await serve({ CIMD_EVENT_STREAMS_PER_TENANT_MAX: '1' })
    await world.store.owner.transaction().execute(async (trx) => {
      await sql`lock table cimd.api_keys in access exclusive mode`.execute(trx)
      const socket = connect(world.port, '127.0.0.1')
      socket.write(
        `GET /v1/events HTTP/1.1\r\nhost: api\r\naccept: text/event-stream\r\nauthorization: Bearer ${world.key}\r\n\r\n`,
      )
      await world.store.untilBlocked()
      socket.end()
      // Closed by the other side, which so has noticed.
      await once(socket.resume(), 'close')
    })
    await expect.poll(async () => (await world.request()).status).toBe(200)
  })

  it('are refused without the scope, and with a cursor that is none', async () => {
    await using world = await serve()
    const key = await createApiKey(world.store.owner, world.store.tenant, ['resolve'])
    expect((await world.request({ authorization: `Bearer ${key}` })).status).toBe(403)
    expect((await world.request({ 'last-event-id': 'last' })).status).toBe(400)
  })

  it('say that they are still there, and are cut off once their reader may not read any more', async () => {
    await using store = await setup()
    let leave = 3
    const requireLeave = async () => {
      if (leave === 0) throw new Error('the key is gone')
      leave -= 1
    }
    const deps = { db: store.api, waiters: createWaiters(), eventSource: 'test', isStopping: () => false }
    const stream = streamEvents({ ...deps, requireLeave, heartbeatMs: 1 }, store.tenant, 0)
    const said: string[] = []
    const listening = (async () => {
      for await (const text of stream) said.push(text)
    })()
    await expect(listening).rejects.toThrow('the key is gone')
    expect(said).toEqual(['retry: 1000\n\n', ...Array(3).fill(': nothing new\n\n')])
  })
})

async function serve(environment: Readonly<Record<string, string>> = {}) {
  const store = await setup()
  const api = await serveApi(store.url, environment)
  const key = await createApiKey(store.owner, store.tenant, ['events'])
  const request = (headers: Record<string, string> = {}) =>
    fetch(`${api.baseUrl}/v1/events?after=0`, {
      headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream', ...headers },
    })
  return {
    ...{ store, key, request, stop: api.stop, port: Number(new URL(api.baseUrl).port) },
    read: async (headers?: Record<string, string>) => createReader(await request(headers)),
    publish: (clientId: ReturnType<typeof identify>, name: string) => publishRelayed(store, clientId, name),
    [Symbol.asyncDispose]: async () => {
      await api.stop()
      await store[Symbol.asyncDispose]()
    },
  }
}

function createReader({ body, headers }: Response) {
  if (body === null) throw new Error('nothing to read')
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let held = ''
  const next = async (): Promise<Message> => {
    for (;;) {
      const end = held.indexOf('\n\n')
      const block = held.slice(0, Math.max(end, 0))
      if (end >= 0) held = held.slice(end + 2)
      if (block.startsWith('id: ')) return parse(block)
      if (end >= 0) continue
      const { value, done } = await reader.read()
      if (done) throw new Error('the stream has ended')
      held += value
    }
  }
  return {
    headers: ['content-type', 'cache-control'].map((name) => headers.get(name)),
    take: async (count: number) => {
      const messages: Message[] = []
      while (messages.length < count) messages.push(await next())
      return messages
    },
    /** What comes until the end, but for the comments. */
    rest: async () => {
      for (;;) {
        const { value, done } = await reader.read()
        if (done) return held.replaceAll(/^(?:retry: \d+|: .*)\n\n/gm, '')
        held += value
      }
    },
    close: () => reader.cancel(),
    [Symbol.asyncDispose]: () => reader.cancel(),
  }
}

function parse(block: string): Message {
  const fields = new Map(
    block.split('\n').map((line) => {
      const colon = line.indexOf(': ')
      return [line.slice(0, colon), line.slice(colon + 2)]
    }),
  )
  return {
    ...{ id: fields.get('id') ?? '', event: fields.get('event') ?? '' },
    data: JSON.parse(fields.get('data') ?? ''),
  }
}
