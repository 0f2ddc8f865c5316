import { isIPv6 } from 'node:net'

/** The types that are asked for here, as numbered by RFC 1035 and RFC 3596. */
const TYPES = { A: 1, NS: 2, CNAME: 5, AAAA: 28 } as const
const RCODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const
const IN = 1
/** Response, recursion desired and available. */
const FLAGS = 0x8180
const TRUNCATED = 0x0200
const HEADER_BYTES = 12

export type RecordType = keyof typeof TYPES
export type Rcode = keyof typeof RCODES

/** A resource record; an address or a name as `data`. */
export type DnsRecord = {
  readonly name: string
  readonly type: RecordType
  readonly data: string
  readonly ttlSeconds?: number
}

/** A query with one question, as all queries have. */
export type Query = {
  readonly id: number
  readonly name: string
  /** `TYPE65` and the like for types that have no name here. */
  readonly type: string
  /** The question as it arrived, to be sent back. */
  readonly question: Buffer
}

/** What to answer a query with. */
export type Response = {
  readonly id: number
  readonly question: Uint8Array
  readonly rcode?: Rcode
  readonly truncated?: boolean
  readonly records?: readonly DnsRecord[]
}

/** Reads a query. */
export function decodeQuery(bytes: Buffer): Query {
  const labels: string[] = []
  let at = HEADER_BYTES
  for (let length = bytes.readUInt8(at); length > 0; length = bytes.readUInt8(at)) {
    labels.push(bytes.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return {
    id: bytes.readUInt16BE(0),
    name: labels.join('.'),
    type: typeName(bytes.readUInt16BE(at + 1)),
    question: bytes.subarray(HEADER_BYTES, at + 5),
  }
}

/** Writes a response, without compression of names. */
export function encodeResponse({
  id,
  question,
  rcode = 'NOERROR',
  truncated = false,
  records = [],
}: Response): Buffer {
  const flags = FLAGS | (truncated ? TRUNCATED : 0) | RCODES[rcode]
  return Buffer.concat([uint16(id, flags, 1, records.length, 0, 0), question, ...records.map(encodeRecord)])
}

/** A question in the class of the Internet. */
export function encodeQuestion(name: string, type: string): Buffer {
  const number = isRecordType(type) ? TYPES[type] : Number(type.replace('TYPE', ''))
  return Buffer.concat([encodeName(name), uint16(number, IN)])
}

function encodeRecord({ name, type, data, ttlSeconds = 60 }: DnsRecord): Buffer {
  const bytes = type === 'CNAME' || type === 'NS' ? encodeName(data) : encodeAddress(data)
  const fixed = Buffer.alloc(10)
  fixed.writeUInt16BE(TYPES[type], 0)
  fixed.writeUInt16BE(IN, 2)
  fixed.writeUInt32BE(ttlSeconds, 4)
  fixed.writeUInt16BE(bytes.length, 8)
  return Buffer.concat([encodeName(name), fixed, bytes])
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '')
  return Buffer.from(
    `${labels.map((label) => String.fromCharCode(label.length) + label).join('')}\0`,
    'latin1',
  )
}

function encodeAddress(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number))
  // URL writes every spelling, a dotted quad at the end included, as groups of hexadecimal digits.
  const [before = '', after = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const left = groups(before)
  const right = groups(after)
  return uint16(...left, ...Array(8 - left.length - right.length).fill(0), ...right)
}

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}

function uint16(...values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length)
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, 2 * index)
  return bytes
}

function typeName(number: number): string {
  return Object.entries(TYPES).find(([, value]) => value === number)?.[0] ?? `TYPE${number}`
}

function isRecordType(type: string): type is RecordType {
  return Object.hasOwn(TYPES, type)
}
