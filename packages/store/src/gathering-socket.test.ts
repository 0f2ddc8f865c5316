import { once } from 'node:events'
import { type AddressInfo, createServer, Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { GatheringSocket } from './gathering-socket.ts'

/** Connects a socket to an end that keeps what it hears. */
async function connectTo(socket: Socket) {
  const heard: string[] = []
  const server = createServer((peer) => {
    peer.setEncoding('utf8').on('data', (text: string) => heard.push(text))
    peer.on('end', () => server.close())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  socket.connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  return { heard, closed: once(server, 'close') }
}

/** Writes three times with nothing but resolved promises in between. Returns what had not gone out before the third. */
async function writeThrice(socket: Socket): Promise<number> {
  socket.write('begin;')
  await Promise.resolve()
  socket.write('select;')
  await Promise.resolve()
  const waiting = socket.writableLength
  socket.write('commit;')
  return waiting
}

describe('GatheringSocket', () => {
  it('sends together what nothing is waited for in between', async () => {
    using socket = disposable(new GatheringSocket())
    const { heard, closed } = await connectTo(socket)
    expect(await writeThrice(socket)).toBe('begin;select;'.length)
    socket.end()
    await closed
    expect(heard).toEqual(['begin;select;commit;'])
  })

  it('sends what comes later with what comes then', async () => {
    using socket = disposable(new GatheringSocket())
    const { heard, closed } = await connectTo(socket)
    await new Promise((resolve) => socket.write('first;', resolve))
    expect(await writeThrice(socket)).toBe('begin;select;'.length)
    socket.end('last;')
    await closed
    expect(heard.join('')).toBe('first;begin;select;commit;last;')
  })

  it('is needed: another socket sends at once', async () => {
    using socket = disposable(new Socket())
    const { heard, closed } = await connectTo(socket)
    expect(await writeThrice(socket)).toBeLessThan('begin;select;'.length)
    socket.end()
    await closed
    expect(heard.join('')).toBe('begin;select;commit;')
  })
})

function disposable<S extends Socket>(socket: S): S & Disposable {
  return Object.assign(socket, { [Symbol.dispose]: () => void socket.destroy() })
}
