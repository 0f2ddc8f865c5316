import type { TLSSocket } from 'node:tls'
import { type buildConnector, Client } from 'undici'
import type { Attempt } from './attempt.ts'
import { FetchError } from './fetch-error.ts'
import { gateReads } from './read-gate.ts'
import { type Reading, receive } from './receive.ts'

/** What is sent; nothing of a tenant, user or authorization server is in it but what a POST is about (FET-25). */
export type OutgoingRequest = {
  readonly url: URL
  readonly method: 'GET' | 'POST'
  readonly accept: string
  /** What comes on top of the fields that every request has. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
}

type Sending = OutgoingRequest & { readonly userAgent: string; readonly headerBytesMax: number }

/** The final head, and the interim ones there may be. */
const HEADS_MAX = 4

/** Sends the one request of an attempt over a socket that is already secured; no pool, no reuse, no redirect (FET-05). */
export async function sendRequest<Received>(
  socket: TLSSocket,
  request: Sending,
  { bodyBytesMax, reader }: Reading<Received>,
  attempt: Attempt,
): Promise<Received> {
  const { url, method, body = null, headerBytesMax } = request
  gateReads(socket, { head: HEADS_MAX * headerBytesMax, body: bodyBytesMax + headerBytesMax }, attempt)
  const client = attempt.own(
    new Client(url.origin, {
      connect: connectOnce(socket),
      pipelining: 0,
      allowH2: false,
      maxHeaderSize: headerBytesMax,
      // Both restart on every sign of life, which a trickle defeats: the deadline of the attempt governs instead.
      headersTimeout: 0,
      bodyTimeout: 0,
      // Explicit, so that UNDICI_USE_MILO in the environment does not change the parser.
      useMilo: false,
    }),
  )
  const { handler, received } = receive(reader, attempt)
  const path = `${url.pathname}${url.search}`
  client.dispatch({ method, path, headers: requestHeaders(request), body }, handler)
  return await received
}

/** FET-09, FET-11, FET-25: the same few fields for everybody, and those of the request. */
function requestHeaders({ accept, userAgent, headers }: Sending): Record<string, string> {
  return { accept, 'accept-encoding': 'identity', 'user-agent': userAgent, ...headers }
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
        callback(new FetchError('response_incomplete', 'the connection closed before an answer'), null)
      else callback(null, socket)
    })
  }
}
