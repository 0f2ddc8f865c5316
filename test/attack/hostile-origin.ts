import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Dial } from '@cimd/egress'
import type { Authority } from '../harness/authority.ts'
import { type Accept, BY_PATH, createAcceptors } from './accept-connection.ts'
import type { BehaviourName } from './behaviours.ts'
import { createObservations, type SeenConnection } from './observations.ts'

/** Servers on loopback, one for every way to behave, each taking itself for whatever host it is asked for. */
export type HostileOrigin = {
  /** What to trust, PEM. */
  readonly ca: string
  /** Leads to the server that behaves so, whatever the address; nothing listens but on port 443. */
  dialFor(behaviour: BehaviourName): Dial
  /** Leads to a server that behaves as the first segment of the path says, at the layer of HTTP. */
  readonly dialByPath: Dial
  /** The port on 127.0.0.1; port 1 for the one that refuses. */
  portOf(behaviour: BehaviourName): number
  readonly portByPath: number
  /** The connections of the recent past and the open ones. */
  readonly connections: readonly SeenConnection[]
  /** TCP connections accepted so far. */
  readonly accepted: number
  readonly openConnections: number
  /** TLS sessions that continued an earlier one. */
  readonly resumedSessions: number
  /** The heads of requests of the recent past, byte for byte. */
  requestsOf(behaviour: BehaviourName): readonly Buffer[]
  /** Resolves when no connection is open, or none to that behaviour. */
  drained(behaviour?: BehaviourName): Promise<void>
  close(): Promise<void>
}

/** No ordinary service listens here, and no other test can be given this port. */
const REFUSING_PORT = 1

/** Starts every behaviour at once, on free ports of 127.0.0.1. */
export async function startHostileOrigin({
  authority,
}: {
  readonly authority: Authority
}): Promise<HostileOrigin> {
  const observed = createObservations()
  const { connections } = observed
  const servers = await startServers(await createAcceptors(authority, observed), connections.add)
  const portOf = (name: string) => portOfServer(servers.get(name))
  return {
    ca: authority.ca,
    portOf,
    portByPath: portOf(BY_PATH),
    dialFor: (behaviour) => dialLoopback(portOf(behaviour)),
    dialByPath: dialLoopback(portOf(BY_PATH)),
    get connections() {
      return connections.all()
    },
    get accepted() {
      return connections.accepted()
    },
    get openConnections() {
      return connections.openCount()
    },
    get resumedSessions() {
      return observed.resumedSessions()
    },
    requestsOf: observed.requestsOf,
    drained: connections.drained,
    close: async () => {
      const closed = [...servers.values()].map((server) => once(server, 'close'))
      for (const server of servers.values()) server.close()
      connections.destroyAll()
      await Promise.all(closed)
    },
  }
}

async function startServers(
  acceptors: ReadonlyMap<string, Accept>,
  log: (socket: Socket, behaviour: string) => void,
): Promise<ReadonlyMap<string, Server>> {
  const servers = new Map<string, Server>()
  for (const [name, accept] of acceptors) {
    const server = createServer({ noDelay: true }, (socket) => {
      socket.on('error', () => undefined)
      log(socket, name)
      accept(socket)
    })
    servers.set(name, server.listen(0, '127.0.0.1'))
  }
  await Promise.all([...servers.values()].map((server) => once(server, 'listening')))
  return servers
}

function portOfServer(server: Server | undefined): number {
  // A TCP server always listens on an AddressInfo; the other kinds belong to pipes.
  return server === undefined ? REFUSING_PORT : (server.address() as AddressInfo).port
}

/** Whatever the address, port 443 leads to the server; nothing else listens. */
function dialLoopback(port: number): Dial {
  return async (address, asked, signal) => {
    signal.throwIfAborted()
    if (asked !== 443)
      throw Object.assign(new Error(`nothing listens at ${address}:${asked}`), { code: 'ECONNREFUSED' })
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
