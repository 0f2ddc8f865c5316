import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

type Range = readonly [Address, number]

const PREFIX_LENGTHS: readonly number[] = [32, 40, 48, 56, 64, 96]

/** Bits 64 to 71 belong to the interface identifier and carry no part of the IPv4 address. */
const SKIPPED_BYTE = 8

/** A translator's prefix, of a length RFC 6052 section 2.2 knows. Throws a `TypeError` for anything else. */
export function parseNat64Prefix(prefix: string): Range {
  const range = ipaddr.IPv6.isValidCIDR(prefix) ? ipaddr.IPv6.parseCIDR(prefix) : undefined
  if (range !== undefined && PREFIX_LENGTHS.includes(range[1])) return range
  throw new TypeError(`${prefix} is no NAT64 prefix: IPv6, of ${PREFIX_LENGTHS.join(', ')} bits (RFC 6052)`)
}

/**
 * The IPv4 address inside a translator's address, once for each prefix that holds it (RFC 6052 section 2.2): where
 * prefixes overlap, only the network knows which of its translators answers.
 */
export function embeddedIPv4s(address: Address, prefixes: readonly Range[]): readonly ipaddr.IPv4[] {
  if (address.kind() !== 'ipv6') return []
  return prefixes
    .filter(([network, bits]) => address.match(network, bits))
    .map(([_network, bits]) => {
      const carried = address.toByteArray().filter((_byte, at) => at >= bits / 8 && at !== SKIPPED_BYTE)
      return new ipaddr.IPv4(carried.slice(0, 4))
    })
}
