import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Dial, Resolve } from '@cimd/egress'
import type { Authority } from './authority.ts'

/** What an origin answers, or a function that answers; it may hold the response open as long as it likes. */
export type Reply = {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Uint8Array
}
export type Handler = (request: SeenRequest, response: ServerResponse) => void | Promise<void>

/** One request as it arrived; `rawHeaders` is a flat list of names and values. */
type SeenRequest = {
  readonly url: string
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
}

/** A scripted HTTPS server on loopback that answers for any number of public-looking host names. */
export type Origin = {
  readonly port: number
  readonly ca: string
  /** TCP connections accepted so far. */
  readonly connections: number
  readonly requests: readonly SeenRequest[]
  /** Adds a host that was not named at the start. */
  addHost(host: string): void
  serve(host: string, path: string, answer: Handler | Reply): void
  remove(host: string, path: string): void
  /** GETs of one URL so far. */
  hits(url: string): number
  /** The next request for a URL that has not arrived yet. */
  nextRequest(url: string): Promise<SeenRequest>
  /** What the name resolves to from now on; an empty list means the name does not exist. */
  resolveTo(host: string, addresses: readonly string[]): void
  addressesOf(host: string): readonly string[]
  /** Resolves when no connection is open. */
  drained(): Promise<void>
  close(): Promise<void>
}

/** What a fetcher needs to take the origin for the Internet. */
export type Injected = { readonly resolve: Resolve; readonly dial: Dial; readonly ca: string }

/** A public address nobody will be asked at: every connection ends at the origin on loopback. */
export const DEFAULT_ADDRESSES: readonly string[] = ['93.184.215.14']

/** Starts an origin on a free port of 127.0.0.1. */
export async function startOrigin({
  hosts,
  authority,
}: {
  readonly hosts: readonly string[]
  readonly authority: Authority
}): Promise<Origin> {
  const names = createNames(hosts)
  const script = createScript()
  const sockets = createSocketLog()
  const identities = createIdentities(authority)
  const server = createServer(
    // Shown to a client that asks for a name nobody serves here.
    {
      ...(await authority.issue(hosts.length > 0 ? hosts : ['unnamed.example'])),
      SNICallback: (name, callback) => {
        identities(names.has(name) ? name : undefined).then(
          (context) => callback(null, context),
          (error) => callback(error),
        )
      },
    },
    script.answer,
  )
  server.on('connection', sockets.add)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    // A TCP server always listens on an AddressInfo; the other kinds belong to pipes.
    port: (server.address() as AddressInfo).port,
    ca: authority.ca,
    get connections() {
      return sockets.count()
    },
    requests: script.requests,
    addHost: names.add,
    serve: (host, path, answer) => {
      names.add(host)
      script.set(`https://${host}${path}`, answer)
    },
    remove: (host, path) => script.set(`https://${host}${path}`, undefined),
    hits: (url) => script.requests.filter((seen) => seen.url === url && seen.method === 'GET').length,
    nextRequest: script.next,
    resolveTo: names.resolveTo,
    addressesOf: names.addressesOf,
    drained: sockets.drained,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      sockets.destroyAll()
      await closed
    },
  }
}

/** The ports of a fetcher in the same process as the origin. */
export function injected(origin: Origin): Injected {
  return {
    resolve: async (host) => origin.addressesOf(host),
    dial: dialLoopback(origin.port),
    ca: origin.ca,
  }
}

/** The same from plain JSON, for a fetcher in another process: names without a resolution get the default. */
export function injectedFrom(plan: {
  readonly port: number
  readonly ca: string
  readonly resolutions?: Readonly<Record<string, readonly string[]>>
  readonly defaultAddresses: readonly string[]
  /** Where an address leads, if not to the origin. */
  readonly ports?: Readonly<Record<string, number>>
}): Injected {
  return {
    resolve: async (host) => plan.resolutions?.[host] ?? plan.defaultAddresses,
    dial: dialLoopback(plan.port, plan.ports),
    ca: plan.ca,
  }
}

/** A handler that answers only when told to, for tests that need a response in flight. */
export function holdOpen(reply: Reply): { readonly handler: Handler; release(): void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return {
    handler: async (_request, response) => {
      await promise
      write(response, reply)
    },
    release: resolve,
  }
}

/** How long a fetch may be held on a machine that stands still for seconds, and still be answered within its deadline. */
const HELD_MS_MAX = 1500

/** Resolves as `event` does, while a fetch is held open, or earlier if the fetch would come near its deadline. */
export async function whileHeld(event: Promise<unknown>): Promise<void> {
  const over = new AbortController()
  const late = delay(HELD_MS_MAX, undefined, { signal: over.signal }).catch(() => undefined)
  await Promise.race([event, late])
  over.abort()
}

/** Whatever the address, port 443 leads to the origin unless it has a port of its own; nothing else listens. */
function dialLoopback(originPort: number, ports: Readonly<Record<string, number>> = {}): Dial {
  return async (address, asked, signal) => {
    signal.throwIfAborted()
    if (asked !== 443)
      throw Object.assign(new Error(`nothing listens at ${address}:${asked}`), { code: 'ECONNREFUSED' })
    const socket = connect({ host: '127.0.0.1', port: ports[address] ?? originPort })
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

function createNames(hosts: readonly string[]) {
  const resolutions = new Map<string, readonly string[]>()
  const served = new Set(hosts)
  return {
    has: (host: string) => served.has(host),
    add: (host: string) => {
      served.add(host)
    },
    resolveTo: (host: string, addresses: readonly string[]) => {
      resolutions.set(host, addresses)
    },
    addressesOf: (host: string) => resolutions.get(host) ?? (served.has(host) ? DEFAULT_ADDRESSES : []),
  }
}

function createIdentities(
  authority: Authority,
): (name: string | undefined) => Promise<SecureContext | undefined> {
  const issued = new Map<string, Promise<SecureContext>>()
  return async (name) => {
    if (name === undefined) return undefined
    const known = issued.get(name) ?? authority.issue([name]).then((leaf) => createSecureContext(leaf))
    issued.set(name, known)
    return await known
  }
}

function createScript() {
  const answers = new Map<string, Handler | Reply>()
  const requests: SeenRequest[] = []
  const waiting: { readonly url: string; readonly arrive: (seen: SeenRequest) => void }[] = []

  const arrived = (seen: SeenRequest) => {
    requests.push(seen)
    const due = waiting.filter(({ url }) => url === seen.url)
    for (const waiter of due) {
      waiting.splice(waiting.indexOf(waiter), 1)
      waiter.arrive(seen)
    }
  }

  return {
    requests,
    set: (url: string, answer: Handler | Reply | undefined) => {
      if (answer === undefined) answers.delete(url)
      else answers.set(url, answer)
    },
    next: (url: string) => new Promise<SeenRequest>((arrive) => waiting.push({ url, arrive })),
    answer: (request: IncomingMessage, response: ServerResponse) => {
      const seen = seeRequest(request)
      arrived(seen)
      void respond(answers.get(seen.url) ?? { status: 404 }, seen, response)
    },
  }
}

function seeRequest(request: IncomingMessage): SeenRequest {
  return {
    url: `https://${request.headers.host}${request.url}`,
    method: request.method ?? '',
    headers: request.headers,
    rawHeaders: request.rawHeaders,
  }
}

async function respond(answer: Handler | Reply, seen: SeenRequest, response: ServerResponse): Promise<void> {
  try {
    if (typeof answer === 'function') await answer(seen, response)
    else write(response, answer)
  } catch (error) {
    // A handler that fails shows up in the test as a broken response, not as a hung one.
    response.destroy(error instanceof Error ? error : new Error(String(error)))
  }
}

function write(response: ServerResponse, { status = 200, headers = {}, body = '' }: Reply): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.writeHead(status)
  response.end(body)
}

function createSocketLog() {
  const open = new Set<Socket>()
  let accepted = 0
  let idle: (() => void)[] = []
  return {
    add: (socket: Socket) => {
      accepted += 1
      open.add(socket)
      // Clients that abandon a connection are what these tests are about.
      socket.on('error', () => undefined)
      socket.once('close', () => {
        open.delete(socket)
        if (open.size > 0) return
        for (const tell of idle) tell()
        idle = []
      })
    },
    count: () => accepted,
    drained: () => (open.size === 0 ? Promise.resolve() : new Promise<void>((tell) => idle.push(tell))),
    destroyAll: () => {
      for (const socket of open) socket.destroy()
    },
  }
}
