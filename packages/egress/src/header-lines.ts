import type { CacheHeaderName, CacheHeaders } from '@cimd/core'

/** Field lines by lower-case name in the order received, one item per line: duplicates decide, so none is joined. */
export type HeaderLines = ReadonlyMap<string, readonly string[]>

const CACHE_HEADERS: readonly CacheHeaderName[] = [
  'age',
  'cache-control',
  'date',
  'etag',
  'expires',
  'last-modified',
  'pragma',
  'vary',
]

/** Groups a flat list of names and values, bytes as undici hands them over; a header is Latin-1 (RFC 9110 section 5.5). */
export function headerLines(raw: unknown): HeaderLines {
  if (!Array.isArray(raw)) throw new TypeError('undici returned parsed headers')
  const lines = new Map<string, string[]>()
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = textOf(raw[at]).toLowerCase()
    const values = lines.get(name) ?? []
    values.push(textOf(raw[at + 1]))
    lines.set(name, values)
  }
  return lines
}

function textOf(field: unknown): string {
  return Buffer.isBuffer(field) ? field.toString('latin1') : String(field)
}

/** The fields that decide caching, as received (CAC-08). */
export function cacheHeaders(lines: HeaderLines): CacheHeaders {
  const kept = CACHE_HEADERS.flatMap((name) => {
    const values = lines.get(name)
    return values === undefined ? [] : [[name, values] as const]
  })
  return Object.fromEntries(kept)
}
