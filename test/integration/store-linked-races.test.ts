import { type ClientEvent, EVENT_DATA, type FetchResource, sha256Hex } from '@cimd/core'
import { createDeps, createResourceDeps, fetchClient, fetchResources, loadConfig } from '@cimd/fetcher'
import { claimResources, recordResource } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { documentOf } from '../harness/documents.ts'
import { createTestKey, type TestKey } from '../harness/keys.ts'
import { createGate, describeStore, EVIDENCE, identify, setup, type TestStore } from './store-bundle.ts'

const [first, second, third] = ['a', 'b', 'c'].map(createTestKey) as [TestKey, TestKey, TestKey]
const LINKED = { jwks_uri: 'https://client.example.net/jwks' }
const INLINE = { jwks: { keys: [third.publicJwk] } }
const never = new AbortController().signal

// Whoever is not told that a key was removed accepts it for ever (CHG-08).
describeStore('a key set that is found to be another', () => {
  it('while a document is fetched that leaves it, is told to be removed as it is then (CHG-03)', async () => {
    await using store = await setup()
    const publisher = publish(store)
    await publisher.fetchAll(LINKED, [first])
    await wantKeys(store)
    await publisher.fetchAll(INLINE, [second], { meanwhile: publisher.fetchKeys })
    expect(await changesOfKeys(store)).toEqual([
      [[first.thumbprint], []],
      [[second.thumbprint], [first.thumbprint]],
      [[third.thumbprint], [second.thumbprint]],
    ])
    const { rows } = await sql<{ n: number }>`select count(*) as n from cimd.attempts`.execute(store.owner)
    expect(rows[0]?.n).toBe(2)
  })

  it('while a claim of the client waits for that, is carried by the claim', async () => {
    await using store = await setup()
    const publisher = publish(store)
    const client = await publisher.fetchAll(LINKED, [first])
    await wantKeys(store)
    const [claim] = await claimResources(store.fetcher, client, ['jwks'], 20)
    if (claim === undefined) throw new Error('nothing to claim')
    await store.demand(publisher.clientId, { forced: true })
    const [written, mayCommit] = [createGate(), createGate()]
    const body = keySetOf([second])
    const data: KeysChange = { source: 'jwks_uri', to_digest: sha256Hex(body), added: [], removed: [] }
    const events = [{ type: 'client.keys_changed', data }] as const
    const finishedAt = claim.claimedAt
    const found = { claim, finishedAt, standing: claim.standing, nextAttemptAt: finishedAt, events, body }
    const recording = store.fetcher.transaction().execute(async (trx) => {
      await recordResource(trx, found)
      written.open()
      await mayCommit.opened
    })
    await written.opened
    const claiming = store.claim(client)
    await store.untilBlocked()
    mayCommit.open()
    await recording
    expect(Buffer.from((await claiming).linked?.keys ?? []).equals(body)).toBe(true)
  })
})

type KeysChange = Extract<ClientEvent, { type: 'client.keys_changed' }>['data']
type Fetched = { document: Buffer; keys: Buffer; meanwhile: (() => Promise<unknown>) | undefined }

/** A client and its publisher, fetched as the fetcher does it, with the network left out. */
function publish(store: TestStore) {
  const clientId = identify()
  const served: Fetched = { document: Buffer.of(), keys: Buffer.of(), meanwhile: undefined }
  const fetchResource: FetchResource = async ({ resource }) => {
    const { document, keys, meanwhile } = served
    if (resource === 'document') await meanwhile?.()
    const body = resource === 'document' ? document : keys
    return { kind: 'fetched', body, contentType: 'application/json', headers: {}, evidence: EVIDENCE }
  }
  const config = loadConfig({ CIMD_DATABASE_URL: store.url, CIMD_QUEUE_URL: store.url })
  const wayTo = { fetchResource, askNameServers: async () => ({ kind: 'unknown' }) as const }
  const documents = createDeps(store.fetcher, config, wayTo, async () => {})
  const resources = createResourceDeps(store.fetcher, config, fetchResource)
  const clientOf = async (): Promise<string> => (await store.demand(clientId, { forced: true })).client
  const fetchKeys = (client: string) => fetchResources(resources, client, ['jwks'], never)
  return {
    clientId,
    fetchAll: async (
      members: Record<string, unknown>,
      keys: readonly TestKey[],
      { meanwhile }: { readonly meanwhile?: (client: string) => Promise<unknown> } = {},
    ): Promise<string> => {
      const client = await clientOf()
      served.document = Buffer.from(JSON.stringify(documentOf(clientId, members)))
      served.keys = keySetOf(keys)
      served.meanwhile = meanwhile && (() => meanwhile(client))
      expect(await fetchClient(documents, client, never)).toMatchObject({ recorded: { applied: true } })
      await fetchKeys(client)
      return client
    },
    fetchKeys,
  }
}

function keySetOf(keys: readonly TestKey[]): Buffer {
  return Buffer.from(JSON.stringify({ keys: keys.map(({ publicJwk }) => publicJwk) }))
}

async function wantKeys({ owner }: TestStore): Promise<void> {
  await sql`update cimd.resources set wanted = done + 1 where kind = 'jwks'`.execute(owner)
}

/** The thumbprints added and removed by each change of the keys. */
async function changesOfKeys({ owner }: TestStore) {
  const { rows } = await sql<{ data: unknown }>`
    select data from cimd.outbox where type = 'client.keys_changed' order by client_seq`.execute(owner)
  return rows.map((row) => {
    const { added, removed } = EVENT_DATA['client.keys_changed'].parse(row.data)
    return [added, removed]
  })
}
