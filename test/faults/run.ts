import { setTimeout as sleep } from 'node:timers/promises'
import { type Db, dangerouslySetClockOffset, openDb, releaseQuarantine } from '@cimd/store'
import type { Settings } from './arguments.ts'
import { collectRecords, collectRest, countUnsettled, endPauses } from './collect.ts'
import { type Follower, follow } from './consumer.ts'
import { type Deployment, deploy } from './deployment.ts'
import type { Broken } from './edits/broken.ts'
import { withEdits } from './edits/environment.ts'
import type { Evidence, Subscription, Turn } from './evidence.ts'
import type { Fault } from './faults/fault.ts'
import { createFaults } from './faults/index.ts'
import { type Load, startLoad } from './load.ts'
import { createOwner, type Owner } from './owner.ts'
import { planTurns } from './plan.ts'
import { createPublishers, type Publishers } from './publishers.ts'
import { createRandom } from './random.ts'
import { subscribe } from './subscribe.ts'
import { startWebhookReceiver, type WebhookReceiver } from './webhook-receiver.ts'
import type { World } from './world.ts'

/** How one run goes. */
export type RunOptions = Omit<Settings, 'broken' | 'minutes'> & {
  /** For the faults; the rest comes after it. */
  readonly faultsMs: number
  readonly broken?: Broken
  readonly onLine: (line: string) => void
}

const WARM_UP_MS = 4000
const BETWEEN_MS_MAX = 1500
/** Longer than a lost job is looked for, a claim lasts and a tried call waits. */
const SETTLE_MS_MAX = 180_000
/** It is known to be broken: whoever waits, waits in vain. */
const BROKEN_SETTLE_MS_MAX = 20_000
const STATEMENT_TRIES = 20

type Running = {
  readonly world: World
  readonly deployment: Deployment
  readonly load: Load
  readonly followers: ReadonlyMap<string, Follower>
  readonly receiver: WebhookReceiver
  readonly subscriptions: readonly Subscription[]
  readonly publishers: Publishers
  readonly owner: Owner
  readonly turns: Turn[]
  readonly clockSteps: { readonly at: number; readonly offsetSeconds: number }[]
}

type Settled = Pick<Evidence, 'rest'>

/** Runs the load under the faults, lets everything come to rest, and returns what there is to check. */
export async function runFaults(options: RunOptions): Promise<Evidence> {
  const { broken, seed, onLine } = options
  const releases = broken === undefined ? {} : { [broken.service]: withEdits(broken.name) }
  await using deployment = await deploy({ queue: options.queue, releases, onEvent: onLine })
  const running = await begin(options, deployment)
  await sleep(WARM_UP_MS)
  await strikeAll(options, running)
  const settled = await settle(running, broken === undefined ? SETTLE_MS_MAX : BROKEN_SETTLE_MS_MAX, onLine)
  const { load, followers, receiver, subscriptions, publishers, turns, clockSteps, owner } = running
  await Promise.all([...followers.values()].map(({ close }) => close()))
  await deployment.supervisor.close()
  for (const [tenant, { refused }] of followers) {
    if (refused() !== undefined)
      throw new Error(`the feed of ${tenant} was refused (seed ${seed})`, { cause: refused() })
  }
  return {
    ...{
      publications: publishers.publications,
      hits: publishers.hits,
      demands: load.demands,
      turns,
      clockSteps,
    },
    received: new Map([...followers].map(([tenant, { received }]) => [tenant, received])),
    webhooks: { subscriptions, received: receiver.received },
    lives: deployment.supervisor.lives,
    ...settled,
    records: await collectRecords(owner),
  }
}

async function begin(options: RunOptions, deployment: Deployment): Promise<Running> {
  const { seed, clients, faultsMs } = options
  const { supervisor, postgres, links, queue, tenants, apiUrl, databaseUrl } = deployment
  const publishers = await createPublishers(deployment.origin, clients, createRandom(seed, 1))
  const receiver = startWebhookReceiver(deployment.origin, createRandom(seed, 4))
  const subscriptions = await asOwner(databaseUrl, (db) => subscribe(db, [...tenants.keys()], receiver))
  let aheadMs = 0
  const now = (): number => Date.now() + aheadMs
  const load = startLoad({ tenants, publishers, random: createRandom(seed, 2), now, spreadMs: faultsMs })
  const followers = new Map(
    [...tenants].map(([name, { key }], nth) => {
      return [name, follow({ url: apiUrl, key, random: createRandom(seed, 10 + nth) })] as const
    }),
  )
  const owner = createOwner(databaseUrl)
  const clockSteps: Running['clockSteps'] = []
  const moveClock = async (offsetSeconds: number): Promise<void> => {
    clockSteps.push({ at: Date.now(), offsetSeconds })
    await asOwner(databaseUrl, (db) => dangerouslySetClockOffset(db, offsetSeconds))
    aheadMs = offsetSeconds * 1000
  }
  const random = createRandom(seed, 3)
  const world: World = {
    ...{ supervisor, postgres, owner, links, queue, publishers, load, random, moveClock },
    releaseQuarantine: async (clientId) => {
      await asOwner(databaseUrl, (db) => releaseQuarantine(db, clientId))
    },
  }
  const told = { followers, receiver, subscriptions }
  return { ...{ world, deployment, load, ...told, publishers, owner, clockSteps }, turns: [] }
}

async function asOwner<T>(databaseUrl: string, work: (db: Db) => Promise<T>): Promise<T> {
  const db = openDb({ url: databaseUrl, onError: () => undefined })
  try {
    for (let tried = 1; ; tried += 1) {
      try {
        return await work(db)
      } catch (error) {
        if (tried === STATEMENT_TRIES) throw error
        await sleep(BETWEEN_MS_MAX / 3)
      }
    }
  } finally {
    await db.destroy()
  }
}

async function strikeAll(options: RunOptions, { world, turns }: Running): Promise<void> {
  const endsAt = performance.now() + options.faultsMs - WARM_UP_MS
  const planned = planOf(options, world)
  for (const [nth, fault] of planned.entries()) {
    // On a slow machine there are fewer turns; what never struck would prove nothing.
    const isFirst = !planned.slice(0, nth).includes(fault)
    if (!isFirst && performance.now() > endsAt) {
      options.onLine(`time is over: ${planned.length - nth} of ${planned.length} turns were not reached`)
      return
    }
    turns.push(await strike(fault, world))
    const { times, from, until, skipped } = turns.at(-1) as Turn
    const told =
      skipped === undefined ? `${times} in ${((until - from) / 1000).toFixed(1)} s` : `SKIPPED: ${skipped}`
    options.onLine(`${nth + 1}/${planned.length} ${fault.name}: ${told}`)
  }
}

function planOf({ broken, faults: names, faultsMs }: RunOptions, { random }: World): readonly Fault[] {
  const faults = createFaults()
  const called = (name: string): Fault => {
    const found = faults.find((fault) => fault.name === name)
    if (found === undefined)
      throw new RangeError(`${name} is none of: ${faults.map((fault) => fault.name).join(', ')}`)
    return found
  }
  if (broken !== undefined) return broken.turns.map(called)
  return planTurns(names.length === 0 ? faults : names.map(called), faultsMs / 60_000, random)
}

async function strike(fault: Fault, world: World): Promise<Turn> {
  const { name, disturbsStore, endsServices = false } = fault
  const from = Date.now()
  const skipped = fault.impossible?.(world)
  const about = { fault: name, from, disturbsStore, endsServices }
  if (skipped !== undefined) return { ...about, until: from, times: 0, skipped }
  const times = await fault.strike(world)
  await world.supervisor.allReady()
  await sleep(world.random.between(0, BETWEEN_MS_MAX))
  return { ...about, until: Date.now(), times }
}

async function settle(
  { load, owner, followers, receiver, deployment }: Running,
  timeoutMs: number,
  onLine: (line: string) => void,
): Promise<Settled> {
  await deployment.supervisor.allReady()
  receiver.behave()
  const beganMs = performance.now()
  const seconds = (): string => `${((performance.now() - beganMs) / 1000).toFixed(0)} s`
  await load.quiesce(timeoutMs)
  onLine(`all that was demanded under faults is answered, or time is over (${seconds()})`)
  await untilSettled(owner, followers, timeoutMs)
  const rest = await collectRest(owner)
  await load.demandAll(timeoutMs)
  onLine(`every client was demanded once more (${seconds()})`)
  await untilSettled(owner, followers, timeoutMs)
  onLine(`at rest, or time is over (${seconds()})`)
  return { rest }
}

async function untilSettled(
  owner: Owner,
  followers: ReadonlyMap<string, Follower>,
  timeoutMs: number,
): Promise<void> {
  const endsAt = performance.now() + timeoutMs
  while (performance.now() < endsAt && !(await isSettled(owner, followers))) await sleep(200)
}

async function isSettled(owner: Owner, followers: ReadonlyMap<string, Follower>): Promise<boolean> {
  await endPauses(owner)
  const { wanted, claimed, unrelayed, undelivered } = await countUnsettled(owner)
  if (wanted + claimed + unrelayed + undelivered > 0) return false
  const positions = await owner.query<{ name: string; position: number }>(
    'select name, feed_position::float8 as position from cimd.tenants',
  )
  return positions.every(({ name, position }) => (followers.get(name)?.position() ?? position) >= position)
}
