import { describe, expect, it } from 'vitest'
import { headerLines } from './header-lines.ts'
import { judgeRepresentation, judgeStatus } from './judge-response.ts'

const NOW = { asked: false, nowMs: Date.parse('2026-11-20T12:00:00Z') }
const lines = (...raw: string[]) => headerLines(raw)
const failure = (code: string, more: object = {}) => expect.objectContaining({ code, ...more })

describe(judgeStatus, () => {
  it('FET-04: takes 200 and nothing else for success', () => {
    expect(judgeStatus(200, lines(), NOW)).toBe('ok')
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
    [410, 'status_410'],
    [429, 'status_429'],
    [451, 'status_forbidden'],
    [500, 'status_5xx'],
    [503, 'status_5xx'],
    [999, 'status_unexpected'],
  ])('FET-04, FET-05: refuses %i as %s', (status, code) => {
    expect(() => judgeStatus(status, lines(), NOW)).toThrow(failure(code))
  })

  it('FET-06: takes 304 for an answer only when validators were sent', () => {
    expect(judgeStatus(304, lines(), { ...NOW, asked: true })).toBe('not_modified')
  })

  it.each([
    [403, 'cf-mitigated', 'challenge'],
    [503, 'cf-mitigated', 'challenge'],
    [202, 'x-amzn-waf-action', 'challenge'],
    [405, 'x-amzn-waf-action', 'captcha'],
    [429, 'x-vercel-mitigated', 'challenge'],
  ])('recognises a %i with %s as the challenge of a bot protection', (status, name, value) => {
    expect(() => judgeStatus(status, lines(name, value), NOW)).toThrow(failure('bot_challenge'))
  })

  it('lets no challenge field turn the withdrawal of a document into anything milder', () => {
    expect(() => judgeStatus(404, lines('cf-mitigated', 'challenge'), NOW)).toThrow(failure('status_404'))
  })

  it('hands on how long a 429 and a 503 ask us to wait', () => {
    const later = lines('retry-after', 'Fri, 20 Nov 2026 12:02:00 GMT')
    expect(() => judgeStatus(429, lines('Retry-After', '120'), NOW)).toThrow(
      failure('status_429', { retryAfterSeconds: 120 }),
    )
    expect(() => judgeStatus(503, later, NOW)).toThrow(failure('status_5xx', { retryAfterSeconds: 120 }))
  })

  it('FET-05: says where a redirect pointed, quoted and cut', () => {
    const location = `https://elsewhere.example/${'x'.repeat(500)}`
    expect(() => judgeStatus(302, lines('location', location), NOW)).toThrow(
      failure('redirect', { message: `status 302, location "${location.slice(0, 200)}"` }),
    )
  })
})

describe(judgeRepresentation, () => {
  const JSON_TYPE = ['content-type', 'application/json'] as const

  it.each(['application/json', 'application/json; charset=utf-8', 'application/cimd+json', 'text/plain'])(
    'FET-07: lets %s be read',
    (type) => {
      expect(judgeRepresentation(lines('Content-Type', type), 10)).toBe(type)
    },
  )

  it('FET-08: names an HTML page as such, and refuses any other type, none, and two', () => {
    expect(() => judgeRepresentation(lines('content-type', 'text/html'), 10)).toThrow(failure('html_page'))
    expect(() => judgeRepresentation(lines('content-type', 'image/png'), 10)).toThrow(failure('content_type'))
    expect(() => judgeRepresentation(lines(), 10)).toThrow(failure('content_type'))
    expect(() => judgeRepresentation(lines(...JSON_TYPE, ...JSON_TYPE), 10)).toThrow(failure('content_type'))
  })

  it('FET-11: refuses every content coding but identity', () => {
    expect(judgeRepresentation(lines(...JSON_TYPE, 'content-encoding', 'Identity'), 10)).toBe(
      'application/json',
    )
    expect(() => judgeRepresentation(lines(...JSON_TYPE, 'content-encoding', 'gzip'), 10)).toThrow(
      failure('content_encoding'),
    )
    expect(() =>
      judgeRepresentation(lines(...JSON_TYPE, 'content-encoding', 'identity', 'content-encoding', 'br'), 10),
    ).toThrow(failure('content_encoding'))
  })

  it('FET-11: refuses every transfer coding but chunked, which undici would pass through undecoded', () => {
    expect(judgeRepresentation(lines(...JSON_TYPE, 'transfer-encoding', 'chunked'), 10)).toBe(
      'application/json',
    )
    expect(() => judgeRepresentation(lines(...JSON_TYPE, 'transfer-encoding', 'gzip, chunked'), 10)).toThrow(
      failure('response_malformed'),
    )
  })

  it('FET-10: refuses a Content-Length beyond the cap and admits one at it', () => {
    expect(judgeRepresentation(lines(...JSON_TYPE, 'content-length', '10'), 10)).toBe('application/json')
    expect(() => judgeRepresentation(lines(...JSON_TYPE, 'content-length', '11'), 10)).toThrow(
      failure('too_large'),
    )
  })

  it('FET-11: bounds the number of header lines, not only their bytes', () => {
    const many = Array.from({ length: 64 }, (_, at) => [`x-${at}`, 'y']).flat()
    expect(() => judgeRepresentation(lines(...JSON_TYPE, ...many), 10)).toThrow(failure('headers_too_large'))
  })
})
