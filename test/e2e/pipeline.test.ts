import { dangerouslySetClockOffset } from '@cimd/store'
import { afterEach, expect, it } from 'vitest'
import { publish, republish, serveAt, takeDown } from '../harness/documents.ts'
import { nextEvent } from '../harness/events.ts'
import { describePipeline } from '../harness/pipeline-suite.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE

describePipeline('the pipeline', { resolutions: { 'inside.example.net': ['10.1.2.3'] } }, (suite) => {
  afterEach(() => dangerouslySetClockOffset(suite.pipeline.db, 0))

  it('answers a first contact with the document, fetched once', async () => {
    const clientId = publish(suite.origin, { client_name: 'First' })
    const { status, body } = await suite.pipeline.api.resolve({ client_id: clientId })
    expect(status).toBe(200)
    expect(body).toMatchObject({ status: 'ready', client_id: clientId, freshness: { state: 'fresh' } })
    expect(body.document.client_name).toBe('First')
    expect(body.digest).toMatch(/^[0-9a-f]{64}$/)
    expect(suite.origin.hits(clientId)).toBe(1)
  })

  it('answers pending with a ticket when asked not to wait, and the ticket with the document', async () => {
    const clientId = publish(suite.origin)
    const first = await suite.pipeline.api.resolve({ client_id: clientId, wait_ms: 0 })
    expect(first.status).toBe(202)
    const later = await suite.pipeline.api.ticket(first.body.ticket, 10_000)
    expect(later.status).toBe(200)
    expect(later.body.client_id).toBe(clientId)
  })

  it('answers a fresh record without a fetch', async () => {
    const clientId = publish(suite.origin)
    const first = await suite.pipeline.api.resolve({ client_id: clientId })
    const second = await suite.pipeline.api.resolve({ client_id: clientId, wait_ms: 0 })
    expect(second.status).toBe(200)
    expect(second.body).toEqual(first.body)
    expect(suite.origin.hits(clientId)).toBe(1)
  })

  it('answers a stale record at once within stale-while-revalidate, while its refresh runs (RFC 5861)', async () => {
    const clientId = publish(suite.origin)
    republish(suite.origin, clientId, {}, { 'cache-control': 'max-age=600, stale-while-revalidate=3600' })
    await suite.pipeline.stop('scheduler')
    await suite.pipeline.api.resolve({ client_id: clientId })
    await dangerouslySetClockOffset(suite.pipeline.db, 15 * MINUTE)
    const refreshed = suite.origin.nextRequest(clientId)
    const stale = await suite.pipeline.api.resolve({ client_id: clientId, wait_ms: 0 })
    expect(stale.status).toBe(200)
    expect(stale.body.freshness).toMatchObject({ state: 'stale', why: 'expired' })
    await refreshed
    await suite.pipeline.start('scheduler')
    const waited = await suite.pipeline.api.refresh({ client_id: clientId })
    const { body } = await suite.pipeline.api.ticket(waited.body.ticket, 10_000)
    expect(body.freshness.state).toBe('fresh')
  })

  it('refreshes by itself what is in use, and announces a change with its classes (CHG-07)', async () => {
    const api = await suite.pipeline.addTenant('watcher')
    const clientId = publish(suite.origin)
    await api.resolve({ client_id: clientId })
    const discovered = await api.events(0, 10_000)
    expect(discovered.body.events).toMatchObject([{ type: 'client.discovered', subject: clientId }])
    republish(suite.origin, clientId, { redirect_uris: ['https://app.example.net/other'] })
    await dangerouslySetClockOffset(suite.pipeline.db, 25 * HOUR)
    const changed = await api.events(discovered.body.next, 20_000)
    expect(changed.body.events).toMatchObject([
      { type: 'client.metadata_changed', subject: clientId, cursor: '2', clientseq: 2 },
    ])
    expect(changed.body.events[0].data.classes).toEqual(['narrowing', 'widening'])
  })

  it('withdraws a document that stays away for 15 minutes, and says so (CAC-14)', async () => {
    const api = await suite.pipeline.addTenant('withdrawal')
    const clientId = publish(suite.origin)
    await api.resolve({ client_id: clientId })
    const { body: seen } = await api.events(0, 10_000)
    takeDown(suite.origin, clientId)
    await dangerouslySetClockOffset(suite.pipeline.db, 2 * HOUR)
    const missing = await api.resolve({ client_id: clientId })
    expect(missing.body).toMatchObject({ status: 'ready', freshness: { state: 'stale', why: 'status_404' } })
    await dangerouslySetClockOffset(suite.pipeline.db, 2 * HOUR + 16 * MINUTE)
    const withdrawn = await nextEvent(api, 'client.withdrawn', seen.next)
    expect(withdrawn).toMatchObject({ clientseq: 3, data: { code: 'status_404' } })
    const refused = await api.resolve({ client_id: clientId })
    expect(refused.status).toBe(422)
    expect(refused.body).toMatchObject({ code: 'status_404', class: 'withdrawn', retryable: false })
    const revoked = await api.resolve({ client_id: clientId, purpose: 'revoke' })
    expect(revoked.status).toBe(200)
  })

  it('refuses a name that resolves to a special-use address without connecting (FET-12)', async () => {
    const before = suite.origin.connections
    const { status, body } = await suite.pipeline.api.resolve({
      client_id: 'https://inside.example.net/c.json',
    })
    expect(status).toBe(422)
    expect(body).toMatchObject({ code: 'address_blocked', class: 'refused', retryable: false })
    expect(JSON.stringify(body)).not.toContain('10.1.2.3')
    expect(suite.origin.connections).toBe(before)
  })

  it('never follows a redirect (FET-05)', async () => {
    const clientId = publish(suite.origin)
    const elsewhere = publish(suite.origin)
    serveAt(suite.origin, clientId, { status: 302, headers: { location: elsewhere } })
    const { status, body } = await suite.pipeline.api.resolve({ client_id: clientId })
    expect(status).toBe(502)
    expect(body).toMatchObject({ code: 'redirect', class: 'ambiguous' })
    expect(suite.origin.hits(elsewhere)).toBe(0)
  })

  it('lets a failed attempt answer only those who waited for it (CAC-04, ARC-02)', async () => {
    const clientId = publish(suite.origin)
    takeDown(suite.origin, clientId)
    const failed = await suite.pipeline.api.resolve({ client_id: clientId })
    expect(failed.status).toBe(422)
    republish(suite.origin, clientId)
    const fixed = await suite.pipeline.api.resolve({ client_id: clientId })
    expect(fixed.status).toBe(200)
    expect(suite.origin.hits(clientId)).toBe(2)
  })

  it('keeps the last valid document when a refresh finds an invalid one (CAC-07)', async () => {
    const clientId = publish(suite.origin)
    const good = await suite.pipeline.api.resolve({ client_id: clientId })
    serveAt(suite.origin, clientId, {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: '[]',
    })
    const { body: asked } = await suite.pipeline.api.refresh({ client_id: clientId })
    const { body } = await suite.pipeline.api.ticket(asked.ticket, 10_000)
    expect(body).toMatchObject({
      digest: good.body.digest,
      freshness: { state: 'stale', why: 'json_not_object' },
    })
  })

  it('tells nothing of a client another tenant knows', async () => {
    const clientId = publish(suite.origin)
    await suite.pipeline.api.resolve({ client_id: clientId })
    const stranger = await suite.pipeline.addTenant('stranger')
    for (const asked of [clientId, publish(suite.origin)]) {
      const token = await stranger.resolve({ client_id: asked, purpose: 'token' })
      expect(token.body.code).toBe('client_unknown')
      const nobody = await stranger.resolve({ client_id: asked, subject: undefined })
      expect(nobody.body.code).toBe('subject_required')
    }
    expect((await stranger.events(0)).body.events).toEqual([])
  })
})
