import { createApiKey, updateAdvertise } from '@cimd/store'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ApiClient, createApiClient } from '../harness/api-client.ts'
import { serveApi } from './api-bundle.ts'
import { describeStore, shareStore } from './store-bundle.ts'

describeStore('what the api says of advertising', () => {
  const store = shareStore()
  let api: Awaited<ReturnType<typeof serveApi>>
  let anybody: ApiClient

  beforeAll(async () => {
    api = await serveApi(store().url)
    // For whoever has a key, whatever that is good for.
    anybody = createApiClient(() => api.baseUrl, await createApiKey(store().owner, store().tenant, []))
  })
  afterAll(() => api.stop())
  const ask = () => anybody.request('/v1/advertise')

  it('is no before anybody has judged, and a part that is not required is not well', async () => {
    const { status, headers, body } = await ask()
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(body).toEqual({ advertise: false, since: expect.any(String), why: 'unjudged' })
    const { body: health } = await anybody.request('/health/ready')
    expect(health.status).toBe('ready')
    expect(health.checks).toContainEqual({ name: 'advertise', required: false, ok: false })
  })

  it('is the verdict, as long as somebody judges (SRV-04)', async () => {
    await judge(true)
    const yes = await ask()
    expect(yes.status).toBe(200)
    expect(yes.body).toEqual({ advertise: true, since: expect.any(String) })
    const { body: health } = await anybody.request('/health/ready')
    expect(health.checks).toContainEqual({ name: 'advertise', required: false, ok: true })
    await judge(false)
    const no = await ask()
    expect(no.body).toMatchObject({ advertise: false, why: 'egress_broken' })
    expect(no.body.since > yes.body.since).toBe(true)
    await judge(true)
    await store().moveClock(40)
    expect((await ask()).body).toMatchObject({ advertise: false, why: 'unjudged' })
  })

  it('is for nobody without a key', async () => {
    const { status, body } = await anybody.request('/v1/advertise', { headers: { authorization: '' } })
    expect([status, body.code]).toEqual([401, 'unauthorized'])
  })

  it('is described', async () => {
    const { body } = await anybody.request('/openapi.json')
    const { schema } = body.paths['/v1/advertise'].get.responses['200'].content['application/json']
    expect(schema.properties.why.enum).toContain('unjudged')
    expect(schema.required).toEqual(['advertise', 'since'])
  })

  function judge(advertise: boolean) {
    return updateAdvertise(store().scheduler, (before, _facts, now) => ({
      ...before,
      ...{ advertise, why: advertise ? undefined : 'egress_broken', since: now, judgedAt: now },
    }))
  }
})
