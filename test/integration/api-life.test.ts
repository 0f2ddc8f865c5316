import type { ClientIdUrl } from '@cimd/core'
import { createApiKey, recordAttempt, setApproval } from '@cimd/store'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type ApiClient, createApiClient } from '../harness/api-client.ts'
import { serveApi } from './api-bundle.ts'
import {
  describeStore,
  failedRecord,
  identify,
  shareStore,
  type TestStore,
  validRecord,
} from './store-bundle.ts'

const UNKNOWN = 'ab'.repeat(32)
const [LISTED, ADDED] = ['https://app.example.net/cb', 'https://app.example.net/added']

/** The api on a store whose attempts the test records itself. */
function serveShared(environment: Readonly<Record<string, string>> = {}) {
  const store = shareStore()
  let api: Awaited<ReturnType<typeof serveApi>>
  const baseUrl = () => api.baseUrl
  const as = async (tenant: string, scopes: ('resolve' | 'events')[] = ['resolve']): Promise<ApiClient> =>
    createApiClient(baseUrl, await createApiKey(store().owner, tenant, scopes))

  beforeAll(async () => {
    api = await serveApi(store().url, environment)
  })
  afterAll(() => api.stop())
  return { store, as, baseUrl }
}

const fetchVersion = (store: TestStore, clientId: ClientIdUrl, members: Record<string, unknown>) =>
  store.fetch(clientId, (claim) => validRecord(claim, members))

const post = (client: ApiClient, path: string, body: unknown) =>
  client.request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
const get = (client: ApiClient, path: string, query: Record<string, string>) =>
  client.request(`${path}?${new URLSearchParams(query)}`)

describeStore('a tenant that has approved a version', () => {
  const { store, as } = serveShared()

  /** A client of which the first version is approved, and a second one adds a redirect and has another name. */
  async function widened() {
    const api = await as(store().tenant)
    const clientId = identify()
    await fetchVersion(store(), clientId, { redirect_uris: [LISTED], client_name: 'First' })
    const first = await api.resolve({ client_id: clientId })
    await fetchVersion(store(), clientId, { redirect_uris: [LISTED, ADDED], client_name: 'Second' })
    const second = await api.resolve({ client_id: clientId })
    const [approved, current]: [string, string] = [first.body.digest, second.body.digest]
    await setApproval(store().owner, { tenantId: store().tenant, clientId, digest: approved })
    return { api, clientId, approved, current }
  }

  it('CHG-07: gets what that and the current one both allow, under a digest of its own', async () => {
    const { api, clientId, approved, current } = await widened()
    const { status, body } = await api.resolve({ client_id: clientId, redirect_uri: ADDED })
    expect(status).toBe(200)
    expect(body.document).toMatchObject({ redirect_uris: [LISTED], client_name: 'Second' })
    expect([approved, current]).not.toContain(body.digest)
    expect(body.effective).toEqual({
      approved_digest: approved,
      current_digest: current,
      held: [{ member: 'redirect_uris', class: 'widening', before: [], after: [ADDED] }],
    })
    expect(body.redirect_match).toMatchObject({ matched: false, nearest: LISTED })
  })

  it('gets the same by a ticket', async () => {
    const { api, clientId } = await widened()
    const { body } = await api.resolve({ client_id: clientId })
    const asked = await api.refresh({ client_id: clientId })
    await fetchVersion(store(), clientId, { redirect_uris: [LISTED, ADDED], client_name: 'Second' })
    const answered = await api.ticket(asked.body.ticket, 5000)
    expect(answered.body).toMatchObject({ digest: body.digest, effective: body.effective })
  })

  it('gets the current version, under its own digest, once that is approved', async () => {
    const { api, clientId, current } = await widened()
    await setApproval(store().owner, { tenantId: store().tenant, clientId, digest: current })
    const { body } = await api.resolve({ client_id: clientId })
    expect(body).toMatchObject({ digest: current, document: { redirect_uris: [LISTED, ADDED] } })
    expect(body.effective).toEqual({ approved_digest: current, current_digest: current, held: [] })
  })

  it('does not hold anything from another tenant', async () => {
    const { clientId, current } = await widened()
    const other = await as(store().otherTenant)
    const { body } = await other.resolve({ client_id: clientId })
    expect(body.digest).toBe(current)
    expect(body).not.toHaveProperty('effective')
  })

  it('CHG-09: may bind what it was given, and ask later what changed since', async () => {
    const { api, clientId, current } = await widened()
    const { body: given } = await api.resolve({ client_id: clientId })
    const report = { client_id: clientId, digest: given.digest, kind: 'consent' }
    expect((await post(api, '/v1/client/reports', report)).status).toBe(200)
    const query = { client_id: clientId, since: given.digest }
    expect((await get(api, '/v1/client/changes', query)).body).toMatchObject({
      ...{ from_digest: given.digest, to_digest: given.digest, classes: [], changes: [] },
    })
    await setApproval(store().owner, { tenantId: store().tenant, clientId, digest: current })
    expect((await get(api, '/v1/client/changes', query)).body).toMatchObject({
      ...{ from_digest: given.digest, to_digest: current, classes: ['widening'] },
      changes: [{ member: 'redirect_uris', class: 'widening', before: [], after: [ADDED] }],
      freshness: { state: 'fresh' },
    })
  })
})

describeStore('a tenant whose approved version the present rules refuse', () => {
  const { store, as } = serveShared()

  it('is told so wherever it asks what it gets, but to revoke', async () => {
    const api = await as(store().tenant)
    const clientId = identify()
    await fetchVersion(store(), clientId, { client_secret: 'x' })
    await fetchVersion(store(), clientId, { redirect_uris: [LISTED] })
    const since = (await api.resolve({ client_id: clientId })).body.digest
    await sql`insert into cimd.approvals (tenant_id, client_ref, version_id)
      select ${store().tenant}, c.id, min(v.id) from cimd.clients c join cimd.versions v on v.client_id = c.client_id
      where c.client_id = ${clientId} group by c.id`.execute(store().owner)
    const resolved = await api.resolve({ client_id: clientId })
    expect([resolved.status, resolved.body.code]).toEqual([403, 'approval_void'])
    const changes = await get(api, '/v1/client/changes', { client_id: clientId, since })
    expect([changes.status, changes.body.code]).toEqual([403, 'approval_void'])
    const asked = { client_id: clientId, purpose: 'revoke', redirect_uri: LISTED }
    const revoked = await api.resolve(asked)
    expect([revoked.status, revoked.body.digest]).toEqual([200, since])
    expect(revoked.body).not.toHaveProperty('redirect_match')
  })
})

describeStore('reports and changes', () => {
  const { store, as } = serveShared()

  it('CHG-09: a report keeps a version for as long as its kind lasts, or as it says', async () => {
    const api = await as(store().tenant)
    const clientId = identify()
    await store().fetch(clientId)
    const { digest } = (await api.resolve({ client_id: clientId })).body
    const until = async (more: object) => {
      const { status, body } = await post(api, '/v1/client/reports', { client_id: clientId, digest, ...more })
      expect(status).toBe(200)
      return (Date.parse(body.bound_until) - Date.now()) / 1000
    }
    expect(await until({ kind: 'code' })).toBeCloseTo(600, -2)
    expect(await until({ kind: 'code', lease_seconds: 3600 })).toBeCloseTo(3600, -2)
    expect((await until({ kind: 'consent' })) / 86_400).toBeCloseTo(400, 0)
    expect((await until({ kind: 'token' })) / 86_400).toBeCloseTo(90, 0)
    const described = await get(api, '/v1/client', { client_id: clientId })
    expect(described.body.versions[0].bound.map(({ kind }: { kind: string }) => kind)).toEqual([
      'code',
      'consent',
      'token',
    ])
  })

  it('CHG-08: a removed redirect is told as narrowing, with what the client is good for now', async () => {
    const api = await as(store().tenant)
    const clientId = identify()
    await fetchVersion(store(), clientId, { redirect_uris: [LISTED, ADDED] })
    const { digest: since } = (await api.resolve({ client_id: clientId })).body
    await fetchVersion(store(), clientId, { redirect_uris: [LISTED] })
    await store().fetch(clientId, (claim) => failedRecord(claim, 'status_404'))
    await store().moveClock(1)
    const { body } = await get(api, '/v1/client/changes', { client_id: clientId, since })
    expect(body).toMatchObject({
      classes: ['narrowing'],
      changes: [{ member: 'redirect_uris', before: [ADDED], after: [] }],
      freshness: { state: 'stale', why: 'status_404' },
    })
    expect(body.to_digest).not.toBe(since)
  })

  it.each<[string, number, string, (clientId: string) => Record<string, unknown>]>([
    [
      'an unknown digest',
      404,
      'version_unknown',
      (client_id) => ({ client_id, digest: UNKNOWN, kind: 'code' }),
    ],
    [
      'a client never asked for',
      404,
      'client_unknown',
      () => ({ client_id: identify(), digest: UNKNOWN, kind: 'code' }),
    ],
    ['no client_id at all', 400, 'url_scheme', () => ({ client_id: 'app', digest: UNKNOWN, kind: 'code' })],
    ['no digest', 400, 'bad_request', (client_id) => ({ client_id, digest: 'abc', kind: 'code' })],
    ['another kind', 400, 'bad_request', (client_id) => ({ client_id, digest: UNKNOWN, kind: 'session' })],
    [
      'a lease without end',
      400,
      'bad_request',
      (client_id) => ({ client_id, digest: UNKNOWN, kind: 'code', lease_seconds: 1e9 }),
    ],
  ])('%s is answered %i %s', async (_, status, code, report) => {
    const api = await as(store().tenant)
    const clientId = identify()
    await store().fetch(clientId)
    const answer = await post(api, '/v1/client/reports', report(clientId))
    expect([answer.status, answer.body.code]).toEqual([status, code])
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  })

  it('since an unknown digest, and of a client never asked for, nothing is told', async () => {
    const [api, other] = [await as(store().tenant), await as(store().otherTenant)]
    const clientId = identify()
    await store().fetch(clientId)
    const { digest } = (await api.resolve({ client_id: clientId })).body
    const unknown = await get(api, '/v1/client/changes', { client_id: clientId, since: UNKNOWN })
    expect([unknown.status, unknown.body.code]).toEqual([404, 'version_unknown'])
    for (const path of ['/v1/client', '/v1/client/changes']) {
      const query = { client_id: clientId, ...(path.endsWith('changes') && { since: digest }) }
      const stranger = await get(other, path, query)
      expect([stranger.status, stranger.body.code]).toEqual([404, 'client_unknown'])
    }
  })

  it('needs a key with the scope', async () => {
    const api = await as(store().tenant, ['events'])
    const answer = await get(api, '/v1/client', { client_id: identify() })
    expect([answer.status, answer.body.code]).toEqual([403, 'missing_scope'])
  })
})

describeStore('what a tenant may know of a client', () => {
  const { store, as } = serveShared()

  it('is its state, why, what comes next, its versions and what happened', async () => {
    const api = await as(store().tenant)
    const clientId = identify()
    await fetchVersion(store(), clientId, { client_name: 'First' })
    await store().fetch(clientId, (claim) => failedRecord(claim, 'status_404'))
    await store().moveClock(1)
    const { status, body } = await get(api, '/v1/client', { client_id: clientId })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      ...{ client_id: clientId, state: 'failing_withdrawn', fetch_pending: false, held_by_brake: false },
      freshness: { state: 'stale', why: 'status_404' },
      withdrawing: { code: 'status_404', since: expect.any(String), summary: expect.any(String) },
      ...{
        next_look_at: expect.any(String),
        leased_until: expect.any(String),
        usable_until: expect.any(String),
      },
      versions: [{ digest: body.digest, current: true, approved: false, bound: [] }],
    })
    expect(body.history).toMatchObject([
      { kind: 'event', type: 'client.stale', client_seq: 2, data: { code: 'status_404' } },
      { kind: 'attempt', outcome: 'failed', code: 'status_404', detail: 'as the test wants it' },
      { kind: 'event', type: 'client.discovered', client_seq: 1, data: { digest: body.digest } },
      { kind: 'attempt', outcome: 'fetched', digest: body.digest },
    ])
    expect(body).not.toHaveProperty('next')
    expect(body).not.toHaveProperty('dormant_since')
  })

  it('is told page by page', async () => {
    const api = await as(store().tenant)
    const clientId = identify()
    for (const client_name of ['one', 'two', 'three']) await fetchVersion(store(), clientId, { client_name })
    const all = (await get(api, '/v1/client', { client_id: clientId })).body.history
    const paged: unknown[] = []
    for (let before: string | undefined; ; ) {
      const query = { client_id: clientId, limit: '2', ...(before !== undefined && { before }) }
      const { body } = await get(api, '/v1/client', query)
      paged.push(...body.history)
      before = body.next
      if (before === undefined) break
    }
    expect(all).toHaveLength(6)
    expect(paged).toEqual(all)
    const wrong = await get(api, '/v1/client', { client_id: clientId, before: 'yesterday' })
    expect([wrong.status, wrong.body.code]).toEqual([400, 'bad_request'])
  })

  it('leaves out what a name resolves to inside our network', async () => {
    const api = await as(store().tenant)
    const clientId = identify()
    await store().fetch(clientId)
    await store().fetch(clientId, (claim) => failedRecord(claim, 'address_blocked'))
    const { body } = await get(api, '/v1/client', { client_id: clientId })
    expect(body.history[1]).toMatchObject({ kind: 'attempt', code: 'address_blocked' })
    expect(JSON.stringify(body)).not.toContain('as the test wants it')
  })
})

describeStore("a publisher's refresh", () => {
  const { store, baseUrl } = serveShared({ CIMD_PUBLIC_REFRESHES_PER_MINUTE: '50' })
  const refresh = async (body: string, contentType = 'application/json') => {
    const headers = { 'content-type': contentType }
    const response = await fetch(`${baseUrl()}/refresh`, { method: 'POST', headers, body })
    return { status: response.status, text: await response.text() }
  }
  const isWanted = async (client: string) => {
    const { wanted, done } = await store().row(client)
    return wanted > done
  }

  it('is answered the same for what is in use, what is unknown and what is no client_id', async () => {
    const clientId = identify()
    const { client } = await store().demand(clientId)
    await recordAttempt(store().fetcher, validRecord(await store().claim(client)))
    await store().moveClock(61)
    for (const asked of ['my-client', identify(), clientId]) {
      const answer = await refresh(JSON.stringify({ client_id: asked, reason: 'deployed' }))
      expect(answer).toEqual({ status: 202, text: '{}' })
    }
    await vi.waitFor(async () => expect(await isWanted(client)).toBe(true), { timeout: 10_000 })
    const clients = await store().owner.selectFrom('cimd.clients').select('client_id').execute()
    expect(clients).toEqual([{ client_id: clientId }])
  })

  it.each(['', '[]', '{}', '{"client_id":1}', '{"client_id":'])('of %j is answered 400', async (body) => {
    expect((await refresh(body)).status).toBe(400)
  })
})

describeStore("a publisher's refresh that is switched off", () => {
  const { baseUrl } = serveShared({ CIMD_PUBLIC_REFRESH: 'false' })

  it('is not there', async () => {
    expect((await fetch(`${baseUrl()}/refresh`, { method: 'POST' })).status).toBe(404)
  })
})
