import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { createSecureContext, type SecureContextOptions, TLSSocket } from 'node:tls'
import { createWire, run, type Wire } from '../wire.ts'

/** What a server says, and what it does then. */
export type Speech = {
  /** Byte for byte, in Latin-1, which can be read where it is printed. */
  readonly pieces: readonly string[]
  readonly ending: 'end' | 'cut' | 'reset' | 'stay'
  /** Without waiting to be asked. */
  readonly isEager: boolean
}

/** A server on 127.0.0.1 that says to each client what was written for it. */
export type ScriptedServer = AsyncDisposable & {
  readonly port: number
  /** Connections accepted so far. */
  readonly accepted: number
  /** From now on, whoever comes for this target hears this. */
  write(target: string, speech: Speech): void
}

type SpeechFor = (target: string) => Speech

const SILENCE: Speech = { pieces: [], ending: 'end', isEager: true }

/** Speaks TLS; the target is the name that the client asks for. */
export async function startScriptedOrigin(identity: SecureContextOptions): Promise<ScriptedServer> {
  const secureContext = createSecureContext(identity)
  return await startServer((tcp, speechFor) => {
    const tls = new TLSSocket(tcp, { isServer: true, secureContext })
    tls.on('error', () => undefined)
    tls.on('data', () => undefined)
    tls.once('close', () => tcp.destroy())
    tcp.once('close', () => tls.destroy())
    tls.once('secure', () => {
      // What the client asked for by SNI, which the types do not have.
      const target = String(Reflect.get(tls, 'servername'))
      void run(() => speak(createWire(tcp, tls), speechFor(target)))
    })
  })
}

/** An egress proxy; the target is what CONNECT asks for. */
export async function startScriptedProxy(): Promise<ScriptedServer> {
  return await startServer((tcp, speechFor) => {
    tcp.once('data', (head: Buffer) => {
      tcp.on('data', () => undefined)
      const target = head.toString('latin1').split(' ', 2)[1] ?? ''
      void run(() => speak(createWire(tcp), { ...speechFor(target), isEager: true }))
    })
  })
}

async function startServer(accept: (tcp: Socket, speechFor: SpeechFor) => void): Promise<ScriptedServer> {
  const speeches = new Map<string, Speech>()
  const open = new Set<Socket>()
  let accepted = 0
  const server = createServer({ noDelay: true }, (tcp) => {
    accepted += 1
    open.add(tcp)
    tcp.on('error', () => undefined)
    tcp.once('close', () => open.delete(tcp))
    accept(tcp, (target) => speeches.get(target) ?? SILENCE)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    // A TCP server always listens on an AddressInfo; the other kinds belong to pipes.
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted
    },
    write: (target, speech) => speeches.set(target, speech),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const tcp of open) tcp.destroy()
      await closed
    },
  }
}

async function speak(wire: Wire, { pieces, ending, isEager }: Speech): Promise<void> {
  if (!isEager) await wire.received()
  for (const piece of pieces) {
    await wire.send(Buffer.from(piece, 'latin1'))
    // So that the client reads this piece apart from the next.
    await setImmediate()
  }
  if (ending === 'end') wire.end()
  if (ending === 'cut') wire.cut()
  if (ending === 'reset') wire.reset()
}
