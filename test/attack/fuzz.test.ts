import { isIP } from 'node:net'
import { type FetchResource, type FetchResult, isFailureCode, parseClientIdUrl, RESOURCES } from '@cimd/core'
import {
  createGuardedFetch,
  createResolver,
  type Dial,
  dialThroughProxy,
  FetchError,
  type GuardedFetchOptions,
  type Resolve,
} from '@cimd/egress'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuthority } from '../harness/authority.ts'
import { answers, publicAddresses } from './fuzz/addresses.ts'
import { bitsOf, isLoopback, isPublic } from './fuzz/public-address.ts'
import { proxyAnswers, responses, speechesOf } from './fuzz/responses.ts'
import { addressOf, assertInLanes, FUZZ_TIMEOUT_MS, hostOf, LANE_HOSTS, runs } from './fuzz/runs.ts'
import { type ScriptedServer, startScriptedOrigin, startScriptedProxy } from './fuzz/scripted-server.ts'
import { urls } from './fuzz/urls.ts'
import { type ProcessWatch, type Route, type Watched, watchProcess } from './fuzz/watch-process.ts'
import { JSON_TYPE, message, OK } from './messages.ts'
import { addresses, type NameServer, startNameServer } from './name-server.ts'

const DEADLINE_MS = 300
/** Beyond the deadline, for what follows it on a busy machine (FET-23). */
const SLACK_MS = 250
/** How often what a busy machine has kept from ending in time is tried again. */
const AGAIN_MAX = 8

const refused: Route = () => 'refused'
const toOrigin: Route = () => ({ listenerPort: origin.port })
const toProxy: Route = () => ({ listenerPort: proxy.port })

let watch: ProcessWatch
let origin: ScriptedServer
let proxy: ScriptedServer
let names: NameServer
let ca: string

beforeAll(async () => {
  const authority = await createAuthority()
  ca = authority.ca
  origin = await startScriptedOrigin(await authority.issue(LANE_HOSTS))
  proxy = await startScriptedProxy()
  names = await startNameServer(() => ({ kind: 'rcode', rcode: 'NXDOMAIN' }))
  watch = await watchProcess()
})
afterAll(async () => {
  await watch[Symbol.asyncDispose]()
  await Promise.all([origin[Symbol.asyncDispose](), proxy[Symbol.asyncDispose](), names.close()])
})

/** The guarded fetch with the dial of production, unless there is another. */
function fetching(resolve: Resolve, options: Partial<GuardedFetchOptions> = {}): FetchResource {
  return createGuardedFetch({ userAgent: 'cimd-attack', ca, resolve, ...options })
}

function ask(guardedFetch: FetchResource, url: string, route: Route): Promise<Watched<FetchResult>> {
  return watch.during(route, () => guardedFetch({ url, resource: 'document' }, new AbortController().signal))
}

const isInTime = ({ elapsedMs }: Watched<unknown>): boolean => elapsedMs < DEADLINE_MS + SLACK_MS

/** What took too long beside others has to be in time alone: all lanes stand still together on a busy machine. */
async function expectInTimeAlone(late: readonly Late[]): Promise<void> {
  for (const { speech, askAgain } of late) {
    let watched = await askAgain()
    for (let again = 0; again < AGAIN_MAX && !isInTime(watched); again += 1) watched = await askAgain()
    expect(watched.elapsedMs, fc.stringify(speech)).toBeLessThan(DEADLINE_MS + SLACK_MS)
  }
}
type Late = { readonly speech: unknown; readonly askAgain: () => Promise<Watched<FetchResult>> }

/** What must hold whatever anybody sends: a result, and nothing else. */
function expectResult({ outcome, faults }: Watched<FetchResult>): void {
  expect(faults).toEqual([])
  if (outcome.kind === 'failed') expect(isFailureCode(outcome.code), outcome.code).toBe(true)
  if (outcome.kind !== 'fetched') return
  expect(outcome.evidence.status).toBe(200)
  expect(outcome.body.byteLength).toBeLessThanOrEqual(RESOURCES.document.bodyBytesMax)
}

function resolvedTo(all: readonly string[]): Resolve {
  return async () => all
}

function literalOf(url: string): string | undefined {
  const host = URL.parse(url)?.hostname.replace(/^\[|\]$/g, '') ?? ''
  return isIP(host) === 0 ? undefined : host
}

describe('whatever is asked for', { timeout: FUZZ_TIMEOUT_MS }, () => {
  it('FET-12, FET-14, FET-16: leads to port 443 of public addresses that the name has, or nowhere', async () => {
    let connected = 0
    const resolutions = fc.array(publicAddresses, { minLength: 1, maxLength: 3 })
    const property = fc.asyncProperty(
      urls,
      resolutions,
      fc.boolean(),
      async (url, resolved, isDevelopment) => {
        const asked: string[] = []
        const resolve: Resolve = async (host) => {
          asked.push(host)
          return resolved
        }
        const options = { dangerouslyAllowLoopback: isDevelopment }
        const watched = await ask(fetching(resolve, options), url, refused)

        expectResult(watched)
        expect(asked.length).toBeLessThanOrEqual(1)
        expect(asked.filter((host) => isIP(host) !== 0)).toEqual([])
        const literal = literalOf(url)
        const vetted = literal === undefined ? resolved : [literal]
        for (const { address, port } of watched.connections) {
          expect(vetted).toContain(address)
          expect(isPublic(address) || (isDevelopment && isLoopback(address)), address).toBe(true)
          expect(port).toBe(443)
        }
        const parsed = parseClientIdUrl(url)
        if (parsed.ok) expect(asked).toEqual([parsed.host])
        if (parsed.ok) expect(watched.connections).not.toEqual([])
        connected += watched.connections.length
      },
    )
    await fc.assert(property, runs(2000))
    expect(connected).toBeGreaterThan(100)
  })
})

describe('whatever a name resolves to', { timeout: FUZZ_TIMEOUT_MS }, () => {
  const url = `https://${hostOf(0)}/client.json`
  const isUsable = (all: readonly string[]) => all.length > 0 && all.length <= 16 && all.every(isPublic)

  it('FET-16: one bad answer opens nothing, and good ones two connections at most', async () => {
    const property = fc.asyncProperty(answers, async (resolved) => {
      const watched = await ask(fetching(resolvedTo(resolved)), url, refused)
      expectResult(watched)
      expect(watched.outcome.kind).toBe('failed')
      const dialled = watched.connections.map(({ address }) => address)
      expect(dialled).toHaveLength(isUsable(resolved) ? Math.min(2, resolved.length) : 0)
      expect(dialled.filter((address) => !resolved.includes(address))).toEqual([])
    })
    await fc.assert(property, runs(1200))
  })

  it('FET-16: one bad answer opens nothing, and good ones no second connection once there is one', async () => {
    const document = message(OK, [JSON_TYPE], '{}').toString('latin1')
    origin.write(hostOf(0), { pieces: [document], ending: 'stay', isEager: false })
    const property = fc.asyncProperty(answers, async (resolved) => {
      const watched = await ask(fetching(resolvedTo(resolved)), url, toOrigin)
      expectResult(watched)
      expect(watched.outcome.kind).toBe(isUsable(resolved) ? 'fetched' : 'failed')
      const dialled = watched.connections.map(({ address }) => address)
      expect(dialled).toEqual(isUsable(resolved) ? resolved.slice(0, 1) : [])
    })
    await fc.assert(property, runs(500))
  })

  it('FET-16: the same for what a name server says', async () => {
    const resolve = createResolver({ servers: names.servers })
    const property = fc.asyncProperty(answers, async (said) => {
      const published = said.filter((address) => isIP(address) !== 0 && !address.includes('%'))
      names.answerWith((question) => addresses(question, published))
      // A machine that stands still for longer than an answer may take has none.
      let watched = await ask(fetching(resolve), url, refused)
      for (let again = 0; again < AGAIN_MAX && endOf(watched.outcome) === 'timeout_dns'; again += 1) {
        watched = await ask(fetching(resolve), url, refused)
      }
      expectResult(watched)
      const known = new Set(published.map(bitsOf))
      const dialled = watched.connections.map(({ address }) => bitsOf(address))
      expect(dialled).toHaveLength(isUsable(published) ? Math.min(2, published.length) : 0)
      expect(dialled.filter((bits) => !known.has(bits))).toEqual([])
    })
    await fc.assert(property, runs(300))
  })
})

describe('whatever is answered', { timeout: FUZZ_TIMEOUT_MS }, () => {
  it('FET-10, FET-11, FET-23: by an origin, it ends in a result in time, over one connection', async () => {
    const ends = new Set<string>()
    const late: Late[] = []
    await assertInLanes(1200, (lane) => {
      const guardedFetch = fetching(resolvedTo([addressOf(lane)]), { deadlineMs: DEADLINE_MS })
      return fc.asyncProperty(speechesOf(responses), async (speech) => {
        const askAgain = () => {
          origin.write(hostOf(lane), speech)
          return ask(guardedFetch, `https://${hostOf(lane)}/client.json`, toOrigin)
        }
        const watched = await askAgain()
        expectResult(watched)
        if (!isInTime(watched)) late.push({ speech, askAgain })
        expect(watched.connections).toEqual([{ address: addressOf(lane), port: 443 }])
        ends.add(endOf(watched.outcome))
      })
    })
    await expectInTimeAlone(late)
    // Not all of it was noise.
    const some = ['fetched', 'too_large', 'response_malformed', 'response_incomplete', 'timeout_body']
    expect([...ends]).toEqual(expect.arrayContaining(some))
  })

  it('FET-16, FET-18, FET-23: by an egress proxy, it ends in a failure in time, and nobody else is dialled', async () => {
    const ends = new Set<string>()
    const late: Late[] = []
    const dialProxy = dialThroughProxy(`http://127.0.0.1:${proxy.port}`)
    await assertInLanes(800, (lane) => {
      const thrown: unknown[] = []
      const options = { deadlineMs: DEADLINE_MS, dial: recordingFailures(dialProxy, thrown) }
      const guardedFetch = fetching(resolvedTo([addressOf(lane)]), options)
      return fc.asyncProperty(speechesOf(proxyAnswers), async (speech) => {
        const askAgain = () => {
          proxy.write(`${addressOf(lane)}:443`, speech)
          return ask(guardedFetch, `https://${hostOf(lane)}/client.json`, toProxy)
        }
        const watched = await askAgain()
        expectResult(watched)
        if (!isInTime(watched)) late.push({ speech, askAgain })
        expect(watched.outcome.kind).toBe('failed')
        expect(thrown.splice(0).filter((error) => !(error instanceof FetchError))).toEqual([])
        expect(watched.connections).toEqual([{ address: '127.0.0.1', port: proxy.port }])
        ends.add(endOf(watched.outcome))
      })
    })
    await expectInTimeAlone(late)
    const some = ['egress_denied', 'egress_unavailable', 'connect_failed', 'tls_failed', 'timeout_connect']
    expect([...ends]).toEqual(expect.arrayContaining(some))
  })
})

describe('all that', () => {
  it('FET-16: opened no connection that nothing asked for', () => {
    expect(watch.strays).toEqual([])
  })
})

function endOf(result: FetchResult): string {
  return result.kind === 'failed' ? result.code : result.kind
}

function recordingFailures(dial: Dial, thrown: unknown[]): Dial {
  return async (address, port, signal) => {
    try {
      return await dial(address, port, signal)
    } catch (error) {
      thrown.push(error)
      throw error
    }
  }
}
