import { once } from 'node:events'
import { request } from 'node:https'
import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Authority, createAuthority } from '../harness/authority.ts'
import { documentOf } from '../harness/documents.ts'
import { BEHAVIOURS, type BehaviourName, isBehaviour } from './behaviours.ts'
import { type HostileOrigin, startHostileOrigin } from './hostile-origin.ts'
import cases from './ssrf-cases.json' with { type: 'json' }

const HOST = 'client.example.net'
const ANY_ADDRESS = '93.184.215.14'
const GET = `GET /c.json HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`

let authority: Authority
let origin: HostileOrigin

beforeAll(async () => {
  authority = await createAuthority()
  origin = await startHostileOrigin({ authority })
})
afterAll(() => origin.close())

const dial = (behaviour: BehaviourName) =>
  origin.dialFor(behaviour)(ANY_ADDRESS, 443, new AbortController().signal)

const secure = (socket: Socket, options = {}) =>
  connect({ socket, servername: HOST, ca: origin.ca, ALPNProtocols: ['http/1.1'], ...options })

/** The first bytes of an answer, as they come out of TLS. */
async function receive(behaviour: BehaviourName, bytes: number): Promise<string> {
  const socket = secure(await dial(behaviour))
  await once(socket, 'secureConnect')
  socket.write(GET)
  let text = ''
  for await (const piece of socket) {
    text += piece.toString('latin1')
    if (text.length >= bytes) break
  }
  return text
}

/** What node:https makes of it. */
async function get(socket: Socket, path = '/c.json'): Promise<{ status?: number; body: string }> {
  const asking = request({
    host: HOST,
    defaultPort: 443,
    path,
    createConnection: () => secure(socket),
  }).end()
  const [response] = await once(asking, 'response')
  let body = ''
  for await (const piece of response) body += piece
  socket.destroy()
  return { status: response.statusCode, body }
}

describe(startHostileOrigin, () => {
  afterEach(() => origin.drained())

  it('knows every behaviour that the cases name', () => {
    const named = cases.cases.filter(({ id }) => id.startsWith('srv-')).map((row) => row.server_behaviour)
    expect(named.filter((name) => typeof name !== 'string' || !isBehaviour(name))).toEqual([])
  })

  it.each([
    'ok',
    'ok_chunked',
    'ok_5120',
    'ok_close_delimited',
    'ok_identity',
    'ok_one_103',
    'ok_cacheable',
    'ok_http10',
    'ok_charset',
    'ok_cimd_json',
    'redirect_refresh',
    'hdr_trickle_slow_ok',
    'extra_after',
    'keepalive_poison',
    'tls_12',
    'tls_13',
    'tls_renegotiate',
  ] as const)('%s gives the document of the URL that was asked for', async (behaviour) => {
    const { status, body } = await get(await dial(behaviour))
    expect(status).toBe(200)
    expect(JSON.parse(body)).toMatchObject(documentOf(`https://${HOST}/c.json`))
  })

  it('lets the path decide, and answers 404 where it names nothing', async () => {
    const dialByPath = () => origin.dialByPath(ANY_ADDRESS, 443, new AbortController().signal)
    expect(await get(await dialByPath(), '/s410/c.json')).toMatchObject({ status: 410 })
    expect(await get(await dialByPath(), '/ok_chunked/c.json')).toEqual({
      status: 200,
      body: JSON.stringify(documentOf(`https://${HOST}/ok_chunked/c.json`)),
    })
    expect(await get(await dialByPath(), '/c.json')).toMatchObject({ status: 404 })
    await origin.drained()
    expect(origin.connections.slice(-3).map(({ behaviour }) => behaviour)).toEqual([
      's410',
      'ok_chunked',
      's404',
    ])
  })

  it.each<[BehaviourName, RegExp]>([
    ['bare_lf', /^HTTP\/1\.1 200 OK\ncontent-type: application\/json\n/],
    ['cl_te', /content-length: \d+\r\ntransfer-encoding: chunked\r\n/],
    ['nul_hdr', /x-nul: a\0b\r\n/],
    ['split_bare_cr', /x-reflected: a\rcontent-length: 0\r\n/],
    ['split_crlf', /content-length: 0\r\n\r\nHTTP\/1\.1 200 OK\r\n[\s\S]*evil\.example/],
    ['h2_frames', /^\0{3}[^\0]\0{5}/],
    ['h2_preface', /^PRI \* HTTP\/2\.0\r\n\r\nSM\r\n\r\n/],
    ['http09', /^\{"client_id"/],
    ['redirect_308_meta', /^HTTP\/1\.1 308 [\s\S]*location: http:\/\/169\.254\.169\.254\//],
    ['redirect_300_missing', /^HTTP\/1\.1 300 (?![\s\S]*location:)/],
    ['bot_challenge', /^HTTP\/1\.1 403 [\s\S]*cf-mitigated: challenge\r\n/],
  ])('%s sends the bytes it is named for', async (behaviour, bytes) => {
    expect(await receive(behaviour, 20)).toMatch(bytes)
  })

  it.each<[BehaviourName, string]>([
    ['tls_selfsigned', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['tls_expired', 'CERT_HAS_EXPIRED'],
    ['tls_not_yet_valid', 'CERT_NOT_YET_VALID'],
    ['tls_wrong_name', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['tls_unknown_root', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['tls_11', 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'],
    ['tls_alpn_h2', 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL'],
    ['tls_plaintext_http', 'ERR_SSL_WRONG_VERSION_NUMBER'],
    ['tls_garbage', 'ERR_SSL_WRONG_VERSION_NUMBER'],
    ['tls_warning_flood', 'ERR_SSL_TOO_MANY_WARN_ALERTS'],
    ['tls_rst', 'ECONNRESET'],
    ['rst_before_answer', 'ECONNRESET'],
  ])('%s fails in Node with %s', async (behaviour, code) => {
    await expect(receive(behaviour, 1)).rejects.toMatchObject({ code })
  })

  it('tls_client_cert_required fails in Node with its alert, or with a reset that overtakes it', async () => {
    const code = expect.stringMatching(/^(ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED|ECONNRESET|EPIPE)$/)
    await expect(receive('tls_client_cert_required', 1)).rejects.toMatchObject({ code })
  })

  it('tls_11 speaks TLS 1.1 to whoever still does', async () => {
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }
    const socket = secure(await dial('tls_11'), old)
    await once(socket, 'secureConnect')
    expect(socket.getProtocol()).toBe('TLSv1.1')
    socket.destroy()
  })

  it('tls_cn_only names the host in its subject alone', async () => {
    const socket = secure(await dial('tls_cn_only'), { rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const certificate = socket.getPeerCertificate()
    expect([certificate.subject.CN, certificate.subjectaltname]).toEqual([HOST, undefined])
    socket.destroy()
  })

  it('tcp_refused refuses, and nothing listens on another port', async () => {
    await expect(dial('tcp_refused')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    const elsewhere = origin.dialFor('ok')(ANY_ADDRESS, 8443, new AbortController().signal)
    await expect(elsewhere).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('records connections, bytes and requests as they came', async () => {
    const before = origin.accepted
    await get(await dial('s451'))
    await origin.drained()
    expect(origin.accepted).toBe(before + 1)
    expect(origin.connections.at(-1)).toMatchObject({ behaviour: 's451' })
    expect(origin.connections.at(-1)?.bytesIn).toBeGreaterThan(GET.length)
    expect(origin.requestsOf('s451')[0]?.toString()).toMatch(/^GET \/c\.json HTTP\/1\.1\r\n[\s\S]*\r\n\r\n$/)
  })

  it('counts sessions that were resumed', async () => {
    const before = origin.resumedSessions
    const first = secure(await dial('ok'))
    first.write(GET)
    const [session] = await once(first, 'session')
    first.destroy()
    expect(origin.resumedSessions).toBe(before)
    const second = secure(await dial('ok'), { session })
    second.write(GET)
    await once(second, 'data')
    second.destroy()
    expect(origin.resumedSessions).toBe(before + 1)
  })

  it('an endless answer waits for a client that does not read', async () => {
    const socket = secure(await dial('close_delim_infinite'))
    socket.write(GET)
    await once(socket, 'readable')
    const sent = () => origin.connections.at(-1)?.bytesOut
    await expect.poll(async () => await standsStill(sent), { timeout: 5000 }).toBe(true)
    socket.destroy()
  })
})

describe('a hostile origin whose clients have left', () => {
  it('keeps no socket and no timer, whatever it was about to do', async () => {
    const before = resources()
    const own = await startHostileOrigin({ authority })
    const names = Object.keys(BEHAVIOURS).filter(isBehaviour)
    const clients = await Promise.all(names.map((name) => provoke(own, name)))
    for (const client of clients) client?.destroy()
    await own.drained()
    expect(own.openConnections).toBe(0)
    await own.close()
    expect(await stillGrown(before)).toEqual([])
  })

  it('lets go of clients that stay when it closes', async () => {
    const before = resources()
    const own = await startHostileOrigin({ authority })
    const clients = await Promise.all(
      (['hdr_trickle', 'tls_trickle', 'hdr_infinite', 'tls_hang'] as const).map((name) => provoke(own, name)),
    )
    await own.close()
    for (const client of clients) client?.destroy()
    expect(await stillGrown(before)).toEqual([])
  })
})

/** Connects, asks, and waits for the first bytes or a sign that none will come. */
async function provoke(from: HostileOrigin, behaviour: BehaviourName): Promise<TLSSocket | undefined> {
  const dialled = await from
    .dialFor(behaviour)(ANY_ADDRESS, 443, new AbortController().signal)
    .catch(() => undefined)
  if (dialled === undefined) return undefined
  const socket = secure(dialled)
  socket.on('error', () => undefined)
  socket.write(GET)
  await Promise.race([once(socket, 'readable').catch(() => undefined), turns(200)])
  return socket
}

/** Timers that the test runner sets now and then are gone by then; what a hostile origin forgot is not. */
const SETTLING_MS = 8000

/** What remains of what came since. */
async function stillGrown(before: ReadonlyMap<string, number>): Promise<string[]> {
  const startedAt = performance.now()
  while (grownSince(before).length > 0 && performance.now() - startedAt < SETTLING_MS) await turns(3)
  return grownSince(before)
}

/** Handles are gone from the books one turn of the event loop after they closed. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await setImmediate()
}

async function standsStill(measure: () => number | undefined): Promise<boolean> {
  const before = measure()
  await turns(500)
  return measure() === before
}

/** How many sockets, servers and timers keep the process busy. */
function resources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo())
    if (/^(TCP|TLS|UDP|Timeout)/.test(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}

function grownSince(before: ReadonlyMap<string, number>): string[] {
  return [...resources()].filter(([kind, count]) => count > (before.get(kind) ?? 0)).map(([kind]) => kind)
}
