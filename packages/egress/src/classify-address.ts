import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { embeddedIPv4s, parseNat64Prefix } from './nat64.ts'
import { GLOBAL_UNICAST_IPV6, SPECIAL_USE_BLOCKS, type SpecialUseBlock } from './special-use-blocks.ts'

/** Whether a stranger's name may lead us to an address and, if not, which block forbids it. */
export type AddressClass =
  | { readonly public: true; readonly class: 'public' | 'nat64' }
  | {
      readonly public: false
      readonly class: 'loopback' | 'special' | 'unparsable'
      readonly why: SpecialUseBlock
    }

/** What a deployment adds to the judgement of addresses; blocks in CIDR notation. */
export type AddressPolicy = {
  /** Refused besides everything that is special-use, such as the deployment's own public ranges. */
  readonly deniedBlocks?: readonly string[]
  /** Prefixes of the translators of an IPv6-only network (RFC 6052): what they embed is judged as IPv4. */
  readonly nat64Prefixes?: readonly string[]
}

export type ClassifyAddress = (address: string) => AddressClass

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Range = readonly [Address, number]
type Row = { readonly why: SpecialUseBlock; readonly range: Range }

const GLOBAL_UNICAST: Range = ipaddr.parseCIDR(GLOBAL_UNICAST_IPV6)
const SPECIAL_USE = SPECIAL_USE_BLOCKS.map(rowOf)

const UNPARSABLE = ours('', 'not an address in its plain spelling')
const OUTSIDE_UNICAST = ours(`outside ${GLOBAL_UNICAST_IPV6}`, 'not given out as IPv6 global unicast')
const ISATAP = ours('::5efe:0:0/96', 'ISATAP', 'RFC 5214')

/** Decides on one textual address, as a resolver returned it, with no policy beyond the tables (FET-12, FET-17). */
export const classifyAddress: ClassifyAddress = createClassifier()

/**
 * Makes the judgement of addresses. Our own table decides first and ipaddr.js must agree, so that a gap or a regression
 * in either leaves the other standing. Throws a `TypeError` for a block or prefix that is none.
 */
export function createClassifier(policy: AddressPolicy = {}): ClassifyAddress {
  const rows = [...SPECIAL_USE, ...(policy.deniedBlocks ?? []).map(operatorBlock).map(rowOf)].toSorted(
    narrowestFirst,
  )
  const translators = (policy.nat64Prefixes ?? []).map(parseNat64Prefix)
  const judge = (parsed: Address): AddressClass => {
    const embedded = embeddedIPv4s(parsed, translators).map(judge)
    const worst = embedded.find((verdict) => !verdict.public) ?? embedded[0]
    if (worst !== undefined) return asTranslated(worst, rows, parsed)
    const why = rows.find(({ range }) => matches(parsed, range))?.why ?? unlisted(parsed)
    return why === undefined ? { public: true, class: 'public' } : refuse(why)
  }
  // ipaddr.js reads `127.1`, `0x7f.1` and `2130706433` as addresses and keeps zone ids: the kernel's reading differs.
  return (address) =>
    isIP(address) === 0 || address.includes('%')
      ? { public: false, class: 'unparsable', why: UNPARSABLE }
      : judge(ipaddr.parse(address))
}

/** The operator's blocks hold for the translator's address too; a special-use address it embeds stays what it is. */
function asTranslated(embedded: AddressClass, rows: readonly Row[], outer: Address): AddressClass {
  const denied = rows.find(({ why, range }) => why.registry === 'operator' && matches(outer, range))
  if (denied !== undefined) return refuse(denied.why)
  if (embedded.public) return { public: true, class: 'nat64' }
  // Loopback behind a translator is the translator's, not ours (FET-14).
  return { ...embedded, class: 'special' }
}

function unlisted(parsed: Address): SpecialUseBlock | undefined {
  if (parsed.kind() === 'ipv6') {
    if (!matches(parsed, GLOBAL_UNICAST)) return OUTSIDE_UNICAST
    if (isIsatap(parsed.toByteArray())) return ISATAP
  }
  const range = parsed.range()
  return range === 'unicast' ? undefined : ours(range, 'special-use in the tables of ipaddr.js')
}

/** An interface identifier 0000:5efe or 0200:5efe makes an ISATAP router unwrap the IPv4 address after it. */
function isIsatap(bytes: readonly number[]): boolean {
  const [first, second, third, fourth] = bytes.slice(8, 12)
  return (first === 0x00 || first === 0x02) && second === 0x00 && third === 0x5e && fourth === 0xfe
}

function refuse(why: SpecialUseBlock): AddressClass {
  // All of 127.0.0.0/8 and ::1, and nothing that merely carries such an address (FET-14).
  const isLoopback = why.block === '127.0.0.0/8' || why.block === '::1/128'
  return { public: false, class: isLoopback ? 'loopback' : 'special', why }
}

function matches(address: Address, [network, bits]: Range): boolean {
  // ipaddr.js throws when the families differ.
  return address.kind() === network.kind() && address.match(network, bits)
}

function rowOf(why: SpecialUseBlock): Row {
  return { why, range: cidr(why.block) }
}

function operatorBlock(block: string): SpecialUseBlock {
  assertPlain(block)
  return { block, name: 'denied by the operator', rfc: '', registry: 'operator' }
}

/**
 * ipaddr.js reads `198.51/16` as 198.0.0.51/16 and `010.0.0.0/8` as 8.0.0.0/8, and a block mapped into IPv6 matches
 * nothing: each would deny other addresses than it seems to.
 */
function assertPlain(block: string): void {
  const [network = ''] = block.split('/')
  if (isIP(network) === 0 || network.includes('%'))
    throw new TypeError(`${block} is no block of addresses: write all of it, such as 198.51.0.0/16`)
  const parsed = ipaddr.parse(network)
  if (parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress())
    throw new TypeError(
      `${block} is mapped into IPv6: write it as IPv4, such as ${parsed.toIPv4Address()}/24`,
    )
}

// So that a refusal names the narrowest block; an equal one of the operator comes last.
function narrowestFirst(a: Row, b: Row): number {
  return b.range[1] - a.range[1]
}

function cidr(block: string): Range {
  if (!ipaddr.isValidCIDR(block)) throw new TypeError(`${block} is no block of addresses in CIDR notation`)
  return ipaddr.parseCIDR(block)
}

function ours(block: string, name: string, rfc = ''): SpecialUseBlock {
  return { block, name, rfc, registry: 'ours' }
}
