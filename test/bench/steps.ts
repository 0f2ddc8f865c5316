import {
  type ClientIdUrl,
  freshnessOf,
  judgeAttempt,
  parseClientMetadata,
  RULES_VERSION,
  registrableDomainOf,
  sha256Hex,
} from '@cimd/core'
import { createConsumer, createProducer } from '@cimd/queue'
import {
  type AttemptRecord,
  authenticate,
  type Claim,
  claimClient,
  closeDb,
  createFetchBudget,
  type Db,
  doneKey,
  findClient,
  listen,
  notify,
  openDb,
  type RaisedDemand,
  raiseDemand,
  recordAttempt,
  type StoreRole,
  touchInterest,
  withTenant,
} from '@cimd/store'
import type { Bed } from './bed.ts'
import { type Summary, summarize } from './statistics.ts'
import { timed } from './stopwatch.ts'

/** What one first contact consists of, each step alone, called from the bench: no HTTP, no other process. */
export type Steps = Readonly<Record<Step, Summary>>
export type Step = (typeof STEPS)[number]
export const STEPS = [
  'authenticate',
  'demand',
  'enqueue',
  'pickUp',
  'claim',
  'budget',
  'fetch',
  'evaluate',
  'record',
  'notify',
  'read',
  'release',
] as const

type Tools = AsyncDisposable & {
  readonly apiDb: Db
  readonly fetcherDb: Db
  readonly enqueue: (client: string) => Promise<void>
  /** The next job that begins. */
  readonly nextJob: () => Promise<void>
  /** The next notification that arrives. */
  readonly nextNotification: () => Promise<void>
}

const LEASE_SECONDS = 8
const UNREACHED = { concurrentMax: 1000, windowMax: 1_000_000 }
const BUDGET = {
  ...{ host: UNREACHED, domain: UNREACHED, fleet: UNREACHED },
  windowSeconds: 60,
  leaseSeconds: LEASE_SECONDS,
}

/** Takes the system's part for some clients, with its fetcher stopped. */
export async function measureSteps(bed: Bed, rounds: number): Promise<Steps> {
  await bed.pipeline.stop('fetcher')
  await using tools = await openTools(bed)
  const samples = Object.fromEntries(STEPS.map((step) => [step, [] as number[]])) as Record<Step, number[]>
  const warmUp = Math.ceil(rounds / 5)
  for (const [round, clientId] of bed.take(warmUp + rounds).entries()) {
    const measure = async <T>(step: Step, work: () => Promise<T>): Promise<T> => {
      const { ms, value } = await timed(work)
      if (round >= warmUp) samples[step].push(ms)
      return value
    }
    await takeSteps(bed, tools, clientId, measure)
  }
  const summaries = STEPS.map((step) => [step, summarize(samples[step])] as const)
  // One entry per step by construction.
  return Object.fromEntries(summaries) as Steps
}

async function takeSteps(
  bed: Bed,
  tools: Tools,
  clientId: ClientIdUrl,
  measure: <T>(step: Step, work: () => Promise<T>) => Promise<T>,
): Promise<void> {
  const { apiDb, fetcherDb } = tools
  const { tenantId } = bed.pipeline
  await measure('authenticate', () => authenticate(apiDb, bed.pipeline.api.key))
  const { client } = await measure('demand', () => demand(apiDb, tenantId, clientId))
  const begun = tools.nextJob()
  const pickedUp = measure('pickUp', () => begun)
  await measure('enqueue', () => tools.enqueue(client))
  await pickedUp
  const claim = await measure('claim', () => claimClient(fetcherDb, client, LEASE_SECONDS))
  if (claim === undefined) throw new Error(`nothing is wanted of ${clientId}`)
  const domain = registrableDomainOf(claim.host)
  const budget = await measure('budget', () => createFetchBudget(fetcherDb, BUDGET)({ ...claim, domain }))
  if (budget.kind === 'deferred') throw new Error('the budget asks to wait')
  const body = await measure('fetch', () => bed.get(clientId))
  const record = await measure('evaluate', async () => evaluate(claim, body))
  await measure('record', () => recordAttempt(fetcherDb, record))
  const told = tools.nextNotification()
  await measure('notify', async () => {
    await notify(fetcherDb, [
      { channel: 'cimd_done', payload: doneKey(clientId) },
      { channel: 'cimd_outbox', payload: '' },
    ])
    await told
  })
  await measure('read', () => withTenant(apiDb, tenantId, (trx) => findClient(trx, clientId)))
  await measure('release', budget.release)
}

function demand(db: Db, tenantId: string, clientId: ClientIdUrl): Promise<RaisedDemand> {
  return withTenant(db, tenantId, async (trx) => {
    const view = await findClient(trx, clientId)
    const { host } = new URL(clientId)
    const raised = await raiseDemand(trx, view, {
      clientId,
      host,
      forced: false,
      urgent: true,
      lookAgainInSeconds: 5,
    })
    await touchInterest(trx, raised.client)
    return raised
  })
}

// As the fetcher does for a first document.
function evaluate(claim: Claim, body: Uint8Array): AttemptRecord {
  const finishedAt = new Date()
  const parsed = parseClientMetadata(body, claim.clientId)
  if (!parsed.ok) throw new Error(`the document of ${claim.clientId} is refused: ${parsed.code}`)
  const digest = sha256Hex(body)
  const freshness = freshnessOf({ headers: {}, receivedAt: finishedAt, responseDelaySeconds: 0 })
  const { standing, nextAttemptAt, events } = judgeAttempt(
    claim.standing,
    { kind: 'valid', digest, freshness, changes: [] },
    finishedAt,
    Math.random(),
  )
  return {
    claim,
    finishedAt,
    outcome: 'fetched',
    evidence: { phase: 'body', addresses: [], bodyBytes: body.length, times: { totalMs: 0 } },
    standing,
    newVersion: { body, digest, contentType: 'application/json', rulesVersion: RULES_VERSION },
    validators: {},
    nextAttemptAt,
    events,
  }
}

async function openTools({ pipeline }: Bed): Promise<Tools> {
  await using opening = new AsyncDisposableStack()
  const onError = (error: Error): void => console.error(error)
  const open = (role: StoreRole): Db =>
    opening.adopt(openDb({ url: pipeline.databaseUrl, role, onError }), closeDb)
  const apiDb = open('cimd_api')
  const fetcherDb = open('cimd_fetcher')
  const jobs = createSignal()
  const notifications = createSignal()
  const queueStore = { url: pipeline.queueUrl, onError }
  const producer = createProducer({ ...queueStore, role: 'cimd_api' })
  opening.defer(producer.close)
  const consumer = createConsumer({
    ...queueStore,
    role: 'cimd_fetcher',
    queue: 'fetch',
    concurrency: 32,
    run: async () => jobs.give(),
    onFailed: ({ error }) => onError(error),
  })
  opening.defer(consumer.close)
  await consumer.ready()
  const listener = await listen({
    url: pipeline.databaseUrl,
    role: 'cimd_api',
    channels: ['cimd_done'],
    onNotification: notifications.give,
    onConnected: () => undefined,
    onError,
  })
  opening.defer(listener.close)
  const opened = opening.move()
  return {
    apiDb,
    fetcherDb,
    enqueue: (client) => producer.enqueue('fetch', [client]),
    nextJob: jobs.next,
    nextNotification: notifications.next,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** Something that happens now and then, awaited before it does. */
function createSignal() {
  let current = Promise.withResolvers<void>()
  return {
    next: (): Promise<void> => current.promise,
    give: (): void => {
      current.resolve()
      current = Promise.withResolvers<void>()
    },
  }
}
