import type { Exchange, Script } from './wire.ts'

export const OK = 'HTTP/1.1 200 OK'
export const JSON_TYPE = 'content-type: application/json'
export const CHUNKED = 'transfer-encoding: chunked'

/** A start line and header lines with the empty line behind them; nothing is checked, nothing added. */
export function head(startLine: string, lines: readonly string[] = []): Buffer {
  return Buffer.from(`${[startLine, ...lines].join('\r\n')}\r\n\r\n`, 'latin1')
}

/** A whole message: the length of the body is declared truthfully. */
export function message(startLine: string, lines: readonly string[], body: string | Uint8Array): Buffer {
  const bytes = Buffer.from(body)
  return Buffer.concat([head(startLine, [...lines, `content-length: ${bytes.length}`]), bytes])
}

/** The honest answer. */
export function okMessage({ document }: { readonly document: Uint8Array }): Buffer {
  return message(OK, [JSON_TYPE], document)
}

/** One chunk of a chunked body. */
export function chunk(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
}

/** A body in one chunk, with the last one behind it. */
export function chunkedBody(bytes: Uint8Array): Buffer {
  return Buffer.concat([chunk(bytes), Buffer.from('0\r\n\r\n')])
}

/** A script that sends one message and keeps the connection open. */
export function answer(make: (exchange: Exchange) => string | Uint8Array): Script {
  return async (exchange) => {
    await exchange.send(make(exchange))
  }
}

/** The same, and then closes. */
export function answerAndEnd(make: (exchange: Exchange) => string | Uint8Array): Script {
  return async (exchange) => {
    await exchange.send(make(exchange))
    exchange.end()
  }
}

/** The document with a member that brings it to exactly so many bytes. */
export function paddedTo(bytes: number, document: Buffer): Buffer {
  const open = document.toString().slice(0, -1)
  const missing = bytes - Buffer.byteLength(`${open},"padding":""}`)
  return Buffer.from(`${open},"padding":"${'x'.repeat(missing)}"}`)
}

/** A document somebody else would like to see taken for the client's. */
export const FOREIGN_DOCUMENT = Buffer.from(
  JSON.stringify({
    client_id: 'https://evil.example/client.json',
    client_name: 'poison',
    redirect_uris: ['https://evil.example/callback'],
  }),
)
