import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setImmediate, setTimeout } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'

/** An accepted connection in the hands of a script; whatever it awaits rejects with `ClientGone` once the client left. */
export type Wire = {
  /** Resolves when the kernel has taken the bytes, so that an endless script holds one piece at a time. */
  send(bytes: string | Uint8Array): Promise<void>
  /** The next bytes from the client. */
  received(): Promise<void>
  pause(ms: number): Promise<void>
  /** Closes politely: over TLS with a close_notify. */
  end(): void
  /** A bare FIN below TLS, as anybody on the path could send. */
  cut(): void
  /** RST. */
  reset(): void
  /** Asks for a TLS 1.2 renegotiation and waits until it is done. */
  renegotiate(): Promise<void>
}

/** A request as a script sees it, and what an honest server would answer. */
export type Exchange = Wire & {
  readonly host: string
  readonly path: string
  /** A valid client metadata document for the URL that was asked for. */
  readonly document: Buffer
}

/** What a server does with a connection or, behind TLS, with a request. */
export type WireScript = (wire: Wire) => Promise<void>
export type Script = (exchange: Exchange) => Promise<void>

class ClientGone extends Error {
  override name = 'ClientGone'
}

/** Runs a script to its end or until the client leaves. */
export async function run(script: () => Promise<void>): Promise<void> {
  try {
    await script()
  } catch (error) {
    if (!(error instanceof ClientGone)) throw error
  }
}

/** The wire of a TCP connection, or of the TLS connection on top of it. */
export function createWire(tcp: Socket, tls?: TLSSocket): Wire {
  const socket = tls ?? tcp
  const closing = new AbortController()
  socket.once('close', () => closing.abort())
  const signal = closing.signal
  return {
    send: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(bytes, (error) => (error ? reject(new ClientGone()) : resolve()))
      }),
    received: () => untilGone(once(socket, 'data', { signal })),
    pause: (ms) => untilGone(setTimeout(ms, undefined, { signal })),
    end: () => {
      socket.end()
    },
    cut: () => {
      tcp.end()
    },
    reset: () => {
      tcp.resetAndDestroy()
    },
    renegotiate: () =>
      new Promise((resolve, reject) => {
        const leave = () => reject(new ClientGone())
        if (signal.aborted) leave()
        signal.addEventListener('abort', leave, { once: true })
        tls?.renegotiate({}, (error) => {
          signal.removeEventListener('abort', leave)
          if (error) leave()
          else resolve()
        })
      }),
  }
}

async function untilGone(event: Promise<unknown>): Promise<void> {
  try {
    await event
  } catch {
    throw new ClientGone()
  }
}

/** Sends the same piece over and over, as fast as the client takes it. */
export async function sendForever(wire: Wire, piece: string | Uint8Array): Promise<void> {
  for (;;) {
    await wire.send(piece)
    // Without a turn of the event loop a client in the same process could not even say that it has had enough.
    await setImmediate()
  }
}

/** Sends one byte at a time. */
export async function trickle(
  wire: Wire,
  bytes: Uint8Array,
  { everyMs }: { readonly everyMs: number },
): Promise<void> {
  for (let at = 0; at < bytes.length; at += 1) {
    await wire.send(bytes.subarray(at, at + 1))
    await wire.pause(everyMs)
  }
}

/** Sends a piece, waits, and does it again, without end. */
export async function repeat(
  wire: Wire,
  piece: string | Uint8Array,
  { everyMs }: { readonly everyMs: number },
): Promise<void> {
  for (;;) {
    await wire.send(piece)
    await wire.pause(everyMs)
  }
}
