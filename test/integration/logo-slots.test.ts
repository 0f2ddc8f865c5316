import type { FetchResource } from '@cimd/core'
import { createResourceDeps, fetchResources, loadConfig } from '@cimd/fetcher'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { createTestKey } from '../harness/keys.ts'
import { describeStore, identify, shareStore, type TestStore } from './store-bundle.ts'

const DECODERS = 2
const CLIENTS = 6
const never = new AbortController().signal
const { publicJwk: jwk } = createTestKey('a')

const fetchResource: FetchResource = async ({ resource }) => ({
  kind: 'fetched',
  body: Buffer.from(resource === 'jwks' ? JSON.stringify({ keys: [jwk] }) : 'an image'),
  contentType: resource === 'jwks' ? 'application/json' : 'image/png',
  headers: {},
  evidence: {
    ...{ phase: 'body', addresses: ['192.0.2.1'], status: 200 },
    ...{ bodyBytes: 9, times: { totalMs: 1 } },
  },
})

describeStore('logos while every decoder is busy (UI-06)', () => {
  const store = shareStore()

  it('wait in the store and not in a worker, so that all else is fetched meanwhile', async () => {
    const { fetcher, url } = store()
    const { rows: begun } = await sql<{ at: Date }>`select cimd.cimd_now() as at`.execute(store().owner)
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => clientWithLinks(store())))
    const environment = { CIMD_DATABASE_URL: url, CIMD_QUEUE_URL: url, CIMD_LOGO_CONCURRENCY: `${DECODERS}` }
    const decoding = Promise.withResolvers<void>()
    const deps = {
      ...createResourceDeps(fetcher, loadConfig(environment), fetchResource),
      encodeLogo: async () => {
        await decoding.promise
        const body = Buffer.from('a picture')
        return { kind: 'encoded', body, contentType: 'image/webp', width: 2, height: 1 } as const
      },
    }
    const waiting = [...clients]
    const worker = async (): Promise<void> => {
      for (let client = waiting.shift(); client !== undefined; client = waiting.shift())
        await fetchResources(deps, client, ['jwks', 'logo'], never)
    }
    const workers = Array.from({ length: DECODERS + 1 }, worker)
    // The one that has no decoder does all that is left.
    await Promise.race(workers)
    await expect.poll(() => count(store(), sql`kind = 'jwks' and state = 'valid'`)).toBe(CLIENTS)
    const postponed = sql`kind = 'logo' and wanted > done and claim_until is null
      and due_at between ${begun[0]?.at}::timestamptz + interval '1 second' and cimd.cimd_now() + interval '5 seconds'`
    expect(await count(store(), postponed)).toBe(CLIENTS - DECODERS)

    decoding.resolve()
    await Promise.all(workers)
    for (const client of clients) await fetchResources(deps, client, ['jwks', 'logo'], never)
    expect(await count(store(), sql`kind = 'logo' and state = 'valid'`)).toBe(CLIENTS)
  })
})

async function clientWithLinks({ owner, demand }: TestStore): Promise<string> {
  const { client } = await demand(identify())
  // Of a host each, so that no budget has its say.
  const host = `host-${client}.example`
  await sql`insert into cimd.resources (client_ref, kind, url, host, wanted)
    select ${client}, kind, ${`https://${host}/`} || kind, ${host}, 1 from unnest(array['jwks', 'logo']) kind`.execute(
    owner,
  )
  return client
}

async function count({ owner }: TestStore, condition: ReturnType<typeof sql>): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from cimd.resources where ${condition}`.execute(owner)
  return rows[0]?.n ?? 0
}
