import { dangerouslySetClockOffset } from '@cimd/store'
import { afterEach, expect, it } from 'vitest'
import type { ApiAnswer, ApiClient } from '../harness/api-client.ts'
import { jsonReply, publish, republish, serveAt, takeDown } from '../harness/documents.ts'
import { eventsBefore, nextEvent, typesOf } from '../harness/events.ts'
import { createTestKey, type TestKey } from '../harness/keys.ts'
import { holdOpen, type Reply } from '../harness/origin.ts'
import { describePipeline } from '../harness/pipeline-suite.ts'
import { HOUR, MINUTE } from '../harness/times.ts'

// The hosts of these tests are of one registrable domain.
const environment = { CIMD_DOMAIN_CONCURRENCY: '1000', CIMD_DOMAIN_ATTEMPTS_PER_MINUTE: '1000000' }

const resolutions = { 'inside.example.net': ['10.1.2.3'] }

describePipeline('the keys of a client', { environment, resolutions }, (suite) => {
  afterEach(() => dangerouslySetClockOffset(suite.pipeline.db, 0))

  let published = 0
  /** A client whose keys are behind a jwks_uri, and a tenant that uses it. */
  async function setup(keys: readonly TestKey[], headers: Record<string, string> = {}) {
    published += 1
    const { origin, pipeline } = suite
    const jwksUri = `https://keys.example.net/${published}/jwks.json`
    serveKeys(jwksUri, keys, headers)
    const clientId = publish(origin, { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: jwksUri })
    const api = await pipeline.addTenant(`keys ${published}`)
    await api.resolve({ client_id: clientId, wait_ms: 20_000 })
    return { api, clientId, jwksUri }
  }
  const serveKeys = (jwksUri: string, keys: readonly TestKey[], headers: Record<string, string> = {}) =>
    serveAt(suite.origin, jwksUri, jsonReply({ keys: keys.map(({ publicJwk }) => publicJwk) }, headers))
  const nextKeysEvent = (api: ApiClient, after = '0') => nextEvent(api, 'client.keys_changed', after)
  const refreshKeys = (api: ApiClient, clientId: string, kid: string): Promise<ApiAnswer> =>
    api.refreshKeys({ client_id: clientId, kid })
  const moveClock = (seconds: number) => dangerouslySetClockOffset(suite.pipeline.db, seconds)

  it('are there shortly after the first answer, fetched once by us and never by the server (KEY-14)', async () => {
    const key = createTestKey('a')
    const { api, clientId, jwksUri } = await setup([key])
    const { body } = await refreshKeys(api, clientId, 'a')
    expect(body).toMatchObject({ status: 'ready', client_id: clientId })
    const resolved = await api.resolve({ client_id: clientId })
    expect(resolved.body.keys).toMatchObject({
      ...{ status: 'ready', source: 'jwks_uri', freshness: { state: 'fresh' } },
      jwks: { keys: [key.publicJwk] },
    })
    expect(resolved.body.keys.digest).toMatch(/^[0-9a-f]{64}$/)
    expect(suite.origin.hits(jwksUri)).toBe(1)
  })

  it('rotate with one event that names what came and what went (CHG-03)', async () => {
    const [a, b, c] = [createTestKey('a'), createTestKey('b'), createTestKey('c')]
    const { api, clientId, jwksUri } = await setup([a, b])
    await refreshKeys(api, clientId, 'a')
    const first = await nextKeysEvent(api)
    expect(first.data).toMatchObject({ source: 'jwks_uri', removed: [] })
    expect(first.data.added).toEqual([a.thumbprint, b.thumbprint].toSorted())
    serveKeys(jwksUri, [b, c])
    await moveClock(2 * MINUTE)
    const { body } = await refreshKeys(api, clientId, 'c')
    expect(kidsOf(body)).toEqual(['b', 'c'])
    const rotated = await nextKeysEvent(api, first.cursor)
    expect(rotated.data).toEqual({
      source: 'jwks_uri',
      from_digest: first.data.to_digest,
      to_digest: body.keys.digest,
      added: [c.thumbprint],
      removed: [a.thumbprint],
    })
    const types = typesOf(await eventsBefore(api, publish(suite.origin)), clientId)
    expect(types).toEqual(['client.discovered', 'client.keys_changed', 'client.keys_changed'])
  })

  it('are refreshed without anybody asking while the client is used (ARC-04)', async () => {
    const [a, b] = [createTestKey('a'), createTestKey('b')]
    const { api, clientId, jwksUri } = await setup([a])
    await refreshKeys(api, clientId, 'a')
    const first = await nextKeysEvent(api)
    serveKeys(jwksUri, [b])
    await moveClock(25 * HOUR)
    const rotated = await nextKeysEvent(api, first.cursor)
    expect(rotated.data).toMatchObject({ added: [b.thumbprint], removed: [a.thumbprint] })
  })

  it('stay through an outage of the jwks_uri, which is no rotation (CAC-07)', async () => {
    const key = createTestKey('a')
    const { api, clientId, jwksUri } = await setup([key])
    await refreshKeys(api, clientId, 'a')
    serveAt(suite.origin, jwksUri, { status: 503 })
    await moveClock(2 * HOUR)
    // Before any use: once a sweep has had them fetched, a demand is limited.
    const refreshed = await refreshKeys(api, clientId, 'unknown')
    const resolved = await api.resolve({ client_id: clientId })
    for (const { status, body } of [refreshed, resolved]) {
      expect(status).toBe(200)
      expect(body.keys).toMatchObject({ status: 'ready', freshness: { state: 'stale', why: 'status_5xx' } })
      expect(kidsOf(body)).toEqual(['a'])
    }
    const types = typesOf(await eventsBefore(api, publish(suite.origin)), clientId)
    expect(types).toEqual(['client.discovered', 'client.keys_changed'])
  })

  it('end when the jwks_uri has been gone for 15 minutes, and come back with it (CAC-14, CHG-08)', async () => {
    const key = createTestKey('a')
    const { api, clientId, jwksUri } = await setup([key])
    await refreshKeys(api, clientId, 'a')
    const first = await nextKeysEvent(api)
    takeDown(suite.origin, jwksUri)
    await moveClock(2 * MINUTE)
    const missing = await refreshKeys(api, clientId, 'unknown')
    expect(missing.body.keys).toMatchObject({ status: 'ready', freshness: { why: 'status_404' } })
    await moveClock(18 * MINUTE)
    const ended = await nextKeysEvent(api, first.cursor)
    expect(ended.data).toMatchObject({ added: [], removed: [key.thumbprint] })
    const resolved = await api.resolve({ client_id: clientId })
    expect(resolved.body.keys).toEqual({ status: 'unusable', source: 'jwks_uri', code: 'status_404' })
    serveKeys(jwksUri, [key])
    await moveClock(30 * MINUTE)
    expect(kidsOf((await refreshKeys(api, clientId, 'a')).body)).toEqual(['a'])
    const back = await nextKeysEvent(api, ended.cursor)
    expect(back.data).toMatchObject({ added: [key.thumbprint], removed: [] })
  })

  it.each<[string, Reply, string, number]>([
    ['24 hours of an outage', { status: 503 }, 'status_5xx', 24 * HOUR],
    ['an hour of a redirect', { status: 302, headers: { location: '/' } }, 'redirect', HOUR],
    ['15 minutes of a removal', { status: 410 }, 'status_410', 15 * MINUTE],
    ['15 minutes of what is no key set', jsonReply({}), 'key_set_malformed', 15 * MINUTE],
  ])('are usable through %s (CAC-13, CAC-14)', async (_, reply, code, seconds) => {
    const key = createTestKey('a')
    const { api, clientId, jwksUri } = await setup([key], { 'cache-control': 'max-age=300' })
    await refreshKeys(api, clientId, 'a')
    serveAt(suite.origin, jwksUri, reply)
    await moveClock(10 * MINUTE)
    const { body } = await refreshKeys(api, clientId, 'unknown')
    const { state, why, since, until } = body.keys.freshness
    expect({ state, why }).toEqual({ state: 'stale', why: code })
    expect(Date.parse(until) - Date.parse(since)).toBe(seconds * 1000)
    expect(kidsOf(body)).toEqual(['a'])
  })

  it('are never fetched from a special-use address (FET-16)', async () => {
    const clientId = publish(suite.origin, { jwks_uri: 'https://inside.example.net/jwks' })
    const api = await suite.pipeline.addTenant('inside')
    await api.resolve({ client_id: clientId, wait_ms: 20_000 })
    const { status, body } = await refreshKeys(api, clientId, 'a')
    expect(status).toBe(422)
    expect(body).toMatchObject({ code: 'address_blocked', class: 'refused' })
    expect(JSON.stringify(body)).not.toContain('10.1.2.3')
  })

  it('are never those of a jwks_uri that the document has left (CHG-08)', async () => {
    const [a, b] = [createTestKey('a'), createTestKey('b')]
    const { api, clientId } = await setup([a])
    await refreshKeys(api, clientId, 'a')
    const first = await nextKeysEvent(api)
    const movedTo = `https://keys.example.net/moved/${published}/jwks.json`
    const held = holdOpen(jsonReply({ keys: [b.publicJwk] }))
    serveAt(suite.origin, movedTo, held.handler)
    republish(suite.origin, clientId, { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: movedTo })
    const { body: forced } = await api.refresh({ client_id: clientId })
    const changed = await api.ticket(forced.ticket, 20_000)
    expect(changed.body.document.jwks_uri).toBe(movedTo)
    expect(changed.body.keys).toEqual({ status: 'pending', source: 'jwks_uri' })
    held.release()
    const left = await nextKeysEvent(api, first.cursor)
    expect(left.data).toMatchObject({ added: [], removed: [a.thumbprint] })
    expect(kidsOf((await refreshKeys(api, clientId, 'b')).body)).toEqual(['b'])
    expect((await nextKeysEvent(api, left.cursor)).data).toMatchObject({
      added: [b.thumbprint],
      removed: [],
    })
  })

  it('are refused altogether when one of the set is private (KEY-08)', async () => {
    const [a, b] = [createTestKey('a'), createTestKey('b')]
    const { api, clientId, jwksUri } = await setup([a])
    await refreshKeys(api, clientId, 'a')
    serveAt(suite.origin, jwksUri, jsonReply({ keys: [a.publicJwk, b.privateJwk] }))
    await moveClock(2 * MINUTE)
    const { body } = await refreshKeys(api, clientId, 'b')
    expect(kidsOf(body)).toEqual(['a'])
    expect(body.keys.freshness).toMatchObject({ state: 'stale', why: 'key_set_secret' })
    const stranger = await setup([{ ...b, publicJwk: b.privateJwk }])
    const refused = await refreshKeys(stranger.api, stranger.clientId, 'b')
    expect(refused.status).toBe(422)
    expect(refused.body).toMatchObject({ code: 'key_set_secret', class: 'rejected' })
    const resolved = await stranger.api.resolve({ client_id: stranger.clientId })
    expect(resolved.body.keys).toEqual({ status: 'unusable', source: 'jwks_uri', code: 'key_set_secret' })
  })

  it('leave out what is no key, and what leads elsewhere (KEY-08)', async () => {
    const key = createTestKey('a')
    const offCurve = { ...key, publicJwk: { ...key.publicJwk, kid: 'off', y: key.publicJwk['x'] } }
    const leading = { ...key, publicJwk: { ...key.publicJwk, x5u: 'https://inside.example.net/' } }
    const { api, clientId } = await setup([offCurve, leading])
    const { body } = await refreshKeys(api, clientId, 'a')
    expect(body.keys.jwks.keys).toEqual([key.publicJwk])
  })

  it('are fetched once for 50 callers with an unknown key at once, and at most once a minute (KEY-14)', async () => {
    const [a, b] = [createTestKey('a'), createTestKey('b')]
    const { api, clientId, jwksUri } = await setup([a])
    await refreshKeys(api, clientId, 'a')
    await moveClock(2 * MINUTE)
    const held = holdOpen(jsonReply({ keys: [b.publicJwk] }))
    serveAt(suite.origin, jwksUri, held.handler)
    const arrived = suite.origin.nextRequest(jwksUri)
    const callers = Array.from({ length: 50 }, () => refreshKeys(api, clientId, 'b'))
    await arrived
    held.release()
    const answers = await Promise.all(callers)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(answers.flatMap(({ body }) => kidsOf(body)))).toEqual(new Set(['b']))
    expect(suite.origin.hits(jwksUri)).toBe(2)
    const limited = await refreshKeys(api, clientId, 'invented')
    expect(limited.status).toBe(429)
    expect(limited.body).toMatchObject({ code: 'keys_refresh_limited', retryable: true })
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(suite.origin.hits(jwksUri)).toBe(2)
  })

  it('in the document itself change with it, by one event of their own (CHG-03)', async () => {
    const [a, b] = [createTestKey('a'), createTestKey('b')]
    const api = await suite.pipeline.addTenant('inline keys')
    const clientId = publish(suite.origin, { jwks: { keys: [a.publicJwk] } })
    const { body } = await api.resolve({ client_id: clientId, wait_ms: 20_000 })
    expect(body.keys).toMatchObject({ status: 'ready', source: 'jwks', jwks: { keys: [a.publicJwk] } })
    republish(suite.origin, clientId, { jwks: { keys: [b.publicJwk] } })
    await moveClock(2 * MINUTE)
    const refreshed = await refreshKeys(api, clientId, 'b')
    expect(kidsOf(refreshed.body)).toEqual(['b'])
    const { data } = await nextKeysEvent(api)
    expect(data).toEqual({
      ...{ source: 'jwks', from_digest: body.keys.digest, to_digest: refreshed.body.keys.digest },
      ...{ added: [b.thumbprint], removed: [a.thumbprint] },
    })
  })

  it('are told to nobody who does not use the client, and of none that names none', async () => {
    const { clientId } = await setup([createTestKey('a')])
    const stranger = await suite.pipeline.addTenant(`stranger ${published}`)
    expect((await refreshKeys(stranger, clientId, 'a')).body.code).toBe('client_unknown')
    const keyless = publish(suite.origin)
    expect((await stranger.resolve({ client_id: keyless, wait_ms: 20_000 })).body).not.toHaveProperty('keys')
    expect((await refreshKeys(stranger, keyless, 'a')).body.code).toBe('keys_unpublished')
  })
})

function kidsOf(body: ApiAnswer['body']): string[] {
  return body.keys.jwks.keys.map(({ kid }: { kid: string }) => kid).toSorted()
}
