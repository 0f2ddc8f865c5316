import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ApiAnswer } from '../harness/api-client.ts'
import { type CuttableLink, openCuttableLink } from '../harness/cuttable-link.ts'
import { publish } from '../harness/documents.ts'
import { type FaultyNetwork, type HostFault, startFaultyNetwork } from '../harness/faulty-network.ts'
import { describePipeline, type PipelineSuite } from '../harness/pipeline-suite.ts'
import type { LogLine } from '../harness/service-process.ts'

/** As many as may wait whatever happens, and the longest silence while they do. */
const ADMITTED = 10
const environment = { CIMD_OVERLOAD_SILENCE_SECONDS: '2', CIMD_OVERLOAD_ADMITTED_MIN: '10' }

describePipeline('while every fetcher is down', { environment }, (suite) => {
  it('known clients are answered, a few first contacts wait, and others are told early until one is back', async () => {
    const { pipeline } = suite
    const known = await resolveKnown(suite)
    await pipeline.stop('fetcher')
    const waiting = publishMany(suite, ADMITTED).map((clientId) => resolveFor(suite, clientId, 30_000))
    expect(await began(suite)).toMatchObject({ why: 'unanswered', waiting: ADMITTED })
    await expectRefused(suite)
    await expectFast(suite, known)
    await pipeline.start('fetcher')
    const statuses = await Promise.all(waiting.map((first) => finish(suite, first)))
    expect(statuses).toEqual(waiting.map(() => 200))
    await untilTaken(suite)
    await pipeline.running('api').logged(({ event }) => event === 'overload.ended')
  })
})

describePipeline('while the queue is unreachable', { services: [] }, (suite) => {
  let link: CuttableLink
  beforeAll(async () => {
    const { pipeline } = suite
    link = await openCuttableLink(pipeline.queueUrl)
    const given = { environment: { ...environment, CIMD_QUEUE_URL: link.url } }
    await Promise.all((['api', 'fetcher', 'scheduler'] as const).map((name) => pipeline.start(name, given)))
    return async () => {
      await Promise.all((['api', 'fetcher', 'scheduler'] as const).map(pipeline.stop))
      await link.close()
    }
  })

  it('known clients are answered, a few first contacts have tickets, and others are told early until it is back', async () => {
    const known = await resolveKnown(suite)
    await link.cut()
    const pending = await Promise.all(
      publishMany(suite, ADMITTED).map((clientId) => resolveFor(suite, clientId, 0)),
    )
    expect(pending.map(({ status }) => status)).toEqual(pending.map(() => 202))
    await began(suite)
    await expectRefused(suite)
    await expectFast(suite, known)
    await link.restore()
    const statuses = await Promise.all(pending.map((first) => finish(suite, Promise.resolve(first))))
    expect(statuses).toEqual(pending.map(() => 200))
    await untilTaken(suite)
  })
})

describePipeline('while no origin can be reached', { services: ['api', 'scheduler'] }, (suite) => {
  const faults = new Map<string, HostFault>(
    Array.from({ length: 40 }, (_, index) => [`down-${index}.com`, index % 3 === 0 ? 'closed' : 'silent']),
  )
  let network: FaultyNetwork
  beforeAll(async () => {
    network = await startFaultyNetwork(suite.origin)
    await suite.pipeline.start('fetcher', { environment: network.environmentWith(faults) })
  })
  afterAll(() => network.close())

  it('that is the answer to a first contact, and no overload', async () => {
    const known = await resolveKnown(suite)
    const first = [...faults.keys()].map((host) => resolveFor(suite, `https://${host}/client.json`, 30_000))
    await expectFast(suite, known)
    const codes = (await Promise.all(first)).map(({ status, body }) => `${status} ${body.code}`)
    expect([...new Set(codes)].toSorted()).toEqual(['502 connect_failed', '502 timeout_connect'])
    expect(suite.pipeline.logOf('api').filter(hasBegun)).toEqual([])
  })
})

function publishMany({ origin }: PipelineSuite, count: number): readonly string[] {
  return Array.from({ length: count }, () => publish(origin))
}

/** Clients that are known, and fresh. */
async function resolveKnown(suite: PipelineSuite): Promise<readonly string[]> {
  const known = publishMany(suite, 3)
  for (const clientId of known) {
    expect((await resolveFor(suite, clientId, 30_000)).status).toBe(200)
  }
  return known
}

const hasBegun = ({ event }: LogLine): boolean => event === 'overload.began'

function began({ pipeline }: PipelineSuite): Promise<LogLine> {
  return pipeline.running('api').logged(hasBegun)
}

/** First contacts that could wait for long are told at once that they should not. */
async function expectRefused(suite: PipelineSuite): Promise<void> {
  const pauses: number[] = []
  const times: number[] = []
  // On a busy machine the api may not know at times how others are answered; then it takes some in.
  while (pauses.length < 20) {
    const asked = publishMany(suite, 10).map((clientId) => timed(() => resolveFor(suite, clientId, 20_000)))
    for (const { ms, answer } of await Promise.all(asked)) {
      if (answer.status === 202) continue
      expect(answer).toMatchObject({ status: 503, body: { code: 'overloaded', retryable: true } })
      pauses.push(Number(answer.headers.get('retry-after')))
      times.push(ms)
    }
  }
  expect(Math.max(...times)).toBeLessThan(10_000)
  expect(pauses.every((pause) => pause >= 1 && pause <= 60)).toBe(true)
  expect(new Set(pauses).size).toBeGreaterThan(1)
  const msOfOne = async () => (await timed(() => resolveFor(suite, publish(suite.origin), 20_000))).ms
  await expect.poll(msOfOne, { timeout: 30_000 }).toBeLessThan(1000)
}

/** Whatever waits, reads do not: a bound that only those exceed. */
async function expectFast(suite: PipelineSuite, known: readonly string[]): Promise<void> {
  const times: number[] = []
  for (let round = 0; round < 20; round += 1) {
    const asked = [...known, ...known, ...known].map((clientId) =>
      timed(() => resolveFor(suite, clientId, 20_000)),
    )
    for (const { ms, answer } of await Promise.all(asked)) {
      expect(answer.status).toBe(200)
      times.push(ms)
    }
  }
  expect(times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)]).toBeLessThan(10_000)
}

/** Resolves once first contacts are answered again, by the api that refused them. */
async function untilTaken(suite: PipelineSuite): Promise<void> {
  const resolveNew = async () => (await resolveFor(suite, publish(suite.origin), 10_000)).status
  await expect.poll(resolveNew, { timeout: 60_000 }).toBe(200)
}

function resolveFor({ pipeline }: PipelineSuite, clientId: string, waitMs: number): Promise<ApiAnswer> {
  return pipeline.api.resolve({ client_id: clientId, wait_ms: waitMs })
}

/** What a first contact comes to, however often it has to be waited for. */
async function finish({ pipeline }: PipelineSuite, first: Promise<ApiAnswer>): Promise<number> {
  let answer = await first
  while (answer.status === 202) answer = await pipeline.api.ticket(answer.body.ticket, 20_000)
  return answer.status
}

async function timed(ask: () => Promise<ApiAnswer>): Promise<{ ms: number; answer: ApiAnswer }> {
  const startedAt = performance.now()
  const answer = await ask()
  return { ms: performance.now() - startedAt, answer }
}
