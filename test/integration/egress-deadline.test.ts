import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { FetchResult } from '@cimd/core'
import type { Dial } from '@cimd/egress'
import { describe, expect, it } from 'vitest'
import { HOST, JSON_TYPE, listenSilently, PATH, setupEgress } from './egress-bundle.ts'

/** Long enough for a busy machine to reach the phase under test, short enough to wait for. */
const DEADLINE_MS = 5000
/** What a busy machine may add to a deadline before we call it missed. */
const SLACK_MS = 10_000

describe('the guarded fetch and its time', () => {
  const bed = setupEgress()

  describe('the deadline', () => {
    const expectAtDeadline = async (code: string, fetching: Promise<FetchResult>) => {
      const result = await fetching
      expect(result).toMatchObject({ kind: 'failed', code })
      expect(result.evidence.times.totalMs).toBeGreaterThan(DEADLINE_MS - 50)
      expect(result.evidence.times.totalMs).toBeLessThan(DEADLINE_MS + SLACK_MS)
    }

    it('FET-23: ends an endless trickle, which no idle timer would', async () => {
      const trickles: NodeJS.Timeout[] = []
      bed.origin.serve(HOST, PATH, (_request, response) => {
        response.writeHead(200, JSON_TYPE)
        trickles.push(setInterval(() => response.write(' '), 20))
      })
      await expectAtDeadline('timeout_body', bed.fetchOnce({ deadlineMs: DEADLINE_MS }))
      for (const trickle of trickles) clearInterval(trickle)
    })

    it('FET-23: ends a wait for headers', async () => {
      bed.origin.serve(HOST, PATH, () => undefined)
      await expectAtDeadline('timeout_response', bed.fetchOnce({ deadlineMs: DEADLINE_MS }))
    })

    it('FET-23: ends a stalled TLS handshake', async () => {
      const silent = await listenSilently()
      await expectAtDeadline('timeout_connect', bed.fetchOnce({ deadlineMs: DEADLINE_MS, dial: silent.dial }))
      await silent.close()
    })

    it('FET-23: ends a dial that never settles, though it ignores its signal', async () => {
      const dial: Dial = () => new Promise(() => undefined)
      await expectAtDeadline('timeout_connect', bed.fetchOnce({ deadlineMs: DEADLINE_MS, dial }))
    })

    it('FET-23: ends a resolution that never settles, though it ignores its signal', async () => {
      const resolve = () => new Promise<never>(() => undefined)
      await expectAtDeadline('timeout_dns', bed.fetchOnce({ deadlineMs: DEADLINE_MS, resolve }))
      expect(bed.origin.connections).toBe(0)
    })

    it('destroys a socket that a dial delivers after the deadline', async () => {
      const late = Promise.withResolvers<void>()
      const arrived = Promise.withResolvers<Socket>()
      const dial: Dial = async () => {
        await late.promise
        const socket = connect({ host: '127.0.0.1', port: bed.origin.port })
        await once(socket, 'connect')
        arrived.resolve(socket)
        return socket
      }
      await expectAtDeadline('timeout_connect', bed.fetchOnce({ deadlineMs: DEADLINE_MS, dial }))
      late.resolve()
      const socket = await arrived.promise
      if (!socket.closed) await once(socket, 'close')
      expect(socket.destroyed).toBe(true)
    })
  })
})
