import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { imageOf } from '../harness/images.ts'
import { createTestKey } from '../harness/keys.ts'
import type { Origin } from '../harness/origin.ts'
import { CRASH_MARKER } from './edits/table.ts'
import type { Hit, Publication, Resource } from './evidence.ts'
import type { Random } from './random.ts'

/** Everybody who publishes a document, and what they were asked. */
export type Publishers = {
  readonly clientIds: readonly string[]
  readonly publications: ReadonlyMap<string, readonly Publication[]>
  readonly hits: readonly Hit[]
  /** Another document, of another meaning. */
  readonly change: (clientId: string) => void
  /** Other bytes of the same meaning. */
  readonly reformat: (clientId: string) => void
  readonly rotateKeys: (clientId: string) => void
  readonly takeDown: (clientId: string) => void
  readonly putUp: (clientId: string) => void
  readonly isUp: (clientId: string) => boolean
  /** The document of this client carries the marker from now on, or no longer. */
  readonly mark: (clientId: string, marked: boolean) => void
}

const HOSTS = 24
const DOMAINS = ['example.net', 'example.org', 'example.com']
const MAX_AGE_SECONDS = 3600
/** Of so many publishers one has its keys behind a URL, and one a logo. */
const KEYS_EVERY = 10
const LOGO_EVERY = 60
const SLOW_SHARE = 0.15
const SLOW_MS_MAX = 1500
const QUICK_MS_MAX = 60

type Publisher = {
  readonly clientId: string
  readonly nth: number
  readonly publications: Publication[]
  revision: number
  padding: number
  marked: boolean
  keys: string
}

/** Publishes so many documents on the origin. */
export async function createPublishers(origin: Origin, clients: number, random: Random): Promise<Publishers> {
  const hits: Hit[] = []
  const logo = await imageOf('png')
  const publishers = new Map<string, Publisher>()
  const get = (clientId: string): Publisher => {
    const found = publishers.get(clientId)
    if (found === undefined) throw new Error(`nobody publishes ${clientId}`)
    return found
  }
  for (let nth = 0; nth < clients; nth += 1) {
    const publisher = createPublisher(nth)
    publishers.set(publisher.clientId, publisher)
    publish(publisher)
    serve(origin, publisher, logo, createAnswer(publisher, hits, random))
  }
  const republish = (change: (publisher: Publisher) => void) => (clientId: string) => {
    const publisher = get(clientId)
    change(publisher)
    if (isUp(publisher)) publish(publisher)
  }
  return {
    clientIds: [...publishers.keys()],
    publications: new Map([...publishers].map(([clientId, { publications }]) => [clientId, publications])),
    hits,
    change: republish((publisher) => {
      publisher.revision += 1
    }),
    reformat: republish((publisher) => {
      publisher.padding += 1
    }),
    rotateKeys: (clientId) => {
      get(clientId).keys = createKeys()
    },
    takeDown: (clientId) => void get(clientId).publications.push({ at: Date.now() }),
    putUp: (clientId) => publish(get(clientId)),
    isUp: (clientId) => isUp(get(clientId)),
    mark: (clientId, marked) => {
      get(clientId).marked = marked
      publish(get(clientId))
    },
  }
}

/** What of a publisher's documents is fetched after them. */
export function hasKeysUri(nth: number): boolean {
  return nth % KEYS_EVERY === 1
}

function createPublisher(nth: number): Publisher {
  const host = `publisher-${nth % HOSTS}.${DOMAINS[nth % DOMAINS.length]}`
  const clientId = `https://${host}/${nth}/client.json`
  return { clientId, nth, publications: [], revision: 0, padding: 0, marked: false, keys: createKeys() }
}

function serve(
  origin: Origin,
  publisher: Publisher,
  logo: Uint8Array,
  answer: ReturnType<typeof createAnswer>,
): void {
  const { host, pathname } = new URL(publisher.clientId)
  const document = answer('document', () => publisher.publications.at(-1)?.text)
  const keys = answer('jwks', () => publisher.keys)
  const image = answer('logo', () => logo)
  origin.serve(host, pathname, document)
  origin.serve(host, `${pathname}.keys`, keys)
  origin.serve(host, `${pathname}.png`, image)
}

function createKeys(): string {
  return JSON.stringify({ keys: [createTestKey('current').publicJwk] })
}

function isUp({ publications }: Publisher): boolean {
  return publications.at(-1)?.text !== undefined
}

function publish(publisher: Publisher): void {
  const text = textOf(publisher)
  publisher.publications.push({ at: Date.now(), text, digest: digestOf(text) })
}

function textOf({ clientId, nth, revision, padding, marked }: Publisher): string {
  const document = {
    client_id: clientId,
    client_name: `Client ${nth}, revision ${revision}`,
    // Every other revision has one address less: what narrows is announced as well as what widens.
    redirect_uris: ['/callback', ...(revision % 2 === 0 ? ['/second'] : [])].map(
      (path) => `${clientId}${path}`,
    ),
    ...(hasKeysUri(nth) && { jwks_uri: `${clientId}.keys`, token_endpoint_auth_method: 'private_key_jwt' }),
    ...(nth % LOGO_EVERY === 0 && { logo_uri: `${clientId}.png` }),
    ...(marked && { software_id: CRASH_MARKER }),
  }
  return `${JSON.stringify(document)}${' '.repeat(padding)}`
}

function digestOf(body: string | Uint8Array): string {
  return createHash('sha256').update(body).digest('hex')
}

/** Answers late now and then, so that processes end in the middle of fetches. */
function createAnswer({ clientId }: Publisher, hits: Hit[], random: Random) {
  return (resource: Resource, current: () => string | Uint8Array | undefined) =>
    async (request: { readonly headers: NodeJS.Dict<string | string[]> }, response: ServerResponse) => {
      const index = hits.length
      const seen = { number: index + 1, clientId, resource, at: Date.now() }
      const fetcher = String(request.headers['user-agent']).replace(/^.*\//, '')
      hits.push({ ...seen, fetcher, status: undefined, digest: undefined, bodyBytes: 0 })
      await sleep(random.between(0, random.chance(SLOW_SHARE) ? SLOW_MS_MAX : QUICK_MS_MAX))
      const body = current()
      const told = send(response, seen.number, resource, body, request.headers['if-none-match'])
      hits[index] = { ...seen, fetcher, ...told }
    }
}

const CONTENT_TYPES: Readonly<Record<Resource, string>> = {
  document: 'application/json',
  jwks: 'application/jwk-set+json',
  logo: 'image/png',
}

function send(
  response: ServerResponse,
  number: number,
  resource: Resource,
  body: string | Uint8Array | undefined,
  presented: string | string[] | undefined,
): Pick<Hit, 'status' | 'digest' | 'bodyBytes'> {
  const isGone = response.destroyed
  response.setHeader('content-type', `${CONTENT_TYPES[resource]}; hit=${number}`)
  if (body === undefined) {
    response.writeHead(404).end()
    return { status: isGone ? undefined : 404, digest: undefined, bodyBytes: 0 }
  }
  const digest = digestOf(body)
  const etag = `"${digest}"`
  response.setHeader('cache-control', `max-age=${MAX_AGE_SECONDS}`).setHeader('etag', etag)
  const isKnown = presented === etag
  const bytes = isKnown ? '' : body
  response
    .writeHead(isKnown ? 304 : 200, isKnown ? {} : { 'content-length': Buffer.byteLength(bytes) })
    .end(bytes)
  return { status: isGone ? undefined : isKnown ? 304 : 200, digest, bodyBytes: Buffer.byteLength(bytes) }
}
