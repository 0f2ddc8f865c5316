import fc from 'fast-check'
import { isPublic, NOT_PUBLIC_IPV4, NOT_PUBLIC_IPV6, partsOf } from './public-address.ts'

const IPV4_MAX = 2n ** 32n - 1n
const IPV6_MAX = 2n ** 128n - 1n

/** Prefixes behind which an IPv6 address carries an IPv4 address, and how far up it carries it. */
const CARRIERS: readonly (readonly [bigint, bigint])[] = [
  [0n, 0n],
  [0xffff_0000_0000n, 0n],
  [0xffff_0000_0000_0000n, 0n],
  [0x0064_ff9bn << 96n, 0n],
  [0x0064_ff9b_0001n << 80n, 0n],
  [0x2002n << 112n, 80n],
  [0x2001_0000n << 96n, 64n],
  [(0x2606_4700n << 96n) | (0x5efen << 32n), 0n],
  [(0x2606_4700n << 96n) | (0x0200_5efen << 32n), 0n],
]

/** Numbers of IPv4 addresses, many of them at the edges of what is not public. */
export const ipv4Numbers: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 0n, max: IPV4_MAX }),
  withinOrBeside(NOT_PUBLIC_IPV4, IPV4_MAX),
)

const ipv6Numbers: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 0x2000n << 112n, max: (0x4000n << 112n) - 1n }),
  fc.bigInt({ min: 0n, max: IPV6_MAX }),
  withinOrBeside(NOT_PUBLIC_IPV6, IPV6_MAX),
  withinOrBeside(
    ['::/128', '::1/128', '100::/64', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
    IPV6_MAX,
  ),
  fc
    .tuple(fc.constantFrom(...CARRIERS), ipv4Numbers)
    .map(([[prefix, shift], carried]) => prefix | (carried << shift)),
)

/** IPv4 addresses in their one plain spelling. */
const ipv4Texts: fc.Arbitrary<string> = ipv4Numbers.map(dotted)

/** IPv6 addresses in all spellings that RFC 4291 knows. */
export const ipv6Texts: fc.Arbitrary<string> = fc
  .tuple(ipv6Numbers, fc.constantFrom(padded, unpadded, compressed, dottedTail), fc.boolean())
  .map(([number, spell, isUpper]) => (isUpper ? spell(number).toUpperCase() : spell(number)))

/** Addresses a public server may have. */
export const publicAddresses: fc.Arbitrary<string> = fc.oneof(ipv4Texts, ipv6Texts).filter(isPublic)

/** What a resolver might hand over, were it under somebody's control. */
const answerTexts: fc.Arbitrary<string> = fc.oneof(
  publicAddresses,
  ipv4Texts,
  ipv6Texts,
  fc.ipV4Extended(),
  fc.string({ unit: 'binary' }),
  fc
    .tuple(
      fc.oneof(ipv4Texts, ipv6Texts),
      fc.constantFrom(' ', '\0', '%lo', '%25', ':443', '/32', '.', ']', '\n'),
    )
    .chain(([address, mark]) => fc.constantFrom(`${address}${mark}`, `${mark}${address}`, `[${address}]`)),
  fc.constantFrom('', 'localhost', 'client.example.com', '[::1]', '127.1', 'fe80::1%eth0', '0x7f000001'),
)

/** Whole answers: good ones, mixed ones, repetitive ones, and crowds with a stranger among them. */
export const answers: fc.Arbitrary<readonly string[]> = fc.oneof(
  { weight: 4, arbitrary: fc.array(publicAddresses, { maxLength: 18 }) },
  { weight: 2, arbitrary: fc.array(answerTexts, { maxLength: 20 }) },
  { weight: 1, arbitrary: fc.tuple(publicAddresses, fc.integer({ min: 1, max: 20 })).map(repeated) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.nat(1000), fc.nat(1000), answerTexts).map(([count, at, stranger]) => {
      const crowd = Array.from({ length: count }, (_, index) => dotted(0x5db8_0000n + BigInt(index)))
      return crowd.toSpliced(at, 0, stranger)
    }),
  },
)

/** An IPv4 address as everybody writes it. */
function dotted(number: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (number >> shift) & 0xffn).join('.')
}

function repeated([address, count]: readonly [string, number]): readonly string[] {
  return Array.from({ length: count }, () => address)
}

function withinOrBeside(blocks: readonly string[], max: bigint): fc.Arbitrary<bigint> {
  return fc.constantFrom(...blocks).chain((block) => {
    const { first, length, width } = partsOf(block)
    const last = first + 2n ** BigInt(width - length) - 1n
    const edges = [first - 1n, first, last, last + 1n].filter((number) => number >= 0n && number <= max)
    return fc.oneof(fc.bigInt({ min: first, max: last }), fc.constantFrom(...edges))
  })
}

function groupsOf(number: bigint): readonly string[] {
  return Array.from({ length: 8 }, (_, at) => ((number >> BigInt(112 - 16 * at)) & 0xffffn).toString(16))
}

function padded(number: bigint): string {
  return groupsOf(number)
    .map((group) => group.padStart(4, '0'))
    .join(':')
}

function unpadded(number: bigint): string {
  return groupsOf(number).join(':')
}

/** The first run of zeros given as `::`, also where it is but one group. */
function compressed(number: bigint): string {
  return unpadded(number).replace(/(?:^|:)0(?::0)*(?::|$)/, '::')
}

function dottedTail(number: bigint): string {
  return `${groupsOf(number).slice(0, 6).join(':')}:${dotted(number & IPV4_MAX)}`
}
