import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { ResourceKind } from '@cimd/core'
import { type Dial, dialTcp } from '@cimd/egress'
import { describe, expect, it } from 'vitest'
import type { Handler } from '../harness/origin.ts'
import { HOST, PATH, setupEgress } from './egress-bundle.ts'

/** What somebody between fetcher and origin does, who has no key. */
type Meddling = {
  /** Goes along with the first bytes of the origin. */
  readonly alongFirst?: Buffer
  /** When everything the origin had to say has been passed on. */
  readonly atEnd?: (fetcher: Socket) => void
}

const GARBAGE = Buffer.alloc(400_000, 0x41)
/** A close_notify as anybody can write it, without encryption. */
const FORGED_CLOSE = Buffer.from('15030300020100', 'hex')

/** Passes bytes on between a fetcher and an origin on loopback. */
async function listenBetween(originPort: number, { alongFirst, atEnd }: Meddling) {
  const server = createServer((fetcher) => {
    const origin = connect({ host: '127.0.0.1', port: originPort })
    for (const socket of [fetcher, origin]) socket.on('error', () => undefined)
    fetcher.on('data', (bytes: Buffer) => origin.write(bytes))
    fetcher.once('close', () => origin.destroy())
    if (alongFirst !== undefined)
      origin.once('data', (bytes: Buffer) => fetcher.write(Buffer.concat([bytes, alongFirst])))
    else origin.on('data', (bytes) => fetcher.write(bytes))
    origin.once('end', () => atEnd?.(fetcher))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const dial: Dial = (_address, _port, signal) => dialTcp('127.0.0.1', port, signal)
  return { dial, [Symbol.asyncDispose]: async () => void (await once(server.close(), 'close')) }
}

/** An answer as it is written, after which the origin goes without a word of TLS. */
function says(head: string, body: string): Handler {
  return (_request, response) => {
    response.socket?.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`, () => response.destroy())
  }
}

describe('the guarded fetch and somebody on the way', () => {
  const bed = setupEgress()

  const fetchThrough = async (meddling: Meddling, handler: Handler, resource: ResourceKind = 'document') => {
    bed.origin.serve(HOST, PATH, handler)
    await using between = await listenBetween(bed.origin.port, meddling)
    return await bed.fetchOnce({ dial: bed.recording(between.dial), resource, deadlineMs: 30_000 })
  }

  describe('who adds to the connection', () => {
    const unfinished = says('content-type: application/json\r\ncontent-length: 400', '{"cli')
    const expectBroken = async (fetching: ReturnType<typeof fetchThrough>) => {
      const result = await fetching
      expect(result).toMatchObject({ kind: 'failed', code: 'tls_failed' })
      expect(result.evidence.times.totalMs).toBeLessThan(15_000)
    }

    it.each([
      ['garbage', GARBAGE],
      ['a forged close_notify', FORGED_CLOSE],
    ])('FET-24: says at once that TLS is broken, whatever the body was: %s', async (_what, bytes) => {
      await expectBroken(fetchThrough({ atEnd: (fetcher) => fetcher.write(bytes) }, unfinished))
    })

    it('FET-24: says so before any answer', async () => {
      const silent: Handler = (_request, response) => void response.destroy()
      await expectBroken(fetchThrough({ atEnd: (fetcher) => fetcher.write(GARBAGE) }, silent))
    })

    it('FET-24: says so where it comes along with the end of the handshake', async () => {
      await expectBroken(fetchThrough({ alongFirst: FORGED_CLOSE }, unfinished))
    })
  })

  describe('who ends the connection', () => {
    const cuts = [
      ['a FIN', (fetcher: Socket) => void fetcher.end()],
      ['an RST', (fetcher: Socket) => void fetcher.resetAndDestroy()],
    ] as const
    const json = 'content-type: application/json\r\nconnection: close'

    it.each(cuts)(
      'FET-24: takes half of a body without a length for no document: %s',
      async (_what, atEnd) => {
        for (const resource of ['document', 'jwks'] as const)
          expect(await fetchThrough({ atEnd }, says(json, '{"client_id":'), resource)).toMatchObject({
            kind: 'failed',
            code: 'response_incomplete',
          })
      },
    )

    it.each(cuts)('FET-24: takes none of a body for no document: %s', async (_what, atEnd) => {
      const result = await fetchThrough({ atEnd }, says(json, ''))
      expect(result).toMatchObject({ kind: 'failed', code: 'response_incomplete' })
    })

    it('takes JSON that is whole by itself, and leaves every other judgement to its judge', async () => {
      const [[, atEnd]] = cuts
      for (const body of ['{"a":1}', '\ufeff{}', '"text"', '{"a":1}\r\n'])
        expect(await fetchThrough({ atEnd }, says(json, body))).toMatchObject({
          kind: 'fetched',
          body: new TextEncoder().encode(body),
        })
    })

    it('FET-13: takes no logo whose end nobody vouches for', async () => {
      const [[, atEnd]] = cuts
      expect(await fetchThrough({ atEnd }, says('content-type: image/png', '{}'), 'logo')).toMatchObject({
        kind: 'failed',
        code: 'response_incomplete',
      })
    })
  })
})
