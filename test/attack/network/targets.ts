import { fileURLToPath } from 'node:url'
import { onTheWire } from './probe-addresses.ts'
import { readCases } from './probes.ts'
import type { Outcome, Target } from './rig.ts'

/** Where the rules and proxy settings are that operators install. */
export const EGRESS_DIRECTORY = fileURLToPath(new URL('../../../infra/egress/', import.meta.url))

/** One address of the Internet that nothing is wrong with. */
export const PUBLIC = '93.184.215.14'

export function tcp(address: string, port = 443): Target {
  return { protocol: 'tcp', address, port }
}

export function udp(address: string, port: number): Target {
  return { protocol: 'udp', address, port }
}

/** The addresses that were reached, sorted. */
export function reached(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ answer, address }) => (answer === 'reached' ? [address] : [])).toSorted()
}

/** What a sink tells of, sorted, each once, spelled as in `tcp 192.0.2.1 443`. */
export function arrivals(told: readonly string[]): string[] {
  const spelled = told.map((arrival) => {
    const [protocol = '', address = '', port = ''] = arrival.split(' ')
    return `${protocol} ${onTheWire(address)} ${port}`
  })
  return [...new Set(spelled)].toSorted()
}

/** What the operator's file says in the rig: ports of publishers, and services as `address . protocol . port`. */
export function siteRules(site: { ports: readonly number[]; services: readonly string[] }): string {
  return `
    define fetch_ports = { ${site.ports.join(', ')} }
    define services4 = { ${site.services.join(', ')} }
    define services6 = { }
    define site_refused4 = { ${SITE_REFUSED} }
    define site_refused6 = { }
    include "fetcher.nft"
  `
}

/** A public address that the operator has set aside. */
export const SITE_REFUSED = '93.184.215.15'

/** The cases of this layer: where a fetcher tries to go, and whether it may. */
export function networkCases(): readonly { id: string; target: Target; allowed: boolean }[] {
  return readCases().flatMap(({ id, category, expect, server_behaviour: { to = '' } = {} }) => {
    const [, method, address, port] = /^(CONNECT|udp) \[?([^\]]+?)\]?:(\d+)$/.exec(to) ?? []
    if (category !== 'network-egress' || address === undefined) return []
    const target = method === 'udp' ? udp(address, Number(port)) : tcp(address, Number(port))
    return [{ id, target, allowed: expect === 'accept' }]
  })
}
