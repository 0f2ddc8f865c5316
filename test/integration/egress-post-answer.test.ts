import { describe, expect, it } from 'vitest'
import { HOST, JSON_TYPE, PATH, setupEgress } from './egress-bundle.ts'

/** Long enough for a busy machine to reach the phase under test, short enough to wait for. */
const DEADLINE_MS = 5000
/** What a busy machine may add to a deadline before we call it missed. */
const SLACK_MS = 10_000

describe('the guarded POST, reading an answer', () => {
  const bed = setupEgress()

  it.each([200, 202, 204, 301, 302, 304, 307, 400, 401, 404, 410, 413, 500, 503])(
    'FET-05: leaves it to the caller to judge a %i, and follows nothing',
    async (status) => {
      const headers = { location: 'https://localhost/', connection: 'close' }
      bed.origin.serve(HOST, PATH, { status, headers })
      expect(await bed.postOnce()).toMatchObject({ kind: 'answered', status, evidence: { status } })
      expect(bed.origin.connections).toBe(1)
    },
  )

  it('hands on the pace a receiver asks for, in seconds and as a date', async () => {
    const nowMs = () => Date.parse('2026-11-20T12:00:00Z')
    bed.origin.serve(HOST, PATH, { status: 429, headers: { 'retry-after': '30' } })
    expect(await bed.postOnce()).toMatchObject({ status: 429, retryAfterSeconds: 30 })
    const date = 'Fri, 20 Nov 2026 12:01:00 GMT'
    bed.origin.serve(HOST, PATH, { status: 503, headers: { 'retry-after': date } })
    expect(await bed.postOnce({ nowMs })).toMatchObject({ status: 503, retryAfterSeconds: 60 })
    bed.origin.serve(HOST, PATH, { status: 503, headers: { 'retry-after': '4000000000' } })
    expect(await bed.postOnce()).toMatchObject({ retryAfterSeconds: 86_400 })
  })

  it('keeps 1024 bytes of a body, or what the deployment or the request says', async () => {
    bed.origin.serve(HOST, PATH, { body: 'x'.repeat(50_000) })
    const lengthOf = async (options: Parameters<typeof bed.postOnce>[0]) => {
      const result = await bed.postOnce(options)
      return result.kind === 'answered' ? result.bodyText.length : result.code
    }
    expect(await lengthOf({})).toBe(1024)
    expect(await lengthOf({ bodyBytesMax: 10 })).toBe(10)
    expect(await lengthOf({ bodyBytesMax: 10, request: { bodyBytesMax: 20_000 } })).toBe(20_000)
  })

  it('keeps the evidence of a fetch', async () => {
    bed.origin.serve(HOST, PATH, { headers: JSON_TYPE, body: '{}' })
    expect(await bed.postOnce()).toEqual({
      kind: 'answered',
      status: 200,
      bodyText: '{}',
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
        bodyBytes: 2,
        wireBytes: expect.any(Number),
        times: expect.objectContaining({ totalMs: expect.any(Number), headersMs: expect.any(Number) }),
      },
    })
  })

  it('FET-28: ignores interim responses', async () => {
    bed.origin.serve(HOST, PATH, (_request, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' })
      response.writeHead(204).end()
    })
    expect(await bed.postOnce()).toMatchObject({ kind: 'answered', status: 204 })
  })

  it('counts as answered though the body breaks off', async () => {
    bed.origin.serve(HOST, PATH, (_request, response) => {
      response.writeHead(202, { ...JSON_TYPE, 'content-length': '100' })
      response.write('{"a"', () => response.destroy())
    })
    expect(await bed.postOnce()).toMatchObject({ kind: 'answered', status: 202 })
  })

  it('FET-23: counts as answered though the body never ends, cut at the deadline', async () => {
    bed.origin.serve(HOST, PATH, (_request, response) => {
      response.writeHead(200, JSON_TYPE)
      response.write('{"begun":')
    })
    const result = await bed.postOnce({ deadlineMs: DEADLINE_MS })
    expect(result).toMatchObject({ kind: 'answered', status: 200, bodyText: '{"begun":' })
    expect(result.evidence.times.totalMs).toBeLessThan(DEADLINE_MS + SLACK_MS)
  })

  it('hears a receiver that answers before it was sent everything', async () => {
    bed.origin.serve(HOST, PATH, { status: 413, headers: { connection: 'close' } })
    const body = 'x'.repeat(200_000)
    expect(await bed.postOnce({ request: { body } })).toMatchObject({ kind: 'answered', status: 413 })
  })
})
