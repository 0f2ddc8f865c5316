import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dialThroughProxy } from './dial-through-proxy.ts'

describe(dialThroughProxy, () => {
  let server: Server
  let asked: IncomingMessage[]
  let sockets: Socket[]
  let answer: string

  beforeEach(async () => {
    asked = []
    sockets = []
    answer = 'HTTP/1.1 200 Connection established\r\n\r\n'
    server = createServer((_request, response) => response.end('no proxy'))
    server.on('connect', (request, socket) => {
      asked.push(request)
      socket.on('error', () => undefined)
      socket.write(answer)
      socket.pipe(socket)
    })
    server.on('connection', (socket) => sockets.push(socket))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  })

  const proxyUrl = (credentials = '') =>
    `http://${credentials}127.0.0.1:${(server.address() as AddressInfo).port}`
  const dial = (address = '93.184.215.14', signal = new AbortController().signal) =>
    dialThroughProxy(proxyUrl())(address, 443, signal)
  const allClosed = () => Promise.all(sockets.map((socket) => socket.closed || once(socket, 'close')))

  it('FET-16, FET-18: asks for the address itself, never for a name, and hands over the tunnel', async () => {
    const socket = await dial()
    expect(asked[0]).toMatchObject({ method: 'CONNECT', url: '93.184.215.14:443' })
    expect(asked[0]?.headers).toEqual({ host: '93.184.215.14:443', connection: 'close' })
    socket.write('ping')
    expect(String(await once(socket, 'data'))).toBe('ping')
    socket.destroy()
  })

  it('writes an IPv6 address in brackets', async () => {
    const socket = await dial('2606:4700::1111')
    expect(asked[0]?.url).toBe('[2606:4700::1111]:443')
    socket.destroy()
  })

  it('tells the proxy who asks, where the operator says so', async () => {
    const socket = await dialThroughProxy(proxyUrl('fetcher:p%40ss@'))(
      '93.184.215.14',
      443,
      new AbortController().signal,
    )
    expect(asked[0]?.headers['proxy-authorization']).toBe(
      `Basic ${Buffer.from('fetcher:p@ss').toString('base64')}`,
    )
    socket.destroy()
  })

  it.each([
    [403, 'egress_denied'],
    [407, 'egress_unavailable'],
    [500, 'egress_unavailable'],
    [502, 'connect_failed'],
    [503, 'connect_failed'],
    [504, 'connect_failed'],
    [302, 'egress_unavailable'],
  ])('FET-18: names an answer of %i %s, and closes the connection', async (status, code) => {
    answer = `HTTP/1.1 ${status} x\r\n\r\n`
    await expect(dial()).rejects.toMatchObject({ code, phase: 'connect', retryable: true })
    await allClosed()
  })

  it('refuses bytes that come ahead of the tunnel: nothing we asked for speaks first', async () => {
    answer = 'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK'
    await expect(dial()).rejects.toMatchObject({ code: 'egress_unavailable' })
    await allClosed()
  })

  it.each([
    ['a head without end', `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(20_000)}\r\n`],
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n'],
  ])('bounds what a proxy may answer: %s', async (_what, bytes) => {
    answer = bytes
    await expect(dial()).rejects.toMatchObject({ code: 'egress_unavailable' })
    await allClosed()
  })

  it('names a proxy that is away', async () => {
    const away = createTcpServer().listen(0, '127.0.0.1')
    await once(away, 'listening')
    const { port } = away.address() as AddressInfo
    away.close()
    await once(away, 'close')
    await expect(
      dialThroughProxy(`http://127.0.0.1:${port}`)('93.184.215.14', 443, new AbortController().signal),
    ).rejects.toMatchObject({ code: 'egress_unavailable', message: expect.stringContaining('ECONNREFUSED') })
  })

  it('throws at once for credentials that cannot be decoded, and keeps them to itself', () => {
    expect(() => dialThroughProxy('http://user:p%zzsecret@127.0.0.1:1')).toThrow(
      new TypeError("the proxy's user or password is not percent-encoded UTF-8"),
    )
  })

  it('blames no proxy for what this machine has run out of', async () => {
    const dialling = `
      import { openSync } from 'node:fs'
      import { dialThroughProxy } from ${JSON.stringify(import.meta.resolve('./dial-through-proxy.ts'))}
      const dial = dialThroughProxy(${JSON.stringify(proxyUrl())})
      try { for (;;) openSync('/dev/null') } catch {}
      const { name, code } = await dial('93.184.215.14', 443, new AbortController().signal).catch((error) => error)
      console.log(name, code)`
    const command = 'ulimit -n 64; exec "$0" --input-type=module --eval "$1"'
    const { stdout } = await promisify(execFile)('sh', ['-c', command, process.execPath, dialling])
    expect(stdout).toBe('Error EMFILE\n')
  })

  it('FET-23: gives up at once when the signal aborts, and closes the connection', async () => {
    answer = ''
    const control = new AbortController()
    const dialling = dial('93.184.215.14', control.signal)
    dialling.catch(() => undefined)
    await once(server, 'connect')
    control.abort(new Error('enough'))
    await expect(dialling).rejects.toThrow('enough')
    await allClosed()
    await expect(dial('93.184.215.14', AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
  })
})
