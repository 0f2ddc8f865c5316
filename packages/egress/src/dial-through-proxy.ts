import { request as httpRequest, type IncomingMessage } from 'node:http'
import { isIPv6, type Socket } from 'node:net'
import type { Dial } from './dial.ts'
import { FetchError } from './fetch-error.ts'
import { codeOf, isOwnFault } from './map-error.ts'

const HEADER_BYTES_MAX = 8192

/** What a proxy says when it could not reach an address that it allows. */
const UNREACHED: ReadonlySet<number> = new Set([502, 503, 504])

/**
 * Dials through an egress proxy of the deployment, as a second layer: it asks for the *vetted address*, so that the
 * proxy needs no names and decides on exactly what we decided on (FET-16, FET-18). `http://[user:password@]host:port`; throws at
 * once for what is no URL or has credentials that cannot be decoded.
 */
export function dialThroughProxy(proxy: string): Dial {
  const url = new URL(proxy)
  const authorization = credentials(url)
  return async (address, port, signal) => {
    signal.throwIfAborted()
    const target = `${isIPv6(address) ? `[${address}]` : address}:${port}`
    const { response, socket, head } = await connectTo(url, { host: target, ...authorization }, signal)
    const refusal = refusalOf(response.statusCode ?? 0, head)
    if (refusal === undefined) return socket
    socket.destroy()
    throw refusal
  }
}

type Tunnel = { readonly response: IncomingMessage; readonly socket: Socket; readonly head: Buffer }

type Asking = { readonly host: string; readonly 'proxy-authorization'?: string }

function connectTo(proxy: URL, headers: Asking, signal: AbortSignal): Promise<Tunnel> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port === '' ? 80 : Number(proxy.port),
      method: 'CONNECT',
      path: headers.host,
      headers: { ...headers },
      agent: false,
      maxHeaderSize: HEADER_BYTES_MAX,
      signal,
    })
    // The connection is handed over on `connect`; a plain response would mean that this is no proxy.
    request.once('connect', (response, socket, head) => resolve({ response, socket: socket as Socket, head }))
    request.once('response', (response) => {
      response.destroy()
      reject(unavailable(`answered ${response.statusCode} to CONNECT`))
    })
    request.once('error', (error) => reject(signal.aborted ? signal.reason : failureOfProxy(error)))
    request.end()
  })
}

function refusalOf(status: number, head: Buffer): FetchError | undefined {
  // A TLS server does not speak first: bytes before our handshake are not from the address we asked for.
  if (status === 200) return head.length === 0 ? undefined : unavailable('sent bytes ahead of the tunnel')
  if (UNREACHED.has(status))
    return new FetchError('connect_failed', `the egress proxy answered ${status}`, { phase: 'connect' })
  if (status === 403)
    return new FetchError('egress_denied', 'the egress proxy answered 403', { phase: 'connect' })
  return unavailable(`answered ${status}`)
}

function failureOfProxy(error: Error): unknown {
  const code = codeOf(error)
  return code === undefined || isOwnFault(error) ? error : unavailable(`cannot be used: ${code}`)
}

function unavailable(what: string): FetchError {
  return new FetchError('egress_unavailable', `the egress proxy ${what}`, { phase: 'connect' })
}

function credentials({ username, password }: URL): Omit<Asking, 'host'> {
  if (username === '' && password === '') return {}
  const pair = `${decoded(username)}:${decoded(password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    // Without the text itself, which is a secret.
    throw new TypeError("the proxy's user or password is not percent-encoded UTF-8")
  }
}
