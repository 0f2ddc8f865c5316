import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { ClientIdUrl, FetchResult, PostRequest, PostResult, ResourceKind, Validators } from '@cimd/core'
import {
  createGuardedFetch,
  createGuardedPost,
  type Dial,
  dialTcp,
  type GuardedFetchOptions,
  type GuardedPostOptions,
} from '@cimd/egress'
import { afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { type Authority, createAuthority } from '../harness/authority.ts'
import { injected, type Origin, startOrigin } from '../harness/origin.ts'

export const HOST = 'app.example.com'
export const PATH = '/client.json'
export const URL_ = `https://${HOST}${PATH}` as ClientIdUrl
export const JSON_TYPE = { 'content-type': 'application/json' }
export const USER_AGENT = 'cimd-registrar/0.1 (+https://registrar.example/about)'

type Asked = {
  readonly url?: string
  readonly resource?: ResourceKind
  readonly validators?: Validators
}

type Posted = Partial<GuardedPostOptions> & { readonly request?: Partial<PostRequest> }

/** The guarded fetch and POST, and a real TLS origin to send them to. */
export type EgressBed = {
  readonly origin: Origin
  fetchOnce(options?: Partial<GuardedFetchOptions> & Asked, signal?: AbortSignal): Promise<FetchResult>
  postOnce(options?: Posted, signal?: AbortSignal): Promise<PostResult>
  /** Remembers the sockets of a dial, so that none may be left. */
  recording(dial: Dial): Dial
}

/** An origin of its own for every test of a suite; not one test may leave a socket behind. */
export function setupEgress(): EgressBed {
  let authority: Authority
  let origin: Origin
  let sockets: Socket[]

  beforeAll(async () => {
    authority = await createAuthority()
  })
  beforeEach(async () => {
    sockets = []
    origin = await startOrigin({ hosts: [HOST], authority })
  })
  afterEach(async () => {
    expect(sockets.filter((socket) => !socket.destroyed)).toEqual([])
    await origin.drained()
    await origin.close()
  })

  const recording =
    (dial: Dial): Dial =>
    async (address, port, signal) => {
      const socket = await dial(address, port, signal)
      sockets.push(socket)
      return socket
    }
  return {
    get origin() {
      return origin
    },
    recording,
    fetchOnce: (options = {}, signal = new AbortController().signal) => {
      const { url = URL_, resource = 'document', validators = {}, ...more } = options
      const ports = { ...injected(origin), ...more }
      const guardedFetch = createGuardedFetch({
        userAgent: USER_AGENT,
        ...ports,
        dial: recording(ports.dial),
      })
      return guardedFetch({ url, resource, validators }, signal)
    },
    postOnce: ({ request = {}, ...options } = {}, signal = new AbortController().signal) => {
      const ports = { ...injected(origin), ...options }
      const post = createGuardedPost({ userAgent: USER_AGENT, ...ports, dial: recording(ports.dial) })
      return post({ url: URL_, headers: {}, body: '{}', ...request }, signal)
    },
  }
}

/** A TCP server that accepts and, unless told otherwise, says nothing. */
export async function listenSilently(onConnection: (socket: Socket) => void = () => undefined) {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined).resume()
    onConnection(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const dial: Dial = (_address, _port, signal) => dialTcp('127.0.0.1', port, signal)
  return { dial, close: () => new Promise((closed) => server.close(closed)) }
}
