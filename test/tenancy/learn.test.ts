import { randomUUID } from 'node:crypto'
import type { ClientIdUrl } from '@cimd/core'
import { createApiKey, saveLogo } from '@cimd/store'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ApiAnswer, type ApiClient, createApiClient } from '../harness/api-client.ts'
import { serveApi } from '../integration/api-bundle.ts'
import { describeStore, setup, type TestStore } from '../integration/store-bundle.ts'
import { freshClientId, USED_BY_ANOTHER } from './others-clients.ts'
import { compareRanks, median } from './rank.ts'
import { digestOf } from './routes.ts'

type Question = (client: ApiClient, clientId: ClientIdUrl) => Promise<ApiAnswer>

const post =
  (path: string, body: (clientId: string) => object): Question =>
  (client, clientId) =>
    client.request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body(clientId)),
    })
const get =
  (path: (clientId: string) => string): Question =>
  (client, clientId) =>
    client.request(path(clientId))
const query = (clientId: string) => `client_id=${encodeURIComponent(clientId)}`

/** Everything that can be asked of a client before one's own first demand of it. */
const BEFORE_OWN_DEMAND: Readonly<Record<string, Question>> = {
  'resolve without a subject': post('/v1/resolve', (client_id) => ({ client_id })),
  'resolve of PAR without a subject': post('/v1/resolve', (client_id) => ({ client_id, purpose: 'par' })),
  'resolve for a token': post('/v1/resolve', (client_id) => ({
    client_id,
    purpose: 'token',
    subject: 'alice',
  })),
  'resolve for a revocation': post('/v1/resolve', (client_id) => ({ client_id, purpose: 'revoke' })),
  'resolve with a redirect URI': post('/v1/resolve', (client_id) => ({
    ...{ client_id, purpose: 'token', redirect_uri: 'https://app.example.net/callback' },
  })),
  'refresh without a subject': post('/v1/refresh', (client_id) => ({ client_id })),
  client: get((clientId) => `/v1/client?${query(clientId)}`),
  changes: get((clientId) => `/v1/client/changes?${query(clientId)}&since=${digestOf(clientId)}`),
  report: post('/v1/client/reports', (client_id) => ({
    client_id,
    digest: digestOf(client_id),
    kind: 'consent',
  })),
  'keys refresh': post('/v1/client/keys/refresh', (client_id) => ({ client_id, kid: 'a', wait_ms: 0 })),
  ticket: get(() => `/v1/tickets/${randomUUID()}`),
  events: get(() => '/v1/events'),
  'refresh of a publisher': post('/refresh', (client_id) => ({ client_id })),
}

const MEASURED = 120

describeStore('what a tenant can tell of a client that only another uses', () => {
  let store: TestStore
  let api: Awaited<ReturnType<typeof serveApi>>
  let me: ApiClient
  beforeAll(async () => {
    store = await setup()
    api = await serveApi(store.url, { CIMD_OVERLOAD_ADMITTED_MIN: '1000000' })
    me = createApiClient(
      () => api.baseUrl,
      await createApiKey(store.owner, store.tenant, ['resolve', 'events']),
    )
  })
  afterAll(async () => {
    await api?.stop()
    await store?.[Symbol.asyncDispose]()
  })

  const told = async (ask: Question, clientId: ClientIdUrl): Promise<string> => {
    const { status, headers, body } = await ask(me, clientId)
    const fields = [...headers].filter(([name]) => name !== 'date')
    return JSON.stringify([status, fields, body]).replaceAll(clientId, 'client_id')
  }

  it.each(Object.entries(USED_BY_ANOTHER))(
    'is the same for one that %s as for one that nobody ever named, whatever is asked',
    async (_what, use) => {
      const [known, unknown] = [freshClientId(), freshClientId()]
      await use(store, known)
      const answers = await Promise.all(
        Object.entries(BEFORE_OWN_DEMAND).map(async ([name, ask]) => {
          return { name, ofKnown: await told(ask, known), ofUnknown: await told(ask, unknown) }
        }),
      )
      expect(answers.filter(({ ofKnown, ofUnknown }) => ofKnown !== ofUnknown)).toEqual([])
    },
  )

  it('is nothing of what was before, once it uses it too: first_seen, versions, counters and cursors are its own', async () => {
    const clientId = freshClientId()
    await USED_BY_ANOTHER['has versions']?.(store, clientId)
    const before = new Date()
    const { body: ready } = await me.resolve({ client_id: clientId })
    const { body } = await me.client(clientId)
    expect(ready.status).toBe('ready')
    expect(body.history).toEqual([])
    expect(body.versions).toMatchObject([{ digest: ready.digest, bound: [], approved: false }])
    expect(Date.parse(body.versions[0].first_seen_at)).toBeGreaterThan(before.getTime() - 1000)
    expect(body.versions[0].first_seen_at >= body.first_demand_at).toBe(true)
    expect((await me.events(0)).body).toEqual({ events: [], next: '0' })
    const since = await me.request(`/v1/client/changes?${query(clientId)}&since=${digestOf(clientId)}`)
    expect(since.body.code).toBe('version_unknown')
  })

  it('is, of a logo whose bytes it knows, that somebody has it: docs/security.md says so', async () => {
    const logo = { body: Buffer.from('as encoded'), contentType: 'image/png', width: 1, height: 1 } as const
    const digest = await saveLogo(store.fetcher, logo)
    const answer = (name: string) => fetch(`${api.baseUrl}/logos/${name}`).then(({ status }) => status)
    expect([await answer(digest), await answer('0'.repeat(64))]).toEqual([200, 404])
  })

  it('is measured in time, and printed', async () => {
    const questions: Readonly<Record<string, Question>> = {
      'resolve for a token': BEFORE_OWN_DEMAND['resolve for a token'] as Question,
      client: BEFORE_OWN_DEMAND['client'] as Question,
      'refresh of a publisher': BEFORE_OWN_DEMAND['refresh of a publisher'] as Question,
      // Of each client once: the first own demand begins a view of it.
      'refresh, the first own demand': post('/v1/refresh', (client_id) => ({ client_id, subject: 'alice' })),
    }
    const pairs = Array.from({ length: MEASURED }, () => ({
      known: freshClientId(),
      unknown: freshClientId(),
    }))
    for (const { known } of pairs) await USED_BY_ANOTHER['names keys and a logo']?.(store, known)
    const lines: string[] = []
    for (const [name, ask] of Object.entries(questions)) {
      const [known, unknown] = await measure(pairs, async (clientId) => void (await ask(me, clientId)))
      const { share, deviations } = compareRanks(known, unknown)
      const [middle, other] = [median(known), median(unknown)]
      lines.push(
        `${name}: median ${middle.toFixed(2)} ms used by another, ${other.toFixed(2)} ms unknown, ratio ${(middle / other).toFixed(2)}; ` +
          `slower in ${(100 * share).toFixed(0)} % of pairs (${deviations.toFixed(1)} deviations)`,
      )
    }
    console.info(['What time tells of a client that only another tenant uses:', ...lines].join('\n'))
    expect(lines).toHaveLength(4)
  })
})

/** Milliseconds of each answer, asked in turns, so that what slows the machine slows both alike. */
async function measure(
  pairs: readonly { readonly known: ClientIdUrl; readonly unknown: ClientIdUrl }[],
  ask: (clientId: ClientIdUrl) => Promise<void>,
): Promise<readonly [known: number[], unknown: number[]]> {
  const times: readonly [number[], number[]] = [[], []]
  const timed = async (clientId: ClientIdUrl, list: number[]): Promise<void> => {
    const startedMs = performance.now()
    await ask(clientId)
    list.push(performance.now() - startedMs)
  }
  for (const [index, { known, unknown }] of pairs.entries()) {
    const turns = [() => timed(known, times[0]), () => timed(unknown, times[1])]
    for (const turn of index % 2 === 0 ? turns : turns.toReversed()) await turn()
  }
  return times
}
