import type { TLSSocket } from 'node:tls'
import { documentOf } from '../harness/documents.ts'
import { run, type Script, type Wire } from './wire.ts'

/** More than any client of ours sends; a head that is longer is left unread. */
const HEAD_BYTES_MAX = 65_536
const HEAD_END = '\r\n\r\n'

/** A request head as it arrived. */
export type RawRequest = { readonly host: string; readonly path: string; readonly bytes: Buffer }

/** Reads the requests of one connection and has each answered by the script it selects. */
export function serveHttp(socket: TLSSocket, wire: Wire, scriptFor: (request: RawRequest) => Script): void {
  let unread: Buffer = Buffer.alloc(0)
  socket.on('data', (bytes: Buffer) => {
    if (unread.length < HEAD_BYTES_MAX) unread = Buffer.concat([unread, bytes])
    for (let end = unread.indexOf(HEAD_END); end >= 0; end = unread.indexOf(HEAD_END)) {
      const request = parseRequest(unread.subarray(0, end + HEAD_END.length))
      unread = unread.subarray(end + HEAD_END.length)
      const exchange = { ...wire, ...request, document: documentFor(request) }
      void run(() => scriptFor(request)(exchange))
    }
  })
}

function parseRequest(bytes: Buffer): RawRequest {
  const text = bytes.toString('latin1')
  return {
    host: /^host:[ \t]*(\S+)/im.exec(text)?.[1] ?? '',
    path: text.split(' ', 2)[1] ?? '/',
    bytes: Buffer.from(bytes),
  }
}

function documentFor({ host, path }: RawRequest): Buffer {
  return Buffer.from(JSON.stringify(documentOf(`https://${host}${path}`)))
}
