import { createApiKey, deleteEndedQuotaWindows, recordAttempt, setQuotas } from '@cimd/store'
import { expect, it } from 'vitest'
import { type ApiAnswer, type ApiClient, createApiClient } from '../harness/api-client.ts'
import { serveApi } from './api-bundle.ts'
import { describeStore, failedRecord, identify, setup, type TestStore } from './store-bundle.ts'

const HOUR = 3600
const bounds = {
  CIMD_TENANT_CONTACTS_PER_HOUR: '5',
  CIMD_SUBJECT_CONTACTS_PER_HOUR: '2',
  CIMD_TENANT_DEMANDS_WITHOUT_SUBJECT_PER_HOUR: '2',
}

/** An api whose demands nobody answers, at the beginning of an hour of the store. */
async function serve(environment: Readonly<Record<string, string>> = bounds) {
  const stack = new AsyncDisposableStack()
  const store = stack.use(await setup())
  const toNextHour = HOUR - (Math.floor(Date.now() / 1000) % HOUR)
  const at = (seconds: number) => store.moveClock(toNextHour + seconds)
  await at(60)
  const begin = () => serveApi(store.url, { CIMD_OVERLOAD_ADMITTED_MIN: '100000', ...environment })
  let served = stack.use(await begin())
  const as = async (tenant: string): Promise<ApiClient> => {
    const key = await createApiKey(store.owner, tenant, ['resolve', 'demand_without_subject'])
    return createApiClient(() => served.baseUrl, key)
  }
  const restart = async () => {
    await served.stop()
    served = stack.use(await begin())
  }
  return {
    ...{ store, at, as, restart, api: await as(store.tenant) },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const contact = (api: ApiClient, subject?: string): Promise<ApiAnswer> =>
  api.resolve({ client_id: identify(), wait_ms: 0, subject })

describeStore('quotas', () => {
  it('end the first contacts of a subject until the hour is over, and nobody else’s', async () => {
    await using served = await serve()
    const { api, at, store } = served
    expect(await statuses([await contact(api, 'alice'), await contact(api, 'alice')])).toEqual([202, 202])
    const refused = await contact(api, 'alice')
    expect(refused).toMatchObject({
      status: 429,
      body: {
        code: 'subject_quota',
        retryable: true,
        oauth_error: 'temporarily_unavailable',
        quota: { name: 'subject_contacts_per_hour', limit: 2, window_seconds: HOUR },
      },
    })
    const seconds = Number(refused.headers.get('retry-after'))
    expect(seconds).toBeGreaterThan(HOUR - 60 - 60)
    expect(seconds).toBeLessThanOrEqual(HOUR - 60)
    expect((await contact(api, 'bob')).status).toBe(202)
    await at(HOUR - 1 - 30)
    expect((await contact(api, 'alice')).status).toBe(429)
    await at(HOUR)
    expect((await contact(api, 'alice')).status).toBe(202)
    // Nothing is left of what was refused, and no subject by its name.
    expect(await countClients(store)).toBe(4)
    const windows = await store.owner.selectFrom('cimd.quota_windows').selectAll().execute()
    expect(JSON.stringify(windows)).not.toContain('alice')
  })

  it('end those of a tenant, whoever the subject, and of no other tenant', async () => {
    await using served = await serve()
    const { api, as, store, restart } = served
    for (const subject of ['a', 'b', 'c', 'd', 'e']) expect((await contact(api, subject)).status).toBe(202)
    await restart()
    const refused = await contact(api, 'f')
    expect(refused).toMatchObject({
      status: 429,
      body: { code: 'tenant_quota', quota: { name: 'contacts_per_hour', limit: 5 } },
    })
    expect((await contact(await as(store.otherTenant), 'f')).status).toBe(202)
  })

  it('count what was used for the first time alone, known to others or not', async () => {
    await using served = await serve()
    const { api, as, store } = served
    const clientId = identify()
    await store.fetch(clientId)
    const other = await as(store.otherTenant)
    const resolve = (client_id: string) => other.resolve({ client_id, wait_ms: 0 })
    for (let turn = 0; turn < 4; turn += 1) expect((await resolve(clientId)).status).toBe(200)
    expect((await contact(other, 'alice')).status).toBe(202)
    expect((await contact(other, 'alice')).status).toBe(429)
    expect((await resolve(clientId)).status).toBe(200)
    // What is known is not counted again either where it is forced.
    expect((await other.refresh({ client_id: clientId })).status).toBe(202)
    expect((await api.resolve({ client_id: clientId, wait_ms: 0 })).status).toBe(200)
  })

  it('count a first use of what is set aside, of which nothing is fetched', async () => {
    await using served = await serve()
    const { as, store } = served
    const other = await as(store.otherTenant)
    for (const status of [503, 503, 429]) {
      const clientId = identify()
      const { client } = await store.demand(clientId)
      await recordAttempt(store.fetcher, failedRecord(await store.claim(client), 'quarantined'))
      const answer = await other.resolve({ client_id: clientId, wait_ms: 0, subject: 'alice' })
      expect(answer.status).toBe(status)
    }
  })

  it('are tight for demands without a subject', async () => {
    await using served = await serve()
    const { api } = served
    expect(await statuses([await contact(api), await contact(api)])).toEqual([202, 202])
    expect(await contact(api)).toMatchObject({
      status: 429,
      body: { code: 'tenant_quota', quota: { name: 'demands_without_subject_per_hour', limit: 2 } },
    })
    expect((await contact(api, 'alice')).status).toBe(202)
  })

  it('are exact for a subject, however many ask at once', async () => {
    await using served = await serve({ ...bounds, CIMD_TENANT_CONTACTS_PER_HOUR: '1000' })
    const answers = await Promise.all(Array.from({ length: 30 }, () => contact(served.api, 'alice')))
    expect(await statuses(answers)).toEqual([...Array(2).fill(202), ...Array(28).fill(429)])
  })

  it('are those of the tenant where it has some of its own', async () => {
    await using served = await serve()
    const { api, store } = served
    await setQuotas(store.owner, 'first', { subject_contacts_per_hour: 0, clients: 1 })
    expect((await contact(api, 'alice')).body).toMatchObject({ code: 'subject_quota', quota: { limit: 0 } })
    await setQuotas(store.owner, 'first', { subject_contacts_per_hour: 10 })
    expect((await contact(api, 'alice')).status).toBe(202)
    expect((await contact(api, 'alice')).body.code).toBe('tenant_capacity')
  })

  it('bound the resolutions of a second by one process', async () => {
    await using served = await serve({ CIMD_TENANT_RESOLVES_PER_SECOND: '3' })
    const { api, as, store } = served
    const clientId = identify()
    await store.fetch(clientId)
    const resolve = (by: ApiClient) => by.resolve({ client_id: clientId, purpose: 'token' })
    const answers = await Promise.all(Array.from({ length: 40 }, () => resolve(api)))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(0)
    expect(refused[0]?.body.quota).toEqual({ name: 'resolves_per_second', limit: 3, window_seconds: 1 })
    expect(refused[0]?.headers.get('retry-after')).toBe('1')
    expect((await resolve(await as(store.otherTenant))).status).not.toBe(429)
    await expect.poll(async () => (await resolve(api)).status, { timeout: 10_000 }).toBe(200)
  })

  it('go with their window', async () => {
    await using served = await serve()
    const { api, at, store } = served
    await contact(api, 'alice')
    expect(await deleteEndedQuotaWindows(store.scheduler)).toBe(0)
    await at(2 * HOUR + 61)
    expect(await deleteEndedQuotaWindows(store.scheduler)).toBe(2)
  })
})

describeStore('a tenant that has too many in line', () => {
  it('is told so, and nobody else is', async () => {
    await using served = await serve({ CIMD_TENANT_FETCHES_MAX: '1', CIMD_TENANT_IN_LINE_MAX: '2' })
    const { api, as, store } = served
    const codeOf = async () => (await contact(api, 'alice')).body.code
    await expect.poll(codeOf, { timeout: 10_000 }).toBe('tenant_backlog')
    const refused = await contact(api, 'alice')
    expect(refused).toMatchObject({ status: 429, body: { retryable: true } })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect((await contact(await as(store.otherTenant), 'alice')).status).toBe(202)
  })
})

const statuses = async (answers: readonly ApiAnswer[]): Promise<readonly number[]> =>
  answers.map(({ status }) => status).toSorted()

async function countClients({ owner }: TestStore): Promise<number> {
  return (await owner.selectFrom('cimd.clients').select('id').execute()).length
}
