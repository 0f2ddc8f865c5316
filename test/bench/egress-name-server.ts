import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'

/** The addresses of a name, of one family; asked once per question. */
export type Zone = (name: string, family: 4 | 6) => readonly string[]

const HEADER_BYTES = 12
const TYPE_A = 1
const TYPE_AAAA = 28
const RESPONSE_AUTHORITATIVE = 0x8580

/** Answers A and AAAA over UDP on loopback; every name exists, some without an address. */
export async function startNameServer(port: number, zone: Zone): Promise<Socket> {
  const server = createSocket('udp4', (query, peer) => {
    server.send(answer(query, zone), peer.port, peer.address)
  })
  server.bind(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

function answer(query: Buffer, zone: Zone): Buffer {
  const { name, type, end } = readQuestion(query)
  const addresses = type === TYPE_A ? zone(name, 4) : type === TYPE_AAAA ? zone(name, 6) : []
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt16BE(query.readUInt16BE(0), 0)
  header.writeUInt16BE(RESPONSE_AUTHORITATIVE, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(addresses.length, 6)
  return Buffer.concat([header, query.subarray(HEADER_BYTES, end), ...addresses.map(record)])
}

function readQuestion(query: Buffer): { readonly name: string; readonly type: number; readonly end: number } {
  const labels: string[] = []
  let at = HEADER_BYTES
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

/** A record whose name points back at the question; nobody may remember it. */
function record(address: string): Buffer {
  const data = isIPv6(address) ? bytesOfIPv6(address) : Buffer.from(address.split('.').map(Number))
  const type = isIPv6(address) ? TYPE_AAAA : TYPE_A
  return Buffer.concat([Buffer.from([0xc0, HEADER_BYTES, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length]), data])
}

/** The sixteen bytes of an address that has no dotted part. */
export function bytesOfIPv6(address: string): Buffer {
  const [head = '', tail] = address.split('::')
  const groups = (text: string | undefined) =>
    text === undefined || text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
  const first = groups(head)
  const last = groups(tail)
  const words = [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last]
  return Buffer.from(words.flatMap((word) => [word >> 8, word & 0xff]))
}
