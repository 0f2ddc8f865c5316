import { describe, expect, it } from 'vitest'
import { cacheHeaders, headerLines } from './header-lines.ts'

describe(cacheHeaders, () => {
  it('CAC-08: keeps every line of the fields that decide caching, unjoined, and nothing else', () => {
    const raw = [
      'Cache-Control',
      'no-store',
      'cache-control',
      'max-age=60',
      'ETag',
      '"1"',
      'Set-Cookie',
      'a=b',
    ]
    expect(cacheHeaders(headerLines(raw))).toEqual({
      'cache-control': ['no-store', 'max-age=60'],
      etag: ['"1"'],
    })
  })
})
