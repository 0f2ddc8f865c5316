import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { createAuthority } from './authority.ts'
import { DEFAULT_ADDRESSES, type Origin, startOrigin } from './origin.ts'

/** What may be wrong with a host before it has answered anything. */
export type HostFault = keyof typeof ADDRESSES_OF_FAULT

/** The way to an origin, on which any host may be made to fail. */
export type FaultyNetwork = {
  /** The environment of a fetcher for which these hosts fail, and all others are the origin. */
  environmentWith(faults: ReadonlyMap<string, HostFault>): Record<string, string>
  close(): Promise<void>
}

const CLOSED = '93.184.215.101'
const SILENT = '93.184.215.102'
const PLAIN = '93.184.215.103'
const STRANGER = '93.184.215.104'

const ADDRESSES_OF_FAULT = {
  special_use: ['10.1.2.3'],
  nameless: [],
  many_addresses: Array.from({ length: 17 }, (_, last) => `93.184.215.${last + 1}`),
  closed: [CLOSED],
  silent: [SILENT],
  without_tls: [PLAIN],
  untrusted: [STRANGER],
} as const satisfies Record<string, readonly string[]>

/** Starts what the faults need: servers that say nothing, speak no TLS, or have a certificate of nobody we know. */
export async function startFaultyNetwork(origin: Origin): Promise<FaultyNetwork> {
  const silent = await startTcpServer(() => {})
  const plain = await startTcpServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  const stranger = await startOrigin({ hosts: [], authority: await createAuthority('A stranger') })
  const closed = await holdClosedPort(silent.port)
  const ports = {
    [CLOSED]: closed.port,
    [SILENT]: silent.port,
    [PLAIN]: plain.port,
    [STRANGER]: stranger.port,
  }
  return {
    environmentWith: (faults) => {
      const hosts = [...faults].map(([host, fault]) => [host, ADDRESSES_OF_FAULT[fault]] as const)
      const resolutions = Object.fromEntries(hosts)
      const network = { port: origin.port, ca: origin.ca, defaultAddresses: DEFAULT_ADDRESSES }
      // A clock that is moved ends claims, which is no sign of a client that kills fetchers.
      return { CIMD_TEST_NETWORK: JSON.stringify({ ...network, resolutions, ports, isolates: false }) }
    },
    close: async () => {
      closed.release()
      await Promise.all([silent.close(), plain.close(), stranger.close()])
    },
  }
}

/** A port at which nobody listens, and nobody can begin to: it is the near end of a connection of ours. */
async function holdClosedPort(serverPort: number): Promise<{ readonly port: number; release(): void }> {
  const socket = connect({ host: '127.0.0.1', port: serverPort })
  await once(socket, 'connect')
  return { port: socket.localPort ?? 0, release: () => void socket.destroy() }
}

async function startTcpServer(onSocket: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)))
    onSocket(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    // A TCP server always listens on an AddressInfo; the other kinds belong to pipes.
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
