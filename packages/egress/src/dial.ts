import { once } from 'node:events'
import { connect, type LookupFunction, type Socket } from 'node:net'
import ipaddr from 'ipaddr.js'
import { FetchError } from './fetch-error.ts'

/** Opens a TCP connection to one literal address; the caller destroys the socket. */
export type Dial = (address: string, port: number, signal: AbortSignal) => Promise<Socket>

/**
 * Dials exactly the address it is given (FET-16): a literal makes Node neither resolve nor race families, so the
 * address that was vetted is the address that is reached.
 */
export const dialTcp: Dial = async (address, port, signal) => {
  signal.throwIfAborted()
  const socket = connect({ host: address, port, autoSelectFamily: false, lookup: refuseLookup })
  try {
    await once(socket, 'connect', { signal })
    assertPeer(socket, address)
    return socket
  } catch (error) {
    // The error being thrown is the one that counts; a later one of the dying socket would end the process.
    socket.on('error', () => undefined)
    socket.destroy()
    throw error
  }
}

const refuseLookup: LookupFunction = (hostname) => {
  throw new TypeError(`Only literal addresses are dialled, not ${hostname}`)
}

function assertPeer(socket: Socket, address: string): void {
  const peer = socket.remoteAddress
  if (peer !== undefined && bytesOf(peer) === bytesOf(address)) return
  throw new FetchError('connect_failed', `connected to ${peer ?? 'nobody'} instead of ${address}`)
}

function bytesOf(address: string): string {
  return ipaddr.parse(address).toByteArray().join('.')
}
