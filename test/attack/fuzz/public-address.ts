import { isIP } from 'node:net'

/** What must never be connected to in IPv4: RFC 6890 and the entries since, multicast, and the host agent of Azure. */
export const NOT_PUBLIC_IPV4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.31.196.0/24', '192.52.193.0/24', '192.88.99.0/24'],
  ...['192.168.0.0/16', '192.175.48.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4', '168.63.129.16/32'],
] as const

/** The only IPv6 space that has been given out as global unicast, and what within it is not public. */
const GLOBAL_UNICAST = '2000::/3'
export const NOT_PUBLIC_IPV6 = [
  ...['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3ffe::/16', '3fff::/20'],
] as const

/**
 * Whether a public server may be there, by bit arithmetic on the text and nothing of the code under attack. False for
 * whatever is not an address in its plain spelling.
 */
export function isPublic(address: string): boolean {
  const family = isIP(address)
  if (family === 0 || address.includes('%')) return false
  const bits = bitsOf(address)
  if (family === 4) return !NOT_PUBLIC_IPV4.some((block) => isWithin(bits, block))
  if (!isWithin(bits, GLOBAL_UNICAST) || isIsatap(bits)) return false
  return !NOT_PUBLIC_IPV6.some((block) => isWithin(bits, block))
}

/** Whether an address is one that the development switch admits. */
export function isLoopback(address: string): boolean {
  if (isIP(address) === 0) return false
  return isIP(address) === 4 ? isWithin(bitsOf(address), '127.0.0.0/8') : bitsOf(address) === 1n
}

/** The number that an address in its plain spelling stands for; of its 32 or 128 bits. */
export function bitsOf(address: string): bigint {
  if (address.includes(':')) return ipv6Bits(address)
  return BigInt(address.split('.').reduce((number, part) => number * 256 + Number(part), 0))
}

/** The first address and the length of a block in CIDR notation, with the width of its family. */
export function partsOf(block: string): {
  readonly first: bigint
  readonly length: number
  readonly width: number
} {
  const [address = '', length] = block.split('/')
  return { first: bitsOf(address), length: Number(length), width: address.includes(':') ? 128 : 32 }
}

function ipv6Bits(address: string): bigint {
  const [before = '', after] = address.split('::')
  const head = groupsOf(before)
  const tail = groupsOf(after ?? '')
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0n)
  return [...head, ...zeros, ...tail].reduce((number, group) => (number << 16n) | group, 0n)
}

function groupsOf(text: string): readonly bigint[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [BigInt(`0x${group}`)]
    const embedded = bitsOf(group)
    return [embedded >> 16n, embedded & 0xffffn]
  })
}

function isWithin(bits: bigint, block: string): boolean {
  const { first, length, width } = partsOf(block)
  const shift = BigInt(width - length)
  return bits >> shift === first >> shift
}

/** RFC 5214: a tunnel to the IPv4 address in the last bits, behind any prefix. */
function isIsatap(bits: bigint): boolean {
  const marker = (bits >> 32n) & 0xffff_ffffn
  return marker === 0x5efen || marker === 0x0200_5efen
}
