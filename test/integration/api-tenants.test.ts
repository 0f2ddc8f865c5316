import {
  authenticate,
  clearQuotas,
  createApiKey,
  createOperatorKey,
  ensureTenant,
  revokeOperatorKey,
  setQuotas,
} from '@cimd/store'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApiClient, createApiClient } from '../harness/api-client.ts'
import { serveApi } from './api-bundle.ts'
import { describeStore, identify, shareStore } from './store-bundle.ts'

const DAY_SECONDS = 24 * 60 * 60
const CONDITION = { timeout: 10_000 }

describeStore('keys and tenants by the api', () => {
  const shared = shareStore()
  let api: Awaited<ReturnType<typeof serveApi>>
  let admin: ApiClient
  let operator: ApiClient
  const clientOf = (key: string) => createApiClient(() => api.baseUrl, key)

  beforeAll(async () => {
    const { url, owner, tenant } = shared()
    api = await serveApi(url, { CIMD_OPERATOR_ROUTES: 'true' })
    admin = clientOf(await createApiKey(owner, tenant, ['admin']))
    operator = clientOf(await createOperatorKey(owner))
  })
  afterAll(() => api?.stop())

  describe('a key with the scope `admin`', () => {
    it('makes, lists and revokes keys of its own tenant', async () => {
      const made = await send(admin, 'POST', '/v1/keys', { scopes: ['resolve'], expires_in_days: 2 })
      expect(made.status).toBe(201)
      expect(made.headers.get('cache-control')).toBe('no-store')
      expect(await authenticate(shared().api, made.body.key)).toMatchObject({ scopes: ['resolve'] })
      const { key, ...summary } = made.body
      expect(key).toContain(`cimd_${summary.prefix}_`)
      const listed = await admin.request('/v1/keys')
      expect(listed.body.keys).toContainEqual(summary)
      expect(JSON.stringify(listed.body)).not.toContain(key.slice(-20))
      expect((await send(admin, 'DELETE', `/v1/keys/${summary.prefix}`)).status).toBe(204)
      expect(await authenticate(shared().api, key)).toBeUndefined()
    })

    it('gives no key what is the operator’s to give', async () => {
      const scopes = ['resolve', 'demand_without_subject']
      expect((await send(admin, 'POST', '/v1/keys', { scopes })).status).toBe(400)
    })

    it('knows no key of another tenant', async () => {
      const theirs = await createApiKey(shared().owner, shared().otherTenant, ['resolve'])
      const prefix = theirs.split('_')[1]
      for (const [method, path] of [
        ['DELETE', `/v1/keys/${prefix}`],
        ['POST', `/v1/keys/${prefix}/rotate`],
      ] as const) {
        const { status, body } = await send(admin, method, path)
        expect([status, body.code]).toEqual([404, 'key_unknown'])
      }
      const { body } = await admin.request('/v1/keys')
      expect(body.keys.map((key: { prefix: string }) => key.prefix)).not.toContain(prefix)
      expect(await authenticate(shared().api, theirs)).toBeDefined()
    })

    it('shows its tenant, and what the deployment allows it', async () => {
      const { status, body } = await admin.request('/v1/tenant')
      expect(status).toBe(200)
      expect(body).toMatchObject({ name: 'first', profile: 'cimd-02', policy_version: 0, quotas: {} })
      expect(body.limits).toMatchObject({ clients: 100_000, keys: 100 })
      await setQuotas(shared().owner, 'first', { clients: 7 })
      const bounded = await admin.request('/v1/tenant')
      await clearQuotas(shared().owner, 'first')
      expect(bounded.body).toMatchObject({ quotas: { clients: 7 }, limits: { clients: 7 } })
    })

    it('makes no more keys than a tenant may have', async () => {
      const { owner } = shared()
      const tenant = await ensureTenant(owner, 'crowded')
      const crowded = clientOf(await createApiKey(owner, tenant, ['admin']))
      await sql`insert into cimd.api_keys (tenant_id, key_sha256, prefix, scopes)
        select ${tenant}, sha256(convert_to(n::text, 'UTF8')), lpad(to_hex(n), 12, '0'), '{}'
        from generate_series(1, 99) as n`.execute(owner)
      const { status, body } = await send(crowded, 'POST', '/v1/keys', { scopes: ['resolve'] })
      expect([status, body.code]).toEqual([429, 'keys_exhausted'])
    })
  })

  describe('a rotation', () => {
    it('lets both keys work until the overlap is over, and is done once', async () => {
      const { owner, tenant, moveClock } = shared()
      const old = await createApiKey(owner, tenant, ['events', 'demand_without_subject'], {
        expiresInDays: 30,
      })
      const path = `/v1/keys/${old.split('_')[1]}/rotate`
      const { status, body } = await send(admin, 'POST', path, { overlap_seconds: 3600 })
      expect(status).toBe(200)
      const works = async () => {
        const found = await Promise.all([old, body.key].map((key) => authenticate(shared().api, key)))
        return found.map((one) => one?.scopes)
      }
      const scopes = ['events', 'demand_without_subject']
      expect(await works()).toEqual([scopes, scopes])
      const again = await send(admin, 'POST', path)
      expect([again.status, again.body.code]).toEqual([409, 'key_ended'])
      try {
        await moveClock(3600)
        expect(await works()).toEqual([undefined, scopes])
        await moveClock(30 * DAY_SECONDS - 60)
        expect(await works()).toEqual([undefined, scopes])
        await moveClock(30 * DAY_SECONDS + 60)
        expect(await works()).toEqual([undefined, undefined])
      } finally {
        await moveClock(0)
      }
    })

    it('prolongs no key that ends before the overlap', async () => {
      const { owner, tenant } = shared()
      const old = await createApiKey(owner, tenant, ['events'], { expiresInDays: 1 })
      const path = `/v1/keys/${old.split('_')[1]}/rotate`
      const { body } = await send(admin, 'POST', path, { overlap_seconds: 30 * DAY_SECONDS })
      expect(Date.parse(body.previous_until) - Date.now()).toBeLessThanOrEqual(DAY_SECONDS * 1000)
    })
  })

  it('the use of a key is noted beside its requests', async () => {
    const { owner, tenant } = shared()
    const key = await createApiKey(owner, tenant, ['events'])
    const usedAt = async () => {
      const { rows } = await sql<{ at: Date | null }>`
        select last_used_at as at from cimd.api_keys where prefix = ${key.split('_')[1]}`.execute(owner)
      return rows[0]?.at ?? undefined
    }
    expect(await usedAt()).toBeUndefined()
    expect((await clientOf(key).events(0)).status).toBe(200)
    await expect.poll(usedAt, CONDITION).toBeInstanceOf(Date)
    const first = await usedAt()
    // Another process may ask as often as it likes.
    await sql`select cimd.note_key_use(sha256(convert_to(${key}, 'UTF8')))`.execute(shared().api)
    expect(await usedAt()).toEqual(first)
  })

  describe('an operator', () => {
    it('makes, shows and lists tenants, and their keys', async () => {
      const made = await send(operator, 'POST', '/v1/operator/tenants', { name: 'third' })
      expect([made.status, made.body.name]).toEqual([201, 'third'])
      expect((await send(operator, 'POST', '/v1/operator/tenants', { name: 'third' })).status).toBe(200)
      const path = '/v1/operator/tenants/third'
      const key = await send(operator, 'POST', `${path}/keys`, { scopes: ['demand_without_subject'] })
      expect(key.status).toBe(201)
      expect((await operator.request(path)).body).toMatchObject({ name: 'third', keys: 1 })
      const { body } = await operator.request('/v1/operator/tenants')
      expect(body.tenants.map((tenant: { name: string }) => tenant.name)).toEqual(
        expect.arrayContaining(['first', 'second', 'third']),
      )
      const rotated = await send(operator, 'POST', `${path}/keys/${key.body.prefix}/rotate`)
      expect(await authenticate(shared().api, rotated.body.key)).toBeDefined()
      expect((await send(operator, 'DELETE', `${path}/keys/${key.body.prefix}`)).status).toBe(204)
      const listed = await operator.request(`${path}/keys`)
      expect(listed.body.keys.map((one: { revoked_at?: string }) => one.revoked_at !== undefined)).toEqual([
        false,
        true,
      ])
      const elsewhere = `/v1/operator/tenants/first/keys/${key.body.prefix}`
      expect((await send(operator, 'DELETE', elsewhere)).body.code).toBe('key_unknown')
    })

    it('is told that a name is no name where the database could hold none such', async () => {
      expect((await operator.request('/v1/operator/tenants/a%00b')).body.code).toBe('bad_request')
    })

    it('removes a tenant with everything of it, and nothing of another, once its name is said twice', async () => {
      const { owner, fetch, demand } = shared()
      const tenant = await ensureTenant(owner, 'leaving')
      const clientId = identify()
      await fetch(clientId)
      await demand(clientId, { tenant })
      const key = await createApiKey(owner, tenant, ['resolve'])
      const path = '/v1/operator/tenants/leaving'
      const unconfirmed = await send(operator, 'DELETE', `${path}?confirm=first`)
      expect([unconfirmed.status, unconfirmed.body.code]).toEqual([400, 'confirmation_required'])
      expect((await send(operator, 'DELETE', `${path}?confirm=leaving`)).status).toBe(204)
      expect(await authenticate(shared().api, key)).toBeUndefined()
      const left = await sql<{ tenants: string[] }>`
        select array_agg(t.name) as tenants from cimd.interest i join cimd.tenants t on t.id = i.tenant_id
        join cimd.clients c on c.id = i.client_ref where c.client_id = ${clientId}`.execute(owner)
      expect(left.rows).toEqual([{ tenants: ['first'] }])
      expect((await operator.request(path)).body.code).toBe('tenant_unknown')
    })

    it('is nobody with a key that is revoked', async () => {
      const key = await createOperatorKey(shared().owner)
      expect((await clientOf(key).request('/v1/operator/tenants')).status).toBe(200)
      await revokeOperatorKey(shared().operator, key.split('_')[1] ?? '')
      expect((await clientOf(key).request('/v1/operator/tenants')).status).toBe(401)
    })
  })

  it('a key of one kind does not open the routes of the other', async () => {
    const every = clientOf(await everyScope())
    const [tenants, own] = await Promise.all([
      every.request('/v1/operator/tenants'),
      operator.request('/v1/keys'),
    ])
    expect([tenants.status, tenants.body.code]).toEqual([403, 'wrong_key_kind'])
    expect([own.status, own.body.code]).toEqual([403, 'wrong_key_kind'])
  })

  const everyScope = () => createApiKey(shared().owner, shared().tenant, ['admin', 'resolve', 'events'])
})

describeStore('an api without CIMD_OPERATOR_ROUTES', () => {
  const shared = shareStore()

  it('has no routes for operators', async () => {
    const { url, owner } = shared()
    await using api = await serveApi(url)
    const operator = createApiClient(() => api.baseUrl, await createOperatorKey(owner))
    const { status, body } = await operator.request('/v1/operator/tenants')
    expect([status, body.code]).toEqual([404, 'not_found'])
  })
})

function send(client: ApiClient, method: string, path: string, body?: unknown) {
  return client.request(path, {
    method,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  })
}
