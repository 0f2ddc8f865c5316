import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createResolver } from './resolve.ts'

const A = 1
const AAAA = 28
const NXDOMAIN = 3
const SERVFAIL = 2

type Answer = { readonly rcode?: number; readonly records?: readonly Uint8Array[] } | 'silence'
type Zone = Readonly<Record<number, Answer>>

const v4 = (...octets: number[]) => Uint8Array.from(octets)
const v6 = (first: number, second: number) =>
  Uint8Array.from([first >> 8, first & 255, second >> 8, second & 255, ...Array(12).fill(1)])

describe(createResolver, () => {
  let server: Socket
  let questions: { readonly name: string; readonly type: number }[]
  let zone: Zone
  let asked: PromiseWithResolvers<void>

  beforeEach(async () => {
    questions = []
    asked = Promise.withResolvers()
    server = createSocket('udp4', (query, peer) => {
      const question = readQuestion(query)
      questions.push(question)
      const answer = zone[question.type] ?? {}
      if (answer !== 'silence') server.send(respond(query, question.end, answer), peer.port, peer.address)
      if (questions.length === 2) asked.resolve()
    })
    server.bind(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(() => server.close())

  const resolve = (host: string, signal = new AbortController().signal) =>
    createResolver({ servers: [`127.0.0.1:${server.address().port}`] })(host, signal)

  it('FET-16: asks once for A and once for AAAA, for the exact name, and returns every address', async () => {
    zone = {
      [A]: { records: [v4(93, 184, 215, 14), v4(10, 0, 0, 1)] },
      [AAAA]: { records: [v6(0x2606, 0x4700)] },
    }
    expect(await resolve('app.example.com')).toEqual([
      '93.184.215.14',
      '10.0.0.1',
      expect.stringMatching(/^2606:4700:/),
    ])
    expect(questions.map(({ name, type }) => [name, type]).sort()).toEqual([
      ['app.example.com', A],
      ['app.example.com', AAAA],
    ])
  })

  it('is content with one family when the other fails', async () => {
    zone = { [A]: { records: [v4(93, 184, 215, 14)] }, [AAAA]: { rcode: SERVFAIL } }
    expect(await resolve('app.example.com')).toEqual(['93.184.215.14'])
  })

  it.each<[string, Zone]>([
    ['the name does not exist', { [A]: { rcode: NXDOMAIN }, [AAAA]: { rcode: NXDOMAIN } }],
    ['the name has no addresses', { [A]: {}, [AAAA]: {} }],
  ])('rejects with dns_not_found when %s', async (_case, answers) => {
    zone = answers
    await expect(resolve('app.example.com')).rejects.toMatchObject({ code: 'dns_not_found' })
  })

  it('rejects with dns_failed when a name server fails, even if the other family is merely absent', async () => {
    zone = { [A]: {}, [AAAA]: { rcode: SERVFAIL } }
    await expect(resolve('app.example.com')).rejects.toMatchObject({ code: 'dns_failed' })
  })

  it('FET-23: gives up the moment the signal aborts, though the name server stays silent', async () => {
    zone = { [A]: 'silence', [AAAA]: 'silence' }
    const control = new AbortController()
    const resolving = resolve('app.example.com', control.signal)
    await asked.promise
    control.abort(new Error('enough'))
    await expect(resolving).rejects.toThrow('enough')
  })
})

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), end: at + 5 }
}

/** Header, the question repeated, and answers that point back at its name. */
function respond(query: Buffer, questionEnd: number, answer: Exclude<Answer, 'silence'>): Buffer {
  const records = answer.records ?? []
  const header = Buffer.from(query.subarray(0, 12))
  header.writeUInt16BE(0x8180 | (answer.rcode ?? 0), 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(records.length, 6)
  header.writeUInt32BE(0, 8)
  const answers = records.map((data) => {
    const head = Buffer.from([0xc0, 12, 0, data.length === 4 ? A : AAAA, 0, 1, 0, 0, 0, 60, 0, data.length])
    return Buffer.concat([head, data])
  })
  return Buffer.concat([header, query.subarray(12, questionEnd), ...answers])
}
