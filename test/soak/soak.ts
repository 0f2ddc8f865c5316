import { type ChildProcess, fork } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Arena, startArena } from '../attack/arena.ts'
import type { Findings, Order, Sample, SoakSettings } from './fetcher.ts'
import { createSite } from './targets.ts'

/** What one soak found, on both sides of the sockets. */
export type SoakResult = Findings & {
  readonly settings: SoakSettings
  /** Still open at the servers although the fetcher has nothing more to do. */
  readonly openConnections: number
}

/** From the fetching process. */
export type SoakMessage = { readonly sample: Sample } | { readonly findings: Findings }

const FETCHER = fileURLToPath(new URL('processes/fetching.ts', import.meta.url))
/** A busy machine notices a close late; what is forgotten stays open. */
const DRAIN_MS_MAX = 10_000

/** Starts the hostile servers here and the fetcher in a process of its own, and resolves with what was found. */
export async function soak(
  settings: SoakSettings,
  onSample: (sample: Sample) => void = () => undefined,
): Promise<SoakResult> {
  await using arena = await startArena()
  const { targets, ports, zone } = await createSite(arena)
  arena.names.answerWith(zone)
  using fetcher = forkFetcher()
  const order: Order = { settings, targets, ports, ca: arena.origin.ca, nameServers: arena.names.servers }
  const findings = await findingsOf(fetcher.child, order, onSample)
  return { ...findings, settings, openConnections: await connectionsLeft(arena) }
}

function forkFetcher(): Disposable & { readonly child: ChildProcess } {
  const child = fork(FETCHER, { execArgv: ['--expose-gc'] })
  return { child, [Symbol.dispose]: () => child.connected && child.disconnect() }
}

async function findingsOf(
  child: ChildProcess,
  order: Order,
  onSample: (sample: Sample) => void,
): Promise<Findings> {
  const { promise, resolve, reject } = Promise.withResolvers<Findings>()
  child.on('message', (message: SoakMessage) => {
    if ('findings' in message) resolve(message.findings)
    else onSample(message.sample)
  })
  child.once('error', reject)
  child.once('exit', (code, signal) => reject(new Error(`the fetching process ended: ${code ?? signal}`)))
  child.send(order)
  return await promise
}

/** The fetching process is still there, so that whatever it holds is open. */
async function connectionsLeft({ origin }: Arena): Promise<number> {
  const patience = new AbortController()
  const over = setTimeout(DRAIN_MS_MAX, undefined, { signal: patience.signal })
  await Promise.race([origin.drained(), over])
  patience.abort()
  await over.catch(() => undefined)
  return origin.openConnections
}
