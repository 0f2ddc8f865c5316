import { isIPv6, SocketAddress } from 'node:net'
import { networkInterfaces } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { setDefaultCACertificates } from 'node:tls'
import { CASES, type HostileCase, hostOf, isInside } from './egress-cases.ts'
import { type Contender, ownContenders, peerContenders } from './egress-contenders.ts'
import { type RemoteSite, startRemoteSite } from './egress-remote-site.ts'
import { measureSideBySide, type SideBySide, type SideBySideSize } from './egress-side-by-side.ts'

/** The peers beside us: how long an honest document takes, and what becomes of hostile ones. */
export type Contest = {
  readonly honest: SideBySide
  /** Why somebody is not among them. */
  readonly leftOut: readonly string[]
  readonly contenders: readonly { readonly id: string; readonly name: string }[]
  readonly hostile: readonly { readonly title: string; readonly outcomes: readonly Outcome[] }[]
}

/** What became of one hostile case in the hands of one contender. */
export type Outcome = {
  /** `inside`: connected to where nobody may; `read`: took the body; `waiting`: still there when we lost patience. */
  readonly kind: 'refused' | 'inside' | 'read' | 'waiting'
  readonly ms: number
  readonly bytes: number
}

export type ContestSettings = {
  readonly peers: string
  readonly size: SideBySideSize
  /** When somebody who has no limit of his own is given up. */
  readonly patienceMs: number
}

const SITE = { address: '::', httpsPort: 443, httpPort: 80, dnsPort: 53, resumption: false }

/** Runs in a network namespace whose name server, publishers and forbidden addresses are all one process. */
export async function holdContest({ peers, size, patienceMs }: ContestSettings): Promise<Contest> {
  await using site = await startRemoteSite(SITE)
  // Those who take no authorities of their own trust this one; ours is told.
  setDefaultCACertificates([site.ca])
  const all = [...ownContenders(site.ca), ...(await peerContenders(peers))]
  const { able, leftOut } = await tryAll(all)
  const met = able.filter(({ honestOnly }) => honestOnly !== true)
  const cases = CASES.filter(isPossible)
  return {
    honest: await measureSideBySide(
      able.map((contender) => ({ name: contender.name, run: () => contender.get(honestUrl(contender)) })),
      size,
    ),
    leftOut: [
      ...leftOut,
      ...CASES.filter((hostile) => !cases.includes(hostile)).map(
        ({ title }) => `${title}: this machine would not take the address`,
      ),
    ],
    contenders: met.map(({ id, name }) => ({ id, name })),
    hostile: await meetAll(cases, met, site, patienceMs),
  }
}

const honestUrl = ({ id }: Contender) => `https://${hostOf('www', id)}/oauth/client.json`

async function tryAll(contenders: readonly Contender[]) {
  const able: Contender[] = []
  const leftOut: string[] = []
  for (const contender of contenders) {
    try {
      await contender.get(honestUrl(contender))
      able.push(contender)
    } catch (error) {
      leftOut.push(`${contender.name}: cannot fetch an honest document here, ${describe(error)}`)
    }
  }
  return { able, leftOut }
}

function describe(error: unknown): string {
  const { code, message, cause } = error as { code?: string; message?: string; cause?: unknown }
  return [code, message, cause === undefined ? undefined : describe(cause)].filter(Boolean).join(', ')
}

async function meetAll(
  cases: readonly HostileCase[],
  contenders: readonly Contender[],
  site: RemoteSite,
  patienceMs: number,
) {
  const outcomes = new Map<string, Outcome>()
  const key = (hostile: HostileCase, { id }: Contender) => `${hostile.label} ${id}`
  const meet = async (hostile: HostileCase, contender: Contender) => {
    outcomes.set(key(hostile, contender), await meetCase(hostile, contender, site, patienceMs))
  }
  // One after the other, because connections are told apart by when they were made.
  for (const hostile of cases.filter(({ endless }) => endless !== true)) {
    for (const contender of contenders) await meet(hostile, contender)
  }
  const endless = cases.filter((hostile) => hostile.endless === true)
  const meetEndless = (some: readonly Contender[]) =>
    Promise.all(some.flatMap((contender) => endless.map((hostile) => meet(hostile, contender))))
  await meetEndless(contenders.filter(({ alone }) => alone !== true))
  for (const contender of contenders.filter(({ alone }) => alone === true)) await meetEndless([contender])
  return cases.map((hostile) => ({
    title: hostile.title,
    outcomes: contenders.flatMap((contender) => outcomes.get(key(hostile, contender)) ?? []),
  }))
}

/** An address that this machine would not take says nothing about who refuses it. */
function isPossible({ answers }: HostileCase): boolean {
  const present = new Set(
    Object.values(networkInterfaces()).flatMap((found) => found?.map(({ address }) => spelt(address)) ?? []),
  )
  return answers.flat().every((address) => address.startsWith('::ffff:') || present.has(spelt(address)))
}

/** Of the spellings of an address, the one that Node prefers. */
function spelt(address: string): string {
  return new SocketAddress({ address, family: isIPv6(address) ? 'ipv6' : 'ipv4' }).address
}

async function meetCase(
  { label, literal, endless }: HostileCase,
  contender: Contender,
  site: RemoteSite,
  patienceMs: number,
): Promise<Outcome> {
  const url = `https://${literal ?? hostOf(label, contender.id)}/oauth/client.json`
  const before = endless === true ? 0 : await insideConnections(site)
  const startedAt = performance.now()
  const taken = await Promise.race([
    contender.get(url).then(
      (body) => ({ kind: 'read', bytes: body.byteLength }) as const,
      () => ({ kind: 'refused', bytes: 0 }) as const,
    ),
    setTimeout(patienceMs, { kind: 'waiting', bytes: 0 } as const, { ref: false }),
  ])
  const ms = performance.now() - startedAt
  const inside = endless === true ? 0 : (await insideConnections(site)) - before
  return { ...taken, ms, ...(inside > 0 ? { kind: 'inside' as const } : {}) }
}

async function insideConnections(site: RemoteSite): Promise<number> {
  return Object.entries(await site.connections())
    .filter(([address]) => isInside(address))
    .reduce((sum, [, times]) => sum + times, 0)
}
