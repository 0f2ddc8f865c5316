import { createHash } from 'node:crypto'
import type { FetcherNetwork } from '@cimd/fetcher'
import { createAuthority } from '../harness/authority.ts'
import { type Handler, injected, startOrigin } from '../harness/origin.ts'

/** Everybody who publishes a document, on one local TLS server that goes by all their names. */
export type Publishers = {
  /** What the fetcher takes for the Internet. */
  readonly network: FetcherNetwork
  /** TCP connections so far, whatever became of them. */
  readonly connections: () => number
  /** Requests so far, for one document or for all. */
  readonly fetches: (clientId?: string) => number
  readonly publish: (clientId: string, text: string) => void
  readonly takeDown: (clientId: string) => void
  readonly redirect: (clientId: string, location: string) => void
  /** What the name of a document resolves to from now on. */
  readonly resolveTo: (clientId: string, address: string) => void
  /** Nobody answers until the returned function is called. */
  readonly hold: () => () => void
  readonly close: () => Promise<void>
}

/** Starts the server, under an authority that nobody else trusts. */
export async function startPublishers(): Promise<Publishers> {
  const origin = await startOrigin({
    hosts: [],
    authority: await createAuthority('Throw-away demo authority'),
  })
  let held: Promise<void> = Promise.resolve()

  const serve = (clientId: string, answer: Handler) => {
    const { hostname, pathname } = new URL(clientId)
    origin.resolveTo(hostname, ['127.0.0.1'])
    origin.serve(hostname, pathname, async (request, response) => {
      await held
      await answer(request, response)
    })
  }
  return {
    network: injected(origin),
    connections: () => origin.connections,
    fetches: (clientId) => (clientId === undefined ? origin.requests.length : origin.hits(clientId)),
    publish: (clientId, text) => serve(clientId, documentHandler(text)),
    takeDown: (clientId) => serve(clientId, (_request, response) => void response.writeHead(404).end()),
    redirect: (clientId, location) =>
      serve(clientId, (_request, response) => void response.writeHead(302, { location }).end()),
    resolveTo: (clientId, address) => origin.resolveTo(new URL(clientId).hostname, [address]),
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      held = promise
      return resolve
    },
    close: origin.close,
  }
}

// No Cache-Control, as most publishers have it: the registrar's own default of one hour applies.
function documentHandler(text: string): Handler {
  const etag = `"${createHash('sha256').update(text).digest('hex').slice(0, 16)}"`
  return (request, response) => {
    if (request.headers['if-none-match'] === etag) response.writeHead(304, { etag }).end()
    else response.writeHead(200, { 'content-type': 'application/json', etag }).end(text)
  }
}
