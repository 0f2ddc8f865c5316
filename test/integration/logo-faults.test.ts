import { type FetchResource, sha256Hex } from '@cimd/core'
import { createResourceDeps, fetchResources, loadConfig, startFetcher } from '@cimd/fetcher'
import { createProducer, prepareQueueStore } from '@cimd/queue'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { imageOf } from '../harness/images.ts'
import { createTestKey } from '../harness/keys.ts'
import { describeStore, identify, setup, type TestStore } from './store-bundle.ts'

const never = new AbortController().signal
const { publicJwk } = createTestKey('a')
const picture = await imageOf('png')

describeStore('a fetcher whose image decoder cannot start (UI-06)', () => {
  const { execPath } = process
  beforeEach(() => {
    process.execPath = '/nowhere/node'
  })
  afterEach(() => {
    process.execPath = execPath
  })

  it('fetches a logo and leaves it alone for a while, again and again, until all is well', async () => {
    await using store = await setup()
    const client = await clientWithLinks(store)
    const { run, fetched } = serve(store)
    await expect(run(client)).rejects.toThrow('the image decoder did not start')
    expect(fetched.toSorted()).toEqual(['jwks', 'logo'])
    expect(await resource(store, 'jwks')).toMatchObject({ state: 'valid', done: 1 })
    expect(await resource(store, 'logo')).toMatchObject({ state: 'discovering', done: 0, claim_token: null })
    await store.moveClock(10)
    expect(await run(client)).toEqual([])
    await store.moveClock(30)
    await expect(run(client)).rejects.toThrow('the image decoder did not start')
    await store.moveClock(40)
    expect(await run(client)).toEqual([])
    await store.moveClock(60)
    process.execPath = execPath
    expect(await run(client)).toMatchObject([{ kind: 'recorded', applied: true }])
    expect(fetched.filter((kind) => kind === 'logo')).toHaveLength(3)
    expect(await resource(store, 'logo')).toMatchObject({ state: 'valid', failure_code: null })
  })

  it('is looked at by a sweep no sooner than the pause ends', async () => {
    await using store = await setup()
    const { run } = serve(store)
    await expect(run(await clientWithLinks(store))).rejects.toThrow('the image decoder did not start')
    const { due_at, deferred_until } = await resource(store, 'logo')
    expect(due_at).toEqual(deferred_until)
    expect((deferred_until?.getTime() ?? 0) - Date.now()).toBeGreaterThan(15_000)
  })

  it('finds that out at its start, and fetches keys alone', async () => {
    await using store = await setup()
    const client = await clientWithLinks(store)
    await prepareQueueStore(store.url, { grantTo: ['cimd_fetcher'] })
    const asked: string[] = []
    const keysAsked = Promise.withResolvers<void>()
    const resolve = async (host: string): Promise<readonly string[]> => {
      asked.push(host)
      if (host.startsWith('keys')) keysAsked.resolve()
      return ['127.0.0.1']
    }
    const environment = { CIMD_DATABASE_URL: store.url, CIMD_QUEUE_URL: store.url }
    const config = loadConfig({
      ...environment,
      CIMD_FETCHER_HEALTH_PORT: '0',
      CIMD_LOG_LEVEL: 'silent',
    })
    const fetcher = await startFetcher(config, { resolve })
    const producer = createProducer({ url: store.url, role: 'cimd_fetcher', onError: () => {} })
    try {
      await producer.enqueue('refresh', [client])
      await keysAsked.promise
    } finally {
      await producer.close()
      // The job has ended when this returns.
      await fetcher.stop()
    }
    expect(asked.map((host) => host.split('-')[0])).toEqual(['keys'])
    expect(await resource(store, 'jwks')).toMatchObject({ done: 1, failure_code: 'address_blocked' })
    expect(await resource(store, 'logo')).toMatchObject({ done: 0, claim_token: null, deferred_until: null })
  })
})

function serve(store: TestStore) {
  const fetched: string[] = []
  const fetchResource: FetchResource = async ({ resource: kind }) => {
    fetched.push(kind)
    const body = kind === 'jwks' ? Buffer.from(JSON.stringify({ keys: [publicJwk] })) : picture
    return {
      ...{ kind: 'fetched', body, contentType: 'application/json', headers: {} },
      evidence: {
        ...{ phase: 'body', addresses: ['192.0.2.1'], status: 200 },
        ...{ bodyBytes: 9, times: { totalMs: 1 } },
      },
    }
  }
  // A busy machine takes its time even for a small picture.
  const environment = { CIMD_DATABASE_URL: store.url, CIMD_LOGO_DECODE_MS: '10000' }
  const config = loadConfig({ ...environment, CIMD_QUEUE_URL: store.url })
  const deps = createResourceDeps(store.fetcher, config, fetchResource)
  return { fetched, run: (client: string) => fetchResources(deps, client, ['jwks', 'logo'], never) }
}

/** A client of which nothing is wanted but its key set and its logo, each on a host of its own. */
async function clientWithLinks(store: TestStore): Promise<string> {
  const clientId = identify()
  await store.fetch(clientId)
  const { id } = await store.owner.selectFrom('cimd.clients').select('id').executeTakeFirstOrThrow()
  const suffix = sha256Hex(Buffer.from(clientId)).slice(0, 8)
  const hosts = { jwks: `keys-${suffix}.example.net`, logo: `logo-${suffix}.example.net` }
  for (const [kind, host] of Object.entries(hosts))
    await sql`insert into cimd.resources (client_ref, kind, url, host, wanted, due_at)
      values (${id}, ${kind}, ${`https://${host}/`}, ${host}, 1, cimd.cimd_now())`.execute(store.owner)
  return String(id)
}

async function resource({ owner }: TestStore, kind: 'jwks' | 'logo') {
  const { rows } = await sql<{
    state: string
    done: number
    claim_token: string | null
    deferred_until: Date | null
    due_at: Date | null
    failure_code: string | null
  }>`select state, done, claim_token, deferred_until, due_at, failure_code
    from cimd.resources where kind = ${kind}`.execute(owner)
  const [row] = rows
  if (row === undefined) throw new Error(`the client has no ${kind}`)
  return row
}
