import { blackHole } from './arena.ts'
import type { AttackRow } from './attack-row.ts'
import type { AttackCase } from './cases.ts'
import { addresses, aliases, aliasLoop, type Zone } from './name-server.ts'

type DnsCase = Extract<AttackCase, { layer: 'dns' }>

/** What a fetch has come to that was not answered before those that nobody answers. */
export const WAITED_FOR_OTHERS = 'waited_for_others'

/** Of the cases with a story of their own: the network under the name, or more than one fetch. */
const DNS_STORIES: Readonly<Record<string, ((given: DnsCase) => AttackRow['run']) | undefined>> = {
  'dns-first-addr-refuses': (given) => (arena) =>
    arena.fetchBy(zoneOf(given), {
      dial: (address, port, signal) =>
        arena.origin.dialFor(address.endsWith('.14') ? 'tcp_refused' : 'ok')(address, port, signal),
    }),
  'dns-all-addr-blackhole': (given) => (arena) => arena.fetchBy(zoneOf(given), { dial: blackHole }),
  'dns-rebind-ttl0-refetch': () => async (arena) => {
    const first = await arena.fetchBy((question) => addresses(question, ['93.184.215.14'], 0))
    if (first.codes.length > 0) return first
    return await arena.fetchBy((question) => addresses(question, ['10.0.0.1'], 0))
  },
  'dns-slow-threadpool': (given) => async (arena) => {
    let ended = 0
    const hung = Array.from({ length: 64 }, async () => {
      await arena.fetchBy(() => ({ kind: 'silence' }))
      ended += 1
    })
    const outcome = await arena.fetchBy(zoneOf(given, ['93.184.215.14']))
    // It was answered while all the others still waited, or it waited for them.
    const codes = ended === 0 ? outcome.codes : [WAITED_FOR_OTHERS]
    await Promise.all(hung)
    return { ...outcome, codes }
  },
}

/** How a case of the resolver is run; undefined where it needs a system of its own. */
export function dnsRunner(given: DnsCase): AttackRow['run'] | undefined {
  const story = DNS_STORIES[given.id]
  if (story !== undefined) return story(given)
  if (Object.keys(given.dns_answers).length === 0) return undefined
  return (arena) => arena.fetchBy(zoneOf(given))
}

const RCODES = { ENODATA: 'NOERROR', ESERVFAIL: 'SERVFAIL', EREFUSED: 'REFUSED' } as const

function zoneOf({ dns_answers: answers }: DnsCase, fallback: readonly string[] = []): Zone {
  const { A = [], AAAA = [], CNAME = [], error } = answers
  const all = [...A, ...AAAA]
  if (error === 'ETIMEOUT') return () => ({ kind: 'silence' })
  if (error !== undefined) return () => ({ kind: 'rcode', rcode: RCODES[error as keyof typeof RCODES] })
  if (CNAME[0] === 'self') return aliasLoop
  if (CNAME.length > 0) return (question) => aliases(question, CNAME, all)
  return (question) => addresses(question, all.length > 0 ? all : fallback)
}
