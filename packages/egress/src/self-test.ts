import ipaddr from 'ipaddr.js'
import { classifyAddress } from './classify-address.ts'
import { SPECIAL_USE_BLOCKS } from './special-use-blocks.ts'

/** Nothing the answer depends on changes while the process lives. */
let proven = false

const KNOWN_PUBLIC = ['1.1.1.1', '93.184.215.14', '2606:4700:4700::1111']

/**
 * Proves on the machine it runs on that the judgement of addresses still holds: each block is refused from its first to
 * its last address, IPv4 also in its IPv6 disguises, and ordinary addresses pass. Throws when it does not, since
 * a library that reads addresses differently than the day we tested it must not guard anything (FET-17).
 */
export function assertAddressesJudged(): void {
  if (proven) return
  const wrong = [
    ...SPECIAL_USE_BLOCKS.flatMap(({ block }) => probesOf(block)).filter(
      (address) => classifyAddress(address).public,
    ),
    ...KNOWN_PUBLIC.filter((address) => !classifyAddress(address).public),
  ]
  if (wrong.length > 0) throw new Error(`addresses are judged wrongly on this machine: ${wrong.join(', ')}`)
  proven = true
}

function probesOf(block: string): readonly string[] {
  const [network, bits] = ipaddr.parseCIDR(block)
  const first = network.toByteArray()
  const last = first.map((byte, at) => byte | (0xff >> Math.min(8, Math.max(0, bits - at * 8))))
  return [first, last].flatMap((bytes) => (bytes.length === 4 ? spellings(bytes) : [textOf(bytes)]))
}

/** An IPv4 address plain, mapped, compatible, translated, behind a NAT64 and in 6to4. */
function spellings(bytes: readonly number[]): readonly string[] {
  const [a = 0, b = 0, c = 0, d = 0] = bytes
  const embedded = `${hex(a, b)}:${hex(c, d)}`
  return [
    textOf(bytes),
    ...['::ffff:', '::', '::ffff:0:', '64:ff9b::', '64:ff9b:1::'].map((prefix) => `${prefix}${embedded}`),
    `2002:${embedded}::1`,
  ]
}

function hex(high: number, low: number): string {
  return (high * 256 + low).toString(16)
}

function textOf(bytes: readonly number[]): string {
  return ipaddr.fromByteArray([...bytes]).toString()
}
