import { parseClientIdUrl } from '@cimd/core'
import {
  addCanary,
  countBrakeFacts,
  dangerouslySetClockOffset,
  readBrake,
  releaseAccepting,
  releaseMended,
  removeCanary,
  setStaleLimits,
} from '@cimd/store'
import { expect, it } from 'vitest'
import type { ApiClient } from '../harness/api-client.ts'
import { fetchesRecorded } from '../harness/attempts.ts'
import { jsonReply, publish, republish, serveAt, takeDown } from '../harness/documents.ts'
import { eventsBefore } from '../harness/events.ts'
import { createTestKey } from '../harness/keys.ts'
import { describePipeline, type PipelineSuite } from '../harness/pipeline-suite.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE
const VALIDATOR = { etag: '"1"' }
const MUST_REVALIDATE = { ...VALIDATOR, 'cache-control': 'max-age=3600, must-revalidate' }

// The clients of one publisher are of one registrable domain.
const environment = {
  ...{ CIMD_DOMAIN_CONCURRENCY: '1000', CIMD_DOMAIN_ATTEMPTS_PER_MINUTE: '1000000' },
  CIMD_HOST_ATTEMPTS_PER_MINUTE: '1000000',
}

describePipeline('the brake', { environment }, (suite) => {
  // It belongs to the deployment, so that each test begins long after the one before.
  let clock = 0
  const pass = (seconds: number): Promise<void> => {
    clock += seconds
    return dangerouslySetClockOffset(suite.pipeline.db, clock)
  }

  it('does not keep the one client that is withdrawn among many (CAC-14)', async () => {
    const api = await suite.pipeline.addTenant('one of many')
    const clientIds = await useMany(suite, api, 30)
    const [gone = ''] = clientIds
    takeDown(suite.origin, gone)
    await refresh(api, [gone])
    await pass(16 * MINUTE)
    expect(await api.resolve({ client_id: gone })).toMatchObject({
      status: 422,
      body: { code: 'status_404' },
    })
    expect((await readBrake(suite.pipeline.db)).engaged).toBeUndefined()
  })

  it('does not keep the many of one publisher that are withdrawn at once (CAC-14)', async () => {
    await pass(2 * HOUR)
    const api = await suite.pipeline.addTenant('one publisher')
    const clientIds = await useMany(suite, api, 30, () => 'apps.example.net')
    for (const clientId of clientIds) takeDown(suite.origin, clientId)
    await refresh(api, clientIds)
    await pass(16 * MINUTE)
    expect(await statesOf(api, clientIds)).toEqual(clientIds.map(() => undefined))
    const withdrawn = (await eventTypes(suite, api, clientIds)).filter((type) => type === 'client.withdrawn')
    expect(withdrawn).toHaveLength(30)
    expect((await readBrake(suite.pipeline.db)).engaged).toBeUndefined()
  })

  it('keeps everybody when many would end at once, until it is released as mended', async () => {
    await pass(2 * HOUR)
    const api = await suite.pipeline.addTenant('mended')
    const clientIds = await useMany(suite, api, 30)
    const engaged = nextEngaged(suite)
    for (const [turn, clientId] of clientIds.entries()) breakDocument(suite, clientId, turn)
    await refresh(api, clientIds)
    expect(await engaged).toMatchObject({
      level: 50,
      canaries_failing: 0,
      first_hold_ends_at: expect.stringMatching(/Z$/),
      msg: expect.stringContaining('cimd brake'),
    })

    for (const minutes of [16, 60, 6 * 60]) {
      await pass(minutes * MINUTE)
      expect(await statesOf(api, clientIds)).toEqual(clientIds.map(() => 'stale'))
    }
    expect((await eventTypes(suite, api, clientIds)).filter((type) => type === 'client.withdrawn')).toEqual(
      [],
    )
    const health = await api.request('/health/ready')
    expect(health.status).toBe(200)
    expect(health.body.checks).toContainEqual({ name: 'brake', required: false, ok: false })

    for (const clientId of clientIds) republish(suite.origin, clientId)
    const { requests } = suite.origin
    const asked = requests.length
    expect(await releaseMended(suite.pipeline.db)).toEqual({ kind: 'released', clients: 30, resources: 0 })
    expect(await statesOf(api, clientIds, 'token')).not.toContain(undefined)
    // Nobody asks: the release alone has them fetched, and without validators, whatever else was under way.
    const fetched = () =>
      new Set(requests.slice(asked).flatMap(({ url, headers }) => (headers['if-none-match'] ? [] : [url])))
    await expect
      .poll(() => clientIds.filter((clientId) => !fetched().has(clientId)), { timeout: 20_000 })
      .toEqual([])
    // Whose answer is not recorded yet is used as before.
    const states = () => statesOf(api, clientIds)
    await expect.poll(states, { timeout: 20_000 }).toEqual(clientIds.map(() => 'fresh'))
    expect(await countEvents(suite, api, clientIds)).toEqual({ discovered: 30, stale: 30, recovered: 30 })
  })

  it('withdraws nobody after it was released as mended for a word that was found no more (CAC-14)', async () => {
    await pass(2 * HOUR)
    const api = await suite.pipeline.addTenant('down at the release')
    const clientIds = await useMany(suite, api, 24, undefined, VALIDATOR)
    const engaged = nextEngaged(suite)
    for (const clientId of clientIds) takeDown(suite.origin, clientId)
    await refresh(api, clientIds)
    await engaged
    for (const clientId of clientIds) serveAt(suite.origin, clientId, { status: 503 })
    await pass(20 * MINUTE)
    const fetched = Promise.all(clientIds.map((clientId) => suite.origin.nextRequest(clientId)))
    expect(await releaseMended(suite.pipeline.db)).toEqual({ kind: 'released', clients: 24, resources: 0 })
    await fetched
    for (const minutes of [10, 6, 60]) {
      await pass(minutes * MINUTE)
      await refresh(api, clientIds)
      expect(await statesOf(api, clientIds)).toEqual(clientIds.map(() => 'stale'))
    }
    expect(await countEvents(suite, api, clientIds)).toEqual({ discovered: 24, stale: 48, recovered: 24 })
    expect((await readBrake(suite.pipeline.db)).engaged).toBeUndefined()
  })

  it('keeps the keys of everybody when many key sets would end (KEY-14)', async () => {
    await pass(2 * HOUR)
    const api = await suite.pipeline.addTenant('key sets')
    const named = Array.from({ length: 24 }, (_, turn) => publishKeys(suite, turn))
    const keysOf = (kid: string) =>
      Promise.all(
        named.map(({ clientId }) =>
          api.request('/v1/client/keys/refresh', {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ client_id: clientId, kid, wait_ms: 30_000 }),
          }),
        ),
      )
    await Promise.all(named.map(({ clientId }) => api.resolve({ client_id: clientId, wait_ms: 30_000 })))
    await keysOf('a')
    const engaged = nextEngaged(suite)
    for (const { jwksUri } of named) takeDown(suite.origin, jwksUri)
    await pass(2 * MINUTE)
    await keysOf('unknown')
    expect(await engaged).toMatchObject({ canaries_failing: 0 })
    const { facts, held } = await countBrakeFacts(suite.pipeline.db)
    expect([facts.ending, held.clients]).toEqual([24, 24])
    await pass(HOUR)
    for (const { body } of await keysOf('a')) {
      expect(body.keys).toMatchObject({
        status: 'ready',
        freshness: { state: 'stale' },
        jwks: { keys: [{ kid: 'a' }] },
      })
    }
    await releaseAccepting(suite.pipeline.db)
    for (const { clientId } of named) {
      const { body } = await api.resolve({ client_id: clientId })
      expect(body.keys).toMatchObject({ status: 'unusable', code: 'status_404' })
    }
  })

  it('lets them go when it is released because what was found is true, each with one event', async () => {
    await pass(2 * HOUR)
    const api = await suite.pipeline.addTenant('accepted')
    const clientIds = await useMany(suite, api, 25)
    const engaged = nextEngaged(suite)
    for (const clientId of clientIds) takeDown(suite.origin, clientId)
    await refresh(api, clientIds)
    await engaged
    await pass(20 * MINUTE)
    expect(await statesOf(api, clientIds)).toEqual(clientIds.map(() => 'stale'))
    expect(await releaseAccepting(suite.pipeline.db)).toBe(25)
    for (const clientId of clientIds) {
      const { status, body } = await api.resolve({ client_id: clientId })
      expect([status, body.code]).toEqual([422, 'status_404'])
    }
    await pass(10 * MINUTE)
    const withdrawn = (await eventTypes(suite, api, clientIds)).filter((type) => type === 'client.withdrawn')
    expect(withdrawn).toHaveLength(25)
    expect((await readBrake(suite.pipeline.db)).engaged).toBeUndefined()
  })

  it('is engaged by one canary of the operator, which is looked after although nobody uses it', async () => {
    await pass(2 * HOUR)
    const clientId = publish(suite.origin, {}, 'canary.example.net')
    const fetched = suite.origin.nextRequest(clientId)
    const host = new URL(clientId).hostname
    await addCanary(suite.pipeline.db, { clientId: identified(clientId), host })
    await fetched
    await fetchesRecorded(suite, clientId)
    const engaged = nextEngaged(suite)
    takeDown(suite.origin, clientId)
    await pass(2 * HOUR)
    expect(await engaged).toMatchObject({ canaries_failing: 1, clients_ending: 1 })
    await removeCanary(suite.pipeline.db, clientId)
    await releaseAccepting(suite.pipeline.db)
  })

  it('is one thing, the limits of a tenant another: they are answered to it alone (CAC-13)', async () => {
    await pass(2 * HOUR)
    const strict = await suite.pipeline.addTenant('strict')
    const easy = await suite.pipeline.addTenant('easy')
    await setStaleLimits(suite.pipeline.db, 'strict', { unreachable: 10 * MINUTE, withdrawn: 0 })
    const [down, gone] = [publish(suite.origin), publish(suite.origin)]
    for (const api of [strict, easy]) {
      for (const clientId of [down, gone]) await api.resolve({ client_id: clientId })
    }
    serveAt(suite.origin, down, { status: 503 })
    takeDown(suite.origin, gone)
    await refresh(easy, [down, gone])
    const withdrawn = { status: 422, body: { code: 'status_404' } }
    expect(await strict.resolve({ client_id: gone })).toMatchObject(withdrawn)
    expect(await strict.resolve({ client_id: gone, purpose: 'token' })).toMatchObject(withdrawn)
    expect(await statesOf(easy, [gone])).toEqual(['stale'])
    await pass(HOUR + MINUTE)
    expect(await strict.resolve({ client_id: down })).toMatchObject({
      status: 502,
      body: { code: 'status_5xx' },
    })
    expect(await statesOf(easy, [down])).toEqual(['stale'])
  })
})

/** Clients in use of several publishers, every third of which forbids stale use unless `strict` says otherwise. */
async function useMany(
  { origin }: PipelineSuite,
  api: ApiClient,
  count: number,
  hostOf = (turn: number) => `app.publisher-${turn % 10}.net`,
  strict: Readonly<Record<string, string>> = MUST_REVALIDATE,
): Promise<string[]> {
  const clientIds = Array.from({ length: count }, (_, turn) => {
    const clientId = publish(origin, {}, hostOf(turn))
    republish(origin, clientId, {}, turn % 3 === 0 ? strict : VALIDATOR)
    return clientId
  })
  const answers = await Promise.all(
    clientIds.map((clientId) => api.resolve({ client_id: clientId, wait_ms: 30_000 })),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  return clientIds
}

/** A client whose keys are behind a jwks_uri. */
function publishKeys({ origin }: PipelineSuite, turn: number): { clientId: string; jwksUri: string } {
  const host = `app.publisher-${turn % 8}.net`
  const jwksUri = `https://${host}/keys/${turn}.json`
  serveAt(origin, jwksUri, jsonReply({ keys: [createTestKey('a').publicJwk] }))
  const members = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: jwksUri }
  return { clientId: publish(origin, members, host), jwksUri }
}

/** As one fault of ours would do it to all: half of them seem gone, half seem invalid. */
function breakDocument({ origin }: PipelineSuite, clientId: string, turn: number): void {
  if (turn % 2 === 0) takeDown(origin, clientId)
  else serveAt(origin, clientId, { status: 200, headers: { 'content-type': 'application/json' }, body: '[]' })
}

/** Has each fetched now, and waits until all are. */
async function refresh(api: ApiClient, clientIds: readonly string[]): Promise<void> {
  const demanded = await Promise.all(clientIds.map((clientId) => api.refresh({ client_id: clientId })))
  await Promise.all(demanded.map(({ body }) => api.ticket(body.ticket, 30_000)))
}

/** How fresh each is that may be used. */
async function statesOf(
  api: ApiClient,
  clientIds: readonly string[],
  purpose = 'authorize',
): Promise<(string | undefined)[]> {
  const answers = await Promise.all(
    clientIds.map((clientId) => api.resolve({ client_id: clientId, purpose, wait_ms: 30_000 })),
  )
  return answers.map(({ body }) => body.freshness?.state)
}

/** The types of all events of these clients so far. */
async function eventTypes(
  { origin }: PipelineSuite,
  api: ApiClient,
  clientIds: readonly string[],
): Promise<string[]> {
  const events = await eventsBefore(api, publish(origin))
  return events.filter(({ subject }) => clientIds.includes(subject)).map(({ type }) => type)
}

/** How many events of each type there were of these clients so far. */
async function countEvents(
  suite: PipelineSuite,
  api: ApiClient,
  clientIds: readonly string[],
): Promise<Record<string, number>> {
  const types = (await eventTypes(suite, api, clientIds)).map((type) => type.replace('client.', ''))
  return Object.fromEntries(
    [...new Set(types)].map((type) => [type, types.filter((each) => each === type).length]),
  )
}

function nextEngaged({ pipeline }: PipelineSuite) {
  const seen = new Set(pipeline.logOf('scheduler'))
  return pipeline.running('scheduler').logged((line) => line.event === 'brake.engaged' && !seen.has(line))
}

function identified(clientId: string) {
  const parsed = parseClientIdUrl(clientId)
  if (!parsed.ok) throw new Error(`${clientId}: ${parsed.code}`)
  return parsed.value
}
