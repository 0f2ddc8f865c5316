import { randomUUID } from 'node:crypto'
import { createApiKey } from '@cimd/store'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ApiAnswer, createApiClient } from '../harness/api-client.ts'
import { serveApi } from './api-bundle.ts'
import { describeStore, identify, setup, type TestStore, validRecord } from './store-bundle.ts'
import { tellSubscriptions } from './subscription-bundle.ts'

const URL_GIVEN = 'https://Hooks.example.net:8443/cimd'
const HOOK = 'https://hooks.example.net:8443/cimd'
const REFUSED = { outcome: { kind: 'answered', status: 500 }, answer: 'not now', random: 0 } as const

type Ask = (method: string, path: string, body?: unknown) => Promise<ApiAnswer>

describeStore('subscriptions at the api', () => {
  it('are made with a secret that is told once, and listed without', async () => {
    await using world = await serve()
    const asked = { types: ['client.stale'], hosts: ['*.example.com'], change_classes: ['keys'] }
    const made = await world.mine('POST', '', { url: URL_GIVEN, ...asked })
    expect([made.status, made.headers.get('cache-control')]).toEqual([201, 'no-store'])
    expect(Buffer.from(made.body.secret.replace('whsec_', ''), 'base64')).toHaveLength(32)
    const { subscription } = made.body
    expect(subscription).toEqual({
      ...{ id: expect.any(String), url: HOOK, ...asked, state: 'verifying', failures: 0, cursor: '0' },
      ...{ state_since: expect.any(String), created_at: expect.any(String) },
    })
    expect((await world.mine('GET', `/${subscription.id}`)).body).toEqual(subscription)
    const second = await subscribe(world.mine)
    const { body } = await world.mine('GET', '')
    expect(body).toEqual({ subscriptions: [subscription, second] })
    expect(JSON.stringify(body)).not.toContain('whsec_')
  })

  it('are told what comes from now on, or after a cursor', async () => {
    await using world = await serve()
    for (let n = 0; n < 3; n += 1) await world.store.fetch(identify())
    await tellSubscriptions(world.store)
    expect(await subscribe(world.mine)).toMatchObject({ cursor: '3' })
    const older = await subscribe(world.mine, { after: '1' })
    expect(older).toMatchObject({ cursor: '1' })
    expect(await subscribe(world.mine, { after: '999' })).toMatchObject({ cursor: '3' })
    await tellSubscriptions(world.store)
    const { body } = await world.mine('GET', `/${older.id}/deliveries`)
    expect(body.deliveries.map(({ cursor }: { cursor: string }) => cursor)).toEqual(['3', '2'])
  })

  it('are changed member by member; null is everything again, and another URL is verified anew', async () => {
    await using world = await serve()
    const { id } = await subscribe(world.mine, { types: ['client.stale'], hosts: ['a.example.com'] })
    await tellSubscriptions(world.store)
    const change = async (body: object) => (await world.mine('PATCH', `/${id}`, body)).body
    const changed = await change({ types: null, change_classes: ['keys', 'widening'] })
    expect(changed).toMatchObject({ state: 'active', hosts: ['a.example.com'] })
    expect(changed).toMatchObject({ url: HOOK, change_classes: ['keys', 'widening'] })
    expect(changed).not.toHaveProperty('types')
    expect(await change({})).toEqual(changed)
    expect(await change({ url: URL_GIVEN })).toEqual(changed)
    const moved = await change({ url: 'https://other.example.net/' })
    expect(moved).toMatchObject({ state: 'verifying', url: 'https://other.example.net/' })
    expect(moved.hosts).toEqual(['a.example.com'])
  })

  it('are disabled and verified again on request, and told then what waited', async () => {
    await using world = await serve()
    const { id } = await subscribe(world.mine)
    await tellSubscriptions(world.store)
    const disabled = await world.mine('POST', `/${id}/disable`)
    expect(disabled.status).toBe(200)
    expect(disabled.body).toMatchObject({ state: 'disabled', disabled_code: 'by_request' })
    await world.store.fetch(identify())
    await tellSubscriptions(world.store)
    expect((await world.mine('GET', `/${id}/deliveries`)).body).toEqual({ deliveries: [] })
    const verifying = await world.mine('POST', `/${id}/verify`)
    expect(verifying.body).toMatchObject({ id, state: 'verifying' })
    expect(verifying.body).not.toHaveProperty('disabled_code')
    await tellSubscriptions(world.store)
    const { body } = await world.mine('GET', `/${id}/deliveries?state=delivered`)
    expect(body.deliveries).toMatchObject([{ type: 'client.discovered', attempts: 1, status: 204 }])
  })

  it('get another secret, and the one before signs as well for a day, or for as long as is said', async () => {
    await using world = await serve()
    const { id } = await subscribe(world.mine)
    const rotate = async (body?: object) => {
      const answer = await world.mine('POST', `/${id}/secret`, body)
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
      expect(answer.body.secret).toMatch(/^whsec_[\w+/]{43}=$/)
      return (Date.parse(answer.body.previous_until) - Date.now()) / 1000
    }
    expect(await rotate()).toBeCloseTo(86_400, -2)
    expect(await rotate({})).toBeCloseTo(86_400, -2)
    expect(await rotate({ overlap_seconds: 0 })).toBeCloseTo(0, -2)
    expect(await rotate({ overlap_seconds: 7 * 86_400 })).toBeCloseTo(7 * 86_400, -2)
    const tooLong = await world.mine('POST', `/${id}/secret`, { overlap_seconds: 7 * 86_400 + 1 })
    expect([tooLong.status, tooLong.body.code]).toEqual([400, 'bad_request'])
  })

  it('end with all their deliveries', async () => {
    await using world = await serve()
    const { id } = await subscribe(world.mine)
    await world.store.fetch(identify())
    await tellSubscriptions(world.store)
    const ended = await world.mine('DELETE', `/${id}`)
    expect([ended.status, ended.body]).toEqual([204, undefined])
    const again = await world.mine('DELETE', `/${id}`)
    expect([again.status, again.body.code]).toEqual([404, 'subscription_unknown'])
    expect((await world.mine('GET', '')).body).toEqual({ subscriptions: [] })
  })

  it('are as many as a tenant may have, however many ask at once', async () => {
    await using world = await serve({ CIMD_SUBSCRIPTIONS_PER_TENANT_MAX: '2' })
    const asked = Array.from({ length: 6 }, () => world.mine('POST', '', { url: URL_GIVEN }))
    const statuses = (await Promise.all(asked)).map(({ status }) => status)
    expect(statuses.toSorted()).toEqual([201, 201, 429, 429, 429, 429])
    const refused = await world.mine('POST', '', { url: URL_GIVEN })
    expect(refused.body).toMatchObject({ code: 'subscriptions_exhausted', detail: 'A tenant has at most 2.' })
    expect((await world.others('POST', '', { url: URL_GIVEN })).status).toBe(201)
    const [first] = (await world.mine('GET', '')).body.subscriptions
    await world.mine('DELETE', `/${first.id}`)
    expect((await world.mine('POST', '', { url: URL_GIVEN })).status).toBe(201)
  })
})

describeStore('deliveries at the api', () => {
  it('are listed page by page, and by their state', async () => {
    await using world = await serve()
    const { id } = await subscribe(world.mine)
    const clientId = identify()
    for (const name of ['First', 'Second', 'Third']) await publish(world.store, clientId, name)
    await tellSubscriptions(world.store)
    await publish(world.store, clientId, 'Fourth')
    await tellSubscriptions(world.store, REFUSED)
    const list = async (query: string) => (await world.mine('GET', `/${id}/deliveries?${query}`)).body
    const { deliveries: waiting } = await list('state=waiting')
    const instant = expect.stringMatching(/Z$/)
    expect(waiting).toEqual([
      {
        ...{ event_id: expect.any(String), type: 'client.metadata_changed', client_id: clientId },
        ...{ cursor: '4', state: 'waiting', attempts: 1, code: 'endpoint_status', status: 500 },
        ...{ answer: 'not now', created_at: instant, tried_since: instant, tried_at: instant },
      },
    ])
    const first = await list('limit=3')
    expect(first.deliveries.map(({ cursor }: { cursor: string }) => cursor)).toEqual(['4', '3', '2'])
    expect(first.next).toBe('2')
    const rest = await list(`limit=3&before=${first.next}`)
    expect(rest.deliveries).toMatchObject([{ cursor: '1', type: 'client.discovered' }])
    expect(rest).not.toHaveProperty('next')
    expect(await list('state=dead')).toEqual({ deliveries: [] })
  })

  it('are made again on request: one event, a range, all that is dead; what never was is not', async () => {
    await using world = await serve()
    const { id } = await subscribe(world.mine, { types: ['client.metadata_changed'] })
    const clientId = identify()
    for (const name of ['First', 'Second', 'Third']) await publish(world.store, clientId, name)
    await tellSubscriptions(world.store)
    const replay = async (body: object) => {
      const { status, body: answer } = await world.mine('POST', `/${id}/replay`, body)
      await tellSubscriptions(world.store)
      return [status, answer]
    }
    const [newest] = (await world.mine('GET', `/${id}/deliveries`)).body.deliveries
    expect(await replay({ event_id: newest.event_id })).toEqual([200, { deliveries: 1 }])
    expect(await replay({ after: '0' })).toEqual([200, { deliveries: 2 }])
    expect(await replay({ after: '0', up_to: '2' })).toEqual([200, { deliveries: 1 }])
    expect(await replay({ event_id: randomUUID() })).toEqual([200, { deliveries: 0 }])
    expect(await replay({ dead: true })).toEqual([200, { deliveries: 0 }])
  })
})

describeStore('what is asked of subscriptions', () => {
  let world: Awaited<ReturnType<typeof serve>>
  beforeAll(async () => {
    world = await serve()
  })
  afterAll(() => world[Symbol.asyncDispose]())

  it('of another tenant is answered as if there were none', async () => {
    const { id } = await subscribe(world.mine)
    const routes = [
      ...[
        ['GET', ''],
        ['PATCH', '', {}],
        ['DELETE', ''],
        ['POST', '/secret', {}],
        ['POST', '/verify'],
      ],
      ...[
        ['POST', '/disable'],
        ['GET', '/deliveries'],
        ['POST', '/replay', { dead: true }],
      ],
    ] as const
    for (const [method, path, body] of routes) {
      const [foreign, none] = [
        await world.others(method, `/${id}${path}`, body),
        await world.others(method, `/${randomUUID()}${path}`, body),
      ]
      expect([foreign.status, foreign.body.code]).toEqual([404, 'subscription_unknown'])
      expect(foreign.headers.get('content-type')).toMatch(/^application\/problem\+json/)
      expect(foreign.body).toEqual(none.body)
    }
    expect((await world.others('GET', '')).body).toEqual({ subscriptions: [] })
    expect((await world.mine('GET', `/${id}`)).body).toMatchObject({ id, state: 'verifying' })
  })

  it('needs a key with the scope', async () => {
    const missing = await world.unscoped('GET', '')
    expect([missing.status, missing.body.code]).toEqual([403, 'missing_scope'])
    expect((await world.unscoped('POST', '', { url: URL_GIVEN })).status).toBe(403)
  })

  it.each<[string, object, string?]>([
    ['no URL', {}],
    ['http', { url: 'http://hooks.example.net/' }, 'webhook_url_refused'],
    ['an address', { url: 'https://192.0.2.1/' }, 'webhook_url_refused'],
    ['a host inside', { url: 'https://hooks.internal/' }, 'webhook_url_refused'],
    ['credentials', { url: 'https://a:b@hooks.example.net/' }, 'webhook_url_refused'],
    ['a type that there is not', { url: HOOK, types: ['client.moved'] }],
    ['no type at all', { url: HOOK, types: [] }],
    ['a host with a port', { url: HOOK, hosts: ['app.example.com:443'] }],
    ['a class that there is not', { url: HOOK, change_classes: ['big'] }],
    ['a cursor that is none', { url: HOOK, after: 'now' }],
    ['a member that there is not', { url: HOOK, type: 'client.stale' }],
  ])('may not be %s', async (_, asked, code = 'bad_request') => {
    const made = await world.mine('POST', '', asked)
    expect([made.status, made.body.code]).toEqual([400, code])
    const { id } = await subscribe(world.mine)
    const changed = await world.mine('PATCH', `/${id}`, 'url' in asked ? asked : { url: 1 })
    expect([changed.status, changed.body.code]).toEqual([400, code])
    await world.mine('DELETE', `/${id}`)
  })

  it.each([
    {},
    { dead: false },
    { dead: true, after: '0' },
    { event_id: '1' },
    { up_to: '1' },
    { after: '-1' },
  ])('may not be the replay %j', async (asked) => {
    const { status, body } = await world.mine('POST', `/${randomUUID()}/replay`, asked)
    expect([status, body.code]).toEqual([400, 'bad_request'])
    expect(body.detail).toMatch(/must be|UUID/)
  })

  it('is described', async () => {
    const { paths } = (await world.mine('GET', '/../../openapi.json')).body
    const routes = Object.entries(paths).filter(([path]) => path.startsWith('/v1/subscriptions'))
    expect(routes.map(([path, methods]) => `${path} ${Object.keys(methods as object)}`)).toEqual([
      '/v1/subscriptions post,get',
      '/v1/subscriptions/{id} get,patch,delete',
      '/v1/subscriptions/{id}/secret post',
      '/v1/subscriptions/{id}/verify post',
      '/v1/subscriptions/{id}/disable post',
      '/v1/subscriptions/{id}/deliveries get',
      '/v1/subscriptions/{id}/replay post',
    ])
    const { post } = paths['/v1/subscriptions']
    const { schema } = post.requestBody.content['application/json']
    expect(schema.required).toEqual(['url'])
    expect(schema.properties.types.description).toContain('every type')
    const { properties } = post.responses['201'].content['application/json'].schema
    expect(Object.keys(properties)).toEqual(['subscription', 'secret'])
  })
})

async function serve(environment: Readonly<Record<string, string>> = {}) {
  const stack = new AsyncDisposableStack()
  const store = stack.use(await setup())
  const api = stack.use(await serveApi(store.url, environment))
  const as = async (tenant: string, scopes: ('resolve' | 'events')[] = ['events']): Promise<Ask> => {
    const client = createApiClient(() => api.baseUrl, await createApiKey(store.owner, tenant, scopes))
    return (method, path, body) =>
      client.request(`/v1/subscriptions${path}`, {
        method,
        ...(body !== undefined && {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      })
  }
  return {
    store,
    mine: await as(store.tenant),
    others: await as(store.otherTenant),
    unscoped: await as(store.tenant, ['resolve']),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

async function subscribe(ask: Ask, more: object = {}) {
  const { status, body } = await ask('POST', '', { url: URL_GIVEN, ...more })
  expect(status).toBe(201)
  return body.subscription
}

async function publish(
  store: TestStore,
  clientId: ReturnType<typeof identify>,
  client_name: string,
): Promise<void> {
  await store.fetch(clientId, (claim) => validRecord(claim, { client_name }))
}
