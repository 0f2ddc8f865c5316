import type { FailureCode } from '@cimd/core'
import type { Arena, Outcome } from '../attack/arena.ts'
import type { AttackRow } from '../attack/attack-row.ts'
import { BEHAVIOURS, type BehaviourName } from '../attack/behaviours.ts'
import { addresses, type Zone } from '../attack/name-server.ts'
import { ATTACK_ROWS } from '../attack/rows.ts'

/** Somewhere to fetch from, and what must become of it. */
export type Target = {
  readonly id: string
  readonly url: string
  /** Any of these codes; none: it must be accepted. */
  readonly expected: readonly FailureCode[]
  readonly honest: boolean
}

/** A network in which a name alone decides where a fetch ends up. */
export type Site = {
  readonly targets: readonly Target[]
  readonly zone: Zone
  readonly ports: Ports
}

/** The ports on loopback behind addresses that look public. */
export type Ports = {
  /** 0: nobody answers there. */
  readonly byAddress: Readonly<Record<string, number>>
  /** Behind all other addresses: the server whose behaviour the path selects. */
  readonly web: number
}

/** A target that has no name yet, or a URL that needs none. */
type Visit = { readonly path: string; readonly zone: Zone } | { readonly url: string }
type Plan = Omit<Target, 'url'> & { readonly visit: Visit }

const WEB_ADDRESS = '93.184.215.14'
const BLACK_HOLE = '93.184.217.1'
const HONEST_HOSTS = 8

/** Below HTTP a server is chosen by address, since there is no path yet to choose by. */
const BY_ADDRESS = (Object.keys(BEHAVIOURS) as BehaviourName[]).filter(
  (name) => BEHAVIOURS[name].layer !== 'http',
)

/** Every attack that is one fetch, each under a name of its own, and a few honest publishers. */
export async function createSite(arena: Arena): Promise<Site> {
  const attacks = await Promise.all(ATTACK_ROWS.filter(isDistinct).map((row) => planOf(row, arena)))
  const plans = [...honestPlans(), ...attacks.flat(), ...dialPlans()]
  const zones = new Map<string, Zone>()
  const targets = plans.map(({ visit, ...plan }, index) => {
    if ('url' in visit) return { ...plan, ...visit }
    const host = `client${index}.example.org`
    zones.set(host, visit.zone)
    return { ...plan, url: `https://${host}${visit.path}` }
  })
  return {
    targets,
    // Whatever a name has been asked for, each fetch is the first to ask.
    zone: (question) =>
      zones.get(question.name)?.({ ...question, count: 1 }) ?? { kind: 'rcode', rcode: 'NXDOMAIN' },
    ports: portsOf(arena),
  }
}

/** All redirects of one status are one answer to read. */
function isDistinct({ id }: AttackRow): boolean {
  return !/redirect[-_]3\d\d[-_](?!absolute)/.test(id)
}

/**
 * Found out by letting the row go where it goes. Left out is what makes more than one fetch, needs a way of its own or
 * looks at more than what the fetch ended in.
 */
async function planOf(row: AttackRow, arena: Arena): Promise<readonly Plan[]> {
  const visits: (Visit | undefined)[] = []
  const note = (visit: Visit, options: object | undefined) => {
    visits.push(options === undefined ? visit : undefined)
    return Promise.resolve(NOTED)
  }
  const outcome = await row.run({
    ...arena,
    fetchFrom: (behaviour, options) => note(visitTo(behaviour), options),
    fetchUrl: (url, options) => note({ url }, options),
    fetchBy: (zone, options) => note({ path: '/ok/client.json', zone }, options),
  })
  const [visit, ...more] = visits
  if (visit === undefined || more.length > 0 || outcome !== NOTED) return []
  return [{ id: row.id, expected: expectedOf(row), honest: false, visit }]
}

/** Which of two bounds is noticed first depends on how much arrives at once. */
const TOO_MUCH: readonly FailureCode[] = ['headers_too_large', 'too_large']

/** What may become of it in a crowd and in a hurry. */
function expectedOf({ id, expected }: AttackRow): readonly FailureCode[] {
  // The deadline may strike before there were too many handshakes.
  if (id === 'tls_renegotiate_infinite') return [...expected, 'timeout_response']
  return expected.some((code) => TOO_MUCH.includes(code)) ? [...expected, ...TOO_MUCH] : expected
}

const NOTED: Outcome = { codes: [], elapsedMs: 0, dialled: [] }

function visitTo(behaviour: BehaviourName): Visit {
  const address = addressOf(behaviour)
  return { path: `/${behaviour}/client.json`, zone: (question) => addresses(question, [address]) }
}

function addressOf(behaviour: BehaviourName): string {
  const at = BY_ADDRESS.indexOf(behaviour)
  return at < 0 ? WEB_ADDRESS : `93.184.216.${at}`
}

function honestPlans(): readonly Plan[] {
  const plan = { id: 'honest', expected: [], honest: true, visit: visitTo('ok') }
  return Array.from({ length: HONEST_HOSTS }, () => plan)
}

/** What becomes of addresses that lead nowhere. */
function dialPlans(): readonly Plan[] {
  const visitAt = (all: readonly string[]): Visit => ({
    path: '/ok/client.json',
    zone: (question) => addresses(question, all),
  })
  const refusedFirst = visitAt([addressOf('tcp_refused'), WEB_ADDRESS])
  return [
    { id: 'black-hole', expected: ['timeout_connect'], honest: false, visit: visitAt([BLACK_HOLE]) },
    { id: 'first-refuses', expected: [], honest: false, visit: refusedFirst },
  ]
}

function portsOf({ origin }: Arena): Ports {
  const behind = BY_ADDRESS.map((name) => [addressOf(name), origin.portOf(name)])
  return { byAddress: { [BLACK_HOLE]: 0, ...Object.fromEntries(behind) }, web: origin.portByPath }
}
