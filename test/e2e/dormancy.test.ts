import { dangerouslySetClockOffset } from '@cimd/store'
import { describe, expect, it } from 'vitest'
import type { ApiAnswer, ApiClient } from '../harness/api-client.ts'
import { fetchesRecorded } from '../harness/attempts.ts'
import { documentOf, jsonReply, publish, serveAt } from '../harness/documents.ts'
import { eventsBefore, eventsUntil, typesOf } from '../harness/events.ts'
import { createTestKey } from '../harness/keys.ts'
import { describePipeline } from '../harness/pipeline-suite.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const KEY = createTestKey('a')

// The hosts of these tests are of one registrable domain, and all that hasten come from one address.
const environment = {
  ...{ CIMD_DOMAIN_CONCURRENCY: '1000', CIMD_DOMAIN_ATTEMPTS_PER_MINUTE: '1000000' },
  ...{ CIMD_PUBLIC_REFRESHES_PER_MINUTE: '1000' },
}

describePipeline('who uses a client', { environment }, (suite) => {
  let clock = 0
  const pass = (seconds: number): Promise<void> => {
    clock += seconds
    return dangerouslySetClockOffset(suite.pipeline.db, clock)
  }

  /** A document whose origin lives in the same time: by an older Date its answers would have an age. */
  function serve(clientId: string, members: Record<string, unknown> = {}): void {
    serveAt(suite.origin, clientId, (_request, response) => {
      const date = new Date(Date.now() + clock * 1000).toUTCString()
      const { headers, body } = jsonReply(documentOf(clientId, members), { date })
      response.writeHead(200, { ...headers, 'cache-control': 'max-age=3600' }).end(body)
    })
  }
  let published = 0
  const publishOwn = (members: Record<string, unknown> = {}): string => {
    published += 1
    const clientId = publish(suite.origin, {}, `own-${published}.example.net`)
    serve(clientId, members)
    return clientId
  }
  const use = (api: ApiClient, clientId: string): Promise<ApiAnswer> =>
    api.resolve({ client_id: clientId, wait_ms: 20_000 })

  /** The next fetch of a document, once it is recorded: a clock that moved before would end its claim. */
  async function nextFetch(clientId: string): Promise<void> {
    await suite.origin.nextRequest(clientId)
    await fetchesRecorded(suite, clientId)
  }

  /** Time in which all that is due is fetched: what is in use is, and whatever else was due before it. */
  async function passUntilSwept(api: ApiClient, seconds: number): Promise<void> {
    const fence = publishOwn()
    await use(api, fence)
    await use(api, fence)
    const fetched = nextFetch(fence)
    await pass(seconds)
    await fetched
  }
  async function untilDormant(api: ApiClient, clientId: string): Promise<void> {
    await eventsUntil(api, (seen) => typesOf(seen, clientId).includes('client.dormant'))
  }

  it('has it refreshed ahead of its expiry if it was resolved since, and else once a day (ARC-04)', async () => {
    const api = await suite.pipeline.addTenant('refreshed')
    const [hot, cold] = [publishOwn(), publishOwn()]
    for (const clientId of [hot, cold]) await use(api, clientId)
    await use(api, hot)
    const ahead = nextFetch(hot)
    await pass(58 * MINUTE)
    await ahead
    await passUntilSwept(api, 10 * HOUR)
    expect([suite.origin.hits(hot), suite.origin.hits(cold)]).toEqual([2, 1])
    const daily = nextFetch(cold)
    await pass(14 * HOUR)
    await daily
    const events = await eventsBefore(api, publishOwn())
    for (const clientId of [hot, cold]) expect(typesOf(events, clientId)).toEqual(['client.discovered'])
  })

  describe('and nobody did for 31 days', () => {
    async function setupDormant(name: string) {
      const api = await suite.pipeline.addTenant(name)
      const jwksUri = `https://keys-${name}.example.net/jwks.json`
      serveAt(suite.origin, jwksUri, jsonReply({ keys: [KEY.publicJwk] }))
      const clientId = publishOwn({ jwks_uri: jwksUri })
      const { body } = await use(api, clientId)
      await eventsUntil(api, (seen) => typesOf(seen, clientId).includes('client.keys_changed'))
      await pass(31 * DAY)
      await untilDormant(api, clientId)
      return { api, clientId, jwksUri, digest: body.digest as string }
    }

    it('makes it dormant: told once, and neither it nor its keys are fetched (CAC-19)', async () => {
      const { api, clientId, jwksUri, digest } = await setupDormant('dormant')
      const hits = [suite.origin.hits(clientId), suite.origin.hits(jwksUri)]
      for (const seconds of [2 * HOUR, 2 * DAY]) await passUntilSwept(api, seconds)
      expect([suite.origin.hits(clientId), suite.origin.hits(jwksUri)]).toEqual(hits)
      const { body } = await api.client(clientId)
      expect(body).toMatchObject({ state: 'dormant', digest, dormant_since: expect.any(String) })
      expect(body).not.toHaveProperty('next_look_at')
      const events = await eventsBefore(api, publishOwn())
      const [dormant] = events.filter(({ type }) => type === 'client.dormant')
      expect(dormant?.data).toEqual({ digest, since: body.dormant_since })
      expect(typesOf(events, clientId)).toEqual([
        'client.discovered',
        'client.keys_changed',
        'client.dormant',
      ])
    })

    it('is not ended by a token request, for which it is too old (CHG-05)', async () => {
      const { api, clientId } = await setupDormant('asleep')
      const answer = await api.resolve({ client_id: clientId, purpose: 'token' })
      expect(answer).toMatchObject({ status: 502, body: { code: 'stale_expired' } })
      expect((await api.client(clientId)).body.state).toBe('dormant')
    })

    it('is ended by the next resolve, with its keys, and the version is as old as it is (CHG-05)', async () => {
      const { api, clientId, jwksUri, digest } = await setupDormant('woken')
      // They are due as soon as it is demanded, whatever becomes of the demand.
      const keysFetched = suite.origin.nextRequest(jwksUri)
      serveAt(suite.origin, clientId, { status: 503 })
      const failed = await use(api, clientId)
      expect(failed).toMatchObject({ status: 502, body: { code: 'status_5xx', class: 'unreachable' } })
      const { body: awake } = await api.client(clientId)
      expect(awake).toMatchObject({
        ...{ state: 'failing_unreachable', digest, versions: [{ digest, current: true }] },
        freshness: { state: 'unusable', why: 'status_5xx' },
      })
      expect(awake).not.toHaveProperty('dormant_since')

      serve(clientId, { jwks_uri: jwksUri, client_name: 'Another name' })
      const { body } = await use(api, clientId)
      expect(body).toMatchObject({ freshness: { state: 'fresh' }, document: { client_name: 'Another name' } })
      await keysFetched
      const types = typesOf(await eventsBefore(api, publishOwn()), clientId)
      expect(types.slice(2)).toEqual([
        ...['client.dormant', 'client.stale', 'client.recovered', 'client.metadata_changed'],
      ])
    })

    it('has it forgotten 60 days later, unless something was built on it (CAC-19)', async () => {
      const { api, clientId, digest } = await setupDormant('forgotten')
      const kept = await setupDormant('kept')
      const report = { client_id: kept.clientId, digest: kept.digest, kind: 'consent' }
      expect((await post(kept.api, '/v1/client/reports', report)).status).toBe(200)
      await suite.pipeline.stop('scheduler')
      await pass(61 * DAY)
      const scheduler = await suite.pipeline.start('scheduler')
      await scheduler.logged(({ event }) => event === 'prune.deleted')
      expect((await api.client(clientId)).body.code).toBe('client_unknown')
      expect((await api.events(0)).body.events).toEqual([])
      expect((await kept.api.client(kept.clientId)).body).toMatchObject({
        state: 'dormant',
        digest: kept.digest,
      })
      expect((await use(api, clientId)).body.digest).toBe(digest)
    })
  })

  describe("and a publisher's word", () => {
    const hasten = async (clientId: string): Promise<void> => {
      const answer = await post(
        suite.pipeline.api,
        '/refresh',
        { client_id: clientId },
        { authorization: '' },
      )
      expect([answer.status, answer.body]).toEqual([202, {}])
    }

    it('hastens the refresh of what is known, in use and was left alone for a minute, and of nothing else', async () => {
      const api = await suite.pipeline.addTenant('hastened')
      const [asleep, unknown, known] = [publishOwn(), publishOwn(), publishOwn()]
      const [other, recent] = [publishOwn(), publishOwn()]
      const all = { asleep, unknown, known, other, recent }
      const hitsOfAll = () =>
        Object.fromEntries(Object.entries(all).map(([name, id]) => [name, suite.origin.hits(id)]))
      await use(api, asleep)
      await pass(31 * DAY)
      await untilDormant(api, asleep)
      for (const clientId of [known, other]) await use(api, clientId)
      await pass(2 * MINUTE)
      await use(api, recent)
      const before = { asleep: 1, unknown: 0, known: 1, other: 1, recent: 1 }
      expect(hitsOfAll()).toEqual(before)

      const fetched = nextFetch(known)
      await hasten('no URL')
      for (const clientId of [unknown, asleep, recent, known, known]) await hasten(clientId)
      await fetched
      await hasten(known)
      // What was hastened after all those has been fetched: they would have been as well.
      const last = nextFetch(other)
      await hasten(other)
      await last
      await passUntilSwept(api, 0.9 * HOUR + 10 * MINUTE)
      expect(hitsOfAll()).toEqual({ ...before, known: 2, other: 2 })
      expect((await api.client(asleep)).body.state).toBe('dormant')
      const { db } = suite.pipeline
      const rows = db.selectFrom('cimd.clients').select('id').where('client_id', '=', unknown)
      expect(await rows.execute()).toEqual([])

      const again = suite.origin.nextRequest(known)
      await hasten(known)
      await again
      expect(hitsOfAll()).toEqual({ ...before, known: 3, other: 2 })
    })
  })
})

function post(
  api: ApiClient,
  path: string,
  body: Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<ApiAnswer> {
  return api.request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}
