import type { Agent } from 'node:https'
import { get as httpsGet } from 'node:https'
import { createRequire } from 'node:module'
import { setDefaultAutoSelectFamily } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { createGuardedGet } from './egress-guarded.ts'
import { createPlainGet, createQuestions, type Get } from './egress-plain.ts'

/** One way to GET what a stranger named; gives the body of a 200 and throws at everything else. */
export type Contender = {
  /** Short, for names of hosts and columns. */
  readonly id: string
  readonly name: string
  readonly get: Get
  /** It changes a switch of the whole process while it runs, so that nobody else may run then. */
  readonly alone?: true
  /** Nothing but its speed is of interest. */
  readonly honestOnly?: true
}

/** What undici, Node and this project bring along; the first is what all are measured by. */
export function ownContenders(ca: string): readonly Contender[] {
  return [
    { id: 'undici', name: 'plain undici, getaddrinfo', get: createPlainGet() },
    {
      id: 'undici-dns',
      name: 'plain undici, DNS asked as we do',
      get: createPlainGet({ lookup: createQuestions() }),
      honestOnly: true,
    },
    { id: 'fetch', name: 'fetch of Node', get: (url) => readResponse(fetch(url)) },
    { id: 'cimd', name: '@cimd/egress', get: createGuardedGet({ ca }) },
  ]
}

/** The peers, from the directory they were installed in. */
export async function peerContenders(directory: string): Promise<readonly Contender[]> {
  const load = async <Module>(name: string): Promise<Module> =>
    await import(pathToFileURL(createRequire(join(directory, 'package.json')).resolve(name)).href)
  const atproto = await load<AtprotoFetch>('@atproto-labs/fetch-node')
  const filtering = await load<FilteringAgent>('request-filtering-agent')
  const betterAuth = await load<BetterAuthTransport>('@better-auth/cimd/node')
  const safeFetch = atproto.safeFetchWrap()
  const fetchResource = createBetterAuthGet(betterAuth)
  return [
    {
      id: 'atproto',
      name: '@atproto-labs/fetch-node',
      get: (url) => readResponse(safeFetch(url, { redirect: 'error' })),
    },
    {
      id: 'rfa',
      name: 'request-filtering-agent, node:https',
      get: (url) => getByAgent(url, filtering.useAgent(url)),
    },
    { id: 'better-auth', name: '@better-auth/cimd/node', get: fetchResource },
    {
      id: 'better-auth-1',
      name: '@better-auth/cimd/node, autoSelectFamily off',
      get: withoutFamilySelection(fetchResource),
      alone: true,
    },
  ]
}

type AtprotoFetch = { safeFetchWrap(): typeof fetch }
type FilteringAgent = { useAgent(url: string): Agent }
type BetterAuthTransport = { fetchClientMetadataResource: typeof fetch }

// As the resolver of that package calls it.
function createBetterAuthGet({ fetchClientMetadataResource }: BetterAuthTransport): Get {
  return async (url) =>
    await readResponse(
      fetchClientMetadataResource(url, {
        headers: { accept: 'application/json' },
        redirect: 'error',
        signal: AbortSignal.timeout(5000),
      }),
    )
}

/** The transport answers Node's `lookup` with one address, which Node takes only while this switch is off. */
function withoutFamilySelection(get: Get): Get {
  return async (url) => {
    setDefaultAutoSelectFamily(false)
    try {
      return await get(url)
    } finally {
      setDefaultAutoSelectFamily(true)
    }
  }
}

async function readResponse(responding: Promise<Response>): Promise<Uint8Array> {
  const response = await responding
  if (response.status !== 200) throw new Error(`status ${response.status}`)
  return await response.bytes()
}

async function getByAgent(url: string, agent: Agent): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
  httpsGet(url, { agent, headers: { accept: 'application/json' } }, (response) => {
    if (response.statusCode === 200) buffer(response).then(resolve, reject)
    else {
      response.destroy()
      reject(new Error(`status ${response.statusCode}`))
    }
  }).on('error', reject)
  return await promise
}
