import { setImmediate } from 'node:timers/promises'
import { createFetchDocument, createResolver } from '@cimd/egress'
import { drive } from '../bench/stopwatch.ts'
import { createCaller, createLoopbackDial } from './caller.ts'
import { createLeak, type Leak } from './leak.ts'
import { type Holdings, holdingsNow, resourcesSince } from './left-behind.ts'
import { mix, type Visit } from './mix.ts'
import { createTally, type Tally } from './tally.ts'
import type { Site } from './targets.ts'

/** How much, how hard and how long. */
export type SoakSettings = {
  /** With minutes, the round under way when they are over is the last, unless there are too few to judge memory by. */
  readonly limit: { readonly fetches: number } | { readonly minutes: number }
  /** Fetches between two samples; for a sample everything has ended. */
  readonly roundFetches: number
  readonly concurrency: number
  readonly seed: number
  readonly deadlineMs: number
  /** Planted, to see that they are found. */
  readonly leaks: readonly Leak[]
}

/** What the fetching process is told. */
export type Order = Pick<Site, 'targets' | 'ports'> & {
  readonly settings: SoakSettings
  readonly ca: string
  readonly nameServers: readonly string[]
}

/** Memory while nothing is under way, after a collection. */
export type Sample = {
  readonly fetches: number
  /** Of JavaScript: its heap, and what belongs to it outside, buffers above all. */
  readonly heldBytes: number
  /** Of the whole process, as the operating system sees it. */
  readonly residentBytes: number
}

/** What is there in the end and was not in the beginning. */
export type LeftBehind = {
  readonly resources: readonly string[]
  readonly descriptors: number
  readonly listeners: number
}

/** What the fetching process found. */
export type Findings = {
  readonly fetches: number
  readonly seconds: number
  readonly tally: Tally
  readonly samples: readonly Sample[]
  readonly left: LeftBehind
  /** Dials to addresses that are nobody's business; there must be none. */
  readonly forbiddenDials: number
}

const COLLECTIONS = 3
/** As many samples as memory is judged by after its warm-up, however slow the machine is. */
const ROUNDS_MIN = 10

/** Fetches in rounds until the limit, by one function for all of them, as a fetcher has. Needs `--expose-gc`. */
export async function soakUnder(order: Order, onSample: (sample: Sample) => void): Promise<Findings> {
  const { settings } = order
  const before = holdingsNow()
  const startedAt = performance.now()
  const fetcher = createFetcher(order)
  const visits = mix(order.targets, settings)
  const samples: Sample[] = []
  let fetches = 0
  for (const count of roundsOf(settings)) {
    const round = Array.from({ length: count }, () => visits.next().value)
    await drive(round, settings.concurrency, fetcher.visit)
    await resourcesSince(before)
    fetches += count
    const sample = await takeSample(fetches)
    samples.push(sample)
    onSample(sample)
  }
  return {
    ...{ fetches, samples, seconds: (performance.now() - startedAt) / 1000 },
    ...{ tally: fetcher.tally(), forbiddenDials: fetcher.forbiddenDials() },
    left: { ...(await leftSince(before)), listeners: fetcher.listeners() },
  }
}

function createFetcher({ settings, ports, ca, nameServers }: Order) {
  const { deadlineMs, leaks } = settings
  const { dial, forbiddenDials } = createLoopbackDial(ports)
  const resolve = createResolver({ servers: nameServers })
  const caller = createCaller(createFetchDocument({ userAgent: 'cimd-soak', ca, deadlineMs, dial, resolve }))
  const tally = createTally()
  const leak = createLeak(leaks, { port: ports.web, signal: caller.running })
  const visit = async (next: Visit) => {
    const startedAt = performance.now()
    const ending = await caller.fetchFor(next)
    tally.add(next.target, ending, performance.now() - startedAt)
    leak()
  }
  return { visit, forbiddenDials, tally: tally.sum, listeners: caller.listeners }
}

async function leftSince(before: Holdings): Promise<Omit<LeftBehind, 'listeners'>> {
  const resources = await resourcesSince(before)
  return { resources, descriptors: (holdingsNow().descriptors ?? 0) - (before.descriptors ?? 0) }
}

/** How many fetches each round has. */
function* roundsOf({ limit, roundFetches }: SoakSettings): Generator<number, void> {
  if ('fetches' in limit) {
    for (let left = limit.fetches; left > 0; left -= roundFetches) yield Math.min(left, roundFetches)
    return
  }
  const endsAt = performance.now() + limit.minutes * 60_000
  for (let round = 0; round < ROUNDS_MIN || performance.now() < endsAt; round += 1) yield roundFetches
}

/** What finalizers let go of is collected by the next collection only. */
async function takeSample(fetches: number): Promise<Sample> {
  if (globalThis.gc === undefined) throw new Error('without --expose-gc there is nothing to measure')
  for (let pass = 0; pass < COLLECTIONS; pass += 1) {
    globalThis.gc()
    await setImmediate()
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  return { fetches, heldBytes: heapUsed + external, residentBytes: rss }
}
