import type { ClientIdUrl } from '@cimd/core'
import { createJudging } from '@cimd/scheduler'
import { createApiKey, readFeed, recordAttempt, withTenant } from '@cimd/store'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect } from 'vitest'
import { type ApiClient, createApiClient } from '../harness/api-client.ts'
import { serveApi } from './api-bundle.ts'
import { setup, type TestStore, validRecord } from './store-bundle.ts'

export const LISTED = 'https://client.example.net/cb'
export const ADDED = 'https://client.example.net/added'

/** The api with a tenant of each test, and its own key for everything. */
export function servePolicies() {
  let store: TestStore
  let api: Awaited<ReturnType<typeof serveApi>>
  beforeAll(async () => {
    store = await setup()
    api = await serveApi(store.url)
  })
  afterAll(async () => {
    await api.stop()
    await store[Symbol.asyncDispose]()
  })
  let tenants = 0
  const tenantOf = async () => {
    tenants += 1
    const { rows } = await sql<{
      id: string
    }>`insert into cimd.tenants (name) values (${`t${tenants}`}) returning id`.execute(store.owner)
    const tenant = rows[0]?.id ?? ''
    const key = await createApiKey(store.owner, tenant, ['resolve', 'policy', 'events'])
    const client = createApiClient(() => api.baseUrl, key)
    return { tenant, client, ...actions(client, store, tenant) }
  }
  return { store: () => store, tenantOf }
}

function actions(client: ApiClient, store: TestStore, tenant: string) {
  const send = (method: string, path: string, body?: unknown) =>
    client.request(path, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    })
  return {
    send,
    put: async (policy: object) => {
      const answer = await send('PUT', '/v1/policy', { policy })
      expect(answer.status, JSON.stringify(answer.body)).toBe(200)
      return answer.body
    },
    /** A version that the tenant has asked for, and what it was answered. */
    publish: async (clientId: ClientIdUrl, members: Record<string, unknown> = {}) => {
      await store.demand(clientId, { tenant, forced: true })
      const { client: id } = await store.demand(clientId, { tenant })
      await recordAttempt(
        store.fetcher,
        validRecord(await store.claim(id), { redirect_uris: [LISTED], ...members }),
      )
      return client.resolve({ client_id: clientId, subject: 'alice' })
    },
    resolve: (clientId: string, given: object = {}) =>
      client.resolve({ client_id: clientId, subject: 'alice', wait_ms: 0, ...given }),
    changes: async () => {
      await createJudging(store.scheduler)(() => false)
      const events = await withTenant(store.api, tenant, (trx) => readFeed(trx, 0, 1000))
      return events.filter(({ type }) => type === 'decision.changed').map(({ data }) => data)
    },
  }
}

/** Records what the fetch of a client that was demanded has found. */
export async function record(store: TestStore, clientId: ClientIdUrl, members: Record<string, unknown>) {
  const { rows } = await sql<{
    id: string
  }>`select id::text from cimd.clients where client_id = ${clientId}`.execute(store.owner)
  const claim = await store.claim(rows[0]?.id ?? '')
  await recordAttempt(store.fetcher, validRecord(claim, { redirect_uris: [LISTED], ...members }))
}
