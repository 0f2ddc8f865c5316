import type { FailureCode } from '@cimd/core'
import { dangerouslySetClockOffset } from '@cimd/store'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ApiAnswer, ApiClient } from '../harness/api-client.ts'
import { jsonReply, publish, serveAt } from '../harness/documents.ts'
import { eventsBefore, eventsUntil, type SeenEvent, typesOf } from '../harness/events.ts'
import {
  AGES,
  FAILED_AT,
  FAILURE_ENVIRONMENT,
  type Failure,
  FETCH_FAILURES,
  problemOf,
  USABLE_SECONDS,
} from '../harness/failures.ts'
import { type FaultyNetwork, type HostFault, startFaultyNetwork } from '../harness/faulty-network.ts'
import { imageOf } from '../harness/images.ts'
import { createTestKey } from '../harness/keys.ts'
import type { Reply } from '../harness/origin.ts'
import { describePipeline } from '../harness/pipeline-suite.ts'
import { HOUR, MINUTE, secondsBetween } from '../harness/times.ts'

const environment = FAILURE_ENVIRONMENT

/** A failure of a key set and a logo at once; the logo's code where it is another. */
type Case = Failure & { readonly logoCode?: FailureCode }

const KEY = createTestKey('a')
const IMAGE = await imageOf('png')
const CACHING = { 'cache-control': 'max-age=300' }

const CASES: readonly Case[] = [
  // Its body is a document's, and no image.
  ...FETCH_FAILURES.filter(({ code }) => code !== 'content_encoding'),
  rejected('what is no key set, and no image', 'key_set_malformed', 'logo_type', (url) =>
    replyOf(url, '{}', '<svg xmlns="http://www.w3.org/2000/svg"/>'),
  ),
  rejected('a private key, and half an image', 'key_set_secret', 'logo_malformed', (url) =>
    replyOf(url, JSON.stringify({ keys: [KEY.privateJwk] }), IMAGE.subarray(0, IMAGE.length / 2)),
  ),
  rejected('too many bytes', 'too_large', 'too_large', (url) =>
    replyOf(url, 'x'.repeat(300_000), new Uint8Array(300_000)),
  ),
]

const ENDING = CASES.filter((one) => USABLE_SECONDS[one.class] === 15 * MINUTE)

describePipeline(
  'a key set and a logo that fail',
  { services: ['api', 'scheduler'], environment },
  (suite) => {
    let network: FaultyNetwork | undefined
    const clientIds = new Map<Case, string>()
    const idOf = (one: Case): string => clientIds.get(one) ?? ''
    const api = (): ApiClient => suite.pipeline.api

    const startFetcher = async (prefix: string, failing: readonly Case[]): Promise<void> => {
      network ??= await startFaultyNetwork(suite.origin)
      const faults = failing.flatMap(({ fault }, row): [string, HostFault][] =>
        fault === undefined ? [] : [[`${prefix}-${row}.example.net`, fault]],
      )
      await suite.pipeline.start('fetcher', { environment: network.environmentWith(new Map(faults)) })
    }
    const publishAll = (prefix: string): void => {
      for (const [row, one] of CASES.entries()) {
        const [jwksUri, logoUri] = urlsOf(prefix, row)
        const members = {
          token_endpoint_auth_method: 'private_key_jwt',
          jwks_uri: jwksUri,
          logo_uri: logoUri,
        }
        clientIds.set(one, publish(suite.origin, members, `documents-${row}.example.net`))
      }
    }
    const serveValid = (): void => {
      for (const url of CASES.flatMap((_, row) => urlsOf('row', row))) serveAt(suite.origin, url, valid(url))
    }
    const failAll = (prefix: string): void => {
      for (const [row, { answer }] of CASES.entries()) {
        if (answer === undefined) continue
        for (const url of urlsOf(prefix, row)) serveAt(suite.origin, url, answer(url))
      }
    }
    /** Its document does not fail, but a busy machine may take longer than it has: then it is demanded again. */
    const resolve = async (one: Case, purpose: string): Promise<ApiAnswer> => {
      const answer = await api().resolve({ client_id: idOf(one), purpose, wait_ms: 20_000 })
      return answer.status === 200 || purpose === 'token' ? answer : resolve(one, purpose)
    }
    const resolveAll = (purpose: string): Promise<ApiAnswer[]> =>
      Promise.all(CASES.map((one) => resolve(one, purpose)))
    /** Stops the fetcher and moves the clock: whatever the next one fetches, it fetches at that time. */
    const stopFetcherUntil = async (seconds: number): Promise<void> => {
      await suite.pipeline.stop('fetcher')
      await dangerouslySetClockOffset(suite.pipeline.db, seconds)
    }
    /** What became of both, as the present fetcher has recorded it. */
    const attempted = (prefix: string, row: number, outcome: 'fetched' | 'failed') =>
      Promise.all(
        urlsOf(prefix, row).map((url) =>
          suite.pipeline
            .running('fetcher')
            .logged(
              (line) =>
                line.event === 'resource.attempted' &&
                line['url'] === url &&
                line['outcome'] === outcome &&
                line['applied'] === true,
            ),
        ),
      )
    /** Where their fetch takes longer than the wait, they are demanded again. */
    const refreshKeys = async (clientId: string): Promise<ApiAnswer> => {
      const answer = await api().refreshKeys({ client_id: clientId, kid: 'a' })
      return answer.status === 202 ? refreshKeys(clientId) : answer
    }
    afterAll(() => network?.close())

    describe('at first contact', () => {
      const recorded: (readonly Readonly<Record<string, unknown>>[])[] = []
      beforeAll(async () => {
        publishAll('first')
        failAll('first')
        await startFetcher('first', CASES)
        await resolveAll('authorize')
        recorded.push(...(await Promise.all(CASES.map((_, row) => attempted('first', row, 'failed')))))
      })

      it.each(CASES.map((one, row) => ({ ...one, one, row })))(
        'with $what leave the client without, and nothing is announced (CAC-04)',
        async ({ one, row }) => {
          expect(recorded[row]?.map((line) => line['failure_code'])).toEqual(codesOf(one))
          const { status, body } = await api().resolve({ client_id: idOf(one) })
          expect([status, body.freshness.state]).toEqual([200, 'fresh'])
          const [code, logoCode] = codesOf(one)
          expect(body.keys).toEqual({ status: 'unusable', source: 'jwks_uri', code })
          expect(body.logo).toEqual({ status: 'unusable', code: logoCode })
          expect(await refreshKeys(idOf(one))).toMatchObject(problemOf(one))
        },
      )
    })

    describe('after they were valid', () => {
      const digests = new Map<string, { readonly keys: string; readonly logo: string }>()
      beforeAll(async () => {
        publishAll('row')
        serveValid()
        await resolveAll('authorize')
        await eventsUntil(api(), (seen) => CASES.every((one) => countLinked(seen, idOf(one)) === 2))
        // What is used after a fetch is refreshed by itself.
        await resolveAll('authorize')
        for (const { body } of await resolveAll('token')) {
          expect(body).toMatchObject({ keys: { freshness: { state: 'fresh' } }, logo: { status: 'ready' } })
          digests.set(body.client_id, { keys: body.keys.digest, logo: body.logo.digest })
        }
        await stopFetcherUntil(FAILED_AT)
        failAll('row')
        await startFetcher('row', CASES)
        await Promise.all(CASES.map((_, row) => attempted('row', row, 'failed')))
      })

      describe.each(AGES)('$age', ({ seconds }) => {
        const answers = new Map<Case, { readonly token: ApiAnswer; readonly keys: ApiAnswer }>()
        beforeAll(async () => {
          await dangerouslySetClockOffset(suite.pipeline.db, FAILED_AT + seconds)
          // What its publisher took back ends by itself.
          if (seconds > 15 * MINUTE) {
            await eventsUntil(api(), (seen) => ENDING.every((one) => countLinked(seen, idOf(one)) === 4))
          }
          await Promise.all(
            CASES.map(async (one) => {
              const token = await api().resolve({ client_id: idOf(one), purpose: 'token' })
              answers.set(one, { token, keys: await refreshKeys(idOf(one)) })
            }),
          )
        })

        it.each(CASES)('with $what they are used as its class allows (CAC-13, CAC-14)', (one) => {
          const seen = answers.get(one)
          const { keys, logo } = seen?.token.body ?? {}
          const [code, logoCode] = codesOf(one)
          if (seconds >= USABLE_SECONDS[one.class]) {
            expect(keys).toEqual({ status: 'unusable', source: 'jwks_uri', code })
            expect(logo).toEqual({ status: 'unusable', code: logoCode })
            expect(seen?.keys).toMatchObject(problemOf(one))
            return
          }
          const kept = digests.get(idOf(one))
          const freshness = { state: 'stale', why: code }
          expect(keys).toMatchObject({ digest: kept?.keys, jwks: { keys: [KEY.publicJwk] }, freshness })
          expect(secondsBetween(keys.freshness.since, keys.freshness.until)).toBe(USABLE_SECONDS[one.class])
          expect(logo).toMatchObject({ status: 'ready', digest: kept?.logo })
          expect(seen?.keys).toMatchObject({ status: 200, body: { keys: { digest: kept?.keys, freshness } } })
        })
      })

      it('are back with the next valid answer, and each change was announced once (CHG-03, UI-04)', async () => {
        // What has ended is looked at once a day. What some were still wanted for is not to be answered before.
        await stopFetcherUntil(51 * HOUR)
        serveValid()
        await startFetcher('row', [])
        await resolveAll('authorize')
        await Promise.all(CASES.map((_, row) => attempted('row', row, 'fetched')))
        for (const { body } of await resolveAll('token')) {
          const kept = digests.get(body.client_id)
          expect(body.keys).toMatchObject({ digest: kept?.keys, freshness: { state: 'fresh' } })
          expect(body.logo).toMatchObject({ status: 'ready', digest: kept?.logo })
        }
        const events = await eventsBefore(api(), publish(suite.origin))
        for (const one of CASES) {
          const times = ENDING.includes(one) ? 3 : 1
          const both = ['client.keys_changed', 'client.logo_changed'].flatMap((type) =>
            Array(times).fill(type),
          )
          const types = typesOf(events, idOf(one)).toSorted()
          expect([one.what, ...types]).toEqual([one.what, 'client.discovered', ...both])
          if (ENDING.includes(one)) expectEndAndReturn(events, idOf(one), digests.get(idOf(one))?.logo ?? '')
        }
      })
    })
  },
)

function rejected(
  what: string,
  code: FailureCode,
  logoCode: FailureCode,
  answer: NonNullable<Failure['answer']>,
): Case {
  return { what, class: 'rejected', code, logoCode, answer }
}

function urlsOf(prefix: string, row: number): [jwksUri: string, logoUri: string] {
  const origin = `https://${prefix}-${row}.example.net`
  return [`${origin}/jwks.json`, `${origin}/logo.png`]
}

function replyOf(url: string, keySet: string, image: string | Uint8Array): Reply {
  const isLogo = url.endsWith('.png')
  const headers = { 'content-type': isLogo ? 'image/png' : 'application/json' }
  return { headers, body: isLogo ? image : keySet }
}

function valid(url: string): Reply {
  if (!url.endsWith('.png')) return jsonReply({ keys: [KEY.publicJwk] }, CACHING)
  return { headers: { 'content-type': 'image/png', ...CACHING }, body: IMAGE }
}

function codesOf({ code, logoCode = code }: Case): [keys: FailureCode, logo: FailureCode] {
  return [code, logoCode]
}

function countLinked(events: readonly SeenEvent[], clientId: string): number {
  return typesOf(events, clientId).filter((type) => type !== 'client.discovered').length
}

function expectEndAndReturn(events: readonly SeenEvent[], clientId: string, logo: string): void {
  const dataOf = (type: string) =>
    events.filter((event) => event.subject === clientId && event.type === type).map(({ data }) => data)
  expect(dataOf('client.logo_changed')).toEqual([
    { to_digest: logo },
    { from_digest: logo },
    { to_digest: logo },
  ])
  expect(dataOf('client.keys_changed')).toMatchObject([
    { added: [KEY.thumbprint], removed: [] },
    { added: [], removed: [KEY.thumbprint] },
    { added: [KEY.thumbprint], removed: [] },
  ])
}
