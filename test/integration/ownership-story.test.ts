import { once } from 'node:events'
import { connect } from 'node:net'
import { createAskNameServers, createResolver, type Dial } from '@cimd/egress'
import { loadConfig, startFetcher } from '@cimd/fetcher'
import { prepareQueueStore } from '@cimd/queue'
import { createJudging } from '@cimd/scheduler'
import { createApiKey, relayOutbox } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it, vi } from 'vitest'
import { addresses, startNameServer, type Zone } from '../attack/name-server.ts'
import { createAuthority } from '../harness/authority.ts'
import { documentOf, jsonReply, serveAt } from '../harness/documents.ts'
import { DEFAULT_ADDRESSES, type Origin, startOrigin } from '../harness/origin.ts'
import { serveApi } from './api-bundle.ts'
import { chainAll } from './audit-bundle.ts'
import { describeStore, setup } from './store-bundle.ts'

vi.setConfig({ testTimeout: 120_000 })

const DAY_SECONDS = 86_400
const HOST = 'app.lapsed-story.com'
const CLIENT = `https://${HOST}/client.json`
const FORMER = ['ns1.former.example', 'ns2.former.example']
const PRESENT = ['ns1.parking.example', 'ns2.parking.example']

type Answered = {
  readonly ticket?: string
  readonly ownership?: unknown
  readonly events?: readonly { readonly type: string; readonly data: object }[]
  readonly entries?: readonly { readonly entry: Entry }[]
}

type Entry = { readonly kind: string; readonly data: object }

/** A registry that delegates the domain to these name servers, or does not know it. */
function delegatedTo(nameServers: readonly string[] | undefined): Zone {
  return (question) => {
    if (nameServers === undefined) return { kind: 'rcode', rcode: 'NXDOMAIN' }
    if (question.type !== 'NS') return addresses(question, DEFAULT_ADDRESSES)
    const { name } = question
    return { kind: 'records', records: nameServers.map((data) => ({ name, type: 'NS', data })) }
  }
}

/** An api and a fetcher whose Internet is a name server and whichever origin has the domain now. */
async function setupStory() {
  await using stack = new AsyncDisposableStack()
  const store = stack.use(await setup())
  let days = 0
  const own = async (name: string): Promise<Origin> => {
    const origin = await startOrigin({ hosts: [HOST], authority: await createAuthority(name) })
    stack.defer(origin.close)
    return origin
  }
  const owners = { former: await own('Former Authority'), present: await own('Present Authority') }
  let port = owners.former.port
  const dns = await startNameServer(delegatedTo(FORMER))
  stack.defer(dns.close)
  const dial: Dial = async (_address, _port, signal) => {
    const socket = connect({ host: '127.0.0.1', port })
    await once(socket, 'connect', { signal })
    return socket
  }
  const environment = { CIMD_DATABASE_URL: store.url, CIMD_QUEUE_URL: store.url, CIMD_LOG_LEVEL: 'silent' }
  const api = stack.use(await serveApi(store.url, { CIMD_OVERLOAD_ADMITTED_MIN: '100000' }))
  await prepareQueueStore(store.url, { grantTo: ['cimd_api', 'cimd_fetcher'] })
  const fetcher = await startFetcher(loadConfig({ ...environment, CIMD_FETCHER_HEALTH_PORT: '0' }), {
    resolve: createResolver({ servers: dns.servers }),
    askNameServers: createAskNameServers({ servers: dns.servers }),
    dial,
    ca: [owners.former.ca, owners.present.ca].join('\n'),
  })
  stack.defer(fetcher.stop)
  const key = await createApiKey(store.owner, store.tenant, ['resolve', 'events', 'policy', 'audit'])

  const ask = async (path: string, body?: object, method = body ? 'POST' : 'GET') => {
    const response = await fetch(`${api.baseUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    // Whatever it is, the test says what it has to be.
    return { status: response.status, body: (await response.json()) as Answered }
  }
  const serve = (origin: Origin, members: Record<string, unknown>): void =>
    serveAt(origin, CLIENT, (_request, response) => {
      const date = new Date(Date.now() + days * DAY_SECONDS * 1000).toUTCString()
      const { headers, body } = jsonReply(documentOf(CLIENT, members), { date })
      response.writeHead(200, { ...headers, 'cache-control': 'max-age=3600' }).end(body)
    })
  const events = async () => {
    await createJudging(store.scheduler)(() => false)
    await relayOutbox(store.scheduler, 100)
    const { body } = await ask('/v1/events?after=0')
    return body.events ?? []
  }
  const owned = stack.move()
  return {
    store,
    ask,
    /** Whose the domain is from now on; undefined: nobody's. */
    give: (owner: 'former' | 'present' | undefined, members: Record<string, unknown> = {}): void => {
      dns.answerWith(delegatedTo(owner && (owner === 'former' ? FORMER : PRESENT)))
      if (owner === undefined) return
      port = owners[owner].port
      serve(owners[owner], members)
    },
    onDay: async (day: number): Promise<void> => {
      days = day
      await store.moveClock(day * DAY_SECONDS)
    },
    resolve: () => ask('/v1/resolve', { client_id: CLIENT, subject: 'alice', wait_ms: 20_000 }),
    /** A fetch, whatever is known, and how it ended. */
    refresh: async () => {
      const { body } = await ask('/v1/refresh', { client_id: CLIENT, subject: 'alice' })
      return ask(`/v1/tickets/${body.ticket}?wait_ms=20000`)
    },
    ownership: async () => (await ask(`/v1/client?client_id=${encodeURIComponent(CLIENT)}`)).body.ownership,
    /** What the tenant is told of that type. */
    told: async (of: string) => (await events()).filter(({ type }) => type === of),
    /** What of these kinds is in the tenant's audit, in the order of its chain. */
    audited: async (...kinds: readonly string[]) => {
      await chainAll(store)
      const { body } = await ask('/v1/audit?limit=1000')
      return (body.entries ?? []).map(({ entry }) => entry).filter(({ kind }) => kinds.includes(kind))
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const HELD = { decision: 'held', rules: [{ id: 'ownership_changed' }] }
const WARNED = expect.objectContaining({ code: 'ownership_changed', severity: 'danger' })

type Story = Awaited<ReturnType<typeof setupStory>>

/** The domain is used, lapses, and serves again on day 44, by another owner who has the codes sent to another place. */
async function changeHands(story: Story): Promise<void> {
  story.give('former')
  expect(await story.resolve()).toMatchObject({ body: { status: 'ready' } })
  expect(await story.ownership()).toEqual({ domain: 'lapsed-story.com', era: 1, accepted_era: 1 })
  await story.onDay(1)
  expect(await story.refresh()).toMatchObject({ status: 200 })

  story.give(undefined)
  await story.onDay(3)
  expect(await story.refresh()).toMatchObject({ body: { code: 'dns_not_found' } })
  await story.onDay(43)
  expect(await story.refresh()).toMatchObject({ body: { code: 'dns_not_found' } })

  await story.onDay(44)
  story.give('present', { redirect_uris: ['https://elsewhere.example.org/cb'] })
}

describeStore('a domain that a newer list of public suffixes divides (CHG-05)', () => {
  it('remains that of the clients that were known before', async () => {
    await using story = await setupStory()
    story.give('former')
    expect(await story.resolve()).toMatchObject({ status: 200 })
    // As an older list had it.
    for (const table of ['clients', 'domains', 'domain_eras'])
      await sql`update ${sql.table(`cimd.${table}`)} set domain = 'com'`.execute(story.store.owner)
    await story.onDay(1)
    expect(await story.refresh()).toMatchObject({ status: 200 })
    expect(await story.ownership()).toEqual({ domain: 'com', era: 1, accepted_era: 1 })
    await story.onDay(10)
    story.give('present')
    expect(await story.refresh()).toMatchObject({ status: 200 })
    expect(await story.ownership()).toMatchObject({ domain: 'com', era: 2, accepted_era: 1 })
  })
})

describeStore('a domain that lapses and comes back in other hands (CHG-05)', () => {
  it('is told to whoever uses a client of it, and is doubted until its owner is accepted', async () => {
    await using story = await setupStory()
    await changeHands(story)
    await story.resolve()
    expect(await story.ownership()).toMatchObject({ era: 2, accepted_era: 1 })
    expect(await story.told('host.ownership_changed')).toEqual([
      expect.objectContaining({
        subject: CLIENT,
        data: expect.objectContaining({
          domain: 'lapsed-story.com',
          signals: ['name_servers', 'certificate_key', 'certificate_issuer'],
          reasons: expect.arrayContaining(['long_absence', 'replaced_after_silence']),
          era: 2,
        }),
      }),
    ])

    expect(await story.ask('/v1/client/owner/accept', { client_id: CLIENT, era: 1 })).toMatchObject({
      ...{ status: 409, body: { code: 'owner_changed' } },
    })
    expect(await story.ask('/v1/client/owner/accept', { domain: HOST })).toEqual({
      ...{ status: 200, body: { domain: 'lapsed-story.com', era: 2 } },
    })
    expect(await story.ownership()).toMatchObject({ era: 2, accepted_era: 2 })
    expect(await story.resolve()).toMatchObject({ status: 200 })
  })

  it('is held by a policy that says so until its owner is accepted, and the audit tells all of it', async () => {
    await using story = await setupStory()
    const policy = { ownership_change: 'hold' }
    expect(await story.ask('/v1/policy', { policy }, 'PUT')).toMatchObject({ status: 200 })
    await changeHands(story)

    const held = await story.resolve()
    expect(held).toMatchObject({
      status: 403,
      body: {
        ...{ code: 'policy_held', retryable: false, oauth_error: 'invalid_client' },
        reasons: [{ code: 'ownership_changed', effect: 'hold', rule: 'CHG-05', at: '/ownership_change' }],
      },
    })
    expect(held.body).not.toHaveProperty('document')
    const judged = { client_id: CLIENT, policy_version: 1 }
    expect(await story.told('decision.changed')).toMatchObject([
      { data: { ...judged, from: 'admitted', to: 'held', codes: ['ownership_changed'] } },
    ])
    expect(await story.ask('/v1/reviews')).toMatchObject({ body: { reviews: [{ client_id: CLIENT }] } })

    const accepted = await story.ask('/v1/client/owner/accept', { client_id: CLIENT, era: 2 })
    expect(accepted).toEqual({ status: 200, body: { domain: 'lapsed-story.com', era: 2 } })
    expect(await story.told('decision.changed')).toMatchObject([
      { data: { to: 'held' } },
      { data: { ...judged, from: 'held', to: 'admitted', codes: [] } },
    ])
    expect(await story.ask('/v1/reviews')).toMatchObject({ body: { reviews: [] } })
    expect(await story.resolve()).toMatchObject({
      status: 200,
      body: {
        document: { redirect_uris: ['https://elsewhere.example.org/cb'] },
        policy: { version: 1, decision: 'admitted' },
        display: { tier: 'first_seen', warnings: expect.arrayContaining([WARNED]) },
      },
    })

    const told = await story.audited(
      ...['resolve.decided', 'ownership.judged', 'policy.judged', 'ownership.accepted'],
    )
    const since = told.slice(told.findIndex(({ kind }) => kind === 'ownership.judged'))
    expect(since).toMatchObject([
      { kind: 'ownership.judged', client_id: CLIENT, data: { verdict: 'discontinuous', era: 2 } },
      { kind: 'resolve.decided', data: { code: 'policy_held', verdict: HELD } },
      { kind: 'policy.judged', client_id: CLIENT, data: { verdict: HELD } },
      { kind: 'ownership.accepted', actor: { kind: 'key' }, data: { domain: 'lapsed-story.com', era: 2 } },
      { kind: 'policy.judged', client_id: CLIENT, data: { verdict: { decision: 'admitted' } } },
      { kind: 'resolve.decided', data: { answer: 'ready', verdict: { decision: 'admitted' } } },
    ])
  })
})
