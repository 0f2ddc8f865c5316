import { loadConfig, startApi } from '@cimd/api'
import { type ClientIdUrl, judgeAttempt, keySetOf, type NamedResource } from '@cimd/core'
import { prepareQueueStore } from '@cimd/queue'
import {
  claimResources,
  createApiKey,
  doneKey,
  notify,
  type ResourceClaim,
  type ResourceRecord,
  recordAttempt,
  recordResource,
} from '@cimd/store'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ApiClient, createApiClient } from '../harness/api-client.ts'
import { describeStore, identify, shareStore, type TestStore, validRecord } from './store-bundle.ts'

const JWKS_URI = 'https://keys.example.net/jwks'
const NAMED: NamedResource = { kind: 'jwks', url: JWKS_URI, host: 'keys.example.net' }
const MEMBERS = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: JWKS_URI }

describeStore('newer keys of a client of which no key set was ever kept (KEY-14)', () => {
  const store = shareStore()
  let api: Awaited<ReturnType<typeof startApi>>
  let client: ApiClient

  beforeAll(async () => {
    const { url, owner, tenant } = store()
    await prepareQueueStore(url, { grantTo: ['cimd_api'] })
    const environment = { CIMD_DATABASE_URL: url, CIMD_QUEUE_URL: url, CIMD_API_PORT: '0' }
    api = await startApi(loadConfig({ ...environment, CIMD_LOG_LEVEL: 'silent' }))
    client = createApiClient(
      () => `http://127.0.0.1:${api.port}`,
      await createApiKey(owner, tenant, ['resolve']),
    )
  })
  afterAll(() => api.stop())

  const refreshKeys = (clientId: ClientIdUrl, wait_ms: number) =>
    client.request('/v1/client/keys/refresh', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ client_id: clientId, kid: 'a', wait_ms }),
    })

  it('are looked for in the document, by one fetch for all who ask', async () => {
    const { clientId, id } = await clientWithoutKeySet(store())
    const answers = await Promise.all([refreshKeys(clientId, 0), refreshKeys(clientId, 0)])
    expect(answers.map(({ status, body }) => [status, body.status])).toEqual([
      [202, 'pending'],
      [202, 'pending'],
    ])
    expect(await store().row(id)).toMatchObject({ wanted: 2, urgent: 2, done: 1 })
  })

  it('are waited for in the fetch of a key set that an attempt on the document begins meanwhile', async () => {
    const { clientId, id } = await clientWithoutKeySet(store())
    await store().demand(clientId, { forced: true })
    const record = { ...validRecord(await store().claim(id), MEMBERS), resources: [NAMED] }
    const answer = await store()
      .fetcher.transaction()
      .execute(async (recording) => {
        await recordAttempt(recording, record)
        const asked = refreshKeys(clientId, 0)
        await store().untilBlocked()
        return { asked }
      })
    const { status, body } = await answer.asked
    expect([status, body.status]).toEqual([202, 'pending'])
    expect(await store().row(id)).toMatchObject({ wanted: 2, done: 2 })
  })

  it('are waited for until the key set that the document names has been fetched', async () => {
    const { clientId, id } = await clientWithoutKeySet(store())
    const answer = refreshKeys(clientId, 10_000)
    await demanded(store(), id)
    const record = validRecord(await store().claim(id), MEMBERS)
    await recordAttempt(store().fetcher, { ...record, resources: [NAMED] })
    await tell(store(), clientId)
    const [claim] = await claimResources(store().fetcher, id, ['jwks'], 20)
    if (claim === undefined) throw new Error('the document names a key set')
    await recordResource(store().fetcher, noKeys(claim))
    await tell(store(), clientId)
    const { status, body } = await answer
    expect(status).toBe(200)
    expect(body.keys).toMatchObject({ status: 'ready', source: 'jwks_uri', jwks: { keys: [] } })
  })

  it('are not waited for once the document names none any more', async () => {
    const { clientId, id } = await clientWithoutKeySet(store())
    const answer = refreshKeys(clientId, 10_000)
    await demanded(store(), id)
    await recordAttempt(store().fetcher, { ...validRecord(await store().claim(id)), resources: [] })
    await tell(store(), clientId)
    expect((await answer).body.code).toBe('keys_unpublished')
  })

  it('are asked for once a minute where that found none', async () => {
    const { clientId } = await clientWithoutKeySet(store(), new Date())
    const { status, headers, body } = await refreshKeys(clientId, 0)
    expect([status, body.code]).toEqual([429, 'keys_refresh_limited'])
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  })
})

/** A client as a release left it that kept no key sets: its document names one. Last looked at an hour ago, or then. */
async function clientWithoutKeySet(store: TestStore, attemptedAt = new Date(Date.now() - 3_600_000)) {
  const clientId = identify()
  await store.fetch(clientId, (claim) => validRecord(claim, MEMBERS))
  const { id } = await store.owner
    .selectFrom('cimd.clients')
    .select('id')
    .where('client_id', '=', clientId)
    .executeTakeFirstOrThrow()
  await sql`update cimd.clients set attempted_at = ${attemptedAt} where id = ${id}`.execute(store.owner)
  return { clientId, id }
}

/** Resolves once the demand stands. */
async function demanded(store: TestStore, id: string): Promise<void> {
  for (;;) {
    const { wanted, done } = await store.row(id)
    if (wanted > done) return
  }
}

/** As the fetcher tells those who wait. */
function tell({ fetcher }: TestStore, clientId: ClientIdUrl): Promise<void> {
  return notify(fetcher, [{ channel: 'cimd_done', payload: doneKey(clientId) }])
}

function noKeys(claim: ResourceClaim): ResourceRecord {
  const { digest, text } = keySetOf([])
  const finishedAt = new Date(claim.claimedAt.getTime() + 50)
  const freshness = {
    ...{ freshForSeconds: 3600, staleWhileRevalidateSeconds: 60, staleIfErrorSeconds: undefined },
    staleForbidden: false,
  }
  const outcome = { kind: 'valid', digest, freshness, changes: [] } as const
  const { standing, nextAttemptAt } = judgeAttempt(claim.standing, outcome, finishedAt, 0)
  const body = new TextEncoder().encode(text)
  return { claim, finishedAt, standing, nextAttemptAt, events: [], body }
}
