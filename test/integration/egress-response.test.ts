import { describe, expect, it } from 'vitest'
import { holdOpen, injectedFrom } from '../harness/origin.ts'
import { HOST, JSON_TYPE, PATH, setupEgress, URL_, USER_AGENT } from './egress-bundle.ts'

describe('the guarded fetch, reading a response', () => {
  const bed = setupEgress()

  describe('what is fetched', () => {
    it('FET-04: returns the bytes of a 200, with its type, cache fields and evidence', async () => {
      const headers = {
        ...JSON_TYPE,
        'cache-control': ['max-age=60', 'public'],
        etag: '"1"',
        'set-cookie': 'a=b',
      }
      bed.origin.serve(HOST, PATH, { headers, body: '{"a":1}' })
      const result = await bed.fetchOnce()
      expect(result).toEqual({
        kind: 'fetched',
        body: new TextEncoder().encode('{"a":1}'),
        contentType: 'application/json',
        headers: { 'cache-control': ['max-age=60', 'public'], date: [expect.any(String)], etag: ['"1"'] },
        evidence: {
          phase: 'body',
          addresses: ['93.184.215.14'],
          dialledAddress: '93.184.215.14',
          dialledClass: 'public',
          tlsVersion: 'TLSv1.3',
          certificateSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
          certificateIssuer: 'Throw-away test authority',
          certificateKeySha256: expect.stringMatching(/^[0-9a-f]{64}$/),
          status: 200,
          contentType: 'application/json',
          bodyBytes: 7,
          wireBytes: expect.any(Number),
          times: {
            urlMs: expect.any(Number),
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
      bed.origin.serve(HOST, PATH, { headers: JSON_TYPE, body: '{}' })
      await bed.fetchOnce()
      expect(bed.origin.requests).toHaveLength(1)
      expect(bed.origin.requests[0]).toMatchObject({ method: 'GET', url: URL_ })
      expect(bed.origin.requests[0]?.rawHeaders).toEqual([
        ...['host', HOST],
        ...['connection', 'close'],
        ...['accept', 'application/cimd+json, application/json;q=0.9, application/*+json;q=0.8'],
        ...['accept-encoding', 'identity'],
        ...['user-agent', USER_AGENT],
      ])
    })

    it('FET-06: sends validators it is given, and takes the 304 that answers them', async () => {
      bed.origin.serve(HOST, PATH, { status: 304, headers: { etag: '"1"', 'cache-control': 'max-age=60' } })
      const lastModified = 'Fri, 20 Nov 2026 12:00:00 GMT'
      const result = await bed.fetchOnce({ validators: { etag: '"1"', lastModified } })
      expect(result).toMatchObject({ kind: 'not_modified', headers: { 'cache-control': ['max-age=60'] } })
      expect(bed.origin.requests[0]?.headers).toMatchObject({
        'if-none-match': '"1"',
        'if-modified-since': lastModified,
      })
    })

    it('FET-06: refuses a 304 that nobody asked for', async () => {
      bed.origin.serve(HOST, PATH, { status: 304 })
      expect(await bed.fetchOnce()).toMatchObject({ kind: 'failed', code: 'not_modified_unasked' })
    })

    it('FET-10: reads a body of exactly the cap', async () => {
      bed.origin.serve(HOST, PATH, { headers: JSON_TYPE, body: 'x'.repeat(5120) })
      expect(await bed.fetchOnce()).toMatchObject({ kind: 'fetched', evidence: { bodyBytes: 5120 } })
    })

    it('waits for an origin that takes its time within the deadline', async () => {
      const held = holdOpen({ headers: JSON_TYPE, body: '{}' })
      bed.origin.serve(HOST, PATH, held.handler)
      const arrived = bed.origin.nextRequest(URL_)
      const fetching = bed.fetchOnce()
      await arrived
      held.release()
      expect(await fetching).toMatchObject({ kind: 'fetched' })
      expect(bed.origin.hits(URL_)).toBe(1)
    })

    it('reaches the origin by a plan of plain JSON, as a fetcher in another process does', async () => {
      bed.origin.serve(HOST, PATH, { headers: JSON_TYPE, body: '{}' })
      const plan = { port: bed.origin.port, ca: bed.origin.ca, defaultAddresses: ['93.184.215.14'] }
      expect(await bed.fetchOnce(injectedFrom(plan))).toMatchObject({ kind: 'fetched' })
      const mapped = injectedFrom({ ...plan, resolutions: { [HOST]: ['10.0.0.1'] } })
      expect(await bed.fetchOnce(mapped)).toMatchObject({ kind: 'failed', code: 'address_blocked' })
    })

    it('FET-28: ignores interim responses', async () => {
      bed.origin.serve(HOST, PATH, (_request, response) => {
        response.writeEarlyHints({ link: '</style.css>; rel=preload' })
        response.writeHead(200, JSON_TYPE).end('{}')
      })
      expect(await bed.fetchOnce()).toMatchObject({ kind: 'fetched', evidence: { status: 200 } })
    })
  })

  describe('what is refused by its head', () => {
    it('FET-05: does not follow a redirect, not even to the same origin', async () => {
      bed.origin.serve(HOST, PATH, { status: 302, headers: { location: '/elsewhere.json' } })
      bed.origin.serve(HOST, '/elsewhere.json', { headers: JSON_TYPE, body: '{}' })
      expect(await bed.fetchOnce()).toMatchObject({
        kind: 'failed',
        code: 'redirect',
        evidence: { status: 302 },
      })
      expect(bed.origin.requests).toHaveLength(1)
    })

    it('FET-08: names an HTML page as such', async () => {
      bed.origin.serve(HOST, PATH, { headers: { 'content-type': 'text/html; charset=utf-8' }, body: '<p>' })
      expect(await bed.fetchOnce()).toMatchObject({
        kind: 'failed',
        code: 'html_page',
        evidence: { contentType: 'text/html; charset=utf-8', bodyBytes: 0 },
      })
    })

    it('FET-08: keeps a type that is refused, and both of two, as evidence', async () => {
      const headers = { 'content-type': ['image/png', 'application/json'] }
      bed.origin.serve(HOST, PATH, { headers, body: '{}' })
      expect(await bed.fetchOnce()).toMatchObject({
        code: 'content_type',
        evidence: { contentType: 'image/png, application/json' },
      })
    })

    it.each([408, 421, 425])('FET-04: takes a %i for no word of the publisher', async (status) => {
      bed.origin.serve(HOST, PATH, { status, headers: { connection: 'close' } })
      expect(await bed.fetchOnce()).toMatchObject({ kind: 'failed', code: 'status_not_handled' })
    })

    it('reports a 404 as the withdrawal it is', async () => {
      expect(await bed.fetchOnce()).toMatchObject({ kind: 'failed', code: 'status_404' })
    })

    it('FET-23: hands on the pace a 429 asks for', async () => {
      bed.origin.serve(HOST, PATH, { status: 429, headers: { 'retry-after': '30' } })
      expect(await bed.fetchOnce()).toMatchObject({
        kind: 'failed',
        code: 'status_429',
        retryAfterSeconds: 30,
      })
    })

    it('FET-11: refuses a content coding although identity was asked for', async () => {
      bed.origin.serve(HOST, PATH, { headers: { ...JSON_TYPE, 'content-encoding': 'gzip' }, body: 'x' })
      expect(await bed.fetchOnce()).toMatchObject({ kind: 'failed', code: 'content_encoding' })
    })

    it('FET-10: refuses an oversized Content-Length without reading the body', async () => {
      bed.origin.serve(HOST, PATH, (_request, response) => {
        response.writeHead(200, { ...JSON_TYPE, 'content-length': '5121' })
        response.flushHeaders()
      })
      expect(await bed.fetchOnce()).toMatchObject({
        kind: 'failed',
        code: 'too_large',
        evidence: { bodyBytes: 0 },
      })
    })

    it('FET-11: bounds the bytes of the header section', async () => {
      bed.origin.serve(HOST, PATH, { headers: { ...JSON_TYPE, 'x-filler': 'x'.repeat(9000) }, body: '{}' })
      expect(await bed.fetchOnce()).toMatchObject({ kind: 'failed', code: 'headers_too_large' })
    })
  })

  describe('what is refused while it is read', () => {
    it('FET-10, FET-11: stops at the cap of a chunked body that has no end', async () => {
      bed.origin.serve(HOST, PATH, (_request, response) => {
        response.writeHead(200, JSON_TYPE)
        const pour = () => {
          while (!response.destroyed && response.write('x'.repeat(1024)));
        }
        response.on('drain', pour)
        pour()
      })
      const result = await bed.fetchOnce()
      expect(result).toMatchObject({ kind: 'failed', code: 'too_large' })
      expect(result.evidence.bodyBytes).toBeGreaterThan(5120)
    })

    it('reports a body that ends before its Content-Length', async () => {
      bed.origin.serve(HOST, PATH, (_request, response) => {
        response.writeHead(200, { ...JSON_TYPE, 'content-length': '100' })
        response.write('{', () => response.destroy())
      })
      expect(await bed.fetchOnce()).toMatchObject({ kind: 'failed', code: 'response_incomplete' })
    })

    it('names the error of a parser that gives it no code', async () => {
      bed.origin.serve(HOST, PATH, (_request, response) => {
        response.writeHead(200, { ...JSON_TYPE, connection: 'close' })
        response.write('{', () => response.destroy())
      })
      expect(await bed.fetchOnce()).toMatchObject({
        code: 'response_malformed',
        detail: 'HTTPParserError in phase body',
      })
    })

    it('reports a connection that closes before any answer, without asking twice', async () => {
      bed.origin.serve(HOST, PATH, (_request, response) => void response.destroy())
      expect(await bed.fetchOnce()).toMatchObject({ kind: 'failed', code: 'response_incomplete' })
      expect(bed.origin.connections).toBe(1)
    })
  })

  describe('what else a publisher has', () => {
    const KEYS = '{"keys":[]}'

    it('KEY-14, FET-13: fetches a key set, with a cap and a type of its own', async () => {
      const url = `https://${HOST}/keys`
      const headers = { 'content-type': 'application/jwk-set+json' }
      bed.origin.serve(HOST, '/keys', { headers, body: KEYS })
      expect(await bed.fetchOnce({ url, resource: 'jwks' })).toMatchObject({ kind: 'fetched' })
      expect(bed.origin.requests[0]?.headers.accept).toContain('application/jwk-set+json')
      bed.origin.serve(HOST, '/keys', { headers, body: KEYS.padEnd(65_536) })
      expect(await bed.fetchOnce({ url, resource: 'jwks' })).toMatchObject({
        kind: 'fetched',
        evidence: { bodyBytes: 65_536 },
      })
      bed.origin.serve(HOST, '/keys', { headers, body: KEYS.padEnd(65_537) })
      expect(await bed.fetchOnce({ url, resource: 'jwks' })).toMatchObject({
        kind: 'failed',
        code: 'too_large',
      })
      bed.origin.serve(HOST, '/keys', { headers: { 'content-type': 'text/plain' }, body: KEYS })
      expect(await bed.fetchOnce({ url, resource: 'jwks' })).toMatchObject({ code: 'content_type' })
    })

    it('FET-13: fetches a logo of at most 256 KiB, and nothing a browser would run', async () => {
      const url = `https://${HOST}/logo`
      const headers = { 'content-type': 'image/png' }
      const logo = (bytes: number) => ({ headers, body: new Uint8Array(bytes) })
      bed.origin.serve(HOST, '/logo', logo(262_144))
      expect(await bed.fetchOnce({ url, resource: 'logo' })).toMatchObject({
        kind: 'fetched',
        contentType: 'image/png',
        evidence: { bodyBytes: 262_144 },
      })
      expect(bed.origin.requests[0]?.headers.accept).toMatch(/^image\/png/)
      bed.origin.serve(HOST, '/logo', logo(262_145))
      expect(await bed.fetchOnce({ url, resource: 'logo' })).toMatchObject({ code: 'too_large' })
      bed.origin.serve(HOST, '/logo', { headers: { 'content-type': 'image/svg+xml' }, body: '<svg/>' })
      expect(await bed.fetchOnce({ url, resource: 'logo' })).toMatchObject({ code: 'content_type' })
    })

    it.each(['jwks', 'logo'] as const)('FET-13: guards a %s like a document', async (resource) => {
      bed.origin.resolveTo(HOST, ['169.254.169.254'])
      expect(await bed.fetchOnce({ resource })).toMatchObject({ code: 'address_blocked' })
      expect(await bed.fetchOnce({ resource, url: 'https://metadata.google.internal/' })).toMatchObject({
        code: 'host_special_use',
      })
      expect(bed.origin.connections).toBe(0)
    })
  })
})
