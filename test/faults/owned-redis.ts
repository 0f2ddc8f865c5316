import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import {
  findExecutable,
  freePort,
  type LocalServer,
  makeDirectory,
  startServer,
} from '../harness/local-server.ts'

/** A Redis of our own, which keeps its data over a restart as production would. */
export type OwnedRedis = {
  readonly url: string
  readonly stop: (mode: 'orderly' | 'kill') => Promise<void>
  readonly start: () => Promise<void>
  /** One command, on a connection of its own. */
  readonly call: (command: string, ...parameters: readonly string[]) => Promise<unknown>
  readonly close: () => Promise<void>
}

/** Starts a Redis or Valkey with an append-only file. */
export async function startOwnedRedis(): Promise<OwnedRedis> {
  const command = findExecutable('redis-server') ?? findExecutable('valkey-server')
  if (command === undefined) throw new Error('install redis-server or valkey-server')
  const home = makeDirectory('cimd-faults-redis-')
  const pidFile = join(home, 'pid')
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  const lasting = ['--dir', home, '--save', '', '--appendonly', 'yes', '--appendfsync', 'everysec']
  let server: LocalServer | undefined
  const start = async (): Promise<void> => {
    server = await startServer({
      command,
      args: ['--bind', '127.0.0.1', '--port', String(port), '--pidfile', pidFile, ...lasting],
      directory: makeDirectory('cimd-faults-run-'),
      owner: undefined,
      readyLine: 'Ready to accept connections',
      stopSignal: 'SIGTERM',
    })
  }
  const stop = async (mode: 'orderly' | 'kill'): Promise<void> => {
    if (mode === 'kill' && server !== undefined)
      process.kill(Number(readFileSync(pidFile, 'latin1')), 'SIGKILL')
    await server?.stop()
    server = undefined
  }
  await start()
  return {
    url,
    stop,
    start,
    call: (name, ...parameters) => callOnce(url, name, parameters),
    close: async () => {
      await stop('kill')
      rmSync(home, { recursive: true, force: true })
    },
  }
}

async function callOnce(url: string, name: string, parameters: readonly string[]): Promise<unknown> {
  const redis = new Redis(url, { lazyConnect: true, connectTimeout: 2000, retryStrategy: () => null })
  // Reported by the command that fails.
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    return await redis.call(name, ...parameters)
  } finally {
    redis.disconnect()
  }
}
