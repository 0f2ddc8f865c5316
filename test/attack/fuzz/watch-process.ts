import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { constants } from 'node:os'
import { setImmediate } from 'node:timers/promises'

/** A TCP connection as the operating system would have been asked for it. */
export type Connection = { readonly address: string; readonly port: number }

/** What the network does with a connection: refuses it, or has a listener on 127.0.0.1 accept it. */
export type Route = (connection: Connection) => 'refused' | { readonly listenerPort: number }

/** What happened while something was being done, the done thing apart. */
export type Watched<T> = {
  readonly outcome: T
  readonly elapsedMs: number
  readonly connections: readonly Connection[]
  /** Exceptions and rejections that nobody caught. */
  readonly faults: readonly unknown[]
}

export type ProcessWatch = AsyncDisposable & {
  /** Does something whose connections take the route, and tells of every one that it caused. */
  during<T>(route: Route, work: () => Promise<T>): Promise<Watched<T>>
  /** What nothing that is being done has caused, or what it caused when it was over. */
  readonly strays: readonly unknown[]
}

type Scene = {
  readonly route: Route
  readonly connections: Connection[]
  readonly faults: unknown[]
  isOver: boolean
}
type Handle = { getpeername: (out: object) => number }
type Connect = (this: Handle, request: object, address: string, port: number) => number
type HandlePrototype = { connect: Connect; connect6: Connect }

/**
 * Takes the place of the operating system's connect for this process: every TCP connection of every library ends up in
 * one of these two methods, below `net.Socket`. Nothing leaves the machine, whatever is asked for: a connection is
 * refused, or leads to 127.0.0.1 under the name of the address that was asked for.
 */
export async function watchProcess(): Promise<ProcessWatch> {
  const scenes = new AsyncLocalStorage<Scene>()
  const strays: unknown[] = []
  const stopFaults = watchFaults((fault) => (current(scenes)?.faults ?? strays).push(fault))
  const stopConnections = replaceConnect(await handlePrototype(), (connection) => {
    const scene = current(scenes)
    ;(scene?.connections ?? strays).push(connection)
    return scene?.route(connection) ?? 'refused'
  })
  return {
    during: async (route, work) => {
      const scene: Scene = { route, connections: [], faults: [], isOver: false }
      const startedAt = performance.now()
      const outcome = await scenes.run(scene, work)
      const elapsedMs = performance.now() - startedAt
      // Rejections are told to be unhandled a turn later.
      await setImmediate()
      scene.isOver = true
      return { outcome, elapsedMs, connections: scene.connections, faults: scene.faults }
    },
    strays,
    async [Symbol.asyncDispose]() {
      stopConnections()
      stopFaults()
    },
  }
}

function current(scenes: AsyncLocalStorage<Scene>): Scene | undefined {
  const scene = scenes.getStore()
  return scene?.isOver ? undefined : scene
}

/** Of the class that all TCP handles are of, which Node exports nowhere. */
async function handlePrototype(): Promise<HandlePrototype> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const prototype = Object.getPrototypeOf(Reflect.get(server, '_handle'))
  server.close()
  for (const name of ['connect', 'connect6']) {
    if (typeof prototype[name] !== 'function') throw new Error(`TCP handles have no ${name} in this Node`)
  }
  return prototype
}

function replaceConnect(prototype: HandlePrototype, routeOf: Route): () => void {
  const { connect, connect6 } = prototype
  const replacement = (family: 'IPv4' | 'IPv6'): Connect =>
    function (request, address, port) {
      const route = routeOf({ address, port })
      if (route === 'refused') return -constants.errno.ECONNREFUSED
      // Whoever asks the socket for its peer hears of the address that was asked for.
      this.getpeername = (out) => {
        Object.assign(out, { address, port, family })
        return 0
      }
      return connect.call(this, request, '127.0.0.1', route.listenerPort)
    }
  Object.assign(prototype, { connect: replacement('IPv4'), connect6: replacement('IPv6') })
  return () => {
    Object.assign(prototype, { connect, connect6 })
  }
}

function watchFaults(note: (fault: unknown) => void): () => void {
  process.on('unhandledRejection', note)
  process.on('uncaughtExceptionMonitor', note)
  return () => {
    process.off('unhandledRejection', note)
    process.off('uncaughtExceptionMonitor', note)
  }
}
