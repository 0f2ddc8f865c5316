import type { TLSSocket } from 'node:tls'
import type { Validators } from '@cimd/core'
import { type buildConnector, Client } from 'undici'
import type { Attempt } from './attempt.ts'
import { EgressError } from './egress-error.ts'
import { type HeaderLines, headerLines } from './header-lines.ts'

/** What the GET of a document is made of; nothing of a tenant, user or authorization server is in it (FET-25). */
export type DocumentRequest = {
  readonly url: URL
  readonly userAgent: string
  readonly validators: Validators
  readonly headerBytesMax: number
}

/** The head of a response, and its body still unread. */
export type Response = {
  readonly status: number
  readonly headers: HeaderLines
  readonly body: AsyncIterable<Uint8Array>
}

/** Sends the one request of a fetch over a socket that is already secured; no pool, no reuse, no redirect (FET-05). */
export async function sendRequest(
  socket: TLSSocket,
  request: DocumentRequest,
  attempt: Attempt,
): Promise<Response> {
  const client = attempt.own(
    new Client(request.url.origin, {
      connect: connectOnce(socket),
      pipelining: 0,
      allowH2: false,
      maxHeaderSize: request.headerBytesMax,
      // Both restart on every sign of life, which a trickle defeats: the deadline of the attempt governs instead.
      headersTimeout: 0,
      bodyTimeout: 0,
      // Explicit, so that UNDICI_USE_MILO in the environment does not change the parser.
      useMilo: false,
    }),
  )
  const response = await client.request({
    method: 'GET',
    path: `${request.url.pathname}${request.url.search}`,
    headers: requestHeaders(request),
    responseHeaders: 'raw',
    signal: attempt.signal,
  })
  attempt.note({ status: response.statusCode })
  // With `responseHeaders: 'raw'` this is a flat list of names and values, which undici's types do not say.
  if (!Array.isArray(response.headers)) throw new TypeError('undici returned parsed headers')
  return { status: response.statusCode, headers: headerLines(response.headers), body: response.body }
}

/** FET-09, FET-11, FET-25: the same few fields for every origin, and validators only of a version we hold (FET-06). */
function requestHeaders({ userAgent, validators }: DocumentRequest): Record<string, string> {
  return {
    accept: 'application/cimd+json, application/json;q=0.9, application/*+json;q=0.8',
    'accept-encoding': 'identity',
    'user-agent': userAgent,
    ...(validators.etag === undefined ? {} : { 'if-none-match': validators.etag }),
    ...(validators.lastModified === undefined ? {} : { 'if-modified-since': validators.lastModified }),
  }
}

function connectOnce(socket: TLSSocket): buildConnector.connector {
  let used = false
  return (_options, callback) => {
    const again = used
    used = true
    // undici misses the request if the socket is there before `connect` returns.
    queueMicrotask(() => {
      // When the origin closes before answering, undici would connect anew: one fetch is one connection.
      if (again)
        callback(new EgressError('response_incomplete', 'the connection closed before an answer'), null)
      else callback(null, socket)
    })
  }
}
