import type { ClientIdUrl } from '@cimd/core'
import { createFetchDocument } from '@cimd/egress'
import { DEFAULT_ADDRESSES, injectedFrom } from '../harness/origin.ts'
import { type Pipeline, startPipeline } from '../harness/pipeline.ts'
import { createDatabase } from '../harness/postgres.ts'
import { createRedisDatabase } from '../harness/redis.ts'
import { clientIdAt, DOCUMENTS } from './documents.ts'
import type { RemoteOrigin } from './remote-origin.ts'

/** Where the queues are kept. */
export type QueueBackend = { readonly kind: 'redis' | 'postgres'; readonly serverUrl: string }

/** The whole system on one queue backend, and the plain way beside it. */
export type Bed = AsyncDisposable & {
  readonly pipeline: Pipeline
  /** The guarded GET alone: what an authorization server does that fetches inline. */
  readonly get: (clientId: ClientIdUrl) => Promise<Uint8Array>
  /** The first contact through the system; throws unless it ends with the document. */
  readonly resolve: (clientId: ClientIdUrl) => Promise<void>
  /** Identifiers nobody has asked for yet. */
  readonly take: (count: number) => ClientIdUrl[]
}

export type BedOptions = {
  readonly adminUrl: string
  readonly template: string
  readonly queue: QueueBackend
  readonly origin: RemoteOrigin
}

const ENVIRONMENT = {
  CIMD_LOG_LEVEL: 'warn',
  // What is measured is the work, not the waiting that a publisher's budget asks for.
  CIMD_HOST_ATTEMPTS_PER_MINUTE: '1000000',
  CIMD_HOST_CONCURRENCY: '1000',
  CIMD_DOMAIN_ATTEMPTS_PER_MINUTE: '1000000',
  CIMD_DOMAIN_CONCURRENCY: '1000',
  CIMD_FLEET_ATTEMPTS_PER_MINUTE: '1000000',
  CIMD_FLEET_CONCURRENCY: '1000',
}
const WAIT_MS = 20_000

/** Starts the services on stores of their own. */
export async function startBed({ adminUrl, template, queue, origin }: BedOptions): Promise<Bed> {
  await using starting = new AsyncDisposableStack()
  const database = await createDatabase(adminUrl, { template })
  starting.defer(database.drop)
  const queueUrl = await createQueueStore(starting, queue)
  const pipeline = await startPipeline({
    databaseUrl: database.url,
    queueUrl,
    origin,
    environment: ENVIRONMENT,
  })
  starting.defer(pipeline.close)
  const started = starting.move()
  return {
    pipeline,
    get: createGet(origin),
    resolve: (clientId) => resolve(pipeline, clientId),
    take: createSupply(),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

async function createQueueStore(stack: AsyncDisposableStack, queue: QueueBackend): Promise<string> {
  if (queue.kind === 'redis') {
    const { url, empty } = await createRedisDatabase(queue.serverUrl)
    stack.defer(empty)
    return url
  }
  const { url, drop } = await createDatabase(queue.serverUrl)
  stack.defer(drop)
  return url
}

function createGet({ port, ca }: RemoteOrigin): Bed['get'] {
  const network = injectedFrom({ port, ca, defaultAddresses: DEFAULT_ADDRESSES })
  const fetchDocument = createFetchDocument({ userAgent: 'cimd-registrar-bench', ...network })
  return async (clientId) => {
    const result = await fetchDocument({ url: clientId }, new AbortController().signal)
    if (result.kind !== 'fetched') throw new Error(`the bare GET of ${clientId} gave ${result.kind}`)
    return result.body
  }
}

async function resolve({ api }: Pipeline, clientId: ClientIdUrl): Promise<void> {
  const { status, body } = await api.resolve({ client_id: clientId, wait_ms: WAIT_MS })
  if (status !== 200) throw new Error(`the resolve of ${clientId} gave ${status}: ${JSON.stringify(body)}`)
}

function createSupply(): Bed['take'] {
  let taken = 0
  return (count) => {
    if (taken + count > DOCUMENTS) throw new RangeError('the origin has no more documents')
    const first = taken
    taken += count
    return Array.from({ length: count }, (_, index) => clientIdAt(first + index))
  }
}
