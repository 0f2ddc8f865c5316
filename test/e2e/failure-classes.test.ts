import { dangerouslySetClockOffset, setStaleLimits } from '@cimd/store'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ApiAnswer, ApiClient } from '../harness/api-client.ts'
import { publish, republish, serveAt } from '../harness/documents.ts'
import { eventsBefore, typesOf } from '../harness/events.ts'
import {
  AGES,
  DOCUMENT_FAILURES,
  FAILED_AT,
  FAILURE_ENVIRONMENT,
  type Failure,
  FETCH_FAILURES,
  problemOf,
  USABLE_SECONDS,
} from '../harness/failures.ts'
import { type FaultyNetwork, type HostFault, startFaultyNetwork } from '../harness/faulty-network.ts'
import { describePipeline, type PipelineSuite } from '../harness/pipeline-suite.ts'
import { MINUTE, secondsBetween } from '../harness/times.ts'

const environment = FAILURE_ENVIRONMENT

/** One way to fail of a client that was valid, from then on. */
type Case = Failure & {
  /** What its valid answer said of caching. */
  readonly caching: string
  /** From the first failure. */
  readonly usableSeconds: number
  readonly freshSeconds: number
  /** What ends the use is the origin's stale-if-error, which counts from the end of freshness. */
  readonly endsByOrigin?: boolean
}

/** What a tenant that is strict allows after the first failure: of real time, more than a slow machine needs. */
const LIMITS = {
  ...{ unreachable: 15 * MINUTE, ambiguous: 10 * MINUTE, withdrawn: 3 * MINUTE, rejected: 2 * MINUTE },
}

const FAILURES = [...FETCH_FAILURES, ...DOCUMENT_FAILURES]
const OUTAGE = { class: 'unreachable', code: 'status_5xx', answer: () => ({ status: 503 }) } as const
const REMOVAL = { class: 'withdrawn', code: 'status_404', answer: () => ({ status: 404 }) } as const

const CASES: readonly Case[] = [
  ...FAILURES.map((failure) => failing(failure)),
  failing(
    { ...OUTAGE, what: 'an outage within its lifetime' },
    { caching: 'max-age=3600', freshSeconds: 3000 },
  ),
  failing(
    { ...OUTAGE, what: 'an outage where stale use is forbidden' },
    { caching: 'max-age=300, must-revalidate', usableSeconds: 0 },
  ),
  failing(
    { ...OUTAGE, what: 'an outage within a lifetime after which stale use is forbidden' },
    { caching: 'max-age=3600, must-revalidate', usableSeconds: 3000, freshSeconds: 3000 },
  ),
  failing(
    { ...OUTAGE, what: 'an outage longer than stale-if-error' },
    { caching: 'max-age=300, stale-if-error=3000', usableSeconds: 2700, endsByOrigin: true },
  ),
  failing({ ...REMOVAL, what: 'a removal within its lifetime' }, { caching: 'max-age=86400' }),
  failing(
    { ...REMOVAL, what: 'a removal where stale use is forbidden' },
    { caching: 'max-age=86400, must-revalidate', usableSeconds: 0 },
  ),
]

describePipeline('a client that fails', { services: ['api', 'scheduler'], environment }, (suite) => {
  let network: FaultyNetwork | undefined
  const tenants: { easy?: ApiClient; strict?: ApiClient } = {}
  const clientIds = new Map<Failure, string>()
  const digests = new Map<Failure, string>()
  const idOf = (failure: Failure): string => clientIds.get(failure) ?? ''
  const easy = (): ApiClient => tenants.easy ?? suite.pipeline.api
  const strict = (): ApiClient => tenants.strict ?? suite.pipeline.api

  async function startFetcher(failing: readonly Failure[]): Promise<void> {
    network ??= await startFaultyNetwork(suite.origin)
    const faults = new Map(failing.flatMap((failure) => faultOf(failure, idOf(failure))))
    await suite.pipeline.start('fetcher', { environment: network.environmentWith(faults) })
  }
  beforeAll(async () => {
    tenants.easy = await suite.pipeline.addTenant('easy')
    tenants.strict = await suite.pipeline.addTenant('strict')
    await setStaleLimits(suite.pipeline.db, 'strict', LIMITS)
  })
  afterAll(() => network?.close())

  describe('at its first contact', () => {
    const answers = new Map<Failure, ApiAnswer>()
    beforeAll(async () => {
      for (const [row, failure] of FAILURES.entries()) {
        clientIds.set(failure, publish(suite.origin, {}, `first-${row}.example.net`))
        fail(suite, failure, idOf(failure))
      }
      await startFetcher(FAILURES)
      await Promise.all(
        FAILURES.map(async (failure) => {
          answers.set(failure, await easy().resolve({ client_id: idOf(failure), wait_ms: 20_000 }))
        }),
      )
    })

    it.each(FAILURES)('with $what is answered $code, and nothing is kept (CAC-04)', async (failure) => {
      const answer = answers.get(failure)
      expect(answer).toMatchObject(problemOf(failure))
      expect(answer?.headers.get('retry-after')).toBe(problemOf(failure).status === 502 ? '30' : null)
      const { body } = await easy().client(idOf(failure))
      expect(body).toMatchObject({ state: 'discovering', failure: { code: failure.code }, versions: [] })
      expect(body).not.toHaveProperty('digest')
      expect(body.freshness).toEqual({ state: 'unusable', why: failure.code })
      expect(body.history).toMatchObject([{ kind: 'attempt', outcome: 'failed', code: failure.code }])
    })

    it('is no reason to refuse the next demand, nor an event (CAC-04)', async () => {
      const answering = FAILURES.filter(({ fault }) => fault === undefined)
      for (const failure of answering) republish(suite.origin, idOf(failure))
      const again = await Promise.all(
        answering.map((failure) => easy().resolve({ client_id: idOf(failure), wait_ms: 20_000 })),
      )
      expect(new Set(again.map(({ body }) => body.freshness?.state))).toEqual(new Set(['fresh']))
      const events = await eventsBefore(easy(), publish(suite.origin))
      for (const failure of FAILURES) {
        const types = failure.fault === undefined ? ['client.discovered'] : []
        expect(typesOf(events, idOf(failure))).toEqual(types)
      }
    })
  })

  describe('after it was valid', () => {
    const observed = new Map<Case, Observation>()
    const began = new Map<Case, string>()

    beforeAll(async () => {
      for (const [row, one] of CASES.entries()) {
        clientIds.set(one, publish(suite.origin, {}, `row-${row}.example.net`))
        republish(suite.origin, idOf(one), {}, { 'cache-control': one.caching })
      }
      await Promise.all(
        CASES.map(async (one) => {
          const request = { client_id: idOf(one), wait_ms: 20_000 }
          const { body } = await easy().resolve(request)
          digests.set(one, body.digest)
          await strict().resolve(request)
        }),
      )
      await suite.pipeline.stop('fetcher')
      for (const one of CASES) fail(suite, one, idOf(one))
      await startFetcher(CASES)
      await dangerouslySetClockOffset(suite.pipeline.db, FAILED_AT)
      await Promise.all(CASES.map((one) => refresh(easy(), idOf(one))))
    })

    describe.each(AGES)('$age', ({ seconds }) => {
      beforeAll(async () => {
        await dangerouslySetClockOffset(suite.pipeline.db, FAILED_AT + seconds)
        await Promise.all(
          CASES.map(async (one) =>
            observed.set(one, await observe({ easy: easy(), strict: strict() }, idOf(one))),
          ),
        )
      })

      it.each(CASES)('with $what it is used as its class allows (CAC-07, CAC-13, CAC-14)', (one) => {
        const seen = observed.get(one)
        const limit = one.class === 'refused' ? Number.POSITIVE_INFINITY : LIMITS[one.class]
        expectUse(seen?.token, one, seconds, one.usableSeconds)
        expectUse(seen?.authorize, one, seconds, one.usableSeconds)
        expectUse(seen?.strict, one, seconds, Math.min(one.usableSeconds, limit))
        for (const answer of [seen?.token, seen?.authorize, seen?.strict]) {
          if (answer?.status === 200) expect(answer.body.digest).toBe(digests.get(one))
        }
      })

      it.each(CASES)('with $what its record says why and since when, and keeps the version', (one) => {
        const { body } = observed.get(one)?.record ?? { body: undefined }
        const isGone = USABLE_SECONDS[one.class] === 15 * MINUTE && seconds >= 15 * MINUTE
        expect(body).toMatchObject({
          state: isGone ? one.class : `failing_${one.class}`,
          digest: digests.get(one),
          failure: { code: one.code, since: began.get(one) ?? body.failure.since },
          versions: [{ digest: digests.get(one), current: true }],
        })
        // The first failure starts the clock.
        began.set(one, body.failure.since)
        expect(body.freshness.state).toBe(useAfter(one, seconds, one.usableSeconds))
        if (body.freshness.state === 'stale') expect(body.freshness.since).toBe(body.failure.since)
        expect(body.history.find(isAttempt)).toMatchObject({ outcome: 'failed', code: one.code })
        if (seconds === 0) expect(secondsBetween(body.attempted_at, body.retry_at)).toBe(MINUTE)
      })
    })

    it('is as it was with the next valid answer, and all is announced, once (CAC-13, CAC-14)', async () => {
      await suite.pipeline.stop('fetcher')
      for (const one of CASES) republish(suite.origin, idOf(one))
      await startFetcher([])
      for (const one of CASES) {
        const { body } = await easy().resolve({ client_id: idOf(one), wait_ms: 20_000 })
        expect(body).toMatchObject({ digest: digests.get(one), freshness: { state: 'fresh' } })
        expect((await easy().client(idOf(one))).body).toMatchObject({ state: 'fresh' })
      }
      const events = await eventsBefore(easy(), publish(suite.origin))
      for (const one of CASES) {
        const isEnded = USABLE_SECONDS[one.class] === 15 * MINUTE
        expect([one.what, ...typesOf(events, idOf(one))]).toEqual([
          ...[one.what, 'client.discovered', 'client.stale'],
          ...[...(isEnded ? ['client.withdrawn'] : []), 'client.recovered'],
        ])
        const told = { digest: digests.get(one), code: one.code }
        const data = events.filter((event) => event.subject === idOf(one)).map((event) => event.data)
        const [, stale, ...later] = data
        expect(stale).toEqual({ ...told, since: began.get(one), until: expect.any(String) })
        if (one.usableSeconds > one.freshSeconds && !one.endsByOrigin) {
          expect(secondsBetween(stale.since, stale.until)).toBe(one.usableSeconds)
        }
        expect(later).toEqual([...(isEnded ? [{ ...told, since: began.get(one) }] : []), told])
      }
    })
  })
})

function failing(
  failure: Failure,
  given: Partial<Pick<Case, 'caching' | 'usableSeconds' | 'freshSeconds' | 'endsByOrigin'>> = {},
): Case {
  const usableSeconds = USABLE_SECONDS[failure.class]
  return { ...failure, ...{ caching: 'max-age=300', usableSeconds, freshSeconds: 0 }, ...given }
}

function faultOf({ fault }: Failure, clientId: string): [string, HostFault][] {
  return fault === undefined ? [] : [[new URL(clientId).hostname, fault]]
}

function fail({ origin }: PipelineSuite, { answer }: Failure, clientId: string): void {
  if (answer !== undefined) serveAt(origin, clientId, answer(clientId))
}

async function refresh(api: ApiClient, clientId: string): Promise<void> {
  const { body } = await api.refresh({ client_id: clientId })
  await api.ticket(body.ticket, 20_000)
}

/** What everybody is told of a client at one time; a demand for it comes first. */
type Observation = Record<'authorize' | 'token' | 'strict' | 'record', ApiAnswer>

async function observe(
  { easy, strict }: { readonly easy: ApiClient; readonly strict: ApiClient },
  clientId: string,
): Promise<Observation> {
  const authorize = await easy.resolve({ client_id: clientId, wait_ms: 20_000 })
  const [token, limited, record] = await Promise.all([
    easy.resolve({ client_id: clientId, purpose: 'token' }),
    strict.resolve({ client_id: clientId, purpose: 'token' }),
    easy.client(clientId),
  ])
  return { authorize, token, strict: limited, record }
}

function useAfter(one: Case, seconds: number, usableSeconds: number): 'fresh' | 'stale' | 'unusable' {
  if (seconds < one.freshSeconds) return 'fresh'
  return seconds < usableSeconds ? 'stale' : 'unusable'
}

function expectUse(answer: ApiAnswer | undefined, one: Case, seconds: number, usableSeconds: number): void {
  const use = useAfter(one, seconds, usableSeconds)
  if (use === 'unusable') return void expect(answer).toMatchObject(problemOf(one))
  expect(answer).toMatchObject({ status: 200, body: { status: 'ready', freshness: { state: use } } })
  const { since, until, why } = answer?.body.freshness ?? {}
  if (use === 'fresh') return
  expect(why).toBe(one.code)
  if (!one.endsByOrigin || usableSeconds !== one.usableSeconds) {
    expect(secondsBetween(since, until)).toBe(usableSeconds)
  }
}

function isAttempt({ kind }: { readonly kind: string }): boolean {
  return kind === 'attempt'
}
