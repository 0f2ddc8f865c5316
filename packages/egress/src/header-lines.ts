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

/** Groups a flat list of names and values. */
export function headerLines(raw: readonly unknown[]): HeaderLines {
  const lines = new Map<string, string[]>()
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = String(raw[at]).toLowerCase()
    const values = lines.get(name) ?? []
    values.push(String(raw[at + 1]))
    lines.set(name, values)
  }
  return lines
}

/** The fields that decide caching, as received (CAC-08). */
export function cacheHeaders(lines: HeaderLines): CacheHeaders {
  const kept = CACHE_HEADERS.flatMap((name) => {
    const values = lines.get(name)
    return values === undefined ? [] : [[name, values] as const]
  })
  return Object.fromEntries(kept)
}
