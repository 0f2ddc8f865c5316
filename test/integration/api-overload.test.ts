import type { ClientIdUrl } from '@cimd/core'
import { createApiKey, recordAttempt } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { type ApiClient, createApiClient } from '../harness/api-client.ts'
import { serveApi } from './api-bundle.ts'
import { describeStore, identify, setup, type TestStore, validRecord } from './store-bundle.ts'

/** A longest wait that is over as soon as it is looked at. */
const environment = { CIMD_OVERLOAD_SILENCE_SECONDS: '1', CIMD_OVERLOAD_ADMITTED_MIN: '2' }

/** An api whose demands nobody answers but the test. */
async function serveUnanswered() {
  const stack = new AsyncDisposableStack()
  const store = stack.use(await setup())
  const served = stack.use(await serveApi(store.url, environment))
  const scopes = ['resolve', 'demand_without_subject'] as const
  const as = async (tenant: string): Promise<ApiClient> =>
    createApiClient(() => served.baseUrl, await createApiKey(store.owner, tenant, scopes))
  const api = await as(store.tenant)
  const first = (): Promise<{ readonly status: number; readonly body: { readonly ticket: string } }> =>
    api.resolve({ client_id: identify(), wait_ms: 0 })
  const isWell = async () => {
    const { body } = await api.request('/health/ready')
    return body.checks.find(({ name }: { name: string }) => name === 'load').ok
  }
  return {
    ...{ store, api, as, first },
    /** Resolves once the api has seen that first contacts are refused, or taken again. */
    until: (state: 'refused' | 'taken') => expect.poll(isWell, { timeout: 10_000 }).toBe(state === 'taken'),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

describeStore('while nobody answers first contacts', () => {
  it('a few wait, and all others are told early when to ask again', async () => {
    await using served = await serveUnanswered()
    const { api, store, first, until } = served
    for (const { status } of [await first(), await first()]) expect(status).toBe(202)
    await until('refused')
    const clientId = identify()
    const startedAt = performance.now()
    const refused = await api.resolve({ client_id: clientId, wait_ms: 20_000 })
    expect(performance.now() - startedAt).toBeLessThan(15_000)
    expect(refused.headers.get('content-type')).toContain('application/problem+json')
    expect(refused).toMatchObject({
      status: 503,
      body: {
        code: 'overloaded',
        class: 'deferred',
        retryable: true,
        oauth_error: 'temporarily_unavailable',
      },
    })
    expect(refused.body).not.toHaveProperty('ticket')
    const seconds = Number(refused.headers.get('retry-after'))
    expect(seconds >= 30 && seconds <= 60).toBe(true)
    const forced = await api.refresh({ client_id: clientId })
    expect([forced.status, forced.body.code]).toEqual([503, 'overloaded'])
    // Nothing is left of them.
    expect(await countClients(store, clientId)).toBe(0)
  })

  it('a client that is wanted already is joined', async () => {
    await using served = await serveUnanswered()
    const { api, store, as, first, until } = served
    const clientId = identify()
    const joined = await api.resolve({ client_id: clientId, wait_ms: 0 })
    await first()
    await until('refused')
    expect((await api.resolve({ client_id: clientId, wait_ms: 0 })).body).toEqual(joined.body)
    expect((await (await as(store.otherTenant)).resolve({ client_id: clientId, wait_ms: 0 })).status).toBe(
      202,
    )
  })

  it('a known client is answered, without a wait even where it is stale', async () => {
    await using served = await serveUnanswered()
    const { api, store, first, until } = served
    const [fresh, stale] = [identify(), identify()]
    for (const clientId of [fresh, stale]) await store.fetch(clientId)
    await sql`update cimd.clients set fresh_until = now() - interval '1 hour', revalidate_until = now() - interval '1 hour'
      where client_id = ${stale}`.execute(store.owner)
    await sql`update cimd.attempts set finished_at = now() - interval '1 hour'`.execute(store.owner)
    await first()
    await first()
    await until('refused')
    expect((await api.resolve({ client_id: fresh })).body.freshness.state).toBe('fresh')
    const startedAt = performance.now()
    const answer = await api.resolve({ client_id: stale, wait_ms: 20_000 })
    expect(performance.now() - startedAt).toBeLessThan(15_000)
    expect([answer.status, answer.body.freshness.state]).toEqual([200, 'stale'])
    // Its refresh is wanted, and does not stand in the way of users.
    expect(await demandOf(store, stale)).toEqual({ wanted: 2, urgent: 1, done: 1 })
    expect((await api.resolve({ client_id: identify(), purpose: 'token' })).status).toBe(404)
    expect((await api.refresh({ client_id: fresh })).status).toBe(202)
  })

  it('they are taken again once others have been answered, by the same api', async () => {
    await using served = await serveUnanswered()
    const { api, store, first, until } = served
    await first()
    await first()
    await until('refused')
    const { rows } = await sql<{ id: string }>`select id::text from cimd.clients`.execute(store.owner)
    for (const { id } of rows) await recordAttempt(store.fetcher, validRecord(await store.claim(id)))
    await until('taken')
    expect((await first()).status).toBe(202)
    const { body } = await api.request('/health/ready')
    expect(body.status).toBe('ready')
  })
})

async function countClients({ owner }: TestStore, clientId: ClientIdUrl): Promise<number> {
  const { rows } = await sql`select from cimd.clients where client_id = ${clientId}`.execute(owner)
  return rows.length
}

async function demandOf({ owner }: TestStore, clientId: ClientIdUrl): Promise<unknown> {
  const { rows } =
    await sql`select wanted, urgent, done from cimd.clients where client_id = ${clientId}`.execute(owner)
  return rows[0]
}
