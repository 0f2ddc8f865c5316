import { createPolicies, createWaiters, type ResolveDeps, shareReads } from '@cimd/api'
import type { FetchResource } from '@cimd/core'
import {
  createDeps,
  createResourceDeps,
  fetchClient,
  fetchResources,
  loadConfig as loadFetcherConfig,
} from '@cimd/fetcher'
import type { ClientQueue } from '@cimd/queue'
import { createLogger } from '@cimd/runtime'
import {
  createBrakeWatch,
  createResourceSweepDeps,
  createSweepDeps,
  loadConfig as loadSchedulerConfig,
  prune,
  pruneTasks,
  sweepDueResources,
  sweepDueWork,
} from '@cimd/scheduler'
import {
  type ClientView,
  closeDb,
  countBrakeFacts,
  type Db,
  doneKey,
  engageBrake,
  openDb,
  readBrake,
  relayOutbox,
  type StoreRole,
} from '@cimd/store'
import { createJobs, type Jobs } from './jobs.ts'
import type { Instant } from './kinds.ts'

/** The pieces of the services, each with its own role and the wiring of its service. */
export type System = AsyncDisposable & {
  /** The operator's, with every right. */
  readonly operator: Db
  readonly api: ResolveDeps
  readonly jobs: Jobs
  /** Returns when what has to wait for its host has its turn. */
  readonly sweep: () => Promise<readonly Instant[]>
  readonly sweepResources: () => Promise<void>
  readonly relay: () => Promise<void>
  readonly watchBrake: () => Promise<void>
  readonly prune: () => Promise<void>
  /** Instants until which a budget asked somebody to wait, since this was last called. */
  readonly takeDeferrals: () => readonly Instant[]
}

export type SystemOptions = {
  readonly databaseUrl: string
  readonly refreshesPerMinute: number
  readonly fetchResource: FetchResource
  /** In [0, 1), for the jitter of refreshes. */
  readonly random: () => number
  readonly now: () => Instant
  readonly since: (date: Date) => Instant
}

// Few connections, kept busy, plan less and are never closed for idleness.
const CONNECTIONS = 4
/** Everybody of a minute asks at once: on a machine that does other work too, the last of them waits long for a connection. */
const CONNECT_TIMEOUT_MS = 60_000
const CONCURRENCY = 8
const RELAY_ROWS_MAX = 500
/** All that a tenant may demand, however much it is. */
const AMOUNT = 1_000_000_000
const UNBOUNDED = {
  placesMax: AMOUNT,
  quotas: {
    clients: AMOUNT,
    contacts_per_hour: AMOUNT,
    subject_contacts_per_hour: AMOUNT,
    demands_without_subject_per_hour: AMOUNT,
    resolves_per_second: AMOUNT,
  },
  takeResolve: () => true,
}
const CLIENT_LIMITS = { perDomainMax: 10_000, perTenantMax: 100_000 }

type Wiring = SystemOptions & {
  readonly dbOf: (role: StoreRole) => Db
  readonly deferredUntil: number[]
}

/** Opens the database for each service and puts their pieces together, with an in-process queue between them. */
export function createSystem(options: SystemOptions): System {
  const open: Db[] = []
  const onError = (error: Error): void => console.error(error)
  const openAs = (role?: StoreRole): Db => {
    const db = openDb({
      url: options.databaseUrl,
      connectionsMax: CONNECTIONS,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      onError,
      ...(role && { role }),
    })
    open.push(db)
    return db
  }
  const operator = openAs()
  const api = openAs('cimd_api')
  const deferredUntil: number[] = []
  const wiring: Wiring = { ...options, dbOf: openAs, deferredUntil }
  const waiters = createWaiters()
  const jobs = createJobs(createWork(wiring, waiters.wake), CONCURRENCY)
  return {
    operator,
    jobs,
    api: {
      ...{ db: api, enqueue: jobs.enqueue, waiters, readShared: shareReads<ClientView>() },
      ...{ log: createLogger('api', 'warn'), identifiers: {}, clientLimits: CLIENT_LIMITS },
      policies: createPolicies(api),
      // Whoever asks is answered before the clock moves on: nobody waits.
      overload: { judge: () => ({ kind: 'within' }), noteDemand: () => {} },
      ...UNBOUNDED,
      random: options.random,
    },
    ...createScheduler(wiring, jobs),
    takeDeferrals: () => deferredUntil.splice(0),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(open.map(closeDb))
    },
  }
}

/** What the consumers of a fetcher do with a job. */
function createWork(
  { dbOf, databaseUrl, fetchResource, random, now, deferredUntil }: Wiring,
  wake: (key: string) => void,
): (queue: ClientQueue, client: string) => Promise<void> {
  const db = dbOf('cimd_fetcher')
  const config = loadFetcherConfig(environment(databaseUrl))
  const announce = async (claim: { readonly clientId: string }): Promise<void> =>
    wake(doneKey(claim.clientId))
  let enqueue: (queue: ClientQueue, client: string) => Promise<void> = async () => {}
  const ofOne = { random, announce }
  const wayTo = { fetchResource, askNameServers: async () => ({ kind: 'unknown' }) as const }
  const documents = { ...createDeps(db, config, wayTo, async () => {}), ...ofOne }
  const resources = { ...createResourceDeps(db, config, fetchResource), ...ofOne }
  const { signal } = new AbortController()
  const work = async (queue: ClientQueue, client: string): Promise<void> => {
    const end = await fetchClient({ ...documents, enqueue }, client, signal)
    if (end.kind === 'deferred') deferredUntil.push(now() + 1)
    if (end.kind === 'recorded' && end.record.resources?.length === 0) return
    await fetchResources(resources, client, queue === 'fetch' ? ['jwks'] : ['jwks', 'logo'], signal)
  }
  // What arrived meanwhile is done by whoever has just been here.
  enqueue = work
  return work
}

function createScheduler(
  { dbOf, databaseUrl, refreshesPerMinute, since }: Wiring,
  jobs: Jobs,
): Pick<System, 'sweep' | 'sweepResources' | 'relay' | 'watchBrake' | 'prune'> {
  const db = dbOf('cimd_scheduler')
  const config = loadSchedulerConfig({
    ...environment(databaseUrl),
    CIMD_HOST_REFRESHES_PER_MINUTE: String(refreshesPerMinute),
  })
  const queue = { waitingCount: async (name: ClientQueue) => jobs.waiting(name), enqueue: jobs.enqueue }
  const turns: Date[] = []
  const sweepDeps = createSweepDeps(db, queue)
  const noting: typeof sweepDeps = {
    ...sweepDeps,
    withDueClients: async (limits, decide) => {
      const decided = await sweepDeps.withDueClients(limits, decide)
      turns.push(...decided.flatMap(({ notBefore }) => notBefore ?? []))
      return decided
    },
  }
  const tasks = pruneTasks(db, config.retention)
  return {
    sweep: async () => {
      await sweepDueWork(noting, config)
      return turns.splice(0).map(since)
    },
    sweepResources: async () => {
      await sweepDueResources(createResourceSweepDeps(db, queue), config.refreshQueueMax)
    },
    relay: () => relayAll(db),
    watchBrake: createWatch(db, config.brake),
    prune: async () => {
      await prune(tasks, { isStopping: () => false, onError: rethrow })
    },
  }
}

function createWatch(db: Db, thresholds: Parameters<typeof createBrakeWatch>[1]): () => Promise<void> {
  return createBrakeWatch(
    {
      read: () => readBrake(db),
      count: () => countBrakeFacts(db, thresholds.share),
      engage: (decision) => engageBrake(db, decision),
      ...{ alert: () => {}, tellReleased: () => {}, monotonicMs: () => performance.now() },
    },
    thresholds,
  )
}

async function relayAll(db: Db): Promise<void> {
  for (let relayed = 1; relayed > 0; ) ({ relayed } = await relayOutbox(db, RELAY_ROWS_MAX))
}

function rethrow(task: string, error: unknown): never {
  throw new Error(`prune: ${task}`, { cause: error })
}

// The queue is never connected to.
function environment(databaseUrl: string): Record<string, string> {
  return { CIMD_DATABASE_URL: databaseUrl, CIMD_QUEUE_URL: databaseUrl, CIMD_ENV: 'development' }
}
