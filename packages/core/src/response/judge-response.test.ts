import { describe, expect, it } from 'vitest'
import { judgeResponse } from './judge-response.ts'

const NOW_MS = Date.parse('2026-11-20T12:00:00Z')
const JSON_TYPE = ['content-type', 'application/json']

/** Field lines given as names and values in turn. */
function lines(...raw: string[]): ReadonlyMap<string, readonly string[]> {
  const headers = new Map<string, string[]>()
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? ''
    headers.set(name, [...(headers.get(name) ?? []), raw[at + 1] ?? ''])
  }
  return headers
}

function judge(status: number, headers = lines(), { validatorsSent = false, bodyBytesMax = 10 } = {}) {
  return judgeResponse({ status, headers }, { validatorsSent, bodyBytesMax, nowMs: NOW_MS })
}

const judgeHeaders = (...raw: string[]) => judge(200, lines(...JSON_TYPE, ...raw))
const document = { kind: 'content', contentType: 'application/json' }

describe('judgeResponse, by the status,', () => {
  it('FET-04: takes 200 and nothing else for success', () => {
    expect(judge(200, lines(...JSON_TYPE))).toEqual(document)
  })

  it.each([
    [201, 'status_unexpected'],
    [202, 'status_unexpected'],
    [204, 'status_unexpected'],
    [206, 'status_unexpected'],
    [300, 'redirect'],
    [301, 'redirect'],
    [302, 'redirect'],
    [303, 'redirect'],
    [307, 'redirect'],
    [308, 'redirect'],
    [304, 'not_modified_unasked'],
    [400, 'status_unexpected'],
    [401, 'status_forbidden'],
    [403, 'status_forbidden'],
    [404, 'status_404'],
    [406, 'status_unexpected'],
    [408, 'status_not_handled'],
    [410, 'status_410'],
    [421, 'status_not_handled'],
    [422, 'status_unexpected'],
    [425, 'status_not_handled'],
    [429, 'status_429'],
    [451, 'status_forbidden'],
    [500, 'status_5xx'],
    [503, 'status_5xx'],
    [999, 'status_unexpected'],
  ])('FET-04, FET-05: refuses %i as %s', (status, code) => {
    expect(judge(status)).toMatchObject({ kind: 'failed', code, rule: ruleOf(status) })
  })

  it('FET-06: takes 304 for an answer only when validators were sent', () => {
    expect(judge(304, lines(), { validatorsSent: true })).toEqual({ kind: 'not_modified' })
  })

  it.each([
    [403, 'cf-mitigated', 'challenge'],
    [503, 'cf-mitigated', 'challenge'],
    [202, 'x-amzn-waf-action', 'challenge'],
    [405, 'x-amzn-waf-action', 'captcha'],
    [429, 'x-vercel-mitigated', 'challenge'],
  ])('recognises a %i with %s as the challenge of a bot protection', (status, name, value) => {
    expect(judge(status, lines(name, value))).toMatchObject({ code: 'bot_challenge' })
  })

  it('lets no challenge field turn the withdrawal of a document into anything milder', () => {
    expect(judge(404, lines('cf-mitigated', 'challenge'))).toMatchObject({ code: 'status_404' })
  })

  it('hands on how long a 429 and a 503 ask us to wait', () => {
    const later = lines('retry-after', 'Fri, 20 Nov 2026 12:02:00 GMT')
    expect(judge(429, lines('retry-after', '120'))).toMatchObject({
      code: 'status_429',
      retryAfterSeconds: 120,
    })
    expect(judge(503, later)).toMatchObject({ code: 'status_5xx', retryAfterSeconds: 120 })
    expect(judge(503, lines('retry-after', '1', 'retry-after', '2'))).not.toHaveProperty('retryAfterSeconds')
  })

  it('FET-05: says where a redirect pointed, quoted and cut', () => {
    const location = `https://elsewhere.example/${'x'.repeat(500)}`
    const detail = `status 302, location "${location.slice(0, 200)}"`
    expect(judge(302, lines('location', location))).toMatchObject({ code: 'redirect', detail })
  })
})

describe('judgeResponse, by the header fields,', () => {
  it.each(['application/json', 'application/json; charset=utf-8', 'application/cimd+json', 'text/plain'])(
    'FET-07: lets %s be read',
    (contentType) => {
      expect(judge(200, lines('content-type', contentType))).toEqual({ kind: 'content', contentType })
    },
  )

  it.each([
    ['html_page', ['content-type', 'text/html']],
    ['content_type', ['content-type', 'image/png']],
    ['content_type', []],
    ['content_type', [...JSON_TYPE, ...JSON_TYPE]],
  ])('FET-08: refuses as %s %j', (code, headers) => {
    expect(judge(200, lines(...headers))).toMatchObject({ code, rule: 'FET-08' })
  })

  it('FET-11: refuses every content coding but identity', () => {
    expect(judgeHeaders('content-encoding', 'Identity')).toEqual(document)
    expect(judgeHeaders('content-encoding', 'gzip')).toMatchObject({
      code: 'content_encoding',
      rule: 'FET-11',
    })
    expect(judgeHeaders('content-encoding', 'identity', 'content-encoding', 'br')).toMatchObject({
      code: 'content_encoding',
      detail: 'Content-Encoding "identity", "br"',
    })
  })

  it('FET-11: refuses every transfer coding but chunked', () => {
    expect(judgeHeaders('transfer-encoding', ' Chunked')).toEqual(document)
    expect(judgeHeaders('transfer-encoding', 'gzip, chunked')).toMatchObject({ code: 'response_malformed' })
    expect(judgeHeaders('transfer-encoding', 'chunked', 'transfer-encoding', 'chunked')).toMatchObject({
      code: 'response_malformed',
      rule: 'FET-11',
    })
  })

  it('FET-10: refuses a Content-Length beyond the cap and admits one at it', () => {
    expect(judgeHeaders('content-length', '10')).toEqual(document)
    expect(judgeHeaders('content-length', 'x')).toEqual(document)
    expect(judgeHeaders('content-length', '11')).toMatchObject({ code: 'too_large', rule: 'FET-10' })
  })

  it('FET-11: bounds the number of header lines, not only their bytes', () => {
    const many = (count: number) => Array.from({ length: count }, (_, at) => [`x-${at}`, 'y']).flat()
    expect(judgeHeaders(...many(63))).toEqual(document)
    expect(judgeHeaders(...many(64))).toMatchObject({ code: 'headers_too_large', rule: 'FET-11' })
  })
})

function ruleOf(status: number): string {
  if (status === 304) return 'FET-06'
  return status >= 300 && status < 400 ? 'FET-05' : 'FET-04'
}

describe('judgeResponse of other resources,', () => {
  const judgeType = (resource: 'document' | 'jwks' | 'logo', contentType: string) =>
    judgeResponse(
      { status: 200, headers: lines('content-type', contentType) },
      { resource, validatorsSent: false, bodyBytesMax: 10, nowMs: NOW_MS },
    )

  it.each([
    ['jwks', 'application/json'],
    ['jwks', 'application/jwk-set+json'],
    ['logo', 'image/png'],
    ['logo', 'image/jpeg'],
    ['logo', 'Image/WebP'],
    ['logo', 'image/gif; x=y'],
  ] as const)('KEY-14, FET-13: takes a %s of type %s', (resource, contentType) => {
    expect(judgeType(resource, contentType)).toEqual({ kind: 'content', contentType })
  })

  it.each([
    ['jwks', 'text/plain', 'content_type'],
    ['jwks', 'text/html', 'html_page'],
    ['jwks', 'image/png', 'content_type'],
    ['logo', 'image/svg+xml', 'content_type'],
    ['logo', 'application/json', 'content_type'],
    ['logo', 'text/html', 'html_page'],
    ['document', 'image/png', 'content_type'],
  ] as const)('KEY-14, FET-13: refuses a %s of type %s', (resource, contentType, code) => {
    expect(judgeType(resource, contentType)).toMatchObject({ kind: 'failed', code })
  })
})
