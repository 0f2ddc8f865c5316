import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { QueueUnavailableError } from './deadline.ts'
import { prepareQueueStore, QueueStoreError } from './queue-store.ts'

describe(prepareQueueStore, () => {
  it('accepts a Redis that never evicts', async () => {
    await using redis = await startRedisSaying(['redis_version:7.2.4', 'maxmemory_policy:noeviction'])
    await expect(prepareQueueStore(redis.url)).resolves.toBeUndefined()
  })

  it('waits for a Redis that is slow to answer', async () => {
    const lines = ['redis_version:7.2.4', 'maxmemory_policy:noeviction']
    await using redis = await startRedisSaying(lines, { afterMs: 1600 })
    await expect(prepareQueueStore(redis.url)).resolves.toBeUndefined()
  })

  it('refuses a Redis that would evict jobs, and says what to do', async () => {
    await using redis = await startRedisSaying(['redis_version:7.2.4', 'maxmemory_policy:volatile-lru'])
    const prepared = prepareQueueStore(redis.url)
    await expect(prepared).rejects.toThrow(QueueStoreError)
    await expect(prepared).rejects.toThrow(/volatile-lru.*CONFIG SET maxmemory-policy noeviction/)
  })

  it('refuses a Redis that is too old', async () => {
    await using redis = await startRedisSaying(['redis_version:6.0.16', 'maxmemory_policy:noeviction'])
    await expect(prepareQueueStore(redis.url)).rejects.toThrow('Redis 6.0.16 is too old')
  })

  it('warns when the policy cannot be seen', async () => {
    await using redis = await startRedisSaying(['redis_version:8.0.0'])
    const warnings: string[] = []
    await prepareQueueStore(redis.url, { onWarning: (message) => warnings.push(message) })
    expect(warnings).toEqual([expect.stringContaining('maxmemory-policy')])
  })

  it.each(['redis://127.0.0.1:1', 'postgres://127.0.0.1:1/cimd'])(
    'says that %s is unreachable',
    async (url) => {
      const prepared = prepareQueueStore(url)
      await expect(prepared).rejects.toThrow(QueueUnavailableError)
      await expect(prepared).rejects.toThrow(/ECONNREFUSED/)
    },
  )
})

/** Answers INFO with the lines, in the old protocol, and any other command with an error. */
async function startRedisSaying(lines: string[], { afterMs = 0 } = {}) {
  const info = lines.join('\r\n')
  const replies: Record<string, string> = {
    hello: '-NOPROTO unsupported protocol version\r\n',
    info: `$${info.length}\r\n${info}\r\n`,
  }
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      for (const [, command = ''] of chunk.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)) {
        const reply = replies[command.toLowerCase()] ?? '-ERR unknown command\r\n'
        if (reply === replies['info']) setTimeout(() => socket.write(reply), afterMs)
        else socket.write(reply)
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    url: `redis://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.close()
      await once(server, 'close')
    },
  }
}
