import { createHash } from 'node:crypto'
import {
  type CacheHeaderName,
  type CacheHeaders,
  type FetchEvidence,
  type FetchResource,
  type FetchResult,
  judgeResponse,
} from '@cimd/core'
import { documentAt, jwksUriOf, keySetAt, type Revision } from './documents.ts'
import type { OriginRequest } from './evidence.ts'
import { isGoneInTurn, troubleAt } from './failing.ts'
import type { Instant } from './kinds.ts'
import type { Client, Settings } from './population.ts'
import { unit } from './random.ts'

/** An answer as it comes over the network. */
type Reply = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Of a usable document or key set, also where a 304 confirms it. */
  readonly digest?: string
}

type Request = { readonly validators: { readonly etag?: string } | undefined }

export type OriginOptions = {
  readonly settings: Settings
  readonly clients: readonly Client[]
  readonly now: () => Instant
  readonly onRequest: (client: Client, resource: 'document' | 'jwks', request: OriginRequest) => void
  /** Told of every text once. */
  readonly onText: (digest: string, text: string) => void
  /** The planted fault: whether the judge wrongly refuses this document now. */
  readonly isRefused: (digest: string, at: Instant) => boolean
}

const ANSWER_MS = 40
const BODY_BYTES_MAX = 5120
/** What a busy origin asks for. */
export const RETRY_AFTER_SECONDS = 600
const CACHE_FIELDS: readonly CacheHeaderName[] = ['age', 'cache-control', 'etag']

/**
 * The scripted origins as the port that the fetcher fetches through, without a socket: what each answers depends on its
 * client, the virtual time and the seed alone. The head of an answer is judged by core, as the real egress does it.
 */
export function createOrigins(options: OriginOptions): FetchResource {
  const byUrl = new Map<string, { client: Client; resource: 'document' | 'jwks' }>()
  for (const client of options.clients) {
    byUrl.set(client.clientId, { client, resource: 'document' })
    if (client.kind.linkedKeys) byUrl.set(jwksUriOf(client), { client, resource: 'jwks' })
  }
  return async ({ url, validators }) => {
    const asked = byUrl.get(url)
    if (asked === undefined) throw new Error(`nobody publishes ${url}`)
    const { client, resource } = asked
    const at = options.now()
    const reply = replyOf(options, client, resource, { at, request: { validators } })
    const refused =
      reply.digest !== undefined && resource === 'document' && options.isRefused(reply.digest, at)
    const { status, digest } = reply
    options.onRequest(client, resource, {
      ...{ at, status },
      ...(digest !== undefined && { digest }),
      ...(refused && { refusedByFault: true }),
    })
    return refused ? refusal(reply) : resultOf(reply, validators?.etag !== undefined)
  }
}

function replyOf(
  options: OriginOptions,
  client: Client,
  resource: 'document' | 'jwks',
  { at, request }: { readonly at: Instant; readonly request: Request },
): Reply {
  const { settings } = options
  const trouble = troubleAt(client, at, settings)
  switch (trouble) {
    case 'unreachable':
      return { status: 503, headers: {}, body: '' }
    case 'busy':
      return { status: 503, headers: { 'retry-after': String(RETRY_AFTER_SECONDS) }, body: '' }
    case 'redirects':
      return { status: 302, headers: { location: 'https://elsewhere.net/' }, body: '' }
    case 'gone':
      return { status: 404, headers: {}, body: '' }
    case 'alternates':
      return { status: isGoneInTurn(client, at, settings) ? 404 : 503, headers: {}, body: '' }
    case 'invalid':
      return { status: 200, headers: { 'content-type': 'application/json' }, body: '{"client_id":"another"}' }
    default:
      return serve(options, client, resource === 'document' ? documentAt(client, at) : keySetAt(client, at), {
        at,
        request,
      })
  }
}

function serve(
  { onText }: OriginOptions,
  client: Client,
  { number, text }: Revision,
  { at, request }: { readonly at: Instant; readonly request: Request },
): Reply {
  const { cacheControl, ageSeconds, etag } = client.kind
  const tag = `"${number}"`
  const digest = createHash('sha256').update(text).digest('hex')
  onText(digest, text)
  const headers = {
    'content-type': 'application/json',
    ...(cacheControl !== undefined && { 'cache-control': cacheControl }),
    ...(etag && { etag: tag }),
    // As if another cache were asked each time.
    ...(ageSeconds && { age: String(Math.floor(unit(client.seed, 40, Math.floor(at)) * ageSeconds)) }),
  }
  if (etag && request.validators?.etag === tag) return { status: 304, headers, body: '', digest }
  return { status: 200, headers, body: text, digest }
}

function resultOf({ status, headers, body }: Reply, validatorsSent: boolean): FetchResult {
  const lines = new Map(Object.entries(headers).map(([name, value]) => [name, [value]]))
  const circumstances = { validatorsSent, bodyBytesMax: BODY_BYTES_MAX, nowMs: Date.now() }
  const verdict = judgeResponse({ status, headers: lines }, circumstances)
  const evidence = evidenceOf(status, body)
  switch (verdict.kind) {
    case 'failed':
      return { ...verdict, evidence }
    case 'not_modified':
      return { kind: 'not_modified', headers: cacheHeaders(headers), evidence }
    case 'content': {
      const { contentType } = verdict
      return {
        ...{ kind: 'fetched', body: Buffer.from(body), contentType },
        ...{ headers: cacheHeaders(headers), evidence },
      }
    }
  }
}

/** What a fault in our own judge would make of a good document. */
function refusal({ status, body }: Reply): FetchResult {
  const evidence = evidenceOf(status, body)
  return { kind: 'failed', code: 'client_id_mismatch', detail: 'the planted fault of the judge', evidence }
}

function cacheHeaders(headers: Reply['headers']): CacheHeaders {
  return Object.fromEntries(
    CACHE_FIELDS.flatMap((name) => (headers[name] === undefined ? [] : [[name, [headers[name]]]])),
  )
}

function evidenceOf(status: number, body: string): FetchEvidence {
  const bodyBytes = Buffer.byteLength(body)
  return { phase: 'body', addresses: [], status, bodyBytes, times: { totalMs: ANSWER_MS } }
}
