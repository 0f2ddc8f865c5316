import { dangerouslySetClockOffset, releaseQuarantine } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import type { ApiAnswer, ApiClient } from '../harness/api-client.ts'
import { DEADLY, dyingOfDeadly } from '../harness/deadly.ts'
import { documentOf, jsonReply, publish, republish, serveAt } from '../harness/documents.ts'
import { eventsBefore, eventsUntil, nextEvent, type SeenEvent, typesOf } from '../harness/events.ts'
import { createTestKey } from '../harness/keys.ts'
import { holdOpen, type Reply } from '../harness/origin.ts'
import { describePipeline } from '../harness/pipeline-suite.ts'

/** Each kills two fetchers, and starts three. */
const PATIENT = { timeout: 180_000 }
const DAY = 24 * 60 * 60
/** By then the claims of a fetcher that died have run out, and their work is looked for. */
const LEASE = 25

// All hosts of these tests are of one registrable domain, and what is held open must not reach its deadline before all are.
const environment = {
  ...{ CIMD_DOMAIN_CONCURRENCY: '1000', CIMD_DOMAIN_ATTEMPTS_PER_MINUTE: '1000000' },
  CIMD_FETCH_DEADLINE_MS: '6000',
}
const options = { fetcher: { wrapper: dyingOfDeadly } }

describePipeline('what kills whoever processes it', { environment, options }, (suite) => {
  let clock = 0
  const pass = (seconds: number): Promise<void> => {
    clock += seconds
    return dangerouslySetClockOffset(suite.pipeline.db, clock)
  }

  /** Two fetchers die of what is at `url` while all `aboard` are being fetched; a third is started. */
  async function killTwo(
    {
      url,
      reply,
      aboard,
    }: { readonly url: string; readonly reply: Reply; readonly aboard: readonly string[] },
    demand: () => void,
  ): Promise<void> {
    for (const begin of [demand, restart]) {
      const held = holdOpen(reply)
      for (const clientId of aboard) serveAt(suite.origin, clientId, holdOpen({}).handler)
      serveAt(suite.origin, url, held.handler)
      const arrived = Promise.all([url, ...aboard].map((each) => suite.origin.nextRequest(each)))
      await begin()
      await arrived
      held.release()
      await suite.pipeline.running('fetcher').exited
    }
    for (const clientId of aboard) republish(suite.origin, clientId)
    serveAt(suite.origin, url, reply)
    await restart()
  }
  async function restart(): Promise<void> {
    // Before there is anybody whose claims would run out with it.
    await pass(LEASE)
    await suite.pipeline.start('fetcher', options.fetcher)
  }
  const deadlyReply = (clientId: string) => jsonReply(documentOf(clientId, DEADLY))

  /** What becomes of a demand, however long that takes. */
  async function answerOf(api: ApiClient, clientId: string): Promise<ApiAnswer> {
    let answer = await api.resolve({ client_id: clientId, wait_ms: 30_000 })
    while (answer.status === 202) answer = await api.ticket(answer.body.ticket, 30_000)
    return answer
  }
  const about = (events: readonly SeenEvent[], clientId: string) =>
    events.filter(({ subject }) => subject === clientId)

  it(
    'is set aside after it killed two fetchers and a process of its own, and nobody aboard is',
    PATIENT,
    async () => {
      const { origin, pipeline } = suite
      const api = await pipeline.addTenant('aboard')
      const [deadly, ...aboard] = [1, 2, 3].map((name) => publish(origin, {}, `aboard-${name}.example.net`))
      if (deadly === undefined) throw new Error('nothing was published')
      const answers: Promise<ApiAnswer>[] = []
      await killTwo({ url: deadly, reply: deadlyReply(deadly), aboard }, () => {
        answers.push(...[deadly, ...aboard].map((clientId) => answerOf(api, clientId)))
      })
      const { pid } = pipeline.running('fetcher')
      const [problem, ...others] = await Promise.all(answers)
      expect(others.map(({ status }) => status)).toEqual(aboard.map(() => 200))
      expect(problem).toMatchObject({ status: 503, body: { code: 'quarantined', retryable: true } })
      expect(Number(problem?.headers.get('retry-after'))).toBeGreaterThan(DAY - 120)

      const hits = origin.hits(deadly)
      for (const refused of [await answerOf(api, deadly), await api.refresh({ client_id: deadly })]) {
        expect(refused).toMatchObject({ status: 503, body: { code: 'quarantined' } })
      }
      const events = await eventsBefore(api, publish(origin))
      expect(typesOf(events, deadly)).toEqual(['client.quarantined'])
      for (const clientId of aboard) expect(typesOf(events, clientId)).toEqual(['client.discovered'])
      expect(origin.hits(deadly)).toBe(hits)
      expect(await pipeline.running('fetcher').pid).toBe(pid)
      const { rows } = await sql`select client_id from cimd.clients where lost_claims > 0`.execute(
        pipeline.db,
      )
      expect(rows).toEqual([{ client_id: deadly }])
    },
  )

  it(
    'keeps its last valid version, is tried alone once a day, and recovers when it is mended and released',
    PATIENT,
    async () => {
      const { origin, pipeline } = suite
      const api = await pipeline.addTenant('mended')
      const clientId = publish(origin, {}, 'mended.example.net')
      expect((await answerOf(api, clientId)).status).toBe(200)
      await killTwo({ url: clientId, reply: deadlyReply(clientId), aboard: [] }, () => {
        void api.refresh({ client_id: clientId })
      })
      const { data } = await nextEvent(api, 'client.quarantined')
      expect(await answerOf(api, clientId)).toMatchObject({ status: 200, body: { digest: data.digest } })
      const { body } = await api.client(clientId)
      expect(body).toMatchObject({
        ...{ state: 'failing_unreachable', failure: { code: 'quarantined' } },
        ...{ quarantine: { since: data.since, until: data.retry_at }, next_look_at: data.retry_at },
      })

      // So that what it logs is of the next attempt.
      await pipeline.stop('fetcher')
      await pipeline.start('fetcher', options.fetcher)
      const again = origin.nextRequest(clientId)
      await pass(DAY)
      await again
      await pipeline
        .running('fetcher')
        .logged(
          (line) =>
            line.event === 'fetch.attempted' && line['client_id'] === clientId && line['state'] === 'failing',
        )
      republish(origin, clientId, { client_name: 'Mended' })
      expect(await releaseQuarantine(pipeline.db, clientId)).toEqual({ document: true, resources: [] })
      const events = await eventsUntil(api, (seen) =>
        typesOf(seen, clientId).includes('client.metadata_changed'),
      )
      expect(typesOf(events, clientId)).toEqual([
        ...['client.discovered', 'client.quarantined', 'client.recovered', 'client.metadata_changed'],
      ])
      expect(await answerOf(api, clientId)).toMatchObject({
        status: 200,
        body: { document: { client_name: 'Mended' } },
      })
    },
  )

  it('is set aside alone if it is a key set, and its document goes on', PATIENT, async () => {
    const { origin, pipeline } = suite
    const api = await pipeline.addTenant('keys')
    const url = 'https://keys.example.net/jwks.json'
    const clientId = publish(origin, { jwks_uri: url, token_endpoint_auth_method: 'private_key_jwt' })
    const jwk = createTestKey('a').publicJwk
    const reply = jsonReply({ keys: [{ ...jwk, kid: DEADLY.client_name }] })
    await killTwo({ url, reply, aboard: [] }, () => {
      void answerOf(api, clientId)
    })
    const { data } = await nextEvent(api, 'client.quarantined')
    expect(data).toMatchObject({ resource: 'jwks', code: 'quarantined' })
    expect(await answerOf(api, clientId)).toMatchObject({ status: 200 })
    const refused = await api.refreshKeys({ client_id: clientId })
    expect(refused).toMatchObject({ status: 503, body: { code: 'quarantined' } })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(DAY - 120)

    serveAt(origin, url, jsonReply({ keys: [jwk] }))
    expect(await releaseQuarantine(pipeline.db, clientId)).toEqual({ document: false, resources: ['jwks'] })
    const events = await eventsUntil(api, (seen) => typesOf(seen, clientId).includes('client.keys_changed'))
    expect(about(events, clientId).filter(({ type }) => type === 'client.quarantined')).toHaveLength(1)
  })
})
