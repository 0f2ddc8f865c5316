import { gzipSync } from 'node:zlib'
import {
  answer,
  answerAndEnd,
  CHUNKED,
  chunk,
  chunkedBody,
  FOREIGN_DOCUMENT,
  head,
  JSON_TYPE,
  message,
  OK,
  okMessage,
} from './messages.ts'
import type { Exchange, Script } from './wire.ts'

/** An empty SETTINGS frame and a PING, as an HTTP/2 server would open with. */
const H2_FRAMES = Buffer.from('000000040000000000' + '0000080600000000000000000000000000', 'hex')

/** The honest body under header lines of one's own. */
const under = (lines: readonly string[], body: (document: Buffer) => Buffer = (document) => document) =>
  answer(({ document }) => Buffer.concat([head(OK, [JSON_TYPE, ...lines]), body(document)]))

/** The honest answer with a header line more. */
const withLine = (line: string) => answer(({ document }) => message(OK, [JSON_TYPE, line], document))

/** Half of the document under a truthful length, and then something happens. */
const halfThen = (happen: (exchange: Exchange) => Promise<void> | void): Script => {
  return async (exchange) => {
    const whole = okMessage(exchange)
    await exchange.send(whole.subarray(0, whole.length - (exchange.document.length >> 1)))
    // Time to be read: a reset discards what the client has not taken yet.
    await exchange.pause(20)
    await happen(exchange)
  }
}

/** Answers whose framing lies, contradicts itself or is not HTTP/1.1 at all. */
export const FRAMING = {
  cl_huge: under(['content-length: 10737418240']),
  cl_neg: under(['content-length: -1']),
  cl_plus: answer(({ document }) =>
    Buffer.concat([head(OK, [JSON_TYPE, `content-length: +${document.length}`]), document]),
  ),
  cl_twice: withLine('content-length: 5'),
  cl_te: answer(({ document }) =>
    Buffer.concat([
      head(OK, [JSON_TYPE, `content-length: ${document.length}`, CHUNKED]),
      chunkedBody(document),
    ]),
  ),
  /** The document ends before the body does, and the rest stays behind on the connection. */
  cl_too_short: answer(({ document }) =>
    Buffer.concat([head(OK, [JSON_TYPE, `content-length: ${document.length - 10}`]), document]),
  ),
  cl_too_long: answer(({ document }) =>
    Buffer.concat([head(OK, [JSON_TYPE, `content-length: ${document.length + 100}`]), document]),
  ),
  trunc_cl: answerAndEnd(({ document }) =>
    Buffer.concat([head(OK, [JSON_TYPE, `content-length: ${document.length + 100}`]), document]),
  ),
  trunc_chunked: answerAndEnd(({ document }) =>
    Buffer.concat([head(OK, [JSON_TYPE, CHUNKED]), chunk(document)]),
  ),
  /** Nobody needs to know a key to end a TCP connection. */
  trunc_without_notify: async (exchange) => {
    const { document } = exchange
    await exchange.send(
      Buffer.concat([head(OK, [JSON_TYPE, 'connection: close']), document.subarray(0, -10)]),
    )
    exchange.cut()
  },
  te_gzip: under(['transfer-encoding: gzip, chunked'], (document) => chunkedBody(gzipSync(document))),
  te_unknown: answerAndEnd(({ document }) =>
    Buffer.concat([head(OK, [JSON_TYPE, 'transfer-encoding: xchunked']), document]),
  ),
  te_dup: under([CHUNKED, CHUNKED], chunkedBody),
  te_list: under(['transfer-encoding: chunked, chunked'], chunkedBody),
  chunk_overflow: under([CHUNKED], (document) =>
    Buffer.concat([Buffer.from('FFFFFFFFFFFFFFFFF\r\n'), document]),
  ),
  chunk_negative: under([CHUNKED], (document) => Buffer.concat([Buffer.from('-1\r\n'), document])),
  /** A chunk that is longer than it says. */
  chunk_overrun: under([CHUNKED], (document) =>
    Buffer.concat([Buffer.from('5\r\n'), document, Buffer.from('\r\n0\r\n\r\n')]),
  ),
  bare_lf: answer((exchange) => okMessage(exchange).toString('latin1').replaceAll('\r\n', '\n')),
  nul_hdr: withLine('x-nul: a\0b'),
  hdr_fold: withLine('x-folded: a\r\n b'),
  hdr_space_before_colon: withLine('x-spaced : a'),
  hdr_no_colon: withLine('no colon at all'),
  status_line_garbage: answer(() => 'HTTP/1.1 two-hundred OK\r\n\r\n'),
  http_garbage: answer(() => Buffer.alloc(4096, 0xa5)),
  http09: answerAndEnd(({ document }) => document),
  http20_status_line: answer(({ document }) => message('HTTP/2.0 200 OK', [JSON_TYPE], document)),
  h2_frames: answer(() => H2_FRAMES),
  h2_preface: answer(() => Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), H2_FRAMES])),
  /** A value with CR LF ends the head early; what follows was to be taken for the body or for the next answer. */
  split_crlf: answer(() =>
    Buffer.concat([
      head(OK, [JSON_TYPE, 'x-reflected: a', 'content-length: 0']),
      okMessage({ document: FOREIGN_DOCUMENT }),
    ]),
  ),
  split_bare_cr: withLine('x-reflected: a\rcontent-length: 0'),
  close_before_answer: async (exchange) => exchange.end(),
  close_mid_header: answerAndEnd(() => 'HTTP/1.1 200 OK\r\ncontent-ty'),
  rst_before_answer: async (exchange) => exchange.reset(),
  rst_mid_header: async (exchange) => {
    await exchange.send('HTTP/1.1 200 OK\r\ncontent-ty')
    await exchange.pause(20)
    exchange.reset()
  },
  rst_mid: halfThen((exchange) => exchange.reset()),
  close_mid: halfThen((exchange) => exchange.end()),
  body_stall: halfThen(() => undefined),
} as const satisfies Readonly<Record<string, Script>>
