import { dangerouslySetClockOffset } from '@cimd/store'
import { describe, expect, it } from 'vitest'
import type { ApiAnswer, ApiClient } from '../harness/api-client.ts'
import { fetchesRecorded } from '../harness/attempts.ts'
import { jsonReply, publish, republish, serveAt } from '../harness/documents.ts'
import { eventsBefore, typesOf } from '../harness/events.ts'
import { secondsToWindow } from '../harness/fetch-windows.ts'
import { createTestKey } from '../harness/keys.ts'
import type { Reply } from '../harness/origin.ts'
import { describePipeline } from '../harness/pipeline-suite.ts'
import { HOUR, MINUTE, secondsBetween } from '../harness/times.ts'

const HOST_ATTEMPTS = 40

const KEY = createTestKey('a')

const GONE: Reply = { status: 404 }
const DOWN: Reply = { status: 503 }
const INVALID: Reply = { headers: { 'content-type': 'application/json' }, body: '{' }
const PAGE: Reply = { headers: { 'content-type': 'text/html' }, body: '<!doctype html>' }

// The hosts of these tests are of one registrable domain.
const environment = {
  ...{ CIMD_DOMAIN_CONCURRENCY: '1000', CIMD_DOMAIN_ATTEMPTS_PER_MINUTE: '1000000' },
  ...{ CIMD_HOST_CONCURRENCY: '1000', CIMD_HOST_ATTEMPTS_PER_MINUTE: String(HOST_ATTEMPTS) },
}

describePipeline('a client whose failures follow each other', { environment }, (suite) => {
  let clock = 0
  const pass = (seconds: number): Promise<void> => {
    clock += seconds
    return dangerouslySetClockOffset(suite.pipeline.db, clock)
  }

  let published = 0
  /** A client that was valid, on a host of its own, and the only tenant that uses it. */
  async function setup(caching = 'max-age=300') {
    published += 1
    const clientId = publish(suite.origin, {}, `host-${published}.example.net`)
    republish(suite.origin, clientId, {}, { 'cache-control': caching })
    const api = await suite.pipeline.addTenant(`tenant ${published}`)
    const { body } = await api.resolve({ client_id: clientId, wait_ms: 20_000 })
    return { api, clientId, digest: body.digest as string }
  }
  const tryWith = async (api: ApiClient, clientId: string, reply: Reply): Promise<ApiAnswer> => {
    serveAt(suite.origin, clientId, reply)
    const { body } = await api.refresh({ client_id: clientId })
    return api.ticket(body.ticket, 20_000)
  }
  const tokenAnswer = (api: ApiClient, clientId: string): Promise<ApiAnswer> =>
    api.resolve({ client_id: clientId, purpose: 'token' })

  it.each([
    ['a 404 alternates with a 503', GONE, DOWN, 'status_404', 'withdrawn'],
    ['a 503 alternates with a 404', DOWN, GONE, 'status_404', 'withdrawn'],
    ['no JSON alternates with an HTML page', INVALID, PAGE, 'json_invalid', 'rejected'],
    ['a 404 alternates with no JSON', GONE, INVALID, 'status_404', 'withdrawn'],
  ])('is gone 15 minutes after the first word when %s (CAC-14)', async (_, odd, even, code, state) => {
    const { api, clientId, digest } = await setup()
    await pass(10 * MINUTE)
    await tryWith(api, clientId, odd)
    await pass(2 * MINUTE)
    await tryWith(api, clientId, even)
    const word = (await api.client(clientId)).body.withdrawing
    expect(word.code).toBe(code)
    for (const reply of [odd, even]) {
      await pass(5 * MINUTE)
      const { body } = await tryWith(api, clientId, reply)
      expect(body).toMatchObject({ digest, freshness: { state: 'stale', why: code, since: word.since } })
      expect(secondsBetween(word.since, body.freshness.until)).toBe(15 * MINUTE)
    }
    await pass(6 * MINUTE)
    await tryWith(api, clientId, DOWN)
    expect(await tokenAnswer(api, clientId)).toMatchObject({ status: 422, body: { code, class: state } })
    expect((await api.client(clientId)).body).toMatchObject({
      state,
      digest,
      failure: { code: 'status_5xx' },
    })
    const events = await eventsBefore(api, publish(suite.origin))
    expect(typesOf(events, clientId)).toEqual(['client.discovered', 'client.stale', 'client.withdrawn'])
    expect(events[2]?.data).toEqual({ digest, code, since: word.since })
  })

  it.each([
    ['a 404', GONE, 14 * MINUTE],
    ['no JSON', INVALID, 14 * MINUTE],
    ['an HTML page', PAGE, 59 * MINUTE],
    ['a 503', DOWN, 23 * HOUR],
  ])('is kept by a valid answer in time after %s, and that is announced', async (_, reply, seconds) => {
    const { api, clientId, digest } = await setup()
    await pass(10 * MINUTE)
    await tryWith(api, clientId, reply)
    // Its refreshes find nothing but the failure until then.
    await pass(seconds)
    expect((await tokenAnswer(api, clientId)).body.freshness.state).toBe('stale')
    // Its origin lives in the same time: by an older Date the answer would have an age.
    const date = new Date(Date.now() + clock * 1000).toUTCString()
    republish(suite.origin, clientId, {}, { date, 'cache-control': 'max-age=86400' })
    const { body } = await api.resolve({ client_id: clientId, wait_ms: 20_000 })
    const { body: forced } = await api.refresh({ client_id: clientId })
    await api.ticket(forced.ticket, 20_000)
    expect(body.digest).toBe(digest)
    await pass(HOUR)
    const { body: after } = await api.client(clientId)
    expect(after).toMatchObject({ state: 'fresh', digest, freshness: { state: 'fresh' } })
    expect(after).not.toHaveProperty('failure')
    expect(after).not.toHaveProperty('withdrawing')
    expect(typesOf(await eventsBefore(api, publish(suite.origin)), clientId)).toEqual([
      ...['client.discovered', 'client.stale', 'client.recovered'],
    ])
  })

  it.each([
    ['a gate', PAGE, HOUR],
    ['the word of its publisher', GONE, 15 * MINUTE],
  ])('loses what is left of a day of outage to %s (CAC-13)', async (_, reply, seconds) => {
    const { api, clientId } = await setup()
    await pass(10 * MINUTE)
    await tryWith(api, clientId, DOWN)
    // Its own retry comes before the change: one in the middle of it would begin what is left a little earlier.
    const retried = suite.origin.nextRequest(clientId)
    await pass(3 * HOUR)
    await retried
    await fetchesRecorded(suite, clientId)
    const before = (await tokenAnswer(api, clientId)).body.freshness
    expect(secondsBetween(before.since, before.until)).toBe(24 * HOUR)
    await tryWith(api, clientId, reply)
    const { body } = await api.client(clientId)
    expect(secondsBetween(body.attempted_at, body.freshness.until)).toBe(seconds)
  })

  it.each([
    ['a 429 with Retry-After', { status: 429, headers: { 'retry-after': '600' } }, 600],
    [
      'a 503 with a Retry-After beyond our bounds',
      { status: 503, headers: { 'retry-after': '86400' } },
      HOUR,
    ],
    ['a 429 with a Retry-After below our bounds', { status: 429, headers: { 'retry-after': '1' } }, MINUTE],
  ])('is left alone as long as it asks, within our bounds, after %s', async (_, reply, seconds) => {
    const { api, clientId } = await setup()
    await pass(10 * MINUTE)
    await tryWith(api, clientId, reply)
    const { body } = await api.client(clientId)
    expect(secondsBetween(body.attempted_at, body.retry_at)).toBe(seconds)
    const hits = suite.origin.hits(clientId)
    await pass(seconds - 30)
    const { body: stale } = await api.resolve({ client_id: clientId, wait_ms: 20_000 })
    expect(stale.freshness.state).toBe('stale')
    expect(suite.origin.hits(clientId)).toBe(hits)
    const asked = suite.origin.nextRequest(clientId)
    await pass(31)
    await asked
  })

  describe('and whose host has used up its budget', () => {
    const busy = 'busy.example.net'
    /** Fetches as much as a window of the host takes, at the beginning of one: nothing is left, and nothing waits. */
    const useUp = async (api: ApiClient, host: string): Promise<void> => {
      await pass(await secondsToWindow(suite.pipeline.db, host))
      const crowd = Array.from({ length: HOST_ATTEMPTS }, () => publish(suite.origin, {}, host))
      await Promise.all(crowd.map((client_id) => api.resolve({ client_id, wait_ms: 20_000 })))
    }
    const deferred = (event: `${'fetch' | 'resource'}.deferred`, url: string) =>
      suite.pipeline
        .running('fetcher')
        .logged((line) => line.event === event && (line['url'] ?? line['client_id']) === url)
    it('is as it was, and what has never been fetched is answered 503 with Retry-After (CAC-06)', async () => {
      const api = await suite.pipeline.addTenant('budget')
      const known = publish(suite.origin, {}, busy)
      const { body: first } = await api.resolve({ client_id: known, wait_ms: 20_000 })
      const before = standingOf(await api.client(known))
      await useUp(api, busy)

      const unknown = publish(suite.origin, {}, busy)
      await api.resolve({ client_id: unknown, wait_ms: 0 })
      await deferred('fetch.deferred', unknown)
      const refused = await api.resolve({ client_id: unknown, wait_ms: 0 })
      expect(refused).toMatchObject({
        status: 503,
        body: { code: 'host_budget', class: 'deferred', retryable: true, ticket: expect.any(String) },
      })
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
      expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60)
      const { body: waiting } = await api.client(unknown)
      expect(waiting).toMatchObject({ state: 'discovering', fetch_pending: true, history: [] })
      expect(waiting).not.toHaveProperty('failure')

      const { body: forced } = await api.refresh({ client_id: known })
      await deferred('fetch.deferred', known)
      const answer = await api.ticket(forced.ticket)
      expect(answer).toMatchObject({ status: 200, body: first })
      const after = await api.client(known)
      expect(after.body.fetch_pending).toBe(true)
      expect(standingOf(after)).toEqual(before)
      expect(suite.origin.hits(known)).toBe(1)

      const later = suite.origin.nextRequest(unknown)
      await pass(MINUTE)
      await later
      expect((await api.ticket(refused.body.ticket, 20_000)).body.client_id).toBe(unknown)
    })

    it('has the keys it had, and new ones are pending until it is their turn (CAC-06)', async () => {
      const api = await suite.pipeline.addTenant('budget of keys')
      const [known, unknown] = ['known', 'new'].map((name) => {
        const jwksUri = `https://busy-keys.example.net/${name}.json`
        serveAt(suite.origin, jwksUri, jsonReply({ keys: [KEY.publicJwk] }))
        return { jwksUri, clientId: publish(suite.origin, { jwks_uri: jwksUri }, `${name}.example.net`) }
      }) as [Linked, Linked]
      await api.resolve({ client_id: known.clientId, wait_ms: 20_000 })
      const { body: first } = await api.refreshKeys({ client_id: known.clientId, kid: 'a' })
      expect(first.keys).toMatchObject({ status: 'ready', jwks: { keys: [KEY.publicJwk] } })
      await pass(2 * MINUTE)
      await useUp(api, 'busy-keys.example.net')

      for (const { clientId, jwksUri } of [known, unknown]) {
        expect((await api.resolve({ client_id: clientId, wait_ms: 20_000 })).status).toBe(200)
        const demand = { client_id: clientId, kid: 'b', wait_ms: 0 }
        await api.refreshKeys(demand)
        await deferred('resource.deferred', jwksUri)
        const wanted = await api.refreshKeys(demand)
        expect(wanted).toMatchObject({ status: 202, body: { status: 'pending' } })
      }
      expect((await tokenAnswer(api, known.clientId)).body.keys).toEqual(first.keys)
      const pending = { status: 'pending', source: 'jwks_uri' }
      expect((await tokenAnswer(api, unknown.clientId)).body.keys).toEqual(pending)
      expect([suite.origin.hits(known.jwksUri), suite.origin.hits(unknown.jwksUri)]).toEqual([1, 0])

      const later = [known, unknown].map(({ jwksUri }) => suite.origin.nextRequest(jwksUri))
      await pass(MINUTE)
      await Promise.all(later)
    })
  })
})

type Linked = { readonly jwksUri: string; readonly clientId: string }

/** What is known of a client, without the clock, the demand and the use of the moment. */
function standingOf({ body }: ApiAnswer) {
  const { now, next_look_at, fetch_pending, last_resolved_at, leased_until, ...standing } = body
  return standing
}
