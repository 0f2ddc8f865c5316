import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { answer, JSON_TYPE, message, OK, paddedTo } from './messages.ts'
import type { Script } from './wire.ts'

const MEMBERS = 50
const ZEROS = Buffer.alloc(1_048_576)

/** Members and frames of these formats may be strung together, so 50 MiB are never held to make 50 MiB of zeros. */
const strung = (member: Buffer) => Buffer.concat(Array(MEMBERS).fill(member))

/** 50 MiB of zeros in 51 bytes, from `brotliCompressSync` with a window of 24 bits. */
const BROTLI_BOMB = Buffer.from(
  'z///fwAkAOKxQHLv//n//w+ABEAcFoDu/T////8BkACIwwLQvf/P//8PABIAcVgAuvcf',
  'base64',
)

const GZIP_BOMB = strung(gzipSync(ZEROS))
const ZSTD_BOMB = strung(zstdCompressSync(ZEROS))

/** Any bytes as the body, correctly framed. */
const body = (make: (document: Buffer) => string | Uint8Array) =>
  answer(({ document }) => message(OK, [JSON_TYPE], make(document)))

/** The same under a content encoding. */
const encoded = (encoding: string, make: (document: Buffer) => Uint8Array) =>
  answer(({ document }) => message(OK, [JSON_TYPE, `content-encoding: ${encoding}`], make(document)))

/** Correctly framed answers whose body is too much, encoded unasked, or no document. */
export const BODIES = {
  over_5121: body((document) => paddedTo(5121, document)),
  gzip_bomb: encoded('gzip', () => GZIP_BOMB),
  br_bomb: encoded('br', () => BROTLI_BOMB),
  zstd_bomb: encoded('zstd', () => ZSTD_BOMB),
  stacked_ce: encoded('gzip, br', (document) => brotliCompressSync(gzipSync(document))),
  gzip_small: encoded('gzip', gzipSync),
  deflate_small: encoded('deflate', deflateSync),
  ce_unknown: encoded('x-secret', (document) => document),
  ce_lie: encoded('gzip', (document) => document),
  json_array: body((document) => `[${document}]`),
  json_bad: body((document) => document.subarray(0, -1)),
  json_empty: body(() => ''),
  json_blank: body(() => ' \n\t '),
  json_null: body(() => 'null'),
  json_string: body(() => '"client"'),
  json_deep: body(() => '['.repeat(2500) + ']'.repeat(2500)),
  json_comment: body((document) => `${document} // end`),
  json_twice: body((document) => `${document}${document}`),
  json_bom: body((document) => `\ufeff${document}`),
  json_utf16: body((document) => Buffer.from(document.toString(), 'utf16le')),
  json_utf8_bad: body((document) =>
    Buffer.concat([
      document.subarray(0, -1),
      Buffer.from(',"x":"'),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('"}'),
    ]),
  ),
  json_nul: body((document) => `${document}\0`),
} as const satisfies Readonly<Record<string, Script>>
