import { ROUTE_SCOPES } from '@cimd/api'
import { describe, expect, inject, it } from 'vitest'
import type { ApiAnswer, ApiClient } from '../harness/api-client.ts'
import { openCuttableLink } from '../harness/cuttable-link.ts'
import { publish } from '../harness/documents.ts'
import { describePipeline } from '../harness/pipeline-suite.ts'
import { NotStarted, type ServiceName, startServiceProcess } from '../harness/service-process.ts'

const SERVICES: readonly ServiceName[] = ['api', 'fetcher', 'scheduler']
const NOBODY_LISTENS = '127.0.0.1:1'

/** What a demand comes to, however often it has to be waited for. */
async function answered(api: ApiClient, first: ApiAnswer): Promise<ApiAnswer> {
  let answer = first
  while (answer.status === 202) answer = await api.ticket(answer.body.ticket, 20_000)
  return answer
}

describePipeline('wrong input', {}, (suite) => {
  const post = (body: string, headers: Record<string, string> = {}) =>
    suite.pipeline.api.request('/v1/resolve', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })

  it.each([
    ['bad JSON', '{"client_id": ', 400, 'bad_request'],
    ['no client_id', '{}', 400, 'bad_request'],
    ['an unknown member', '{"client_id":"https://a.example.net/c","clientid":1}', 400, 'bad_request'],
    ['an unknown purpose', '{"client_id":"https://a.example.net/c","purpose":"login"}', 400, 'bad_request'],
    ['something that is no URL', '{"client_id":"my-client"}', 400, 'url_scheme'],
    ['an IP literal', '{"client_id":"https://169.254.169.254/latest"}', 400, 'host_ip_literal'],
  ])('%s is answered with what is wrong', async (_what, body, status, code) => {
    const answer = await post(body)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(answer.body).toMatchObject({ status, code, type: `urn:cimd:problem:${code}`, retryable: false })
    expect(answer.body.detail).toEqual(expect.any(String))
  })

  it('an unknown or missing key is answered 401 and nothing else', async () => {
    for (const authorization of ['Bearer cimd_0_unknown', 'Basic abc', '']) {
      const answer = await post('{"client_id":"https://a.example.net/c"}', { authorization })
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
      expect(answer.body.code).toBe('unauthorized')
    }
  })

  it('without a subject the record is answered and a first fetch is refused', async () => {
    const clientId = publish(suite.origin)
    const refused = await suite.pipeline.api.resolve({ client_id: clientId, subject: undefined })
    expect(refused.status).toBe(403)
    expect(refused.body.code).toBe('subject_required')
    expect((await suite.pipeline.api.refresh({ client_id: clientId, subject: undefined })).status).toBe(403)
    expect(suite.origin.hits(clientId)).toBe(0)
    await suite.pipeline.api.resolve({ client_id: clientId })
    const known = await suite.pipeline.api.resolve({ client_id: clientId, subject: undefined })
    expect(known.status).toBe(200)
  })

  it('an unknown ticket or path is answered 404', async () => {
    const ticket = await suite.pipeline.api.ticket('00000000-0000-4000-8000-000000000000')
    expect([ticket.status, ticket.body.code]).toEqual([404, 'ticket_unknown'])
    const path = await suite.pipeline.api.request('/v1/clients')
    expect([path.status, path.body.code]).toEqual([404, 'not_found'])
  })

  it('the api describes itself as OpenAPI 3.1 with every route', async () => {
    const { body } = await suite.pipeline.api.request('/openapi.json')
    expect(body.openapi).toBe('3.1.0')
    // Those of operators are switched on by whoever wants them; the tests of tenancy compare every one that there is.
    const served = Object.keys(ROUTE_SCOPES).filter((route) => !route.includes('/v1/operator/'))
    const paths = served.map((route) => route.replace(/^\w+ /, '').replaceAll(/:(\w+)/g, '{$1}'))
    expect(Object.keys(body.paths).toSorted()).toEqual([...new Set(paths)].toSorted())
  })
})

describe('a service that cannot start', () => {
  const environment = (database: string, queue: string) => ({
    CIMD_DATABASE_URL: database,
    CIMD_QUEUE_URL: queue,
    CIMD_TEST_NETWORK: '{"port":1,"defaultAddresses":[]}',
  })
  const postgres = inject('postgres')
  const databaseUrl = postgres.kind === 'provided' ? postgres.url : ''

  it.each(SERVICES)('(%s) names every variable that is wrong', async (name) => {
    const failure = await startServiceProcess(name, environment('mysql://x/y', 'amqp://x')).catch(
      (error) => error,
    )
    expect(failure).toBeInstanceOf(NotStarted)
    expect(failure.exitCode).toBe(78)
    expect(failure.said).toContain('CIMD_DATABASE_URL')
    expect(failure.said).toContain('CIMD_QUEUE_URL')
  })

  it.each(SERVICES)('(%s) says that the database is unreachable', async (name) => {
    const given = environment(`postgres://${NOBODY_LISTENS}/x`, `redis://${NOBODY_LISTENS}`)
    const failure = await startServiceProcess(name, given).catch((error) => error)
    expect(failure.exitCode).toBe(1)
    expect(failure.said).toMatch(/database.*ECONNREFUSED/s)
  })

  it.each(SERVICES)('(%s) says that the database is not migrated', async (name) => {
    const given = environment(databaseUrl, `redis://${NOBODY_LISTENS}`)
    const failure = await startServiceProcess(name, given).catch((error) => error)
    expect(failure.exitCode).toBe(1)
    expect(failure.said).toContain('run the migrations')
  })
})

describePipeline('a queue that is unreachable', { services: [] }, (suite) => {
  it.each(['fetcher', 'scheduler'] as const)('keeps the %s from starting, with the reason', async (name) => {
    const scheme = suite.pipeline.queueUrl.startsWith('redis') ? 'redis' : 'postgres'
    const failure = await suite.pipeline
      .start(name, { environment: { CIMD_QUEUE_URL: `${scheme}://${NOBODY_LISTENS}/1` } })
      .catch((error) => error)
    expect(failure.exitCode).toBe(1)
    expect(failure.said).toMatch(/queue.*ECONNREFUSED/s)
  })

  it('while running costs a first contact time, never its answer, and a known client nothing', async () => {
    const { pipeline, origin } = suite
    const link = await openCuttableLink(pipeline.queueUrl)
    const environment = { CIMD_QUEUE_URL: link.url }
    await Promise.all(SERVICES.map((name) => pipeline.start(name, { environment })))
    const known = publish(origin)
    expect((await pipeline.api.resolve({ client_id: known })).status).toBe(200)
    await link.cut()
    const ready = await pipeline.api.request('/health/ready')
    expect(ready.status).toBe(200)
    expect(ready.body.checks).toContainEqual({ name: 'queue', required: false, ok: false })
    expect((await pipeline.api.resolve({ client_id: known, wait_ms: 0 })).status).toBe(200)
    const unknown = publish(origin)
    const pending = await pipeline.api.resolve({ client_id: unknown, wait_ms: 0 })
    expect(pending.status).toBe(202)
    // The api can even start anew.
    await pipeline.stop('api')
    const restarted = await pipeline.start('api', { environment })
    await restarted.logged(({ event }) => event === 'queue.down')
    expect((await pipeline.api.resolve({ client_id: known, wait_ms: 0 })).status).toBe(200)
    await link.restore()
    expect((await answered(pipeline.api, pending)).status).toBe(200)
    await Promise.all(SERVICES.map(pipeline.stop))
    await link.close()
  })
})

describePipeline('a database that is unreachable while running', { services: [] }, (suite) => {
  it('is answered 503 with when to come back, and forgotten once it returns', async () => {
    const { pipeline, origin } = suite
    const link = await openCuttableLink(pipeline.databaseUrl)
    const environment = { CIMD_DATABASE_URL: link.url }
    await Promise.all(SERVICES.map((name) => pipeline.start(name, { environment })))
    const clientId = publish(origin)
    await link.cut()
    const down = await pipeline.api.resolve({ client_id: clientId })
    expect([down.status, down.body.code, down.body.retryable]).toEqual([503, 'store_unavailable', true])
    expect(Number(down.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await pipeline.api.request('/health/live')).status).toBe(200)
    expect((await pipeline.api.request('/health/ready')).status).toBe(503)
    await link.restore()
    const answer = await pipeline.api.resolve({ client_id: clientId, wait_ms: 30_000 })
    expect((await answered(pipeline.api, answer)).status).toBe(200)
    expect((await pipeline.api.events(0, 20_000)).body.events).toHaveLength(1)
    await Promise.all(SERVICES.map(pipeline.stop))
    await link.close()
  })
})
