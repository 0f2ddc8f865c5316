import { Resolver } from 'node:dns/promises'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { createAskNameServers, createResolver } from '@cimd/egress'
import { afterEach, describe, expect, it } from 'vitest'
import { encodeQuestion, encodeResponse } from './dns-message.ts'
import {
  type Answer,
  addresses,
  aliases,
  aliasLoop,
  type NameServer,
  startNameServer,
  type Zone,
} from './name-server.ts'

const HOST = 'client.example.net'
const V4 = '93.184.215.14'
const V6 = '2606:2800:21f:cb07:6820:80da:af6b:8b2c'

describe(startNameServer, () => {
  let server: NameServer
  afterEach(() => server.close())

  const ask = async (zone: Zone, timeout = 10_000): Promise<Resolver> => {
    server = await startNameServer(zone)
    const resolver = new Resolver({ timeout, tries: 1 })
    resolver.setServers(server.servers)
    return resolver
  }

  it('answers with the addresses of the type that was asked for', async () => {
    const resolver = await ask((question) => addresses(question, [V4, V6, '::ffff:10.0.0.1', '::'], 7))
    expect(await resolver.resolve4(HOST, { ttl: true })).toEqual([{ address: V4, ttl: 7 }])
    expect(await resolver.resolve6(HOST)).toEqual([V6, '::ffff:10.0.0.1', '::'])
    expect(server.questions).toEqual([
      { name: HOST, type: 'A', transport: 'udp' },
      { name: HOST, type: 'AAAA', transport: 'udp' },
    ])
  })

  it('tells the zone how often a question was asked, so that a name can be rebound', async () => {
    const resolver = await ask((question) => addresses(question, [question.count === 1 ? V4 : '127.0.0.1']))
    expect(await resolver.resolve4(HOST)).toEqual([V4])
    expect(await resolver.resolve4(HOST)).toEqual(['127.0.0.1'])
  })

  it('follows aliases to their end', async () => {
    const targets = Array.from({ length: 12 }, (_, index) => `alias-${index}.example.net`)
    const resolver = await ask((question) => aliases(question, targets, [V4]))
    expect(await resolver.resolve4(HOST)).toEqual([V4])
    expect(await resolver.resolveCname(HOST)).toContain('alias-0.example.net')
  })

  it('leaves a resolver with no address in a loop of aliases', async () => {
    const resolver = await ask(aliasLoop)
    expect(await resolver.resolve4(HOST)).toEqual([])
    expect(server.questions).toHaveLength(1)
  })

  it('goes on over TCP when an answer is too long for UDP', async () => {
    const thousand = Array.from({ length: 1000 }, (_, index) => `198.51.${index >> 8}.${index & 255}`)
    const resolver = await ask((question) => addresses(question, thousand))
    expect(await resolver.resolve4(HOST)).toEqual(thousand)
    expect(server.questions.map(({ transport }) => transport)).toEqual(['udp', 'tcp'])
  })

  it('truncates on request', async () => {
    const records = [{ name: HOST, type: 'A', data: V4 }] as const
    const resolver = await ask(() => ({ kind: 'truncated', records }))
    expect(await resolver.resolve4(HOST)).toEqual([V4])
    expect(server.questions.map(({ transport }) => transport)).toEqual(['udp', 'tcp'])
  })

  it.each<[string, Answer, string]>([
    ['SERVFAIL', { kind: 'rcode', rcode: 'SERVFAIL' }, 'ESERVFAIL'],
    ['REFUSED', { kind: 'rcode', rcode: 'REFUSED' }, 'EREFUSED'],
    ['NXDOMAIN', { kind: 'rcode', rcode: 'NXDOMAIN' }, 'ENOTFOUND'],
    ['no data', { kind: 'rcode', rcode: 'NOERROR' }, 'ENODATA'],
    ['silence', { kind: 'silence' }, 'ETIMEOUT'],
    ['an answer to another id', { kind: 'wrong_id', records: [a(HOST)] }, 'ETIMEOUT'],
    [
      'an answer to another question',
      { kind: 'wrong_question', name: 'other.example', records: [a(HOST)] },
      'ETIMEOUT',
    ],
    ['a connection closed early', { kind: 'hang_up' }, 'ETIMEOUT'],
  ])('gives %s', async (_answer, answer, code) => {
    const resolver = await ask(() => answer, code === 'ETIMEOUT' ? 200 : undefined)
    await expect(resolver.resolve4(HOST)).rejects.toMatchObject({ code })
  })

  it('sends any bytes for an answer', async () => {
    const resolver = await ask(() => ({ kind: 'garbage', bytes: Buffer.alloc(64, 0xa5) }))
    await expect(resolver.resolve4(HOST)).rejects.toThrow()
  })

  it('closes the connection amid an answer', async () => {
    server = await startNameServer(() => ({ kind: 'cut_off', records: [a(HOST)] }))
    const query = encodeResponse({ id: 7, question: encodeQuestion(HOST, 'A') })
    const whole = encodeResponse({ id: 7, question: encodeQuestion(HOST, 'A'), records: [a(HOST)] })
    const socket = connect(server.port, '127.0.0.1')
    socket.write(Buffer.concat([Buffer.from([0, query.length]), query]))
    const half = whole.subarray(0, whole.length >> 1)
    expect(await buffer(socket)).toEqual(Buffer.concat([Buffer.from([0, whole.length]), half]))
  })

  it('says records that belong to another name', async () => {
    const resolver = await ask(() => ({ kind: 'records', records: [a('other.example')] }))
    await resolver.resolve4(HOST).catch(() => undefined)
    expect(server.questions).toHaveLength(1)
  })

  it('answers later, changes its mind, and says when it is asked', async () => {
    const { promise, resolve } = Promise.withResolvers<Answer>()
    const resolver = await ask(() => promise)
    const next = server.nextQuestion()
    const resolving = resolver.resolve4(HOST)
    expect(await next).toMatchObject({ name: HOST, type: 'A' })
    resolve({ kind: 'records', records: [a(HOST)] })
    expect(await resolving).toEqual([V4])
    server.answerWith((question) => addresses(question, ['203.0.113.9']))
    expect(await resolver.resolve4(HOST)).toEqual(['203.0.113.9'])
  })

  it('FET-16: is what the resolver of a fetch asks, once per family', async () => {
    server = await startNameServer((question) => addresses(question, [V4, V6]))
    const resolve = createResolver({ servers: server.servers })
    expect(await resolve(HOST, new AbortController().signal)).toEqual([V4, V6])
    expect(server.questions.map(({ type }) => type).sort()).toEqual(['A', 'AAAA'])
  })

  describe('CHG-05: asked for the name servers of a domain', () => {
    const ns = (data: string) => ({ name: HOST, type: 'NS', data }) as const
    const many = Array.from({ length: 40 }, (_, at) => ns(`ns${at + 10}.example`))

    it.each<[what: string, answer: Answer, expected: unknown]>([
      [
        'tells them in one spelling',
        { kind: 'records', records: [ns('NS2.Host.example'), ns('ns1.host.example')] },
        { kind: 'found', names: ['ns1.host.example', 'ns2.host.example'] },
      ],
      [
        'tells no more than any domain has',
        { kind: 'records', records: many },
        { kind: 'found', names: many.slice(0, 32).map(({ data }) => data) },
      ],
      ['says that there is no such domain', { kind: 'rcode', rcode: 'NXDOMAIN' }, { kind: 'absent' }],
      ['has no data', { kind: 'rcode', rcode: 'NOERROR' }, { kind: 'unknown' }],
      ['fails', { kind: 'rcode', rcode: 'SERVFAIL' }, { kind: 'unknown' }],
      ['refuses', { kind: 'rcode', rcode: 'REFUSED' }, { kind: 'unknown' }],
      ['is silent', { kind: 'silence' }, { kind: 'unknown' }],
      ['talks nonsense', { kind: 'garbage', bytes: Buffer.from('nonsense') }, { kind: 'unknown' }],
      [
        'tells names that are none',
        { kind: 'records', records: [ns('a b.example'), ns('<script>.example')] },
        { kind: 'unknown' },
      ],
    ])('%s', async (_, answer, expected) => {
      server = await startNameServer(() => answer)
      const askNameServers = createAskNameServers({ servers: server.servers })
      expect(await askNameServers(HOST, new AbortController().signal)).toEqual(expected)
      expect(new Set(server.questions.map(({ type }) => type))).toEqual(new Set(['NS']))
    })

    it('is no longer waited for once nobody wants to know', async () => {
      server = await startNameServer(() => ({ kind: 'silence' }))
      const over = new AbortController()
      const asking = createAskNameServers({ servers: server.servers })(HOST, over.signal)
      await server.nextQuestion()
      over.abort(new Error('over'))
      await expect(asking).rejects.toThrow('over')
    })
  })
})

function a(name: string) {
  return { name, type: 'A', data: V4 } as const
}
