import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dialTcp } from './dial.ts'

describe('dialTcp', () => {
  let server: Server
  let port: number

  beforeEach(async () => {
    server = createServer((socket) => socket.on('error', () => undefined).resume())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  })
  afterEach(async () => {
    await new Promise((closed) => server.close(closed))
  })

  it('FET-16: connects to exactly the literal address it is given', async () => {
    const socket = await dialTcp('127.0.0.1', port, new AbortController().signal)
    expect(socket.remoteAddress).toBe('127.0.0.1')
    socket.destroy()
  })

  it('FET-16: never looks up a name', async () => {
    await expect(dialTcp('localhost', port, new AbortController().signal)).rejects.toThrow(TypeError)
  })

  it('rejects with the code of the system when nobody listens', async () => {
    await new Promise((closed) => server.close(closed))
    await expect(dialTcp('127.0.0.1', port, new AbortController().signal)).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    })
  })

  it('FET-23: rejects at once when the signal has aborted', async () => {
    await expect(dialTcp('127.0.0.1', port, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  })
})
