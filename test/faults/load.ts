import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiClient } from '../harness/api-client.ts'
import { type OpenDemand, settle } from './ask.ts'
import type { Demand } from './evidence.ts'
import { hasKeysUri, type Publishers } from './publishers.ts'
import type { Random } from './random.ts'

/** What authorization servers and publishers do all the while. */
export type Load = {
  readonly demands: readonly Demand[]
  /** One forced refresh of a client, which is settled beside all else. */
  readonly refreshLater: (clientId: string) => void
  /** Nothing new is begun; resolves when what was begun is answered or the time is over. */
  readonly quiesce: (timeoutMs: number) => Promise<void>
  /** A last demand of every client, so that all that was published is found. */
  readonly demandAll: (timeoutMs: number) => Promise<void>
}

export type LoadOptions = {
  readonly tenants: ReadonlyMap<string, ApiClient>
  readonly publishers: Publishers
  readonly random: Random
  /** The database's clock, in milliseconds. */
  readonly now: () => number
  /** Over this long all clients come into use. */
  readonly spreadMs: number
}

const WORKERS = 10
const THINK_MS_MAX = 300
const WAITS_MS = [0, 500, 3000, 8000]
/** Known from the beginning. */
const FIRST_CLIENTS = 40
const PATIENCE_MS = 8000
const DOWN_MS_MAX = 6000
const FINAL_WORKERS = 12

type Doing = LoadOptions & {
  readonly demands: OpenDemand[]
  readonly open: Set<Promise<void>>
  giveUp: AbortController
  readonly startedAt: number
  known: number
}

/** Starts the load. */
export function startLoad(options: LoadOptions): Load {
  const doing: Doing = {
    ...options,
    ...{ demands: [], open: new Set(), giveUp: new AbortController() },
    ...{ startedAt: performance.now(), known: 0 },
  }
  const stopping = new AbortController()
  const workers = Array.from({ length: WORKERS }, () => work(doing, stopping.signal))
  return {
    demands: doing.demands,
    refreshLater: (clientId) => void ask(doing, 'refresh', clientId),
    quiesce: async (timeoutMs) => {
      stopping.abort()
      await within(
        doing,
        timeoutMs,
        Promise.all(workers).then(() => Promise.all(doing.open)),
      )
    },
    demandAll: async (timeoutMs) => {
      doing.giveUp = new AbortController()
      await within(doing, timeoutMs, demandEach(doing))
    },
  }
}

async function within(doing: Doing, timeoutMs: number, work: Promise<unknown>): Promise<void> {
  const timer = setTimeout(() => doing.giveUp.abort(), timeoutMs)
  await work
  clearTimeout(timer)
}

async function work(doing: Doing, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    await actOnce(doing)
    await sleep(doing.random.between(0, THINK_MS_MAX))
  }
}

/** What is done, and how often in a hundred times. */
const ACTIONS: readonly (readonly [number, (doing: Doing, clientId: string) => Promise<void>])[] = [
  [50, (doing, clientId) => ask(doing, 'resolve', clientId)],
  [18, (doing, clientId) => ask(doing, 'refresh', clientId)],
  [14, changeAndTell],
  [8, async ({ publishers }, clientId) => publishers.change(clientId)],
  [4, async ({ publishers }, clientId) => publishers.reformat(clientId)],
  [3, takeDownAWhile],
  [3, rotateKeys],
]

async function actOnce(doing: Doing): Promise<void> {
  const due = clientsDue(doing)
  if (doing.known < due) {
    const next = doing.publishers.clientIds[doing.known]
    doing.known += 1
    // Of two tenants at once: a first contact of many is one fetch.
    if (next !== undefined)
      return void (await Promise.all([ask(doing, 'resolve', next), ask(doing, 'resolve', next)]))
  }
  let drawn = doing.random.between(0, 100)
  for (const [share, act] of ACTIONS) {
    drawn -= share
    if (drawn < 0) return await act(doing, knownClient(doing))
  }
}

function clientsDue({ publishers, startedAt, spreadMs }: Doing): number {
  const elapsed = (performance.now() - startedAt) / spreadMs
  const rest = publishers.clientIds.length - FIRST_CLIENTS
  return Math.min(publishers.clientIds.length, FIRST_CLIENTS + Math.floor(rest * elapsed))
}

/** A few are asked for much more often than the others. */
function knownClient({ publishers, random, known }: Doing): string {
  const nth = Math.floor(known * random.next() ** 2)
  const clientId = publishers.clientIds[nth]
  if (clientId === undefined) throw new Error('nobody is known yet')
  return clientId
}

async function changeAndTell(doing: Doing, clientId: string): Promise<void> {
  doing.publishers.change(clientId)
  await ask(doing, 'refresh', clientId)
}

async function takeDownAWhile(doing: Doing, clientId: string): Promise<void> {
  const { publishers, random } = doing
  if (!publishers.isUp(clientId)) return
  publishers.takeDown(clientId)
  await ask(doing, 'refresh', clientId)
  await sleep(random.between(0, DOWN_MS_MAX))
  publishers.putUp(clientId)
  await ask(doing, 'refresh', clientId)
}

async function rotateKeys(doing: Doing, clientId: string): Promise<void> {
  const { publishers, tenants, random } = doing
  if (!hasKeysUri(publishers.clientIds.indexOf(clientId))) return
  publishers.rotateKeys(clientId)
  const [, api] = random.pick([...tenants])
  // Bounded by a budget of its own, and no demand for the document: what comes of it is not waited for.
  await api.refreshKeys({ client_id: clientId, wait_ms: 1000 }).catch(() => undefined)
}

async function ask(doing: Doing, kind: Demand['kind'], clientId: string): Promise<void> {
  const { tenants, random, demands, open, giveUp } = doing
  const [tenant, api] = random.pick([...tenants])
  const now = Date.now()
  const demand: OpenDemand = {
    ...{ tenant, clientId, kind, at: now, takenAt: now },
    ...{ calls: 0, ticketsLost: [], end: undefined },
  }
  demands.push(demand)
  const settled = settle(api, demand, {
    ...{ waitMs: random.pick(WAITS_MS), signal: giveUp.signal },
    pauseMs: () => random.between(100, 700),
    now: doing.now,
  })
  const closed = settled.finally(() => open.delete(closed))
  open.add(closed)
  // One that takes long is settled beside the others.
  await Promise.race([closed, sleep(PATIENCE_MS)])
}

async function demandEach(doing: Doing): Promise<void> {
  const { clientIds } = doing.publishers
  for (const clientId of clientIds) if (!doing.publishers.isUp(clientId)) doing.publishers.putUp(clientId)
  const left = clientIds.slice(0, doing.known)
  const each = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      await ask(doing, 'refresh', next)
      for (const tenant of doing.tenants.keys()) await askAs(doing, tenant, next)
    }
  }
  await Promise.all(Array.from({ length: FINAL_WORKERS }, each))
  await Promise.all(doing.open)
}

// So that the feed of every tenant holds every client in the end.
async function askAs(doing: Doing, tenant: string, clientId: string): Promise<void> {
  const api = doing.tenants.get(tenant)
  if (api !== undefined) await ask({ ...doing, tenants: new Map([[tenant, api]]) }, 'resolve', clientId)
}
