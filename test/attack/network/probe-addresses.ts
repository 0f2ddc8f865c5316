/** An address as the network sees it: one spelling, and IPv4 where a mapped one stands for it. */
export function onTheWire(address: string): string {
  const [, dottedPart] = /^::ffff:([0-9.]+)$/i.exec(address) ?? []
  if (dottedPart !== undefined) return dottedPart
  if (!address.includes(':')) return address
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(canonical) ?? []
  return high === undefined || low === undefined ? canonical : dotted(joinHextets(hextet(high), hextet(low)))
}

/** Whether an IPv6 spelling stands for an IPv4 address, to which the kernel then connects. */
export function isMapped(address: string): boolean {
  return address.includes(':') && !onTheWire(address).includes(':')
}

/** Where a connection arrives: the unspecified addresses mean this host. */
export function destinationOf(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1'
  return address === '::' ? '::1' : address
}

/** First, middle and last address of a block; what lies on its edges is what an implementation gets wrong. */
export function sampleBlock(block: string): string[] {
  const [network = '', bits] = block.split('/')
  const width = network.includes(':') ? 128n : 32n
  const first = network.includes(':') ? groups(network).reduce(joinHextets, 0n) : octets(network)
  const size = 1n << (width - BigInt(bits ?? width))
  const sample = [first, first + size / 2n, first + size - 1n]
  return [...new Set(sample.map((value) => (width === 32n ? dotted(value) : colons(value))))]
}

/** Why TCP cannot even be tried there, or undefined where it can. */
export function unconnectable(address: string): string | undefined {
  if (['127.255.255.255', '255.255.255.255'].includes(address)) return 'broadcast'
  const firstOctet = address.includes(':') ? 0 : Number.parseInt(address, 10)
  if (address.startsWith('ff') || (firstOctet >= 224 && firstOctet < 240)) return 'multicast'
  return /^fe[89ab]/.test(address) ? 'link-local without an interface' : undefined
}

function groups(address: string): bigint[] {
  const [head = [], tail = []] = address
    .split('::')
    .map((part) => part.split(':').filter(Boolean).map(hextet))
  return [...head, ...new Array<bigint>(8 - head.length - tail.length).fill(0n), ...tail]
}

function octets(address: string): bigint {
  return address.split('.').reduce((sum, octet) => sum * 256n + BigInt(octet), 0n)
}

function dotted(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
}

function colons(value: bigint): string {
  const shifts = [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n]
  return shifts.map((shift) => ((value >> shift) & 0xffffn).toString(16)).join(':')
}

function joinHextets(sum: bigint, group: bigint): bigint {
  return sum * 65_536n + group
}

function hextet(text: string): bigint {
  return BigInt(`0x${text}`)
}
