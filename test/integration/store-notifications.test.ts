import { EventEmitter, once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type Channel, doneKey, listen, notify, type StoreOptions } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { serverAddress, throughPort } from '../harness/addresses.ts'
import { openCuttableLink } from '../harness/cuttable-link.ts'
import { describeStore, setup, type TestStore } from './store-bundle.ts'

describeStore('a notification', () => {
  it('reaches every listener of its channel, from whichever role', async () => {
    await using store = await setup()
    await using one = await startListening(store, { role: 'cimd_api' })
    await using two = await startListening(store, { role: 'cimd_scheduler', channels: ['cimd_outbox'] })
    await notify(store.fetcher, [
      { channel: 'cimd_done', payload: 'a' },
      { channel: 'cimd_outbox', payload: '' },
    ])
    await notify(store.scheduler, [{ channel: 'cimd_feed', payload: store.tenant }])
    expect([await one.next(), await one.next()]).toEqual(['cimd_done a', `cimd_feed ${store.tenant}`])
    expect(await two.next()).toBe('cimd_outbox ')
    expect([one.pending(), two.pending()]).toEqual([0, 0])
  })

  it('is none when there is nothing to notify', async () => {
    await using store = await setup()
    await using listener = await startListening(store)
    await notify(store.fetcher, [])
    await notify(store.fetcher, [{ channel: 'cimd_done', payload: 'the first' }])
    expect(await listener.next()).toBe('cimd_done the first')
  })

  it('names a client by a digest of the length it always has', () => {
    const keys = ['https://a.example/x', `https://a.example/${'x'.repeat(2000)}`].map(doneKey)
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{32}$/)
    expect(new Set(keys).size).toBe(2)
  })
})

describeStore('a listener', () => {
  it('is listening when listen resolves, and has said so', async () => {
    await using store = await setup()
    await using listener = await startListening(store)
    expect(listener.connections()).toBe(1)
    expect(await listeningPids(store)).toHaveLength(1)
  })

  it('listens again after its connection was terminated, and says so', async () => {
    await using store = await setup()
    await using listener = await startListening(store)
    await terminate(store, await listeningPids(store))
    await listener.connected(2)
    await notify(store.fetcher, [{ channel: 'cimd_done', payload: 'after' }])
    expect(await listener.next()).toBe('cimd_done after')
    expect(listener.errors.length).toBeGreaterThan(0)
    expect(await listeningPids(store)).toHaveLength(1)
  })

  it('tries until the database is there again, and then listens once', async () => {
    await using store = await setup()
    const link = await openCuttableLink(store.url)
    await using stack = new AsyncDisposableStack()
    stack.defer(link.close)
    await using listener = await startListening(store, { url: link.url })
    await link.cut()
    await listener.failed(3)
    await link.restore()
    await listener.connected(2)
    await notify(store.fetcher, [{ channel: 'cimd_done', payload: 'after' }])
    expect(await listener.next()).toBe('cimd_done after')
    expect(listener.pending()).toBe(0)
    // The server need not have noticed yet that the other side of the old one is gone.
    await expect.poll(() => listeningPids(store)).toHaveLength(1)
  })

  it('notices that the server has vanished without a word', async () => {
    await using store = await setup()
    const link = await openCuttableLink(store.url)
    await using stack = new AsyncDisposableStack()
    stack.defer(link.close)
    await using listener = await startListening(store, { url: link.url, heartbeatMs: 2000 })
    link.stall()
    await listener.connected(2)
    await notify(store.fetcher, [{ channel: 'cimd_done', payload: 'after' }])
    expect(await listener.next()).toBe('cimd_done after')
    expect(listener.errors[0]?.message).toBe('Query read timeout')
  })

  it('has one connection at a time, however often a reconnect broke off half-way', async () => {
    await using store = await setup()
    await using link = await openBreakingLink(store.url)
    await using listener = await startListening(store, { url: link.url })
    // Each round outlasts the pauses of the one before, so that a connection too many would come in time.
    for (let round = 1; round <= 4; round += 1) {
      link.breakNextListen()
      await terminate(store, await listeningPids(store))
      await listener.connected(1 + round)
    }
    expect(link.openMost()).toBe(1)
  })

  it('that cannot begin to listen rejects, and leaves no connection behind', async () => {
    await using store = await setup()
    await using link = await openBreakingLink(store.url)
    const channels = ['no channel' as Channel]
    await expect(startListening(store, { url: link.url, channels })).rejects.toMatchObject({ code: '42601' })
    await link.closed()
  })

  it('that is closed ends its connection and does not come back', async () => {
    await using store = await setup()
    const listener = await startListening(store)
    await listener[Symbol.asyncDispose]()
    expect(await listeningPids(store)).toEqual([])
    expect([listener.connections(), listener.errors]).toEqual([1, []])
  })
})

const CHANNELS: readonly Channel[] = ['cimd_done', 'cimd_feed']

/** A listener whose events can be waited for. */
async function startListening(
  store: TestStore,
  given: Partial<StoreOptions> & { channels?: readonly Channel[]; heartbeatMs?: number } = {},
) {
  const happened = new EventEmitter()
  const received: string[] = []
  const errors: Error[] = []
  let connections = 0
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await once(happened, 'anything')
  }
  const listener = await listen({
    url: store.url,
    role: 'cimd_api',
    channels: CHANNELS,
    onNotification: (channel, payload) => {
      received.push(`${channel} ${payload}`)
      happened.emit('anything')
    },
    onConnected: () => {
      connections += 1
      happened.emit('anything')
    },
    onError: (error) => {
      errors.push(error)
      happened.emit('anything')
    },
    ...given,
  })
  return {
    errors,
    connections: () => connections,
    pending: () => received.length,
    next: async (): Promise<string> => {
      await until(() => received.length > 0)
      return received.shift() ?? ''
    },
    connected: (times: number) => until(() => connections >= times),
    failed: (times: number) => until(() => errors.length >= times),
    [Symbol.asyncDispose]: listener.close,
  }
}

async function listeningPids({ owner }: TestStore): Promise<number[]> {
  const { rows } = await sql<{ pid: number }>`select pid from pg_stat_activity
    where datname = current_database() and application_name like '%listen'`.execute(owner)
  return rows.map(({ pid }) => pid)
}

async function terminate({ owner }: TestStore, pids: readonly number[]): Promise<void> {
  await sql`select pg_terminate_backend(pid) from unnest(${pids}::integer[]) as pid`.execute(owner)
}

/** A way to the server that can break off just where a connection begins to listen. */
async function openBreakingLink(targetUrl: string) {
  let breaks = 0
  const nears = new Set<Socket>()
  // One whose end has been read is not open any more; that it is closed may be told later than the next is accepted.
  const open = (): number => [...nears].filter((near) => !near.readableEnded && !near.destroyed).length
  let openMost = 0
  const changed = new EventEmitter()
  const server = createServer((near) => {
    nears.add(near)
    openMost = Math.max(open(), openMost)
    near.on('close', () => {
      nears.delete(near)
      changed.emit('closed')
    })
    const far = connect(serverAddress(targetUrl))
    near.on('data', (chunk) => {
      if (breaks === 0 || !chunk.includes('listen cimd')) return void far.write(chunk)
      breaks -= 1
      near.resetAndDestroy()
    })
    far.pipe(near)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', () => undefined)
      from.on('close', () => to.destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: throughPort(targetUrl, (server.address() as AddressInfo).port),
    /** How many connections there were at once, at most. */
    openMost: () => openMost,
    closed: async () => {
      while (nears.size > 0) await once(changed, 'closed')
    },
    breakNextListen: () => {
      breaks += 1
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}
