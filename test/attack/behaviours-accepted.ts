import {
  answer,
  answerAndEnd,
  CHUNKED,
  chunk,
  FOREIGN_DOCUMENT,
  head,
  JSON_TYPE,
  message,
  OK,
  okMessage,
  paddedTo,
} from './messages.ts'
import { type Script, trickle } from './wire.ts'

/** Answers a careful client accepts, odd as some are. */
export const ACCEPTED = {
  ok: answer(okMessage),
  ok_chunked: answer(({ document }) =>
    Buffer.concat([
      head(OK, [JSON_TYPE, CHUNKED]),
      chunk(document.subarray(0, 10)),
      chunk(document.subarray(10, 11)),
      chunk(document.subarray(11)),
      Buffer.from('0\r\n\r\n'),
    ]),
  ),
  ok_5120: answer(({ document }) => message(OK, [JSON_TYPE], paddedTo(5120, document))),
  ok_close_delimited: answerAndEnd(({ document }) =>
    Buffer.concat([head(OK, [JSON_TYPE, 'connection: close']), document]),
  ),
  ok_identity: answer(({ document }) => message(OK, [JSON_TYPE, 'content-encoding: identity'], document)),
  ok_one_103: answer(({ document }) =>
    Buffer.concat([
      head('HTTP/1.1 103 Early Hints', ['link: </style.css>; rel=preload']),
      message(OK, [JSON_TYPE], document),
    ]),
  ),
  ok_cacheable: answer(({ document }) =>
    message(OK, [JSON_TYPE, 'cache-control: max-age=600', 'etag: "1"'], document),
  ),
  ok_http10: answerAndEnd(({ document }) => message('HTTP/1.0 200 OK', [JSON_TYPE], document)),
  ok_charset: answer(({ document }) =>
    message(OK, ['content-type: application/json; charset=utf-8'], document),
  ),
  ok_cimd_json: answer(({ document }) => message(OK, ['content-type: application/cimd+json'], document)),
  redirect_refresh: answer(({ document }) =>
    message(OK, [JSON_TYPE, 'refresh: 0; url=http://169.254.169.254/latest/meta-data/'], document),
  ),
  hdr_trickle_slow_ok: async (exchange) => {
    const { document } = exchange
    await trickle(exchange, head(OK, [JSON_TYPE, `content-length: ${document.length}`]), { everyMs: 1 })
    await exchange.send(document)
  },
  /** Harmless only to a client that never reuses a connection. */
  extra_after: answer(({ document }) =>
    Buffer.concat([okMessage({ document }), okMessage({ document: FOREIGN_DOCUMENT })]),
  ),
  /** The second answer arrives when the connection lies idle, waiting for the next request to take it for its own. */
  keepalive_poison: async (exchange) => {
    await exchange.send(okMessage(exchange))
    await exchange.pause(5)
    await exchange.send(okMessage({ document: FOREIGN_DOCUMENT }))
  },
} as const satisfies Readonly<Record<string, Script>>
