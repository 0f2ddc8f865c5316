import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { requestProblem } from './problem.ts'

/** What Node's parser has against a request, by its code; all else is no HTTP. */
const STATUSES: ReadonlyMap<string | undefined, number> = new Map([
  ['HPE_HEADER_OVERFLOW', 431],
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
])

/** Answers what never became a request with a problem (RFC 9457), and closes its connection. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = STATUSES.get(error.code) ?? 400
  const { code, ...problem } = requestProblem('bad_request')
  const body = JSON.stringify({ type: `urn:cimd:problem:${code}`, ...problem, status, code })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}
