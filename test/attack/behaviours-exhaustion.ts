import { answer, CHUNKED, chunk, chunkedBody, head, JSON_TYPE, message, OK, okMessage } from './messages.ts'
import { repeat, type Script, sendForever } from './wire.ts'

const PIECE_BYTES = 16_384
/** White space may follow JSON: a client that parses as it reads would be content with every bit of it. */
const BLANKS = Buffer.alloc(PIECE_BYTES, ' ')
const LETTERS = Buffer.alloc(PIECE_BYTES, 'a')
const EARLY_HINTS = head('HTTP/1.1 103 Early Hints', ['link: </a>; rel=preload'])
const MANY_HINTS = Buffer.concat(Array(100).fill(EARLY_HINTS))
const HEADER_LINES = Buffer.from('x-more: and more\r\n'.repeat(500))

/** Opens with bytes of its own and goes on with one piece forever. */
const endless = (open: (document: Buffer) => Uint8Array, piece: Uint8Array): Script => {
  return async (exchange) => {
    await exchange.send(open(exchange.document))
    await sendForever(exchange, piece)
  }
}

/** Opens with bytes of its own and goes on with one piece at a time. */
const slow = (open: (document: Buffer) => Uint8Array, piece: string, everyMs: number): Script => {
  return async (exchange) => {
    await exchange.send(open(exchange.document))
    await repeat(exchange, piece, { everyMs })
  }
}

/** A head whose last header line is not yet ended. */
const openHead = (line: string) => Buffer.from(`${OK}\r\n${JSON_TYPE}\r\n${line}`)

/** Answers that take time, memory or attention without end. */
export const EXHAUSTION = {
  /** Reads the request and never says a word. */
  hdr_stall: async () => undefined,
  hdr_stall_mid: answer(() => openHead('x-unfinished: ')),
  hdr_trickle: slow(() => openHead('x-slow: '), 'a', 20),
  hdr_trickle_lines: slow(() => openHead(''), 'x-slow: a\r\n', 20),
  hdr_20k: answer(({ document }) => message(OK, [JSON_TYPE, `x-long: ${'a'.repeat(20_000)}`], document)),
  /** 15 kB in all: below a cap in bytes, far above any sensible count. */
  hdr_3000: answer(({ document }) => message(OK, [JSON_TYPE, ...Array(3000).fill('a:b')], document)),
  hdr_infinite: endless(() => openHead(''), HEADER_LINES),
  hdr_line_infinite: endless(() => openHead('x-long: '), LETTERS),
  hdr_name_infinite: endless(() => openHead(''), LETTERS),
  reason_infinite: endless(() => Buffer.from('HTTP/1.1 200 '), LETTERS),
  i1xx_flood: endless(() => EARLY_HINTS, MANY_HINTS),
  i1xx_slow: slow(() => Buffer.alloc(0), head('HTTP/1.1 102 Processing').toString(), 700),
  i1xx_50: answer((exchange) => Buffer.concat([...Array(50).fill(EARLY_HINTS), okMessage(exchange)])),
  i1xx_20k: answer((exchange) =>
    Buffer.concat([head('HTTP/1.1 103 Early Hints', [`x-long: ${'a'.repeat(20_000)}`]), okMessage(exchange)]),
  ),
  i100: answer((exchange) => Buffer.concat([head('HTTP/1.1 100 Continue'), okMessage(exchange)])),
  body_trickle: slow(() => head(OK, [JSON_TYPE, 'content-length: 5120']), ' ', 20),
  body_trickle_chunked: slow(() => head(OK, [JSON_TYPE, CHUNKED]), '1\r\n \r\n', 20),
  body_trickle_chunk_size: slow(() => head(OK, [JSON_TYPE, CHUNKED]), '0', 20),
  close_delim_infinite: endless(
    (document) => Buffer.concat([head(OK, [JSON_TYPE, 'connection: close']), document]),
    BLANKS,
  ),
  /** The length is honest; nobody would wait for the end of it. */
  cl_infinite: endless(
    (document) => Buffer.concat([head(OK, [JSON_TYPE, 'content-length: 9007199254740991']), document]),
    BLANKS,
  ),
  chunk_infinite: endless(
    (document) => Buffer.concat([head(OK, [JSON_TYPE, CHUNKED]), chunk(document)]),
    chunk(BLANKS),
  ),
  chunk_ext: endless(() => Buffer.concat([head(OK, [JSON_TYPE, CHUNKED]), Buffer.from('5;')]), LETTERS),
  /** Five bytes of wire for one of body. */
  chunk_tiny: endless(() => head(OK, [JSON_TYPE, CHUNKED]), Buffer.from('1\r\n \r\n'.repeat(2000))),
  /** Every chunk is small and legal; its extension is not. */
  chunk_ext_each: endless(
    () => head(OK, [JSON_TYPE, CHUNKED]),
    Buffer.from(`1;${'a'.repeat(8000)}\r\n \r\n`),
  ),
  trailers: endless(
    (document) => Buffer.concat([head(OK, [JSON_TYPE, CHUNKED]), chunk(document), Buffer.from('0\r\n')]),
    HEADER_LINES,
  ),
  trailers_few: answer(({ document }) =>
    Buffer.concat([
      head(OK, [JSON_TYPE, CHUNKED]),
      chunkedBody(document).subarray(0, -2),
      Buffer.from('content-type: text/html\r\nx-more: a\r\n\r\n'),
    ]),
  ),
  /** A whole answer, and then as much again as the client will take. */
  extra_infinite: async (exchange) => {
    await exchange.send(okMessage(exchange))
    await sendForever(exchange, okMessage(exchange))
  },
} as const satisfies Readonly<Record<string, Script>>
