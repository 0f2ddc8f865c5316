import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { classifyAddress, SPECIAL_USE_BLOCKS } from '@cimd/egress'
import { isMapped, onTheWire, sampleBlock } from './probe-addresses.ts'

/** One row of the attack cases; the members that the network tests read. */
export type Case = {
  readonly id: string
  readonly category: string
  readonly expect: 'accept' | 'reject'
  readonly ip?: string
  readonly server_behaviour?: { readonly to?: string }
}

/** What a name server may answer, or a packet be sent to, and whether anything may leave for it. */
export type Probe = { readonly address: string; readonly public: boolean }

/** Both interface identifiers of ISATAP, around addresses in every spelling that an address of IPv6 can end in. */
export const ISATAP = [
  '2606:4700::5efe:a9fe:a9fe',
  '2606:4700::200:5efe:a9fe:a9fe',
  '2606:4700:1:2:0:5efe:169.254.169.254',
  '2606:4700:1:2:0:5efe::1',
  '2606:4700:1:2:200:5efe:a00::',
  '2606:4700:1:2:200:5EFE::',
]
/** The same group at another place means nothing. */
export const NOT_ISATAP = '2606:4700:5efe::1'

/** Every attack case. */
export function readCases(): readonly Case[] {
  const file = new URL('../ssrf-cases.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { cases: readonly Case[] }).cases
}

/** What a resolver may hand over: the addresses of the cases, the edges and middles of our own table, and ISATAP. */
export function collectAnswers(): readonly Probe[] {
  const listed = readCases().flatMap(({ ip, expect }) =>
    ip === undefined ? [] : [{ address: ip, public: expect === 'accept' }],
  )
  const sampled = SPECIAL_USE_BLOCKS.flatMap(({ block }) => sampleBlock(block))
  const refused = [...sampled, ...ISATAP].map((address) => ({ address, public: false }))
  return [...refused, { address: NOT_ISATAP, public: true }, ...listed]
}

/** The same as the network sees it, each address once. */
export function collectProbes(): readonly Probe[] {
  const plain = collectAnswers().filter(({ address }) => isIP(address) !== 0 && !address.includes('%'))
  return [...new Map(plain.map(seenOnTheWire).map((probe) => [probe.address, probe])).values()]
}

// A mapped address is refused in an answer of DNS; on the wire nothing is left of it but the IPv4 address.
function seenOnTheWire(probe: Probe): Probe {
  const address = onTheWire(probe.address)
  return { address, public: isMapped(probe.address) ? classifyAddress(address).public : probe.public }
}
