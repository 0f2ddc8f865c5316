import { countAdvertiseFacts, dangerouslySetClockOffset } from '@cimd/store'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ApiAnswer, ApiClient } from '../harness/api-client.ts'
import { type CuttableLink, openCuttableLink } from '../harness/cuttable-link.ts'
import { documentOf, jsonReply, publish, serveAt } from '../harness/documents.ts'
import { nextEvent, type SeenEvent } from '../harness/events.ts'
import { DEFAULT_ADDRESSES, holdOpen } from '../harness/origin.ts'
import { describePipeline } from '../harness/pipeline-suite.ts'
import type { LogLine, ServiceProcess } from '../harness/service-process.ts'
import { MINUTE } from '../harness/times.ts'

const CHANGED = 'service.advertise_changed'
const PATIENTLY = { timeout: 30_000 }

const environment = {
  ...{ CIMD_ADVERTISE_HOLD_MS: '500', CIMD_ADVERTISE_QUIET_MS: '1000' },
  // Longer than a busy machine keeps a fetcher from its signs.
  ...{ CIMD_ADVERTISE_FETCHER_SILENCE_MS: '10000', CIMD_ADVERTISE_DOMAINS_MIN: '3' },
}
const pipelineOptions = { services: ['api', 'scheduler'], environment, unjudged: true } as const

describePipeline('what may be advertised', pipelineOptions, (suite) => {
  let link: CuttableLink
  let watcher: ApiClient
  let cursor = '0'

  beforeAll(async () => {
    const { origin, pipeline } = suite
    link = await openCuttableLink(`https://127.0.0.1:${origin.port}`)
    // One that uses no client hears it too.
    watcher = await pipeline.addTenant('watcher')
  })
  afterAll(() => link.close())

  /** The fetchers that have given a sign of life and not taken it away. */
  const signs = async (): Promise<string[]> => {
    const rows = await suite.pipeline.db.selectFrom('cimd.fetchers').select('id').orderBy('id').execute()
    return rows.map(({ id }) => id)
  }
  const ask = async (): Promise<ApiAnswer['body']> => (await watcher.request('/v1/advertise')).body
  const startFetcher = async (given: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> => {
    const { port } = new URL(link.url)
    const network = { port: Number(port), ca: suite.origin.ca, defaultAddresses: DEFAULT_ADDRESSES }
    const environment = { CIMD_TEST_NETWORK: JSON.stringify(network), ...given }
    const before = await signs()
    const fetcher = await suite.pipeline.start('fetcher', { environment })
    // Whoever ends another one now leaves no moment without a sign.
    await expect.poll(signs, PATIENTLY).not.toEqual(before)
    return fetcher
  }
  /** The next change that the tenant hears of; what the api says agrees with it. */
  async function nextChange(): Promise<SeenEvent['data']> {
    const event = await nextEvent(watcher, CHANGED, cursor)
    expect(Object.keys(event)).not.toContain('subject')
    expect(Object.keys(event)).not.toContain('clientseq')
    // No other event comes to this tenant, and none is missing.
    expect(Number(event.cursor)).toBe(Number(cursor) + 1)
    cursor = event.cursor
    expect(await ask()).toMatchObject(event.data)
    return event.data
  }
  /** How a forced fetch of each ends; undefined where it does not fail. */
  async function fetchAll(clientIds: readonly string[]): Promise<(string | undefined)[]> {
    const { api } = suite.pipeline
    return Promise.all(
      clientIds.map(async (clientId) => {
        const { body } = await api.refresh({ client_id: clientId })
        await api.ticket(body.ticket, 20_000)
        return (await api.client(clientId)).body.failure?.code
      }),
    )
  }

  it('is nothing before a fetcher takes jobs, and is told once one does (SRV-04)', async () => {
    expect(await ask()).toMatchObject({ advertise: false })
    await startFetcher()
    expect(await nextChange()).toEqual({ advertise: true })
  })

  it('is nothing once every fetcher is killed, until one is back (SRV-04)', async () => {
    const fetchers = [suite.pipeline.running('fetcher'), await startFetcher()]
    // One of two that ends in order changes nothing.
    fetchers[0]?.kill('SIGTERM')
    await fetchers[0]?.exited
    expect(await ask()).toMatchObject({ advertise: true })
    fetchers[1]?.kill('SIGKILL')
    expect(await nextChange()).toEqual({ advertise: false, why: 'fetchers_gone' })
    const isAlert = (line: LogLine) => line.event === 'advertise.changed' && line['advertise'] === false
    expect(await suite.pipeline.running('scheduler').logged(isAlert)).toMatchObject({ why: 'fetchers_gone' })
    await startFetcher()
    expect(await nextChange()).toEqual({ advertise: true })
  })

  it('is nothing soon after the only fetcher was stopped in order', async () => {
    await suite.pipeline.stop('fetcher')
    expect(await nextChange()).toEqual({ advertise: false, why: 'fetchers_gone' })
    await startFetcher()
    expect(await nextChange()).toEqual({ advertise: true })
  })

  it('is nothing while no origin can be reached, until they can (SRV-04)', async () => {
    const domains = ['example.net', 'example.com', 'example.org']
    const clientIds = domains.map((domain) => publish(suite.origin, {}, `client.${domain}`))
    const { api } = suite.pipeline
    for (const clientId of clientIds) expect((await api.resolve({ client_id: clientId })).status).toBe(200)
    await link.cut()
    expect(await fetchAll(clientIds)).toEqual(domains.map(() => 'connect_failed'))
    expect(await nextChange()).toEqual({ advertise: false, why: 'egress_broken' })
    await link.restore()
    expect(await fetchAll(clientIds)).toEqual(domains.map(() => undefined))
    expect(await nextChange()).toEqual({ advertise: true })
  })

  it('is nothing while users wait for whom no fetcher has time', async () => {
    const { origin, pipeline } = suite
    await pipeline.stop('scheduler')
    await pipeline.start('scheduler', { environment: { CIMD_ADVERTISE_WAIT_MS: '500' } })
    const idle = pipeline.running('fetcher')
    await startFetcher({ CIMD_FETCH_CONCURRENCY: '1' })
    idle.kill('SIGTERM')
    await idle.exited
    // Each takes as long as a fetch may, and so there is time enough to be found.
    const slow = ['a', 'b', 'c', 'd'].map(() => publish(origin))
    const held = slow.map((clientId) => {
      const answer = holdOpen(jsonReply(documentOf(clientId)))
      serveAt(origin, clientId, answer.handler)
      return answer
    })
    await Promise.all(slow.map((clientId) => pipeline.api.resolve({ client_id: clientId, wait_ms: 0 })))
    expect(await nextChange()).toEqual({ advertise: false, why: 'first_contacts_wait' })
    for (const { release } of held) release()
    expect(await nextChange()).toEqual({ advertise: true })
  })

  it('is nothing once nobody judges any more, of which no event tells', async () => {
    const { pipeline } = suite
    await pipeline.stop('scheduler')
    expect(await ask()).toMatchObject({ advertise: true })
    await dangerouslySetClockOffset(pipeline.db, MINUTE)
    expect(await ask()).toMatchObject({ advertise: false, why: 'unjudged' })
    // The signs of life are of the clock as it was.
    const isSeen = async () => {
      const { fetcherSeenAt } = await countAdvertiseFacts(pipeline.db)
      return (fetcherSeenAt?.getTime() ?? 0) > Date.now() + 30_000
    }
    await expect.poll(isSeen, PATIENTLY).toBe(true)
    await pipeline.start('scheduler')
    await expect.poll(ask, PATIENTLY).toMatchObject({ advertise: true })
    expect((await watcher.events(cursor)).body.events).toEqual([])
  })
})
