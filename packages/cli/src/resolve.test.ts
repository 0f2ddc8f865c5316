import { describe, expect, it } from 'vitest'
import { captureOutput } from './captured-output.ts'
import { type ResolveArgs, runResolve } from './resolve.ts'

const CLIENT_ID = 'https://app.example.net/client.json'
const DIGEST = 'ab'.repeat(32)
const READY = {
  status: 'ready',
  client_id: CLIENT_ID,
  document: { client_id: CLIENT_ID, client_name: 'An app\u0007' },
  digest: DIGEST,
  fetched_at: '2026-11-20T10:00:00.000Z',
  freshness: { state: 'fresh', until: '2026-11-21T10:00:00.000Z' },
}
const PENDING = { status: 'pending', ticket: 'ticket-1' }
const PROBLEM = {
  type: 'urn:cimd:problem:status_404',
  status: 422,
  code: 'status_404',
  class: 'withdrawn',
  title: 'The document is not there (404).',
  retryable: false,
  advice: 'Publish the document at exactly the client_id.',
}

type Asked = { readonly path: string; readonly body: unknown; readonly authorization: string | null }

/** Answers in turn, each after `tookMs` on a clock of the test; the last answer again and again. */
async function resolve(
  answers: readonly [object, ...object[]],
  given: Partial<ResolveArgs> = {},
  tookMs = 1,
) {
  const { output, stdout } = captureOutput()
  const asked: Asked[] = []
  let nowMs = 0
  const fetch = async (url: string, { body, headers }: RequestInit) => {
    asked.push({
      path: url.replace('http://api.test', ''),
      body: typeof body === 'string' ? JSON.parse(body) : undefined,
      authorization: new Headers(headers).get('authorization'),
    })
    nowMs += tookMs
    return Response.json(answers[asked.length - 1] ?? answers.at(-1), { headers: { 'retry-after': '7' } })
  }
  const sleep = async (ms: number) => {
    nowMs += ms
  }
  const api = { url: 'http://api.test', source: 'the test' }
  const deps = { output, api, key: 'cimd_key', fetch, sleep, monotonicMs: () => nowMs }
  const exitCode = await runResolve(deps, {
    clientId: CLIENT_ID,
    subject: 'alice',
    purpose: 'authorize',
    waitMs: 5000,
    redirectUri: undefined,
    refresh: false,
    json: false,
    ...given,
  })
  return { exitCode, asked, stdout: stdout(), nowMs }
}

describe('resolve', () => {
  it('tells in words what is ready', async () => {
    const { exitCode, stdout, asked } = await resolve([READY])
    expect(exitCode).toBe(0)
    expect(asked).toEqual([
      {
        path: '/v1/resolve',
        body: { client_id: CLIENT_ID, subject: 'alice', purpose: 'authorize', wait_ms: 5000 },
        authorization: 'Bearer cimd_key',
      },
    ])
    expect(stdout).toMatchInlineSnapshot(`
      "✓ ready: An app\\u{7}
        client_id  https://app.example.net/client.json
        host       app.example.net
        digest     abababababab… (sha-256)
        freshness  fresh until 2026-11-21 10:00:00 UTC
      "
    `)
  })

  it.each([
    [{ matched: true, entry: 'x', rule: 'exact' }, 'https://a/cb: allowed, it is listed'],
    [
      { matched: true, entry: 'http://[::1]/', rule: 'loopback_port' },
      'allowed by http://[::1]/ but for the port',
    ],
    [{ matched: false, reason: 'no_redirect_uris' }, 'not allowed. The document lists no redirect URI.'],
    [
      { matched: false, reason: 'path_differs', nearest: 'https://a/b' },
      'not allowed. The path differs from that of the listed URI. Nearest: https://a/b',
    ],
    [{ matched: false, reason: 'of_a_later_release' }, 'not allowed. of_a_later_release'],
  ])('tells whether a redirect URI is allowed: %j', async (redirect_match, expected) => {
    const { exitCode, stdout, asked } = await resolve([{ ...READY, redirect_match }], {
      redirectUri: 'https://a/cb',
    })
    expect(exitCode).toBe(0)
    expect(stdout).toContain(expected)
    expect(asked[0]?.body).toMatchObject({ redirect_uri: 'https://a/cb' })
  })

  it('tells why a record is stale', async () => {
    const freshness = {
      state: 'stale',
      since: '2026-11-20T10:00:00Z',
      until: '2026-11-20T11:00:00Z',
      why: 'status_5xx',
    }
    const { stdout } = await resolve([{ ...READY, freshness }])
    expect(stdout).toContain(
      'stale since 2026-11-20 10:00:00 UTC, usable until 2026-11-20 11:00:00 UTC. status_5xx: ',
    )
  })

  it('tells a problem with its meaning and advice', async () => {
    const { exitCode, stdout } = await resolve([PROBLEM])
    expect(exitCode).toBe(1)
    expect(stdout).toMatchInlineSnapshot(`
      "✗ withdrawn: status_404
        meaning  The document is not there (404).
        advice   Publish the document at exactly the client_id.
        again    not before something has changed
      "
    `)
  })

  it('advises to name a subject when there was none', async () => {
    const problem = { ...PROBLEM, code: 'subject_required', class: 'request', advice: undefined }
    const { stdout, asked } = await resolve([problem], { subject: undefined })
    expect(stdout).toContain('--subject NAME')
    expect(asked[0]?.body).not.toHaveProperty('subject')
  })

  it('says when another try is worth it', async () => {
    const { stdout } = await resolve([{ ...PROBLEM, code: 'host_budget', retryable: true }])
    expect(stdout).toContain('worth another try in 7 s')
  })
})

describe('a pending answer', () => {
  it('is followed by its ticket until it is ready', async () => {
    const { exitCode, asked } = await resolve([PENDING, PENDING, READY], { redirectUri: 'https://a/?b' }, 100)
    expect(exitCode).toBe(0)
    expect(asked.map(({ path }) => path)).toEqual([
      '/v1/resolve',
      '/v1/tickets/ticket-1?wait_ms=4900&redirect_uri=https%3A%2F%2Fa%2F%3Fb',
      '/v1/tickets/ticket-1?wait_ms=3800&redirect_uri=https%3A%2F%2Fa%2F%3Fb',
    ])
  })

  it('is the answer once the wait is used up', async () => {
    const { exitCode, stdout, nowMs } = await resolve([PENDING], { waitMs: 3000 }, 10)
    expect(exitCode).toBe(1)
    expect(stdout).toContain('… pending: no answer within 3000 ms')
    expect(stdout).toContain('ticket-1')
    expect(nowMs).toBeGreaterThanOrEqual(3000)
    expect(nowMs).toBeLessThan(3100)
  })

  it('is not followed without a wait', async () => {
    const { exitCode, asked } = await resolve([PENDING], { waitMs: 0 })
    expect(exitCode).toBe(1)
    expect(asked).toHaveLength(1)
  })

  it('of a long wait is asked for piece by piece', async () => {
    const { asked } = await resolve([PENDING, READY], { waitMs: 60_000 }, 25_000)
    expect(asked[0]?.body).toMatchObject({ wait_ms: 25_000 })
    expect(asked[1]?.path).toBe('/v1/tickets/ticket-1?wait_ms=25000')
  })

  it('begins a refresh', async () => {
    const { exitCode, asked } = await resolve([PENDING, READY], { refresh: true })
    expect(exitCode).toBe(0)
    expect(asked[0]).toMatchObject({ path: '/v1/refresh', body: { client_id: CLIENT_ID, subject: 'alice' } })
  })
})

describe('resolve --json', () => {
  it.each([
    [READY, 0],
    [PROBLEM, 1],
    [{ ...READY, added_later: true }, 0],
  ])('gives the answer of the api as it is', async (body, expected) => {
    const { exitCode, stdout } = await resolve([body], { json: true })
    expect(exitCode).toBe(expected)
    expect(JSON.parse(stdout)).toEqual(body)
  })
})

it('what is not the api is named as such', async () => {
  await expect(resolve([{ hello: 'world' }])).rejects.toThrow(
    'http://api.test (the test) does not answer like the api: status 200',
  )
})
