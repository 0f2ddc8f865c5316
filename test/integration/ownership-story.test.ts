import { once } from 'node:events'
import { connect } from 'node:net'
import { createAskNameServers, createResolver, type Dial } from '@cimd/egress'
import { loadConfig, startFetcher } from '@cimd/fetcher'
import { prepareQueueStore } from '@cimd/queue'
import { createApiKey, relayOutbox } from '@cimd/store'
import { expect, it, vi } from 'vitest'
import { addresses, startNameServer, type Zone } from '../attack/name-server.ts'
import { createAuthority } from '../harness/authority.ts'
import { documentOf, jsonReply, serveAt } from '../harness/documents.ts'
import { DEFAULT_ADDRESSES, type Origin, startOrigin } from '../harness/origin.ts'
import { serveApi } from './api-bundle.ts'
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
  readonly events?: readonly { readonly type: string }[]
}

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
  const key = await createApiKey(store.owner, store.tenant, ['resolve', 'events', 'policy'])

  const ask = async (path: string, body?: object) => {
    const response = await fetch(`${api.baseUrl}${path}`, {
      method: body ? 'POST' : 'GET',
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
    events: async () => {
      await relayOutbox(store.scheduler, 100)
      const { body } = await ask('/v1/events?after=0')
      return body.events ?? []
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

describeStore('a domain that lapses and comes back in other hands (CHG-05)', () => {
  it('is told to whoever uses a client of it, and is doubted until its owner is accepted', async () => {
    await using story = await setupStory()
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
    await story.resolve()
    expect(await story.ownership()).toMatchObject({ era: 2, accepted_era: 1 })
    const told = (await story.events()).filter(({ type }) => type === 'host.ownership_changed')
    expect(told).toEqual([
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
})
