import { once } from 'node:events'
import { type ClientIdUrl, type FetchResult, type PostResult, parseClientMetadata } from '@cimd/core'
import {
  createFetchDocument,
  createGuardedPost,
  createResolver,
  type Dial,
  type GuardedFetchOptions,
  type GuardedPostOptions,
  type Resolve,
} from '@cimd/egress'
import { type Authority, createAuthority } from '../harness/authority.ts'
import type { BehaviourName } from './behaviours.ts'
import { type HostileOrigin, startHostileOrigin } from './hostile-origin.ts'
import { type NameServer, startNameServer, type Zone } from './name-server.ts'

/** Short, so that what only the deadline ends does not take long; nothing honest here needs as much. */
export const DEADLINE_MS = 1000
/** Beyond the deadline, for what follows it on a busy machine (FET-23). */
export const SLACK_MS = 250

/** What became of one fetch, seen from outside of the code under attack. */
export type Outcome = {
  /** Empty: a valid document was had. */
  readonly codes: readonly string[]
  readonly elapsedMs: number
  /** What a connection was opened to, as the dial was asked. */
  readonly dialled: readonly { readonly address: string; readonly port: number }[]
  /** What arrived over the last connection; missing where there was none, or no fetch. */
  readonly wireBytes?: number
}

/** What became of one delivery to a webhook. */
export type PostOutcome = Pick<Outcome, 'elapsedMs' | 'dialled'> & { readonly result: PostResult }

/** Everything that misbehaves, and a fetch or a delivery to send there. */
export type Arena = AsyncDisposable & {
  readonly authority: Authority
  readonly origin: HostileOrigin
  readonly names: NameServer
  /** Fetches from a server that behaves so, whatever its name resolves to. */
  fetchFrom(behaviour: BehaviourName, options?: Partial<GuardedFetchOptions>): Promise<Outcome>
  /** Fetches a URL as it stands from a good server, whatever its name resolves to. */
  fetchUrl(url: string, options?: Partial<GuardedFetchOptions>): Promise<Outcome>
  /** Fetches from a good server whose name the zone resolves; the resolver is real, and so are its sockets. */
  fetchBy(zone: Zone, options?: Partial<GuardedFetchOptions>): Promise<Outcome>
  /** Delivers to a server that behaves so. */
  postTo(behaviour: BehaviourName, options?: Partial<GuardedPostOptions>): Promise<PostOutcome>
  /** Delivers to a URL as it stands on a good server. */
  postUrl(url: string, options?: Partial<GuardedPostOptions>): Promise<PostOutcome>
  /** Delivers to a good server whose name the zone resolves. */
  postBy(zone: Zone, options?: Partial<GuardedPostOptions>): Promise<PostOutcome>
}

const PUBLIC_ADDRESS = '93.184.215.14'

/** Starts every server of the attacks on loopback. */
export async function startArena(): Promise<Arena> {
  const authority = await createAuthority()
  const zones = new Map<string, Zone>()
  const [origin, names] = await Promise.all([
    startHostileOrigin({ authority }),
    startNameServer(
      (question) => zones.get(question.name)?.(question) ?? { kind: 'rcode', rcode: 'NXDOMAIN' },
    ),
  ])
  const hosts = createHostNames()
  const resolve: Resolve = async () => [PUBLIC_ADDRESS]
  const byName = () => ({ resolve: createResolver({ servers: names.servers }) })
  const served = (zone: Zone): string => {
    const host = hosts.next()
    zones.set(host, zone)
    return host
  }
  const attempt = (host: string, path: string, options: Ways) =>
    attemptOnce(`https://${host}${path}` as ClientIdUrl, { ca: origin.ca, ...options })
  return {
    authority,
    origin,
    names,
    fetchFrom: (behaviour, options = {}) =>
      attempt(hosts.next(), `/${behaviour}/client.json`, {
        ...{ resolve, dial: origin.dialFor(behaviour) },
        ...options,
      }),
    fetchUrl: (url, options = {}) =>
      attemptOnce(url as ClientIdUrl, { ca: origin.ca, resolve, dial: origin.dialFor('ok'), ...options }),
    fetchBy: (zone, options = {}) =>
      attempt(served(zone), '/ok/client.json', { ...byName(), dial: origin.dialFor('ok'), ...options }),
    postTo: (behaviour, options = {}) =>
      postOnce(`https://${hosts.next()}/${behaviour}/hook`, {
        ...{ ca: origin.ca, resolve, dial: origin.dialFor(behaviour) },
        ...options,
      }),
    postUrl: (url, options = {}) =>
      postOnce(url, { ca: origin.ca, resolve, dial: origin.dialFor('ok'), ...options }),
    postBy: (zone, options = {}) =>
      postOnce(`https://${served(zone)}/ok/hook`, {
        ...{ ca: origin.ca, ...byName(), dial: origin.dialFor('ok') },
        ...options,
      }),
    async [Symbol.asyncDispose]() {
      await Promise.all([origin.close(), names.close()])
    },
  }
}

/** A host of its own for every fetch, so that none disturbs another. */
function createHostNames() {
  let given = 0
  return {
    next: () => {
      given += 1
      return `client${given}.example.org`
    },
  }
}

/** Never those of this machine, whichever defence is missing. */
type Ways = Partial<GuardedFetchOptions> & Required<Pick<GuardedFetchOptions, 'resolve' | 'dial'>>

async function attemptOnce(url: ClientIdUrl, options: Ways): Promise<Outcome> {
  const { dial, dialled } = recording(options.dial)
  const fetchDocument = createFetchDocument({
    ...{ userAgent: 'cimd-attack', deadlineMs: DEADLINE_MS },
    ...options,
    dial,
  })
  const startedAt = performance.now()
  const result = await fetchDocument({ url }, new AbortController().signal)
  const elapsedMs = performance.now() - startedAt
  const { wireBytes } = result.evidence
  return { codes: codesOf(result, url), elapsedMs, dialled, ...(wireBytes !== undefined && { wireBytes }) }
}

async function postOnce(
  url: string,
  options: Partial<GuardedPostOptions> & Pick<Ways, 'resolve' | 'dial'>,
): Promise<PostOutcome> {
  const { dial, dialled } = recording(options.dial)
  const post = createGuardedPost({
    ...{ userAgent: 'cimd-attack', deadlineMs: DEADLINE_MS },
    ...options,
    dial,
  })
  const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': '1', 'webhook-signature': 'v1,c2lnbmF0dXJl' }
  const startedAt = performance.now()
  const result = await post({ url, headers, body: '{"type":"attack"}' }, new AbortController().signal)
  return { result, elapsedMs: performance.now() - startedAt, dialled }
}

function recording(dial: Dial) {
  const dialled: { address: string; port: number }[] = []
  const record: Dial = (address, port, signal) => {
    dialled.push({ address, port })
    return dial(address, port, signal)
  }
  return { dial: record, dialled }
}

function codesOf(result: FetchResult, url: ClientIdUrl): readonly string[] {
  if (result.kind === 'failed') return [result.code]
  if (result.kind === 'not_modified') return [result.kind]
  const parsed = parseClientMetadata(result.body, url)
  return parsed.ok ? [] : parsed.violations.map(({ code }) => code)
}

/** A way on which nobody answers, as behind a firewall that drops. */
export const blackHole: Dial = async (_address, _port, signal) => {
  signal.throwIfAborted()
  await once(signal, 'abort')
  throw signal.reason
}
