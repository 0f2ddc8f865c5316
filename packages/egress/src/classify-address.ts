import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import {
  GLOBAL_UNICAST_IPV6,
  SPECIAL_USE_IPV4,
  SPECIAL_USE_IPV6,
  type SpecialUseBlock,
} from './special-use-addresses.ts'

/** Whether a stranger's name may lead us to an address and, if not, which block forbids it. */
export type AddressClass =
  | { readonly public: true }
  | { readonly public: false; readonly block: string; readonly source: string }

type Parsed = ipaddr.IPv4 | ipaddr.IPv6

const v4Rows = SPECIAL_USE_IPV4.map((row) => ({ row, range: ipaddr.IPv4.parseCIDR(row.block) }))
const v6Rows = SPECIAL_USE_IPV6.map((row) => ({ row, range: ipaddr.IPv6.parseCIDR(row.block) }))
const globalUnicast = ipaddr.IPv6.parseCIDR(GLOBAL_UNICAST_IPV6)

/**
 * Decides on one textual address, as a resolver returned it (FET-12, FET-17). Our own table decides first and
 * ipaddr.js must agree, so that a gap or a regression in either leaves the other standing.
 */
export function classifyAddress(address: string): AddressClass {
  // ipaddr.js reads `127.1`, `0x7f.1` and `2130706433` as addresses and keeps zone ids: the kernel's reading differs.
  if (isIP(address) === 0 || address.includes('%'))
    return refuse({ block: 'unparseable', source: 'not an address in its plain spelling' })

  const parsed = ipaddr.parse(address)
  const own = parsed.kind() === 'ipv4' ? findIPv4Block(parsed) : findIPv6Block(parsed)
  if (own !== undefined) return refuse(own)

  const range = parsed.range()
  return range === 'unicast' ? { public: true } : refuse({ block: range, source: 'range of ipaddr.js' })
}

/** The loopback interface, all of 127.0.0.0/8 and ::1, and nothing that merely carries such an address (FET-14). */
export function isLoopback(verdict: AddressClass): boolean {
  return !verdict.public && (verdict.block === '127.0.0.0/8' || verdict.block === '::1/128')
}

function findIPv4Block(parsed: Parsed): SpecialUseBlock | undefined {
  return v4Rows.find(({ range }) => parsed.match(range))?.row
}

function findIPv6Block(parsed: Parsed): SpecialUseBlock | undefined {
  const listed = v6Rows.find(({ range }) => parsed.match(range))?.row
  if (listed !== undefined) return listed
  if (!parsed.match(globalUnicast))
    return { block: `outside ${GLOBAL_UNICAST_IPV6}`, source: 'IANA IPv6 address space' }
  if (isIsatap(parsed.toByteArray())) return { block: '::5efe:0:0/96', source: 'ISATAP, RFC 5214' }
  return undefined
}

/** An interface identifier 0000:5efe or 0200:5efe makes an ISATAP router unwrap the IPv4 address after it. */
function isIsatap(bytes: readonly number[]): boolean {
  const [first, second, third, fourth] = bytes.slice(8, 12)
  return (first === 0x00 || first === 0x02) && second === 0x00 && third === 0x5e && fourth === 0xfe
}

function refuse({ block, source }: SpecialUseBlock): AddressClass {
  return { public: false, block, source }
}
