import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import type { PostRequest } from '@cimd/core'
import { createGuardedPost, type Dial, dialThroughProxy } from '@cimd/egress'
import { describe, expect, it } from 'vitest'
import { createAuthority } from '../harness/authority.ts'
import { type Handler, injected } from '../harness/origin.ts'
import { HOST, JSON_TYPE, listenSilently, PATH, setupEgress, URL_, USER_AGENT } from './egress-bundle.ts'

/** Long enough for a busy machine to reach the phase under test, short enough to wait for. */
const DEADLINE_MS = 5000
/** What a busy machine may add to a deadline before we call it missed. */
const SLACK_MS = 10_000

const HEADERS = {
  'webhook-id': 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W',
  'webhook-timestamp': '1795176000',
  'webhook-signature': 'v1,c2lnbmF0dXJl v1,b3RoZXI=',
}

/** Answers with what it was sent. */
const echo: Handler = async (_request, response) => {
  const sent = await text(response.req)
  response.writeHead(200, JSON_TYPE).end(sent)
}

describe('the guarded POST', () => {
  const bed = setupEgress()

  describe('what is sent', () => {
    it('FET-25: sends exactly the fixed fields and those of Standard Webhooks, once, and closes', async () => {
      bed.origin.serve(HOST, PATH, echo)
      const body = '{"type":"client.withdrawn","é":1}'
      expect(await bed.postOnce({ request: { headers: HEADERS, body } })).toMatchObject({
        kind: 'answered',
        status: 200,
        bodyText: body,
      })
      expect(bed.origin.requests).toHaveLength(1)
      expect(bed.origin.requests[0]).toMatchObject({ method: 'POST', url: URL_ })
      expect(bed.origin.requests[0]?.rawHeaders).toEqual([
        ...['host', HOST],
        ...['connection', 'close'],
        ...['accept', '*/*'],
        ...['accept-encoding', 'identity'],
        ...['user-agent', USER_AGENT],
        ...['content-type', 'application/json'],
        ...Object.entries(HEADERS).flat(),
        ...['content-length', '34'],
      ])
    })

    it('sends bytes as they are, path and query as they stand', async () => {
      const url = `https://${HOST}/hooks/a%2Fb?tenant=a&kinds[]=b`
      bed.origin.serve(HOST, '/hooks/a%2Fb?tenant=a&kinds[]=b', echo)
      const body = new TextEncoder().encode('{"a":1}')
      expect(await bed.postOnce({ request: { url, body } })).toMatchObject({
        status: 200,
        bodyText: '{"a":1}',
      })
    })

    it('says the length of a body that is empty', async () => {
      bed.origin.serve(HOST, PATH, echo)
      expect(await bed.postOnce({ request: { body: '' } })).toMatchObject({ status: 200, bodyText: '' })
      expect(bed.origin.requests[0]?.headers['content-length']).toBe('0')
    })

    it.each([
      [{ 'webhook-id': 'a\r\nhost: evil.example' }],
      [{ 'webhook-signature': 'a\nb' }],
      [{ 'webhook-timestamp': 'a\0b' }],
      [{ 'webhook-id': 'é' }],
      [{ authorization: 'Bearer a' }],
      [{ 'content-length': '1' }],
      [{ 'Webhook-Id': 'a' }],
    ])('rejects as a bug, before any connection, %j', async (headers) => {
      const request = { headers: headers as PostRequest['headers'] }
      await expect(bed.postOnce({ request })).rejects.toThrow(TypeError)
      expect(bed.origin.connections).toBe(0)
    })
  })

  describe('what is refused before anybody is asked', () => {
    it.each([
      ['http://app.example.com/x', 'url_scheme'],
      ['https://user@app.example.com/x', 'url_userinfo'],
      ['https://app.example.com/x#y', 'url_fragment'],
      ['https://metadata.google.internal/x', 'host_special_use'],
      ['https://localhost/x', 'host_special_use'],
      ['https://wiki/x', 'host_single_label'],
      ['https://127.0.0.1/x', 'host_ip_literal'],
      ['https://[::1]/x', 'host_ip_literal'],
      ['no url', 'url_scheme'],
    ])('FET-12, FET-19: refuses %s with %s', async (url, code) => {
      const resolve = () => Promise.reject(new Error('was asked'))
      expect(await bed.postOnce({ resolve, request: { url } })).toMatchObject({
        kind: 'failed',
        code,
        evidence: { phase: 'url', addresses: [] },
      })
    })

    it.each([[['169.254.169.254']], [['93.184.215.14', '10.0.0.1']], [['::ffff:127.0.0.1']]])(
      'FET-12, FET-16: refuses a name that resolves to %j, without any connection',
      async (addresses) => {
        bed.origin.resolveTo(HOST, addresses)
        expect(await bed.postOnce()).toMatchObject({ kind: 'failed', code: 'address_blocked' })
        expect(bed.origin.connections).toBe(0)
      },
    )

    it('FET-16: asks for a name once and dials what it was told then', async () => {
      bed.origin.serve(HOST, PATH, { status: 204 })
      const ports = injected(bed.origin)
      const dialled: string[] = []
      const later = [['93.184.215.14'], ['10.0.0.1']]
      const resolve = async () => later.shift() ?? ['10.0.0.1']
      const dial: Dial = (address, port, signal) => {
        dialled.push(address)
        return ports.dial(address, port, signal)
      }
      expect(await bed.postOnce({ resolve, dial })).toMatchObject({ kind: 'answered', status: 204 })
      expect(await bed.postOnce({ resolve, dial })).toMatchObject({ kind: 'failed', code: 'address_blocked' })
      expect(dialled).toEqual(['93.184.215.14'])
    })

    it('takes any port, unless the deployment says which', async () => {
      const asked: number[] = []
      const dial: Dial = async (_address, port) => {
        asked.push(port)
        throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
      }
      const request = { url: `https://${HOST}:8443/hook` }
      expect(await bed.postOnce({ dial, request })).toMatchObject({ code: 'connect_failed' })
      expect(await bed.postOnce({ dial, request, allowedPorts: [443] })).toMatchObject({
        code: 'port_not_allowed',
      })
      expect(asked).toEqual([8443])
    })
  })

  describe('the connection', () => {
    it('FET-24: refuses a certificate of another name or authority, and sends nothing', async () => {
      bed.origin.resolveTo('other.example.com', ['93.184.215.14'])
      const failed = { kind: 'failed', code: 'tls_certificate_invalid' }
      const request = { url: 'https://other.example.com/hook', headers: HEADERS }
      expect(await bed.postOnce({ request })).toMatchObject(failed)
      const stranger = await createAuthority('Somebody else')
      expect(await bed.postOnce({ ca: stranger.ca })).toMatchObject(failed)
      expect(bed.origin.requests).toEqual([])
    })

    it('FET-18: goes through an egress proxy, to the vetted address', async () => {
      bed.origin.serve(HOST, PATH, echo)
      const tunnels: string[] = []
      const proxy = createServer().on('connect', ({ url = '' }: IncomingMessage, socket: Socket) => {
        tunnels.push(url)
        const upstream = connect({ host: '127.0.0.1', port: bed.origin.port })
        for (const one of [socket, upstream]) one.on('error', () => undefined)
        socket.write('HTTP/1.1 200 x\r\n\r\n')
        socket.pipe(upstream).pipe(socket)
      })
      proxy.listen(0, '127.0.0.1')
      await once(proxy, 'listening')
      const dial = dialThroughProxy(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`)
      expect(await bed.postOnce({ dial })).toMatchObject({ kind: 'answered', status: 200, bodyText: '{}' })
      expect(tunnels).toEqual(['93.184.215.14:443'])
      proxy.close()
      await once(proxy, 'close')
    })

    it.each([
      ['a wait for the head', 'timeout_response', () => ({})],
      [
        'a dial that never settles',
        'timeout_connect',
        () => ({ dial: () => new Promise<never>(() => undefined) }),
      ],
      [
        'a resolution that never settles',
        'timeout_dns',
        () => ({ resolve: () => new Promise<never>(() => undefined) }),
      ],
    ])('FET-23: ends %s at its deadline', async (_what, code, ways) => {
      bed.origin.serve(HOST, PATH, () => undefined)
      const result = await bed.postOnce({ deadlineMs: DEADLINE_MS, ...ways() })
      expect(result).toMatchObject({ kind: 'failed', code })
      expect(result.evidence.times.totalMs).toBeGreaterThan(DEADLINE_MS - 50)
      expect(result.evidence.times.totalMs).toBeLessThan(DEADLINE_MS + SLACK_MS)
    })

    it('FET-23: ends a stalled TLS handshake at its deadline', async () => {
      const silent = await listenSilently()
      const result = await bed.postOnce({ deadlineMs: DEADLINE_MS, dial: silent.dial })
      expect(result).toMatchObject({ kind: 'failed', code: 'timeout_connect' })
      expect(result.evidence.times.totalMs).toBeLessThan(DEADLINE_MS + SLACK_MS)
      await silent.close()
    })

    it('reports a receiver that closes before any answer, without asking twice', async () => {
      bed.origin.serve(HOST, PATH, (_request, response) => void response.destroy())
      expect(await bed.postOnce()).toMatchObject({ kind: 'failed', code: 'response_incomplete' })
      expect(bed.origin.connections).toBe(1)
    })

    it('has no answer where the head is too large', async () => {
      bed.origin.serve(HOST, PATH, { headers: { 'x-filler': 'x'.repeat(9000) }, body: '{}' })
      expect(await bed.postOnce()).toMatchObject({ kind: 'failed', code: 'headers_too_large' })
    })

    it('FET-24: refuses an authority that is not public when none is named', async () => {
      const { ca: _, ...ports } = injected(bed.origin)
      const post = createGuardedPost({ userAgent: USER_AGENT, ...ports, dial: bed.recording(ports.dial) })
      const result = await post({ url: URL_, headers: {}, body: '{}' }, new AbortController().signal)
      expect(result).toMatchObject({ code: 'tls_certificate_invalid' })
    })
  })

  describe('the caller', () => {
    it('rejects with the reason of the signal, in the middle of a body too', async () => {
      const begun = Promise.withResolvers<void>()
      bed.origin.serve(HOST, PATH, (_request, response) => {
        response.writeHead(200, JSON_TYPE)
        response.write('{', () => begun.resolve())
      })
      const control = new AbortController()
      const posting = bed.postOnce({}, control.signal)
      await begun.promise
      const reason = new Error('shutting down')
      control.abort(reason)
      await expect(posting).rejects.toBe(reason)
    })

    it('does nothing at all for a signal that has already aborted', async () => {
      const reason = new Error('too late')
      await expect(bed.postOnce({}, AbortSignal.abort(reason))).rejects.toBe(reason)
      expect(bed.origin.connections).toBe(0)
    })
  })
})
