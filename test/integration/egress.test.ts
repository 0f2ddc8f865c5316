import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { ClientIdUrl, FetchResult, Validators } from '@cimd/core'
import { createFetchDocument, type Dial, dialTcp, type FetchDocumentOptions } from '@cimd/egress'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Authority, createAuthority } from '../harness/authority.ts'
import { holdOpen, injected, injectedFrom, type Origin, startOrigin } from '../harness/origin.ts'

const HOST = 'app.example.com'
const PATH = '/client.json'
const URL_ = `https://${HOST}${PATH}` as ClientIdUrl
const JSON_TYPE = { 'content-type': 'application/json' }
const USER_AGENT = 'cimd-registrar/0.1 (+https://registrar.example/about)'
/** Long enough for a busy machine to reach the phase under test, short enough to wait for. */
const DEADLINE_MS = 700
/** What a busy machine may add to a deadline before we call it missed. */
const SLACK_MS = 1500

describe('createFetchDocument against a real TLS origin', () => {
  let authority: Authority
  let origin: Origin
  let dialled: { readonly address: string; readonly socket: Socket }[]

  beforeAll(async () => {
    authority = await createAuthority()
  })
  beforeEach(async () => {
    dialled = []
    origin = await startOrigin({ hosts: [HOST], authority })
  })
  afterEach(async () => {
    // Not one test may leave a socket behind, whatever became of its fetch.
    expect(dialled.filter(({ socket }) => !socket.destroyed)).toEqual([])
    await origin.drained()
    await origin.close()
  })

  const recording =
    (dial: Dial): Dial =>
    async (address, port, signal) => {
      const socket = await dial(address, port, signal)
      dialled.push({ address, socket })
      return socket
    }

  const fetchOnce = (
    options: Partial<FetchDocumentOptions> & { readonly validators?: Validators; readonly url?: string } = {},
    signal = new AbortController().signal,
  ): Promise<FetchResult> => {
    const { validators = {}, url = URL_, ...more } = options
    const ports = { ...injected(origin), ...more }
    const fetchDocument = createFetchDocument({
      userAgent: USER_AGENT,
      ...ports,
      dial: recording(ports.dial),
    })
    // The brand is the parser's promise, which plays no part here.
    return fetchDocument({ url: url as ClientIdUrl, validators }, signal)
  }

  describe('what is fetched', () => {
    it('FET-04: returns the bytes of a 200, with its type, cache fields and evidence', async () => {
      const headers = {
        ...JSON_TYPE,
        'cache-control': ['max-age=60', 'public'],
        etag: '"1"',
        'set-cookie': 'a=b',
      }
      origin.serve(HOST, PATH, { headers, body: '{"a":1}' })
      const result = await fetchOnce()
      expect(result).toEqual({
        kind: 'fetched',
        body: new TextEncoder().encode('{"a":1}'),
        contentType: 'application/json',
        headers: { 'cache-control': ['max-age=60', 'public'], date: [expect.any(String)], etag: ['"1"'] },
        evidence: {
          addresses: ['93.184.215.14'],
          dialledAddress: '93.184.215.14',
          tlsVersion: 'TLSv1.3',
          certificateSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
          status: 200,
          contentType: 'application/json',
          bodyBytes: 7,
          times: {
            dnsMs: expect.any(Number),
            connectMs: expect.any(Number),
            tlsMs: expect.any(Number),
            headersMs: expect.any(Number),
            bodyMs: expect.any(Number),
            totalMs: expect.any(Number),
          },
        },
      })
    })

    it('FET-09, FET-25: sends exactly the fixed fields, once, and nothing about anybody', async () => {
      origin.serve(HOST, PATH, { headers: JSON_TYPE, body: '{}' })
      await fetchOnce()
      expect(origin.requests).toHaveLength(1)
      expect(origin.requests[0]).toMatchObject({ method: 'GET', url: URL_ })
      expect(origin.requests[0]?.rawHeaders).toEqual([
        ...['host', HOST],
        ...['connection', 'close'],
        ...['accept', 'application/cimd+json, application/json;q=0.9, application/*+json;q=0.8'],
        ...['accept-encoding', 'identity'],
        ...['user-agent', USER_AGENT],
      ])
    })

    it('FET-06: sends validators it is given, and takes the 304 that answers them', async () => {
      origin.serve(HOST, PATH, { status: 304, headers: { etag: '"1"', 'cache-control': 'max-age=60' } })
      const lastModified = 'Fri, 20 Nov 2026 12:00:00 GMT'
      const result = await fetchOnce({ validators: { etag: '"1"', lastModified } })
      expect(result).toMatchObject({ kind: 'not_modified', headers: { 'cache-control': ['max-age=60'] } })
      expect(origin.requests[0]?.headers).toMatchObject({
        'if-none-match': '"1"',
        'if-modified-since': lastModified,
      })
    })

    it('FET-06: refuses a 304 that nobody asked for', async () => {
      origin.serve(HOST, PATH, { status: 304 })
      expect(await fetchOnce()).toMatchObject({ kind: 'failed', code: 'not_modified_unasked' })
    })

    it('FET-10: reads a body of exactly the cap', async () => {
      origin.serve(HOST, PATH, { headers: JSON_TYPE, body: 'x'.repeat(5120) })
      expect(await fetchOnce()).toMatchObject({ kind: 'fetched', evidence: { bodyBytes: 5120 } })
    })

    it('waits for an origin that takes its time within the deadline', async () => {
      const held = holdOpen({ headers: JSON_TYPE, body: '{}' })
      origin.serve(HOST, PATH, held.handler)
      const arrived = origin.nextRequest(URL_)
      const fetching = fetchOnce()
      await arrived
      held.release()
      expect(await fetching).toMatchObject({ kind: 'fetched' })
      expect(origin.hits(URL_)).toBe(1)
    })

    it('reaches the origin by a plan of plain JSON, as a fetcher in another process does', async () => {
      origin.serve(HOST, PATH, { headers: JSON_TYPE, body: '{}' })
      const plan = { port: origin.port, ca: origin.ca, defaultAddresses: ['93.184.215.14'] }
      expect(await fetchOnce(injectedFrom(plan))).toMatchObject({ kind: 'fetched' })
      const mapped = injectedFrom({ ...plan, resolutions: { [HOST]: ['10.0.0.1'] } })
      expect(await fetchOnce(mapped)).toMatchObject({ kind: 'failed', code: 'address_blocked' })
    })

    it('FET-28: ignores interim responses', async () => {
      origin.serve(HOST, PATH, (_request, response) => {
        response.writeEarlyHints({ link: '</style.css>; rel=preload' })
        response.writeHead(200, JSON_TYPE).end('{}')
      })
      expect(await fetchOnce()).toMatchObject({ kind: 'fetched', evidence: { status: 200 } })
    })
  })

  describe('what is refused by its head', () => {
    it('FET-05: does not follow a redirect, not even to the same origin', async () => {
      origin.serve(HOST, PATH, { status: 302, headers: { location: '/elsewhere.json' } })
      origin.serve(HOST, '/elsewhere.json', { headers: JSON_TYPE, body: '{}' })
      expect(await fetchOnce()).toMatchObject({ kind: 'failed', code: 'redirect', evidence: { status: 302 } })
      expect(origin.requests).toHaveLength(1)
    })

    it('FET-08: names an HTML page as such', async () => {
      origin.serve(HOST, PATH, { headers: { 'content-type': 'text/html; charset=utf-8' }, body: '<p>' })
      expect(await fetchOnce()).toMatchObject({
        kind: 'failed',
        code: 'html_page',
        evidence: { bodyBytes: 0 },
      })
    })

    it('reports a 404 as the withdrawal it is', async () => {
      expect(await fetchOnce()).toMatchObject({ kind: 'failed', code: 'status_404' })
    })

    it('FET-23: hands on the pace a 429 asks for', async () => {
      origin.serve(HOST, PATH, { status: 429, headers: { 'retry-after': '30' } })
      expect(await fetchOnce()).toMatchObject({ kind: 'failed', code: 'status_429', retryAfterSeconds: 30 })
    })

    it('FET-11: refuses a content coding although identity was asked for', async () => {
      origin.serve(HOST, PATH, { headers: { ...JSON_TYPE, 'content-encoding': 'gzip' }, body: 'x' })
      expect(await fetchOnce()).toMatchObject({ kind: 'failed', code: 'content_encoding' })
    })

    it('FET-10: refuses an oversized Content-Length without reading the body', async () => {
      origin.serve(HOST, PATH, (_request, response) => {
        response.writeHead(200, { ...JSON_TYPE, 'content-length': '5121' })
        response.flushHeaders()
      })
      expect(await fetchOnce()).toMatchObject({
        kind: 'failed',
        code: 'too_large',
        evidence: { bodyBytes: 0 },
      })
    })

    it('FET-11: bounds the bytes of the header section', async () => {
      origin.serve(HOST, PATH, { headers: { ...JSON_TYPE, 'x-filler': 'x'.repeat(9000) }, body: '{}' })
      expect(await fetchOnce()).toMatchObject({ kind: 'failed', code: 'headers_too_large' })
    })
  })

  describe('what is refused while it is read', () => {
    it('FET-10, FET-11: stops at the cap of a chunked body that has no end', async () => {
      origin.serve(HOST, PATH, (_request, response) => {
        response.writeHead(200, JSON_TYPE)
        const pour = () => {
          while (!response.destroyed && response.write('x'.repeat(1024)));
        }
        response.on('drain', pour)
        pour()
      })
      const result = await fetchOnce()
      expect(result).toMatchObject({ kind: 'failed', code: 'too_large' })
      expect(result.evidence.bodyBytes).toBeGreaterThan(5120)
    })

    it('reports a body that ends before its Content-Length', async () => {
      origin.serve(HOST, PATH, (_request, response) => {
        response.writeHead(200, { ...JSON_TYPE, 'content-length': '100' })
        response.write('{', () => response.destroy())
      })
      expect(await fetchOnce()).toMatchObject({ kind: 'failed', code: 'response_incomplete' })
    })

    it('reports a connection that closes before any answer, without asking twice', async () => {
      origin.serve(HOST, PATH, (_request, response) => void response.destroy())
      expect(await fetchOnce()).toMatchObject({ kind: 'failed', code: 'response_incomplete' })
      expect(origin.connections).toBe(1)
    })
  })

  describe('the deadline', () => {
    const expectAtDeadline = async (code: string, fetching: Promise<FetchResult>) => {
      const result = await fetching
      expect(result).toMatchObject({ kind: 'failed', code })
      expect(result.evidence.times.totalMs).toBeGreaterThan(DEADLINE_MS - 50)
      expect(result.evidence.times.totalMs).toBeLessThan(DEADLINE_MS + SLACK_MS)
    }

    it('FET-23: ends an endless trickle, which no idle timer would', async () => {
      const trickles: NodeJS.Timeout[] = []
      origin.serve(HOST, PATH, (_request, response) => {
        response.writeHead(200, JSON_TYPE)
        trickles.push(setInterval(() => response.write(' '), 20))
      })
      await expectAtDeadline('timeout_body', fetchOnce({ deadlineMs: DEADLINE_MS }))
      for (const trickle of trickles) clearInterval(trickle)
    })

    it('FET-23: ends a wait for headers', async () => {
      origin.serve(HOST, PATH, () => undefined)
      await expectAtDeadline('timeout_response', fetchOnce({ deadlineMs: DEADLINE_MS }))
    })

    it('FET-23: ends a stalled TLS handshake', async () => {
      const silent = await listenSilently()
      await expectAtDeadline('timeout_connect', fetchOnce({ deadlineMs: DEADLINE_MS, dial: silent.dial }))
      await silent.close()
    })

    it('FET-23: ends a dial that never settles, though it ignores its signal', async () => {
      const dial: Dial = () => new Promise(() => undefined)
      await expectAtDeadline('timeout_connect', fetchOnce({ deadlineMs: DEADLINE_MS, dial }))
    })

    it('FET-23: ends a resolution that never settles, though it ignores its signal', async () => {
      const resolve = () => new Promise<never>(() => undefined)
      await expectAtDeadline('timeout_dns', fetchOnce({ deadlineMs: DEADLINE_MS, resolve }))
      expect(origin.connections).toBe(0)
    })

    it('destroys a socket that a dial delivers after the deadline', async () => {
      const late = Promise.withResolvers<void>()
      const arrived = Promise.withResolvers<Socket>()
      const dial: Dial = async () => {
        await late.promise
        const socket = connect({ host: '127.0.0.1', port: origin.port })
        await once(socket, 'connect')
        arrived.resolve(socket)
        return socket
      }
      await expectAtDeadline('timeout_connect', fetchOnce({ deadlineMs: DEADLINE_MS, dial }))
      late.resolve()
      const socket = await arrived.promise
      if (!socket.closed) await once(socket, 'close')
      expect(socket.destroyed).toBe(true)
    })
  })

  describe('the addresses', () => {
    it('FET-12: refuses a name that resolves to the metadata address, without any connection', async () => {
      origin.resolveTo(HOST, ['169.254.169.254'])
      expect(await fetchOnce()).toMatchObject({
        kind: 'failed',
        code: 'address_blocked',
        detail: expect.stringContaining('169.254.0.0/16'),
        evidence: { addresses: ['169.254.169.254'], bodyBytes: 0 },
      })
      expect(origin.connections).toBe(0)
    })

    it('FET-16: refuses mixed public and private answers, without any connection', async () => {
      origin.resolveTo(HOST, ['93.184.215.14', '10.0.0.1'])
      expect(await fetchOnce()).toMatchObject({
        kind: 'failed',
        code: 'address_blocked',
        evidence: { addresses: ['93.184.215.14', '10.0.0.1'] },
      })
      expect(origin.connections).toBe(0)
    })

    it('FET-16: vets an address literal, which no resolver would ever see', async () => {
      expect(await fetchOnce({ url: 'https://127.0.0.1/x' })).toMatchObject({ code: 'address_blocked' })
      expect(await fetchOnce({ url: 'https://[::7f00:1]/x' })).toMatchObject({ code: 'address_blocked' })
      expect(origin.connections).toBe(0)
    })

    it('reports a name without addresses', async () => {
      origin.resolveTo(HOST, [])
      expect(await fetchOnce()).toMatchObject({ kind: 'failed', code: 'dns_not_found' })
    })

    it('FET-16: tries a second vetted address when the first refuses, and no third', async () => {
      const addresses = ['93.184.215.1', '93.184.215.2', '93.184.215.3']
      const tried: string[] = []
      origin.resolveTo(HOST, addresses)
      const dial: Dial = async (address) => {
        tried.push(address)
        throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
      }
      expect(await fetchOnce({ dial })).toMatchObject({
        kind: 'failed',
        code: 'connect_failed',
        evidence: { dialledAddress: '93.184.215.2' },
      })
      expect(tried).toEqual(addresses.slice(0, 2))
    })

    it('FET-16: does not let a silent first address eat the deadline of the second', async () => {
      origin.resolveTo(HOST, ['93.184.215.1', '93.184.215.2'])
      origin.serve(HOST, PATH, { headers: JSON_TYPE, body: '{}' })
      const ports = injected(origin)
      const dial: Dial = async (address, port, signal) => {
        if (address === '93.184.215.2') return await ports.dial(address, port, signal)
        await once(signal, 'abort')
        throw signal.reason
      }
      expect(await fetchOnce({ dial })).toMatchObject({
        kind: 'fetched',
        evidence: { dialledAddress: '93.184.215.2' },
      })
    })

    it('FET-14: reaches an origin on loopback by its real address, only with the development switch', async () => {
      const url = `https://${HOST}:${origin.port}${PATH}`
      origin.serve(`${HOST}:${origin.port}`, PATH, { headers: JSON_TYPE, body: '{}' })
      origin.resolveTo(HOST, ['127.0.0.1'])
      expect(await fetchOnce({ url, dial: dialTcp })).toMatchObject({
        kind: 'failed',
        code: 'address_blocked',
      })
      const development = { url, dial: dialTcp, dangerouslyAllowLoopback: true }
      expect(await fetchOnce(development)).toMatchObject({ kind: 'fetched' })
    })
  })

  describe('TLS', () => {
    it('FET-24: refuses a certificate of another name, and keeps its fingerprint', async () => {
      origin.resolveTo('other.example.com', ['93.184.215.14'])
      const result = await fetchOnce({ url: `https://other.example.com${PATH}` })
      expect(result).toMatchObject({
        kind: 'failed',
        code: 'tls_certificate_invalid',
        evidence: { certificateSha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      })
      expect(origin.requests).toEqual([])
    })

    it('FET-24: refuses an unknown authority', async () => {
      const stranger = await createAuthority('Somebody else')
      expect(await fetchOnce({ ca: stranger.ca })).toMatchObject({
        kind: 'failed',
        code: 'tls_certificate_invalid',
      })
      expect(origin.requests).toEqual([])
    })

    it('FET-24: verifies even where the environment says not to', async () => {
      const stranger = await createAuthority('Somebody else')
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
      const result = await fetchOnce({ ca: stranger.ca })
      vi.unstubAllEnvs()
      expect(result).toMatchObject({ kind: 'failed', code: 'tls_certificate_invalid' })
    })

    it('FET-24: refuses an authority that is not public when none is named', async () => {
      const { ca: _, ...ports } = injected(origin)
      const fetchDocument = createFetchDocument({
        userAgent: USER_AGENT,
        ...ports,
        dial: recording(ports.dial),
      })
      expect(await fetchDocument({ url: URL_ }, new AbortController().signal)).toMatchObject({
        code: 'tls_certificate_invalid',
      })
    })

    it('reports a server that does not speak TLS', async () => {
      const plain = await listenSilently((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
      expect(await fetchOnce({ dial: plain.dial })).toMatchObject({ kind: 'failed', code: 'tls_failed' })
      await plain.close()
    })
  })

  describe('the caller', () => {
    it('rejects with the reason of the signal, at once, in the middle of a response', async () => {
      origin.serve(HOST, PATH, () => undefined)
      const control = new AbortController()
      const arrived = origin.nextRequest(URL_)
      const fetching = fetchOnce({}, control.signal)
      await arrived
      const reason = new Error('shutting down')
      control.abort(reason)
      await expect(fetching).rejects.toBe(reason)
    })

    it('does nothing at all for a signal that has already aborted', async () => {
      const reason = new Error('too late')
      await expect(fetchOnce({}, AbortSignal.abort(reason))).rejects.toBe(reason)
      expect(origin.connections).toBe(0)
    })

    it('rejects with what is a bug rather than the doing of an origin', async () => {
      const resolve = () => Promise.reject(new TypeError('bug'))
      await expect(fetchOnce({ resolve })).rejects.toThrow(TypeError)
    })
  })
})

/** A TCP server that accepts and, unless told otherwise, says nothing. */
async function listenSilently(onConnection: (socket: Socket) => void = () => undefined) {
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
