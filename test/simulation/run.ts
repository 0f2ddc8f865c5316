import { parseClientIdUrl } from '@cimd/core'
import { type Authenticated, addCanary, ensureTenant, readBrake, releaseMended } from '@cimd/store'
import { createClock, type VirtualClock } from './clock.ts'
import { readHeard, readRetries, readStates, readVersions } from './collect.ts'
import type { Evidence, OriginRequest, RecordedState, ResolveAnswer } from './evidence.ts'
import { DAY, HOUR, type Instant, MINUTE } from './kinds.ts'
import { createOrigins } from './origin.ts'
import { type Client, populate, type Settings, TENANTS } from './population.ts'
import { unit } from './random.ts'
import { createSystem, type System } from './system.ts'
import { ask } from './users.ts'
import { createUses } from './uses.ts'

/** How far the clock moves at least, except where a turn at a host comes earlier. */
const STEP_SECONDS = 60
/** Below the default, so that a host of some hundred documents meets it. */
const REFRESHES_PER_MINUTE = 60
const RESOURCE_SWEEP_SECONDS = 5 * MINUTE
const RELAY_SECONDS = 10 * MINUTE
/** While no fault is planted. */
const BRAKE_SECONDS = 10 * MINUTE
const PRUNE_SECONDS = 2 * HOUR
const STATES_SECONDS = 12 * HOUR

const FAULT_SECONDS = 2 * HOUR
const RELEASED_AFTER_SECONDS = HOUR / 2
/** Every third document, by its digest. */
const FAULT_DIVISOR = 3

type Logs = {
  readonly requests: ReadonlyMap<string, OriginRequest[]>
  readonly keyRequests: ReadonlyMap<string, OriginRequest[]>
  readonly answers: ReadonlyMap<string, ResolveAnswer[]>
  readonly texts: Map<string, string>
  readonly states: RecordedState[]
}

type Fault = {
  readonly from: Instant
  readonly until: Instant
  engagedAt?: Instant
  releasedAt?: Instant
  released: number
}

type Simulation = {
  readonly settings: Settings
  readonly clients: readonly Client[]
  readonly system: System
  readonly clock: VirtualClock
  readonly tenants: readonly Authenticated[]
  readonly logs: Logs
  readonly fault: Fault
}

/** Runs the settings on a migrated database of its own and returns what there is to check. */
export async function simulate(
  databaseUrl: string,
  settings: Settings,
  onDay: (day: number) => void,
): Promise<Evidence> {
  const clients = populate(settings)
  const logs = logsOf(clients)
  const middle = Math.floor(settings.days / 2) * DAY + 10 * HOUR
  const fault: Fault = { from: middle, until: middle + FAULT_SECONDS, released: 0 }
  let clock: VirtualClock | undefined
  const now = (): Instant => clock?.now() ?? 0
  const fetchResource = createOrigins({
    ...{ settings, clients, now },
    onRequest: ({ clientId }, resource, request) =>
      (resource === 'document' ? logs.requests : logs.keyRequests).get(clientId)?.push(request),
    onText: (digest, text) => logs.texts.set(digest, text),
    isRefused: (digest, at) =>
      at >= fault.from && at < fault.until && Number.parseInt(digest.slice(0, 8), 16) % FAULT_DIVISOR === 0,
  })
  let drawn = 0
  await using system = createSystem({
    ...{
      databaseUrl,
      fetchResource,
      refreshesPerMinute: REFRESHES_PER_MINUTE,
      now,
      since: (date) => clock?.since(date) ?? 0,
    },
    random: () => unit(settings.seed, 50, drawn++),
  })
  clock = createClock(system.operator)
  const tenants = await Promise.all(Array.from({ length: TENANTS }, (_, nth) => tenantOf(system, nth)))
  const simulation = { settings, clients, system, clock, tenants, logs, fault }
  await live(simulation, onDay)
  return await evidenceOf(simulation)
}

async function tenantOf({ operator }: System, nth: number): Promise<Authenticated> {
  const tenantId = await ensureTenant(operator, `tenant ${nth}`)
  return {
    ...{ tenantId, keyPrefix: 'simulation', profile: 'cimd-02', scopes: [] },
    ...{ policyVersion: 0, reportPolicyVersion: undefined, quotas: {} },
  }
}

function logsOf(clients: readonly Client[]): Logs {
  const empty = <T>() => new Map<string, T[]>(clients.map(({ clientId }) => [clientId, []]))
  return { requests: empty(), keyRequests: empty(), answers: empty(), texts: new Map(), states: [] }
}

async function live(simulation: Simulation, onDay: (day: number) => void): Promise<void> {
  const { settings, clients, clock, system } = simulation
  const until = settings.days * DAY
  const uses = createUses(clients, { until, stepSeconds: STEP_SECONDS })
  await watchCanaries(simulation)
  for (let step = 0; step * STEP_SECONDS < until; step += 1) {
    const at = step * STEP_SECONDS
    if (at % DAY === 0) onDay(at / DAY)
    await clock.moveTo(at)
    const taken = uses.take(step)
    // All at once, as in life: logins, sweeps, the relay and the brake know nothing of each other.
    const [turns] = await Promise.all([
      system.sweep(),
      ...taken.map(({ client, at: usedAt }) => use(simulation, client, usedAt)),
      keepHouse(simulation, at),
    ])
    await system.jobs.idle()
    if (at % STATES_SECONDS === 0) simulation.logs.states.push(...(await readStates(system.operator, clock)))
    await takeTurns(simulation, turns, at + STEP_SECONDS)
  }
}

async function use(
  { clock, system, tenants, logs }: Simulation,
  client: Client,
  usedAt: Instant,
): Promise<void> {
  const nth =
    client.tenants[Math.floor(unit(client.seed, 51, Math.floor(usedAt)) * client.tenants.length)] ?? 0
  const caller = tenants[nth]
  if (caller === undefined) throw new Error(`there is no tenant ${nth}`)
  const answer = await ask({ api: system.api, clock, caller }, client)
  logs.answers.get(client.clientId)?.push({ ...answer, tenant: nth })
}

/** What has its turn or its next try within this step begins then, and so does what a budget put off. */
async function takeTurns(
  { clock, system }: Simulation,
  given: readonly Instant[],
  before: Instant,
): Promise<void> {
  const retries = await readRetries(system.operator, clock, before)
  const turns = new Set([...given, ...retries, ...system.takeDeferrals()])
  while (turns.size > 0) {
    const next = Math.min(...turns)
    if (next >= before) return
    await clock.moveTo(next)
    for (const turn of [...turns]) if (turn <= clock.now()) turns.delete(turn)
    for (const later of await system.sweep()) turns.add(later)
    await system.jobs.idle()
    for (const later of system.takeDeferrals()) turns.add(later)
    for (const later of await readRetries(system.operator, clock, before)) turns.add(later)
  }
}

async function keepHouse(simulation: Simulation, at: Instant): Promise<void> {
  const { system, fault } = simulation
  if (at % RESOURCE_SWEEP_SECONDS === 0) await system.sweepResources()
  if (at % RELAY_SECONDS === 0) await system.relay()
  const isWatched = at >= fault.from && at <= fault.until + HOUR
  if (isWatched || at % BRAKE_SECONDS === 0) await careForBrake(simulation, at)
  if (at % PRUNE_SECONDS === 0) await system.prune()
}

/** The brake engages itself; an operator who has mended the fault releases it. */
async function careForBrake({ system, fault }: Simulation, at: Instant): Promise<void> {
  await system.watchBrake()
  if (fault.engagedAt === undefined) {
    const { engaged } = await readBrake(system.operator)
    if (engaged !== undefined) fault.engagedAt = at
  } else if (fault.releasedAt === undefined && at >= fault.until + RELEASED_AFTER_SECONDS) {
    const release = await releaseMended(system.operator)
    fault.released = release.kind === 'released' ? release.clients : 0
    fault.releasedAt = at
  }
}

async function watchCanaries({ clients, system }: Simulation): Promise<void> {
  for (const { clientId, canary } of clients) {
    if (!canary) continue
    const parsed = parseClientIdUrl(clientId)
    if (parsed.ok) await addCanary(system.operator, { clientId: parsed.value, host: parsed.host })
  }
}

async function evidenceOf({
  settings,
  clients,
  system,
  clock,
  tenants,
  logs,
  fault,
}: Simulation): Promise<Evidence> {
  await system.relay()
  logs.states.push(...(await readStates(system.operator, clock)))
  const versions = await readVersions(system.operator)
  const heard = await Promise.all(tenants.map(({ tenantId }) => readHeard(system.api.db, tenantId, clock)))
  const states = Map.groupBy(logs.states, ({ clientId }) => clientId)
  const of = <T>(log: ReadonlyMap<string, readonly T[]>, clientId: string): readonly T[] =>
    log.get(clientId) ?? []
  return {
    settings,
    stepSeconds: STEP_SECONDS,
    refreshesPerMinute: REFRESHES_PER_MINUTE,
    clients: clients.map((client) => ({
      client,
      requests: of(logs.requests, client.clientId),
      keyRequests: of(logs.keyRequests, client.clientId),
      answers: of(logs.answers, client.clientId),
      versions: versions.get(client.clientId) ?? new Set(),
      states: of(states, client.clientId),
      heard: heard.map((feed) => of(feed, client.clientId)),
    })),
    texts: logs.texts,
    fault: { ...fault, engagedAt: fault.engagedAt, releasedAt: fault.releasedAt },
  }
}
