import { createJudging } from '@cimd/scheduler'
import { createApiKey, recordAttempt } from '@cimd/store'
import { expect, it } from 'vitest'
import { createApiClient } from '../harness/api-client.ts'
import { serveApi } from './api-bundle.ts'
import { chainAll, verifyLines } from './audit-bundle.ts'
import { describeStore, identify, setup, validRecord } from './store-bundle.ts'

type Shown = { readonly entry: { readonly kind: string; readonly data: Record<string, unknown> } }

async function open() {
  const store = await setup()
  const api = await serveApi(store.url)
  const client = async (scopes: readonly string[], tenant = store.tenant) => {
    const key = await createApiKey(store.owner, tenant, scopes)
    return createApiClient(() => api.baseUrl, key)
  }
  const caller = await client(['resolve', 'audit'])
  return {
    ...{ store, api, client, caller },
    /** What was decided, in the order of the chain. */
    decided: async (): Promise<readonly Record<string, unknown>[]> => {
      await chainAll(store)
      const { body } = await caller.request('/v1/audit')
      return (body.entries as Shown[]).map(({ entry }) => entry.data)
    },
    [Symbol.asyncDispose]: async () => {
      await api.stop()
      await store[Symbol.asyncDispose]()
    },
  }
}

describeStore('an answer in the audit', () => {
  it('says what a subject was answered, by which version, what it redirects to and what would be shown', async () => {
    await using world = await open()
    const clientId = identify()
    const redirectUri = 'https://app.example.net/cb'
    await world.store.fetch(clientId, (claim) =>
      validRecord(claim, { client_name: 'App', redirect_uris: [redirectUri] }),
    )
    const { body } = await world.caller.resolve({ client_id: clientId, redirect_uri: redirectUri })
    const [told] = await world.decided()
    expect(told).toMatchObject({
      ...{ purpose: 'authorize', answer: 'ready', digest: body.digest, redirect_uri: redirectUri },
      ...{ redirect_match: 'exact', redirect_uris: [redirectUri], display: { client_name: 'App' } },
      cache: { status: 'fresh', fresh_until: expect.any(String) },
    })
  })

  it('is there for each demand of a subject, and for tokens only where the decision is another', async () => {
    await using world = await open()
    const clientId = identify()
    await world.store.fetch(clientId)
    const ask = (request: Record<string, unknown>) =>
      world.caller.resolve({ client_id: clientId, ...request })
    await ask({})
    await ask({})
    await ask({ purpose: 'token' })
    await ask({ subject: undefined })
    await world.store.fetch(clientId, (claim) => validRecord(claim, { client_name: 'Another' }))
    await ask({ purpose: 'token' })
    await ask({ purpose: 'token' })
    expect((await world.decided()).map(({ purpose }) => purpose)).toEqual([
      ...['authorize', 'authorize', 'token'],
    ])
  })

  it('is there for what may not be used, and not for what was no identifier', async () => {
    await using world = await open()
    await world.caller.resolve({ client_id: 'no url at all' })
    const clientId = identify()
    await world.store.fetch(clientId, (claim) => validRecord(claim, { client_name: 'First' }))
    await world.caller.resolve({ client_id: clientId, redirect_uri: 'https://\u0000.example/\ud800' })
    const [told, ...others] = await world.decided()
    expect(others).toEqual([])
    expect(told).toMatchObject({ answer: 'ready', redirect_uri: 'https://\ufffd.example/\ufffd' })
  })
})

describeStore('a refusal by policy in the audit', () => {
  const put = async (
    world: Awaited<ReturnType<typeof open>>,
    policy: object,
    tenant = world.store.tenant,
  ) => {
    const answer = await (await world.client(['policy'], tenant)).request('/v1/policy', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ policy }),
    })
    expect(answer.status).toBe(200)
    return answer.body
  }

  it('says by which policy and rule, before anything is looked up too', async () => {
    await using world = await open()
    const { version, digest } = await put(world, { block: [{ host: 'evil.example.org' }] })
    await world.caller.resolve({ client_id: 'https://evil.example.org/client.json' })
    await put(world, { mode: 'pre_registered' })
    await world.caller.resolve({ client_id: identify() })
    expect((await world.decided()).filter(({ answer }) => answer)).toEqual([
      expect.objectContaining({
        ...{ answer: 'refused', code: 'policy_denied', policy: { version, digest } },
        verdict: { decision: 'refused', rules: [{ id: 'blocked', reason: expect.any(String) }] },
      }),
      expect.objectContaining({
        ...{
          answer: 'refused',
          code: 'policy_denied',
          policy: expect.objectContaining({ version: version + 1 }),
        },
        verdict: { decision: 'refused', rules: [expect.objectContaining({ id: 'not_pre_registered' })] },
      }),
    ])
  })

  it('says which version of the document was refused', async () => {
    await using world = await open()
    const clientId = identify()
    await world.store.fetch(clientId)
    const { body: before } = await world.caller.resolve({ client_id: clientId })
    await put(world, { mode: 'review' })
    await world.caller.resolve({ client_id: clientId })
    expect((await world.decided()).at(-1)).toMatchObject({ code: 'policy_held', digest: before.digest })
  })

  it('is one of many rules too, and holds up the judging of no other tenant', async () => {
    await using world = await open()
    const clientId = identify(`https://app.example.net/${'a'.repeat(1900)}/client.json`)
    const { host, pathname: path } = new URL(clientId)
    const tenants = [world.store.tenant, world.store.otherTenant].sort()
    const [first = '', second = ''] = tenants
    for (const tenant of tenants) {
      await world.store.demand(clientId, { tenant, forced: true })
      await put(world, { changes: 'hold_widening' }, tenant)
    }
    const { client } = await world.store.demand(clientId)
    await recordAttempt(world.store.fetcher, validRecord(await world.store.claim(client)))
    await createJudging(world.store.scheduler)(() => false)
    await put(world, { block: Array.from({ length: 200 }, () => ({ host, path })) }, first)
    await put(world, { mode: 'review' }, second)
    await createJudging(world.store.scheduler)(() => false)
    const refused = await (await world.client(['resolve'], first)).resolve({ client_id: clientId })
    expect([refused.status, refused.body.code]).toEqual([403, 'policy_denied'])
    await chainAll(world.store)
    const judged = async (tenant: string) => {
      const { body } = await (await world.client(['audit'], tenant)).request('/v1/audit')
      return (body.entries as Shown[]).filter(({ entry }) => entry.kind === 'policy.judged').length
    }
    expect([await judged(first), await judged(second)]).toEqual([1, 1])
  })
})

describeStore('GET /v1/audit', () => {
  it.each([
    ['form=2026-12-01T00:00:00Z', 'Unrecognized key: "form"'],
    ['client-id=x', 'Unrecognized key: "client-id"'],
    ['from=2026-12-01T00:00:00Z&to=2026-11-01T00:00:00Z', '/to: must be later than `from`'],
  ])('tells of %s rather than answering another question', async (query, detail) => {
    await using world = await open()
    const { status, body } = await world.caller.request(`/v1/audit?${query}`)
    expect([status, body.detail]).toEqual([400, expect.stringContaining(detail)])
  })

  it('needs the scope audit, on every route', async () => {
    await using world = await open()
    const caller = await world.client(['resolve', 'events', 'policy'])
    for (const path of ['/v1/audit', '/v1/audit/head', '/v1/audit/export']) {
      const { status, body } = await caller.request(path)
      expect([path, status, body.code]).toEqual([path, 403, 'missing_scope'])
    }
  })

  it('tells the head, and exports a chain that can be verified and gone on with', async () => {
    await using world = await open()
    const empty = await world.caller.request('/v1/audit/head')
    expect(empty.body).toMatchObject({ tenant: world.store.tenant, seq: 0 })
    const clientId = identify()
    await world.store.fetch(clientId)
    for (let asked = 0; asked < 3; asked += 1) await world.caller.resolve({ client_id: clientId })
    await chainAll(world.store)
    const { body: head } = await world.caller.request('/v1/audit/head')
    const lines = async (query = '') => {
      const { headers } = {
        headers: {
          authorization: `Bearer ${await createApiKey(world.store.owner, world.store.tenant, ['audit'])}`,
        },
      }
      const answer = await fetch(`${world.api.baseUrl}/v1/audit/export${query}`, { headers })
      expect(answer.headers.get('content-type')).toBe('application/x-ndjson')
      return (await answer.text()).split('\n').slice(0, -1)
    }
    const whole = await lines()
    expect(verifyLines(whole, [head])).toMatchObject({ ok: true, entries: 3, head: { seq: 3 } })
    expect(await lines('?after=1')).toEqual(whole.slice(2))
  })

  it('finds by client and place, and tells another tenant nothing of it', async () => {
    await using world = await open()
    const clientId = identify()
    await world.store.fetch(clientId)
    await world.caller.resolve({ client_id: clientId })
    await world.caller.resolve({ client_id: clientId })
    await chainAll(world.store)
    const count = async (query: string, caller = world.caller) =>
      (await caller.request(`/v1/audit?${query}`)).body.entries.length
    expect(await count(`client_id=${encodeURIComponent(clientId)}`)).toBe(2)
    expect(await count('client_id=https%3A%2F%2Fother.example%2F')).toBe(0)
    expect(await count('after=1')).toBe(1)
    expect(await count('limit=1')).toBe(1)
    expect(await count('to=2000-01-01T00:00:00Z')).toBe(0)
    expect(await count('', await world.client(['audit'], world.store.otherTenant))).toBe(0)
  })
})
