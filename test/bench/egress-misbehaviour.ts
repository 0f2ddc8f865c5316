import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'

const MEGABYTE = 1_000_000
const DRIP_MS = 200

type Misbehaviour = (response: ServerResponse) => void

const BEHAVIOURS: Readonly<Record<string, Misbehaviour>> = {
  redirect: (response) => {
    response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end()
  },
  truncated: (response) => {
    response.writeHead(200, { 'content-length': 1000 })
    response.write('{"client_name":"', () => response.socket?.destroy())
  },
  big: (response) => {
    response.end(Buffer.alloc(20 * MEGABYTE, ' '))
  },
  bomb: (response) => {
    response.setHeader('content-encoding', 'gzip')
    response.end(bomb())
  },
  trickle: (response) => {
    response.writeHead(200)
    drip(response, () => response.write(' '))
  },
  headers: (response) => {
    response.socket?.write('HTTP/1.1 200 OK\r\n')
    drip(response, () => response.socket?.write('x-more: to come\r\n'))
  },
  silence: () => undefined,
}

/** Answers in the way of a hostile case; false if that case is about something else than the answer. */
export function misbehave(label: string, response: ServerResponse): boolean {
  const behave = BEHAVIOURS[label]
  behave?.(response)
  return behave !== undefined
}

function drip(response: ServerResponse, drop: () => void): void {
  const timer = setInterval(drop, DRIP_MS)
  response.once('close', () => clearInterval(timer))
}

let packed: Buffer | undefined

function bomb(): Buffer {
  packed ??= gzipSync(Buffer.alloc(100 * MEGABYTE))
  return packed
}
