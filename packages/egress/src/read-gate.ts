import type { TLSSocket } from 'node:tls'
import type { FailureCode } from '@cimd/core'
import type { Attempt } from './attempt.ts'
import { FetchError } from './fetch-error.ts'

/** Far above what an honest head has; the lines that core then judges are fewer. */
const HEAD_LINES_MAX = 256

/** The parser reads all it is given to the end, also when it has long refused it. */
const PIECE_BYTES_MAX = 4096

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** Of what the parser is given: all heads together, and the body with its framing and trailers. */
type BytesMax = { readonly head: number; readonly body: number }

/** These bytes came through TLS: they are the publisher's. */
const EXCEEDED_IN_PART: Readonly<Record<keyof BytesMax, FailureCode>> = {
  head: 'headers_too_large',
  body: 'too_large',
}

/**
 * Looks at what is read before the parser does. Bytes that reach no callback of its own, such as chunk extensions, are
 * counted with all others; and a head of too many lines ends here, since the parser makes several objects of each, so
 * that thousands of the shortest ones, all within the bound of bytes, cost a hundred times what they weigh (FET-11).
 */
export function gateReads(socket: TLSSocket, bytesMax: BytesMax, attempt: Attempt): void {
  const read = socket.read.bind(socket)
  const head = countHeadLines()
  const bytes = { head: 0, body: 0 }
  socket.read = (size?: number) => {
    if (attempt.signal.aborted || socket.destroyed) return null
    const whole: Buffer | null = read(size)
    if (whole === null) return null
    const piece = whole.subarray(0, PIECE_BYTES_MAX)
    if (piece.length < whole.length) socket.unshift(whole.subarray(piece.length))
    const part = attempt.phase() === 'body' ? 'body' : 'head'
    bytes[part] += piece.length
    if (bytes[part] > bytesMax[part]) attempt.fail(tooMuch(part, bytesMax[part]))
    if (head.count(piece) > HEAD_LINES_MAX) {
      attempt.fail(new FetchError('headers_too_large', `more than ${HEAD_LINES_MAX} header lines`))
    }
    return attempt.signal.aborted ? null : piece
  }
}

function tooMuch(part: keyof BytesMax, bytesMax: number): FetchError {
  return new FetchError(EXCEEDED_IN_PART[part], `more than ${bytesMax} bytes of ${part}, whatever they were`)
}

/** Reads heads as they stream by: interim ones and the final one, and nothing after it. */
export function countHeadLines(): { count(chunk: Uint8Array): number } {
  let lines = 0
  let isFinalOver = false
  let lineLength = 0
  let statusLine = ''
  const endLine = (): void => {
    lines += 1
    if (lineLength === 0 && statusLine !== '') {
      // A blank line ends a head; another head follows an interim one (RFC 9112 section 2.1).
      isFinalOver = !/^HTTP\/1\.\d 1\d\d/.test(statusLine)
      statusLine = ''
    }
    lineLength = 0
  }
  return {
    count: (chunk) => {
      for (const byte of chunk) {
        if (isFinalOver) break
        if (byte === LINE_FEED) endLine()
        else if (byte !== CARRIAGE_RETURN) {
          lineLength += 1
          if (statusLine.length < 12) statusLine += String.fromCharCode(byte)
        }
      }
      return lines
    },
  }
}
