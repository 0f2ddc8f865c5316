import { promises as dns, type LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { SecureContext } from 'node:tls'
import { Agent, Client, type Dispatcher } from 'undici'

/** The addresses of a host, without any opinion on them. */
export type Lookup = (host: string) => Promise<readonly string[]>

/** What a plain GET leaves to its caller; everything else is as undici has it. */
export type PlainOptions = {
  /** getaddrinfo, as undici does, if there is none. */
  readonly lookup?: Lookup
  /** Made anew for each connection from what the process trusts if there is none. */
  readonly secureContext?: SecureContext
  readonly port?: number
}

export type Get = (url: string) => Promise<Uint8Array>

/** One GET over a connection of its own, verified TLS, HTTP/1.1, no session kept: a client per fetch, without a guard. */
export function createPlainGet(options: PlainOptions = {}): Get {
  return async (url) => {
    const { origin, pathname } = addressed(url, options.port)
    const client = new Client(origin, { ...CONNECTION, connect: connectOptions(options, 0) })
    const response = await client.request({ method: 'GET', path: pathname, headers: HEADERS })
    const body = await read(response)
    await client.close()
    return body
  }
}

/** The same with one agent for all fetches, which resumes TLS sessions where the origin lets it. */
export function createResumingGet(options: PlainOptions = {}): Get {
  const agent = new Agent({ ...CONNECTION, connect: connectOptions(options, 100) })
  return async (url) => {
    const { origin, pathname } = addressed(url, options.port)
    return await read(await agent.request({ origin, method: 'GET', path: pathname, headers: HEADERS }))
  }
}

/** The two questions any stub resolver asks, put to one name server or to those of the system. */
export function createQuestions(server?: string): Lookup {
  const resolver = new dns.Resolver()
  if (server !== undefined) resolver.setServers([server])
  return async (host) => {
    const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  }
}

// No pipelining means no keep-alive either: the request says `connection: close`.
const CONNECTION = { pipelining: 0, allowH2: false }

const HEADERS = {
  accept: 'application/json',
  'accept-encoding': 'identity',
  'user-agent': 'cimd-registrar-bench',
}

function addressed(url: string, port: number | undefined): URL {
  const target = new URL(url)
  if (port !== undefined) target.port = String(port)
  return target
}

function connectOptions({ lookup, secureContext }: PlainOptions, maxCachedSessions: number) {
  return {
    maxCachedSessions,
    ...(lookup === undefined ? {} : { lookup: asLookupFunction(lookup) }),
    ...(secureContext === undefined ? {} : { secureContext }),
  }
}

function asLookupFunction(lookup: Lookup): LookupFunction {
  return (host, { all }, callback) => {
    lookup(host).then(
      (addresses) => {
        const found = addresses.map((address): LookupAddress => ({ address, family: isIP(address) }))
        if (all === true) callback(null, found)
        else callback(null, found[0]?.address ?? '', found[0]?.family)
      },
      (error) => callback(error, ''),
    )
  }
}

async function read({ statusCode, body }: Dispatcher.ResponseData): Promise<Uint8Array> {
  const bytes = await body.bytes()
  if (statusCode !== 200) throw new Error(`status ${statusCode}`)
  return bytes
}
