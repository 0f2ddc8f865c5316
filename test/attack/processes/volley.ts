import { getEventListeners, once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { type ClientIdUrl, parseClientMetadata } from '@cimd/core'
import { createFetchDocument, createResolver, type Dial, type Resolve } from '@cimd/egress'
import { processorWaitMs } from '../processor-wait.ts'

// Many fetches at once from one server, over and over, and what they cost this process; forked, so that the memory of
// the servers is not counted. Run with --expose-gc.

/** What the parent asks for. */
export type VolleyOrder = {
  readonly port: number
  readonly path: string
  readonly count: number
  /** Name servers to ask; without them every name has one address. */
  readonly servers?: readonly string[]
}

/** What it cost. */
export type VolleyReport = {
  /** How many fetches ended in each code; `valid` for a document. */
  readonly codes: Readonly<Record<string, number>>
  /** Of the slowest, without what it waited for the processor. */
  readonly elapsedMsMax: number
  readonly residentGrowthBytes: number
  /** What was there afterwards and not before: sockets, timers, file descriptors, listeners. */
  readonly left: readonly string[]
}

const RSS_SAMPLE_MS = 5
/** Turns of the event loop that a destroyed socket has to be gone in. */
const CLOSING_TURNS_MAX = 1000
/** Node does not tell of the sockets to name servers; the system does, where it has this. */
const DESCRIPTORS = '/proc/self/fd'

const { ca, deadlineMs }: { ca: string; deadlineMs: number } = JSON.parse(process.argv[2] ?? '')

process.on('message', async (order: VolleyOrder) => {
  process.send?.(await fire(order))
})

async function fire({ port, path, count, servers }: VolleyOrder): Promise<VolleyReport> {
  globalThis.gc?.()
  const before = heldNow()
  const memory = watchMemory()
  const control = new AbortController()
  const fetchDocument = createFetchDocument({
    ...{ userAgent: 'cimd-attack', ca, deadlineMs, dial: dialPort(port) },
    resolve: resolveBy(servers),
  })
  const ends = await Promise.all(
    Array.from({ length: count }, async () => {
      const url = `https://client.example.org${path}` as ClientIdUrl
      const startedAt = ownTimeMs()
      const result = await fetchDocument({ url }, control.signal)
      const elapsedMs = ownTimeMs() - startedAt
      if (result.kind === 'failed') return { code: result.code, elapsedMs }
      const valid = result.kind === 'fetched' && parseClientMetadata(result.body, url).ok
      return { code: valid ? 'valid' : 'invalid', elapsedMs }
    }),
  )
  const residentGrowthBytes = memory.end()
  return {
    codes: Object.fromEntries(
      Map.groupBy(ends, ({ code }) => code)
        .entries()
        .map(([code, all]) => [code, all.length]),
    ),
    elapsedMsMax: Math.max(...ends.map(({ elapsedMs }) => elapsedMs)),
    residentGrowthBytes,
    left: [...(await leftOf(before)), ...getEventListeners(control.signal, 'abort').map(() => 'listener')],
  }
}

/** As the clock runs while the processor is not given to others: a hundred at once are more than a busy machine's share. */
function ownTimeMs(): number {
  return performance.now() - processorWaitMs()
}

function resolveBy(servers: readonly string[] | undefined): Resolve {
  return servers === undefined ? async () => ['93.184.215.14'] : createResolver({ servers })
}

function dialPort(port: number): Dial {
  return async (_address, _port, signal) => {
    const socket = connect({ host: '127.0.0.1', port })
    try {
      await once(socket, 'connect', { signal })
      return socket
    } catch (error) {
      socket.on('error', () => undefined)
      socket.destroy()
      throw error
    }
  }
}

function watchMemory() {
  const start = process.memoryUsage.rss()
  let most = start
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, RSS_SAMPLE_MS)
  return {
    end: () => {
      clearInterval(timer)
      return Math.max(most, process.memoryUsage.rss()) - start
    },
  }
}

async function leftOf(before: readonly string[]): Promise<readonly string[]> {
  let left: string[] = []
  for (let turn = 0; turn < CLOSING_TURNS_MAX; turn += 1) {
    left = heldNow()
    for (const resource of before) {
      const at = left.indexOf(resource)
      if (at >= 0) left.splice(at, 1)
    }
    if (left.length === 0) return left
    await setImmediate()
  }
  return left
}

function heldNow(): string[] {
  const descriptors = existsSync(DESCRIPTORS) ? readdirSync(DESCRIPTORS) : []
  const resources = process.getActiveResourcesInfo().filter((resource) => resource !== 'Immediate')
  return [...resources, ...descriptors.map(() => 'descriptor')]
}
