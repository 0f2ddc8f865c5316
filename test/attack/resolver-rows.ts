import type { FailureCode } from '@cimd/core'
import type { AttackRow } from './attack-row.ts'
import { type Answer, addresses, aliases, aliasLoop, type Zone } from './name-server.ts'

const PUBLIC = '93.184.215.14'
const PUBLIC_IPV6 = '2606:4700::1111'

const chainOf = (length: number) => Array.from({ length }, (_, at) => `hop${at}.example.net`)
const many = (count: number) =>
  Array.from({ length: count }, (_, at) => `93.${184 + (at >> 8)}.215.${at & 255}`)

/** What a name server can do to us, over a real socket and a real stub resolver, and its codes; `[]`: nothing. */
export const RESOLVER_ZONES: readonly (readonly [
  name: string,
  expected: readonly FailureCode[],
  zone: Zone,
])[] = [
  ['only-aaaa', [], (question) => addresses(question, [PUBLIC_IPV6])],
  ['only-aaaa-private', ['address_blocked'], (question) => addresses(question, ['fd00::1'])],
  ['aaaa-mapped', ['address_blocked'], (question) => addresses(question, ['::ffff:169.254.169.254'])],
  ['aaaa-mapped-public', ['address_blocked'], (question) => addresses(question, ['::ffff:93.184.215.14'])],
  ['aaaa-compatible', ['address_blocked'], (question) => addresses(question, ['::7f00:1'])],
  ['aaaa-nat64', ['address_blocked'], (question) => addresses(question, ['64:ff9b::a9fe:a9fe'])],
  ['aaaa-nat64-local', ['address_blocked'], (question) => addresses(question, ['64:ff9b:1::a9fe:a9fe'])],
  ['azure-host', ['address_blocked'], (question) => addresses(question, ['168.63.129.16'])],
  ['alibaba-metadata', ['address_blocked'], (question) => addresses(question, ['100.100.100.200'])],
  ['16-addresses', [], (question) => addresses(question, many(16))],
  ['17-addresses', ['dns_too_many'], (question) => addresses(question, many(17))],
  ['1000-addresses', ['dns_too_many'], (question) => addresses(question, many(1000))],
  [
    '1000-addresses-one-private',
    ['dns_too_many'],
    (question) => addresses(question, [...many(999), '10.0.0.1']),
  ],
  ['cname-chain-8', [], (question) => aliases(question, chainOf(8), [PUBLIC])],
  ['cname-chain-8-private', ['address_blocked'], (question) => aliases(question, chainOf(8), ['10.0.0.1'])],
  ['cname-chain-200', ['dns_not_found', 'dns_failed'], (question) => aliases(question, chainOf(200), [])],
  ['cname-loop', ['dns_not_found', 'dns_failed'], aliasLoop],
  ['foreign-owner', ['address_blocked'], ({ type }) => foreignOwner(type)],
  ['truncated', [], (question) => withRecords('truncated', question, [PUBLIC])],
  ['truncated-then-silence', ['timeout_dns'], (question) => truncatedThen(question, { kind: 'silence' })],
  [
    'truncated-then-hang-up',
    ['timeout_dns', 'dns_failed'],
    (question) => truncatedThen(question, { kind: 'hang_up' }),
  ],
  ['cut-off', ['timeout_dns', 'dns_failed'], (question) => withRecords('cut_off', question, many(1000))],
  [
    'garbage',
    ['timeout_dns', 'dns_failed'],
    () => ({ kind: 'garbage', bytes: Buffer.from('not a message at all') }),
  ],
  ['hang-up', ['timeout_dns', 'dns_failed'], () => ({ kind: 'hang_up' })],
  ['silence', ['timeout_dns'], () => ({ kind: 'silence' })],
  ['a-servfail-aaaa-good', [], (question) => oneFamily(question, 'AAAA', PUBLIC_IPV6)],
  ['nxdomain', ['dns_not_found'], () => ({ kind: 'rcode', rcode: 'NXDOMAIN' })],
  ['refused', ['dns_failed'], () => ({ kind: 'rcode', rcode: 'REFUSED' })],
]

/** One fetch for each. */
export const RESOLVER_ROWS: readonly AttackRow[] = RESOLVER_ZONES.map(([name, expected, zone]) => ({
  id: `resolver-${name}`,
  family: 'resolver',
  expected,
  run: (arena) => arena.fetchBy(zone),
}))

function withRecords(
  kind: 'truncated' | 'cut_off',
  question: Parameters<Zone>[0],
  all: readonly string[],
): Answer {
  const whole = addresses(question, all)
  return whole.kind === 'records' ? { ...whole, kind } : whole
}

function truncatedThen({ transport }: Parameters<Zone>[0], answer: Answer): Answer {
  return transport === 'udp' ? { kind: 'truncated', records: [] } : answer
}

function oneFamily(question: Parameters<Zone>[0], family: string, address: string): ReturnType<Zone> {
  return question.type === family ? addresses(question, [address]) : { kind: 'rcode', rcode: 'SERVFAIL' }
}

/** c-ares keeps address records of names that were not asked for. */
function foreignOwner(type: string): ReturnType<Zone> {
  if (type !== 'A') return { kind: 'rcode', rcode: 'NOERROR' }
  return { kind: 'records', records: [{ name: 'elsewhere.example.net', type: 'A', data: '10.0.0.1' }] }
}
