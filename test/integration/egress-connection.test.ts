import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createFetchDocument, type Dial, dialTcp, dialThroughProxy } from '@cimd/egress'
import { describe, expect, it, vi } from 'vitest'
import { createAuthority } from '../harness/authority.ts'
import { injected } from '../harness/origin.ts'
import { HOST, JSON_TYPE, listenSilently, PATH, setupEgress, URL_, USER_AGENT } from './egress-bundle.ts'

describe('the guarded fetch, connecting', () => {
  const bed = setupEgress()

  it('CHG-05: shows who issued the certificate, and the key that it proves, of a verified one alone', async () => {
    bed.origin.serve(HOST, PATH, { headers: JSON_TYPE, body: '{}' })
    const { evidence } = await bed.fetchOnce()
    expect(evidence).toMatchObject({
      certificateIssuer: 'Throw-away test authority',
      certificateKeySha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(evidence.certificateKeySha256).not.toBe(evidence.certificateSha256)
    const stranger = await createAuthority('Another authority')
    const refused = await bed.fetchOnce({ ca: stranger.ca })
    expect(refused).toMatchObject({ code: 'tls_certificate_invalid' })
    expect(refused.evidence).not.toHaveProperty('certificateIssuer')
    expect(refused.evidence).not.toHaveProperty('certificateKeySha256')
  })

  describe('the addresses', () => {
    it('FET-12: refuses a name that resolves to the metadata address, without any connection', async () => {
      bed.origin.resolveTo(HOST, ['169.254.169.254'])
      expect(await bed.fetchOnce()).toMatchObject({
        kind: 'failed',
        code: 'address_blocked',
        detail: expect.stringContaining('169.254.169.254/32'),
        evidence: { addresses: ['169.254.169.254'], bodyBytes: 0 },
      })
      expect(bed.origin.connections).toBe(0)
    })

    it('FET-16: refuses mixed public and private answers, without any connection', async () => {
      bed.origin.resolveTo(HOST, ['93.184.215.14', '10.0.0.1'])
      expect(await bed.fetchOnce()).toMatchObject({
        kind: 'failed',
        code: 'address_blocked',
        evidence: { addresses: ['93.184.215.14', '10.0.0.1'] },
      })
      expect(bed.origin.connections).toBe(0)
    })

    it('FET-16: vets an address literal, which no resolver would ever see', async () => {
      expect(await bed.fetchOnce({ url: 'https://127.0.0.1/x' })).toMatchObject({ code: 'address_blocked' })
      expect(await bed.fetchOnce({ url: 'https://[::7f00:1]/x' })).toMatchObject({ code: 'address_blocked' })
      expect(bed.origin.connections).toBe(0)
    })

    it('reports a name without addresses', async () => {
      bed.origin.resolveTo(HOST, [])
      expect(await bed.fetchOnce()).toMatchObject({ kind: 'failed', code: 'dns_not_found' })
    })

    it('FET-16: tries a second vetted address when the first refuses, and no third', async () => {
      const addresses = ['93.184.215.1', '93.184.215.2', '93.184.215.3']
      const tried: string[] = []
      bed.origin.resolveTo(HOST, addresses)
      const dial: Dial = async (address) => {
        tried.push(address)
        throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
      }
      expect(await bed.fetchOnce({ dial })).toMatchObject({
        kind: 'failed',
        code: 'connect_failed',
        evidence: { dialledAddress: '93.184.215.2' },
      })
      expect(tried).toEqual(addresses.slice(0, 2))
    })

    it('FET-16: tries an address of the other family second', async () => {
      const tried: string[] = []
      bed.origin.resolveTo(HOST, ['93.184.215.1', '93.184.215.2', '2606:4700::1111'])
      const dial: Dial = async (address) => {
        tried.push(address)
        throw Object.assign(new Error('no route'), { code: 'ENETUNREACH' })
      }
      expect(await bed.fetchOnce({ dial })).toMatchObject({ kind: 'failed', code: 'connect_failed' })
      expect(tried).toEqual(['93.184.215.1', '2606:4700::1111'])
    })

    it.each([
      ['93.184.215.1', '403'],
      ['2606:4700::1111', '502'],
    ])('FET-18: tells of a proxy that refuses one of two addresses, also if %s got %s', async (first) => {
      const proxy = createServer().on('connect', ({ url = '' }, socket) => {
        socket.on('error', () => undefined)
        socket.end(`HTTP/1.1 ${url.startsWith('93.') ? 403 : 502} x\r\n\r\n`)
      })
      proxy.listen(0, '127.0.0.1')
      await once(proxy, 'listening')
      bed.origin.resolveTo(HOST, [first, ...['93.184.215.1', '2606:4700::1111'].filter((it) => it !== first)])
      const dial = dialThroughProxy(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`)
      expect(await bed.fetchOnce({ dial })).toMatchObject({ kind: 'failed', code: 'egress_denied' })
      proxy.close()
      await once(proxy, 'close')
    })

    it('FET-17: on an IPv6-only network reaches what its translator embeds, if that is public', async () => {
      bed.origin.serve(HOST, PATH, { headers: JSON_TYPE, body: '{}' })
      const addresses = { nat64Prefixes: ['64:ff9b::/96'] }
      bed.origin.resolveTo(HOST, ['64:ff9b::5db8:d70e'])
      expect(await bed.fetchOnce({ addresses })).toMatchObject({
        kind: 'fetched',
        evidence: { dialledAddress: '64:ff9b::5db8:d70e', dialledClass: 'nat64' },
      })
      expect(await bed.fetchOnce()).toMatchObject({ kind: 'failed', code: 'address_blocked' })
      bed.origin.resolveTo(HOST, ['64:ff9b::a9fe:a9fe'])
      expect(await bed.fetchOnce({ addresses })).toMatchObject({ kind: 'failed', code: 'address_blocked' })
    })

    it('FET-12: refuses what the operator denies', async () => {
      bed.origin.serve(HOST, PATH, { headers: JSON_TYPE, body: '{}' })
      const addresses = { deniedBlocks: ['93.184.215.0/24'] }
      expect(await bed.fetchOnce({ addresses })).toMatchObject({
        kind: 'failed',
        code: 'address_blocked',
        detail: expect.stringContaining('denied by the operator'),
      })
      expect(bed.origin.connections).toBe(0)
    })

    it.each([
      ['http://app.example.com/x', 'url_scheme'],
      ['https://user@app.example.com/x', 'url_userinfo'],
      ['https://metadata.google.internal/x', 'host_special_use'],
      ['https://wiki/x', 'host_single_label'],
      ['https://app.example.com:22/x', 'port_not_allowed'],
      ['no url', 'url_unparsable'],
    ])('FET-13, CID-15: refuses %s before any name is looked up', async (url, code) => {
      const resolve = () => Promise.reject(new Error('was asked'))
      expect(await bed.fetchOnce({ url, resolve })).toMatchObject({
        kind: 'failed',
        code,
        evidence: { phase: 'url', addresses: [] },
      })
    })

    it('FET-16: does not let a silent first address eat the deadline of the second', async () => {
      bed.origin.resolveTo(HOST, ['93.184.215.1', '93.184.215.2'])
      bed.origin.serve(HOST, PATH, { headers: JSON_TYPE, body: '{}' })
      const ports = injected(bed.origin)
      const dial: Dial = async (address, port, signal) => {
        if (address === '93.184.215.2') return await ports.dial(address, port, signal)
        await once(signal, 'abort')
        throw signal.reason
      }
      expect(await bed.fetchOnce({ dial })).toMatchObject({
        kind: 'fetched',
        evidence: { dialledAddress: '93.184.215.2' },
      })
    })

    it('FET-14: reaches an origin on loopback by its real address, only with the development switch', async () => {
      const url = `https://${HOST}:${bed.origin.port}${PATH}`
      bed.origin.serve(`${HOST}:${bed.origin.port}`, PATH, { headers: JSON_TYPE, body: '{}' })
      bed.origin.resolveTo(HOST, ['127.0.0.1'])
      const reachable = { url, dial: dialTcp, allowedPorts: [bed.origin.port] }
      expect(await bed.fetchOnce(reachable)).toMatchObject({ kind: 'failed', code: 'address_blocked' })
      const development = { ...reachable, dangerouslyAllowLoopback: true }
      expect(await bed.fetchOnce(development)).toMatchObject({
        kind: 'fetched',
        evidence: { dialledClass: 'loopback' },
      })
    })
  })

  describe('TLS', () => {
    it('FET-24: refuses a certificate of another name, and keeps its fingerprint', async () => {
      bed.origin.resolveTo('other.example.com', ['93.184.215.14'])
      const result = await bed.fetchOnce({ url: `https://other.example.com${PATH}` })
      expect(result).toMatchObject({
        kind: 'failed',
        code: 'tls_certificate_invalid',
        evidence: { certificateSha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      })
      expect(bed.origin.requests).toEqual([])
    })

    it('FET-24: refuses an unknown authority, and keeps the fingerprint', async () => {
      const stranger = await createAuthority('Somebody else')
      expect(await bed.fetchOnce({ ca: stranger.ca })).toMatchObject({
        kind: 'failed',
        code: 'tls_certificate_invalid',
        evidence: { phase: 'tls', certificateSha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      })
      expect(bed.origin.requests).toEqual([])
    })

    it('FET-24: verifies even where the environment says not to', async () => {
      const stranger = await createAuthority('Somebody else')
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
      const result = await bed.fetchOnce({ ca: stranger.ca })
      vi.unstubAllEnvs()
      expect(result).toMatchObject({ kind: 'failed', code: 'tls_certificate_invalid' })
    })

    it('FET-24: refuses an authority that is not public when none is named', async () => {
      const { ca: _, ...ports } = injected(bed.origin)
      const fetchDocument = createFetchDocument({
        userAgent: USER_AGENT,
        ...ports,
        dial: bed.recording(ports.dial),
      })
      expect(await fetchDocument({ url: URL_ }, new AbortController().signal)).toMatchObject({
        code: 'tls_certificate_invalid',
      })
    })

    it('reports a server that does not speak TLS', async () => {
      const plain = await listenSilently((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
      expect(await bed.fetchOnce({ dial: plain.dial })).toMatchObject({ kind: 'failed', code: 'tls_failed' })
      await plain.close()
    })
  })

  describe('the caller', () => {
    it('rejects with the reason of the signal, at once, in the middle of a response', async () => {
      bed.origin.serve(HOST, PATH, () => undefined)
      const control = new AbortController()
      const arrived = bed.origin.nextRequest(URL_)
      const fetching = bed.fetchOnce({}, control.signal)
      await arrived
      const reason = new Error('shutting down')
      control.abort(reason)
      await expect(fetching).rejects.toBe(reason)
    })

    it('does nothing at all for a signal that has already aborted', async () => {
      const reason = new Error('too late')
      await expect(bed.fetchOnce({}, AbortSignal.abort(reason))).rejects.toBe(reason)
      expect(bed.origin.connections).toBe(0)
    })

    it('rejects with what is a bug rather than the doing of an origin', async () => {
      const resolve = () => Promise.reject(new TypeError('bug'))
      await expect(bed.fetchOnce({ resolve })).rejects.toThrow(TypeError)
    })
  })
})
