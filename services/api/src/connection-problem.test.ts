import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { answerBrokenRequest } from './connection-problem.ts'

const server = createServer((_request, response) => response.end())
server.on('clientError', answerBrokenRequest)

/** All that the server says to these bytes before it closes the connection. */
async function answerTo(bytes: string): Promise<{ head: string; body: string }> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.write(bytes)
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n')
  return { head, body }
}

describe('answerBrokenRequest', () => {
  beforeEach(() => once(server.listen(0, '127.0.0.1'), 'listening'))
  afterEach(() => new Promise((resolve) => server.close(resolve)))

  it.each([
    ['no HTTP', 'cimd\r\n\r\n', 400],
    ['headers that are too large', `GET / HTTP/1.1\r\nHost: a\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ])('answers %s with a problem', async (_, bytes, status) => {
    const { head, body } = await answerTo(bytes)
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} .*\r\nContent-Type: application/problem\\+json\r\n`))
    expect(head).toContain(`Content-Length: ${body.length}`)
    expect(JSON.parse(body)).toMatchObject({
      status,
      code: 'bad_request',
      type: 'urn:cimd:problem:bad_request',
    })
  })
})
