import { Redis } from 'ioredis'
import { dockerAnswers } from './docker.ts'
import { findExecutable, freePort, makeDirectory, startServer } from './local-server.ts'

/** A Redis or Valkey that tests may empty, or how to get one. */
export type RedisProvider =
  | { kind: 'provided'; url: string; source: string; stop(): Promise<void> }
  | { kind: 'missing'; how: string }

/** One logical database of the server. */
export type TestRedis = { url: string; empty(): Promise<void> }

type Provided = Extract<RedisProvider, { kind: 'provided' }>

const HOW =
  'set CIMD_TEST_REDIS_URL to a Redis that may be emptied, start Docker, or install redis-server or valkey-server'
const IMAGE = 'redis:8-alpine'
// One per suite that asks for one; the default of 16 would make suites share.
const DATABASES = 1_024

/** Environment, Docker, local binary: never a Redis that happens to be running, since tests empty it. */
export async function provideRedis(): Promise<RedisProvider> {
  const given = process.env['CIMD_TEST_REDIS_URL']
  if (given) return await givenServer(given)
  const failures: string[] = []
  for (const start of [startContainer, startLocal]) {
    try {
      const provided = await start()
      if (provided) return provided
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error))
    }
  }
  return { kind: 'missing', how: [HOW, ...failures].join('; ') }
}

/** The next logical database of the server, empty. Database 0 holds the counter, so tests must not FLUSHALL. */
export async function createRedisDatabase(serverUrl: string): Promise<TestRedis> {
  const number = await withClient(serverUrl, async (redis) => {
    const [, databases] = (await redis.call('CONFIG', 'GET', 'databases')) as [string, string]
    return ((await redis.incr('cimd_test:databases')) % (Number(databases) - 1)) + 1
  })
  const url = new URL(serverUrl)
  url.pathname = `/${number}`
  const empty = () => withClient(url.href, async (redis) => void (await redis.flushdb()))
  await empty()
  return { url: url.href, empty }
}

async function withClient<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { lazyConnect: true, connectTimeout: 30_000, retryStrategy: () => null })
  // Reported by the command that fails.
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    return await work(redis)
  } finally {
    redis.disconnect()
  }
}

// Asked for by name, so anything wrong with it is an error, not a reason to look elsewhere.
async function givenServer(url: string): Promise<Provided> {
  await withClient(url, (redis) => redis.ping())
  return { kind: 'provided', url, source: 'CIMD_TEST_REDIS_URL', stop: async () => undefined }
}

async function startContainer(): Promise<Provided | undefined> {
  if (!(await dockerAnswers())) return undefined
  const { GenericContainer, Wait } = await import('testcontainers')
  const image = process.env['CIMD_TEST_REDIS_IMAGE'] ?? IMAGE
  const server = image.includes('valkey') ? 'valkey-server' : 'redis-server'
  const container = await new GenericContainer(image)
    .withCommand([server, '--databases', String(DATABASES), '--save', ''])
    .withExposedPorts(6379)
    .withWaitStrategy(Wait.forLogMessage('Ready to accept connections'))
    .start()
  return {
    kind: 'provided',
    url: `redis://${container.getHost()}:${container.getMappedPort(6379)}`,
    source: `Testcontainers (${image})`,
    stop: async () => void (await container.stop()),
  }
}

async function startLocal(): Promise<Provided | undefined> {
  const command = findExecutable('redis-server') ?? findExecutable('valkey-server')
  if (!command) return undefined
  const directory = makeDirectory('cimd-test-redis-')
  const port = await freePort()
  const server = await startServer({
    command,
    args: ['--bind', '127.0.0.1', '--port', String(port), '--databases', String(DATABASES), '--save', ''],
    directory,
    owner: undefined,
    readyLine: 'Ready to accept connections',
    stopSignal: 'SIGKILL',
  })
  const url = `redis://127.0.0.1:${port}`
  return { kind: 'provided', url, source: `throw-away server from ${command}`, stop: server.stop }
}
