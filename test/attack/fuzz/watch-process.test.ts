import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import { request as undiciRequest } from 'undici'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type ProcessWatch, watchProcess } from './watch-process.ts'

const ADDRESS = '93.184.215.14'
const ADDRESS_IPV6 = '2606:4700::1111'

const settled = (emitter: { once(event: string, done: () => void): unknown }) =>
  new Promise<void>((done) => {
    emitter.once('error', () => done())
    emitter.once('connect', () => done())
  })

/** Every way in which a library here opens a TCP connection. */
const WAYS: readonly (readonly [string, string, (host: string) => Promise<unknown>])[] = [
  ['net.connect', ADDRESS, (host) => settled(connect({ host, port: 443 }))],
  ['net.connect over IPv6', ADDRESS_IPV6, (host) => settled(connect({ host, port: 443 }))],
  ['net.connect by name', '127.0.0.1', () => settled(connect({ host: 'localhost', port: 443, family: 4 }))],
  [
    'net.connect with both families at once',
    ADDRESS,
    () =>
      settled(
        connect({
          host: 'client.example.com',
          port: 443,
          autoSelectFamily: true,
          lookup: (_name, _options, callback) => callback(null, [{ address: ADDRESS, family: 4 }]),
        }),
      ),
  ],
  ['tls.connect', ADDRESS, (host) => settled(tlsConnect({ host, port: 443 }))],
  ['http.request', ADDRESS, (host) => settled(httpRequest({ host, port: 443 }).end())],
  ['undici', ADDRESS, (host) => undiciRequest(`https://${host}/`).catch(() => undefined)],
  ['the fetch of Node', ADDRESS, (host) => fetch(`https://${host}/`).catch(() => undefined)],
]

describe(watchProcess, () => {
  let server: Server
  let watch: ProcessWatch
  beforeAll(async () => {
    server = createServer((socket) => socket.end('here')).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterAll(() => {
    server.close()
  })
  beforeEach(async () => {
    watch = await watchProcess()
  })
  afterEach(() => watch[Symbol.asyncDispose]())
  const port = () => (server.address() as AddressInfo).port

  it.each(WAYS)('sees the connection of %s', async (_way, address, open) => {
    const { connections } = await watch.during(
      () => 'refused',
      () => open(address),
    )
    expect(connections).toEqual([{ address, port: 443 }])
  })

  it.each([ADDRESS, ADDRESS_IPV6])(
    'leads to a listener of ours that goes by the name of %s',
    async (host) => {
      const { outcome } = await watch.during(
        () => ({ listenerPort: port() }),
        async () => {
          const socket = connect({ host, port: 443 })
          const [bytes] = await once(socket, 'data')
          return [socket.remoteAddress, socket.remotePort, String(bytes)]
        },
      )
      expect(outcome).toEqual([host, 443, 'here'])
    },
  )

  it('refuses what nobody asked for, and does not forget it', async () => {
    await settled(connect({ host: ADDRESS, port: 443 }))
    expect(watch.strays).toEqual([{ address: ADDRESS, port: 443 }])
  })
})
