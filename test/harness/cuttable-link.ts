import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { serverAddress, throughPort } from './addresses.ts'

/** A TCP link to a server that a test can cut: while cut, connections are refused and those open are reset. */
export type CuttableLink = {
  /** The target's URL with the link's address in place of the target's. */
  readonly url: string
  /** The connections open now carry nothing any more and stay open, as to a host that vanished; new ones work. */
  readonly stall: () => void
  /** Nothing is carried, by these connections or new ones, until `resume`; nothing is lost either. */
  readonly pause: () => void
  readonly resume: () => void
  readonly cut: () => Promise<void>
  readonly restore: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Opens a link on a free port of 127.0.0.1 to the host and port of a URL; whoever sends `endAt` through it is cut off at once. */
export async function openCuttableLink(
  targetUrl: string,
  { endAt }: { readonly endAt?: string } = {},
): Promise<CuttableLink> {
  const target = serverAddress(targetUrl)
  const open = new Set<Socket>()
  const routes = new Map<Socket, Socket>()
  let paused = false
  const server = createServer((near) => {
    const far = connect(target)
    if (endAt !== undefined) near.on('data', (sent) => sent.includes(endAt) && near.destroy())
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from)
      routes.set(from, to)
      if (!paused) from.pipe(to)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        open.delete(from)
        routes.delete(from)
        to.destroy()
      })
    }
  })
  let port = 0
  const listen = async (): Promise<void> => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }
  const cut = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of open) reset(socket)
    await closed
  }
  const stall = (): void => {
    for (const socket of open) socket.unpipe().pause()
    routes.clear()
  }
  const pause = (): void => {
    paused = true
    for (const from of routes.keys()) from.unpipe().pause()
  }
  const resume = (): void => {
    paused = false
    for (const [from, to] of routes) from.pipe(to)
  }
  await listen()
  return { url: throughPort(targetUrl, port), stall, pause, resume, cut, restore: listen, close: cut }
}

// Only TCP can be reset.
function reset(socket: Socket): void {
  if (socket.remoteFamily === undefined) socket.destroy()
  else socket.resetAndDestroy()
}
