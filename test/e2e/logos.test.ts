import { dangerouslySetClockOffset } from '@cimd/store'
import sharp from 'sharp'
import { afterEach, expect, it } from 'vitest'
import type { ApiClient } from '../harness/api-client.ts'
import { publish, republish, serveAt, takeDown } from '../harness/documents.ts'
import { nextEvent } from '../harness/events.ts'
import type { Reply } from '../harness/origin.ts'
import { describePipeline } from '../harness/pipeline-suite.ts'
import { HOUR } from '../harness/times.ts'

// A busy machine takes its time to decode.
const environment = { CIMD_LOGO_DECODE_MS: '10000' }

describePipeline('the logo of a client', { environment }, (suite) => {
  afterEach(() => dangerouslySetClockOffset(suite.pipeline.db, 0))

  let published = 0
  /** A client with a logo, and a tenant that uses it. */
  async function setup(logo: Reply) {
    published += 1
    const { origin, pipeline } = suite
    const logoUri = `https://client.example.net/${published}/logo`
    serveAt(origin, logoUri, logo)
    const clientId = publish(origin, { logo_uri: logoUri })
    const api = await pipeline.addTenant(`logos ${published}`)
    await api.resolve({ client_id: clientId, wait_ms: 20_000 })
    return { api, clientId, logoUri }
  }
  const moveClock = (seconds: number) => dangerouslySetClockOffset(suite.pipeline.db, seconds)
  const nextLogoEvent = (api: ApiClient, after = '0') => nextEvent(api, 'client.logo_changed', after)
  /** Until an attempt has come to this, and is recorded. */
  const attempted = (logoUri: string, code: string) =>
    suite.pipeline
      .running('fetcher')
      .logged(
        (line) =>
          line.event === 'resource.attempted' && line['url'] === logoUri && line['failure_code'] === code,
      )
  const get = (path: string) => fetch(`http://127.0.0.1:${suite.pipeline.running('api').port}${path}`)

  it('comes with the record as an image of our own, which browsers get without a key (UI-06)', async () => {
    const { api, clientId } = await setup(await picture('red'))
    const { data } = await nextLogoEvent(api)
    const { body } = await api.resolve({ client_id: clientId })
    const digest: string = data.to_digest
    const url = `/logos/${digest}`
    expect(data).toEqual({ to_digest: digest })
    expect(body.logo).toEqual({
      ...{ status: 'ready', url, digest, content_type: 'image/webp', width: 8, height: 4 },
    })
    const served = await get(url)
    expect(served.headers.get('content-type')).toBe('image/webp')
    expect((await sharp(await served.arrayBuffer()).metadata()).format).toBe('webp')
  })

  it('is announced when it is swapped, and never that of a logo_uri that the document has left (UI-04)', async () => {
    const { api, clientId, logoUri } = await setup(await picture('red'))
    const first = await nextLogoEvent(api)
    serveAt(suite.origin, logoUri, await picture('blue'))
    await moveClock(25 * HOUR)
    const swapped = await nextLogoEvent(api, first.cursor)
    expect(swapped.data).toMatchObject({ from_digest: first.data.to_digest })
    expect(swapped.data.to_digest).not.toBe(first.data.to_digest)
    republish(suite.origin, clientId)
    const { body: forced } = await api.refresh({ client_id: clientId })
    const { body } = await api.ticket(forced.ticket, 20_000)
    expect(body).not.toHaveProperty('logo')
    expect((await nextLogoEvent(api, swapped.cursor)).data).toEqual({ from_digest: swapped.data.to_digest })
  })

  it('stays through an outage, and is shown no more when it has been gone for 15 minutes (CAC-14)', async () => {
    const { api, clientId, logoUri } = await setup(await picture('red'))
    const first = await nextLogoEvent(api)
    serveAt(suite.origin, logoUri, { status: 503 })
    // Used since it was fetched: a sweep that found it unused would leave it for a day.
    await api.resolve({ client_id: clientId })
    await moveClock(2 * HOUR)
    await attempted(logoUri, 'status_5xx')
    expect((await api.resolve({ client_id: clientId })).body.logo.status).toBe('ready')
    takeDown(suite.origin, logoUri)
    await moveClock(4 * HOUR)
    await attempted(logoUri, 'status_404')
    await moveClock(5 * HOUR)
    expect((await nextLogoEvent(api, first.cursor)).data).toEqual({ from_digest: first.data.to_digest })
    const { body } = await api.resolve({ client_id: clientId })
    expect(body.logo).toEqual({ status: 'unusable', code: 'status_404' })
  })

  it('is none where it is no picture, and the client is used without', async () => {
    const headers = { 'content-type': 'image/png' }
    const { api, clientId, logoUri } = await setup({
      headers,
      body: '<svg xmlns="http://www.w3.org/2000/svg"/>',
    })
    const unusable = { status: 'unusable', code: 'logo_type' }
    await attempted(logoUri, 'logo_type')
    const { body } = await api.resolve({ client_id: clientId })
    expect(body).toMatchObject({ status: 'ready', logo: unusable })
    expect(suite.origin.hits(logoUri)).toBe(1)
  })
})

async function picture(background: string): Promise<Reply> {
  const body = await sharp({ create: { width: 8, height: 4, channels: 3, background } })
    .png()
    .toBuffer()
  return { headers: { 'content-type': 'image/png' }, body }
}
