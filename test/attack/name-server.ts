import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, isIPv6, type Server, type Socket } from 'node:net'
import {
  type DnsRecord,
  decodeQuery,
  encodeQuestion,
  encodeResponse,
  type Query,
  type Rcode,
} from './dns-message.ts'

type Transport = 'udp' | 'tcp'

/** A question as it arrived. */
export type Question = {
  readonly name: string
  /** `A`, `AAAA`, or `TYPE65` and the like. */
  readonly type: string
  readonly transport: Transport
}

/** What a question is answered with. */
export type Answer =
  /** Over UDP truncated when it does not fit, like any honest server's. */
  | { readonly kind: 'records'; readonly records: readonly DnsRecord[] }
  /** `NOERROR` means no data. */
  | { readonly kind: 'rcode'; readonly rcode: Rcode }
  | { readonly kind: 'silence' }
  /** Nothing but the TC bit over UDP, all of it over TCP. */
  | { readonly kind: 'truncated'; readonly records: readonly DnsRecord[] }
  /** Nothing but the TC bit over UDP; over TCP half of it, and the connection closed. */
  | { readonly kind: 'cut_off'; readonly records: readonly DnsRecord[] }
  | { readonly kind: 'garbage'; readonly bytes: Uint8Array }
  /** What somebody who has to guess the id would send. */
  | { readonly kind: 'wrong_id'; readonly records: readonly DnsRecord[] }
  /** Answers a question that was not asked. */
  | { readonly kind: 'wrong_question'; readonly name: string; readonly records: readonly DnsRecord[] }
  /** Closes the connection; over UDP the same as silence. */
  | { readonly kind: 'hang_up' }

/** Decides on an answer; `count` is how often this was asked, this time included. */
export type Zone = (question: Question & { readonly count: number }) => Answer | Promise<Answer>

/** A DNS server on one port of 127.0.0.1, over UDP and TCP. */
export type NameServer = {
  /** What `createResolver` takes as `servers`. */
  readonly servers: readonly string[]
  readonly port: number
  /** Every question so far, in the order of arrival. */
  readonly questions: readonly Question[]
  /** Replaces the zone. */
  answerWith(zone: Zone): void
  /** The next question that has not arrived yet. */
  nextQuestion(): Promise<Question>
  close(): Promise<void>
}

/** What a resolver takes that says nothing about what it takes (RFC 9715). */
const UDP_BYTES_MAX = 1232
const PORT_ATTEMPTS = 10

/** Starts a name server that says whatever the zone says, on a free port unless one is named. */
export async function startNameServer(zone: Zone, wantedPort = 0): Promise<NameServer> {
  const { udp, tcp, port } = await bindBoth(wantedPort)
  const asked = createQuestionLog()
  const connections = new Set<Socket>()
  let current = zone

  const reply = async (bytes: Buffer, transport: Transport): Promise<Reply> => {
    const query = decodeQuery(bytes)
    const question = { name: query.name, type: query.type, transport }
    return encodeAnswer(query, transport, await current({ ...question, count: asked.add(question) }))
  }
  serveUdp(udp, reply)
  tcp.on('connection', (socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
    serveTcp(socket, reply)
  })

  return {
    servers: [`127.0.0.1:${port}`],
    port,
    questions: asked.all,
    answerWith: (next) => {
      current = next
    },
    nextQuestion: asked.next,
    close: async () => {
      const closed = [once(udp, 'close'), once(tcp, 'close')]
      udp.close()
      tcp.close()
      for (const socket of connections) socket.destroy()
      await Promise.all(closed)
    },
  }
}

/** Those of the addresses that the question asks for, whatever the name. */
export function addresses(
  { name, type }: Pick<Question, 'name' | 'type'>,
  all: readonly string[],
  ttlSeconds = 60,
): Answer {
  return { kind: 'records', records: addressRecords(name, type, all, ttlSeconds) }
}

/** The name is an alias of the first target, that of the next, and the last one has the addresses. */
export function aliases(
  { name, type }: Pick<Question, 'name' | 'type'>,
  targets: readonly string[],
  all: readonly string[],
): Answer {
  const owners = [name, ...targets]
  const chain = targets.map(
    (data, index): DnsRecord => ({ name: owners[index] ?? name, type: 'CNAME', data }),
  )
  return { kind: 'records', records: [...chain, ...addressRecords(owners.at(-1) ?? name, type, all)] }
}

/** Two names that are aliases of each other. */
export function aliasLoop({ name }: Pick<Question, 'name'>): Answer {
  const other = `other.${name}`
  return {
    kind: 'records',
    records: [
      { name, type: 'CNAME', data: other },
      { name: other, type: 'CNAME', data: name },
    ],
  }
}

function addressRecords(name: string, type: string, all: readonly string[], ttlSeconds = 60): DnsRecord[] {
  if (type !== 'A' && type !== 'AAAA') return []
  return all
    .filter((address) => isIPv6(address) === (type === 'AAAA'))
    .map((data) => ({ name, type, data, ttlSeconds }))
}

/** Bytes of a message, those of which half is sent, or nothing at all. */
type Reply = Uint8Array | { readonly cutOff: Uint8Array } | 'silence' | 'hang_up'
type Replier = (query: Buffer, transport: Transport) => Promise<Reply>

function encodeAnswer({ id, type, question }: Query, transport: Transport, answer: Answer): Reply {
  switch (answer.kind) {
    case 'silence':
    case 'hang_up':
      return answer.kind
    case 'garbage':
      return answer.bytes
    case 'rcode':
      return encodeResponse({ id, question, rcode: answer.rcode })
    case 'records': {
      const whole = encodeResponse({ id, question, records: answer.records })
      if (transport === 'tcp' || whole.length <= UDP_BYTES_MAX) return whole
      return encodeResponse({ id, question, truncated: true })
    }
    case 'truncated':
    case 'cut_off': {
      if (transport === 'udp') return encodeResponse({ id, question, truncated: true })
      const whole = encodeResponse({ id, question, records: answer.records })
      return answer.kind === 'truncated' ? whole : { cutOff: whole }
    }
    case 'wrong_id':
      return encodeResponse({ id: id ^ 1, question, records: answer.records })
    case 'wrong_question':
      return encodeResponse({ id, question: encodeQuestion(answer.name, type), records: answer.records })
  }
}

function serveUdp(socket: UdpSocket, reply: Replier): void {
  let closed = false
  socket.once('close', () => {
    closed = true
  })
  // A resolver that has given up makes its port unreachable, which is no matter.
  socket.on('error', () => undefined)
  socket.on('message', async (query, peer) => {
    const bytes = await reply(query, 'udp')
    if (bytes instanceof Uint8Array && !closed) socket.send(bytes, peer.port, peer.address)
  })
}

/** RFC 1035, section 4.2.2: every message has its length before it. */
function serveTcp(socket: Socket, reply: Replier): void {
  let unread: Buffer = Buffer.alloc(0)
  socket.on('error', () => undefined)
  socket.on('data', async (bytes: Buffer) => {
    unread = Buffer.concat([unread, bytes])
    const queries: Buffer[] = []
    for (let end = messageEnd(unread); end <= unread.length; end = messageEnd(unread)) {
      queries.push(unread.subarray(2, end))
      unread = unread.subarray(end)
    }
    for (const query of queries) sendTcp(socket, await reply(query, 'tcp'))
  })
}

function sendTcp(socket: Socket, reply: Reply): void {
  if (reply === 'hang_up') socket.end()
  if (typeof reply === 'string') return
  if (reply instanceof Uint8Array) socket.write(withLength(reply))
  else socket.end(withLength(reply.cutOff.subarray(0, reply.cutOff.length >> 1), reply.cutOff.length))
}

function withLength(bytes: Uint8Array, told = bytes.length): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(told)
  return Buffer.concat([length, bytes])
}

function messageEnd(unread: Buffer): number {
  return unread.length < 2 ? Number.POSITIVE_INFINITY : 2 + unread.readUInt16BE(0)
}

function createQuestionLog() {
  const all: Question[] = []
  const counts = new Map<string, number>()
  let waiting: ((question: Question) => void)[] = []
  return {
    all,
    /** How often this was asked by now. */
    add: (question: Question): number => {
      const key = `${question.type} ${question.name}`
      const count = (counts.get(key) ?? 0) + 1
      counts.set(key, count)
      all.push(question)
      for (const tell of waiting) tell(question)
      waiting = []
      return count
    },
    next: () => new Promise<Question>((tell) => waiting.push(tell)),
  }
}

/** TCP takes any free port; another process may have the same one for UDP. */
async function bindBoth(
  wantedPort: number,
  attempt = 1,
): Promise<{ udp: UdpSocket; tcp: Server; port: number }> {
  const tcp = createServer().listen(wantedPort, '127.0.0.1')
  await once(tcp, 'listening')
  // A TCP server always listens on an AddressInfo; the other kinds belong to pipes.
  const { port } = tcp.address() as AddressInfo
  const udp = createSocket('udp4')
  try {
    udp.bind(port, '127.0.0.1')
    await once(udp, 'listening')
    return { udp, tcp, port }
  } catch (error) {
    udp.close()
    tcp.close()
    if (attempt === PORT_ATTEMPTS) throw error
    return await bindBoth(wantedPort, attempt + 1)
  }
}
