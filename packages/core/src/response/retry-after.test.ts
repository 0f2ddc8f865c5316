import { describe, expect, it } from 'vitest'
import { parseRetryAfter } from './retry-after.ts'

const NOW_MS = Date.parse('2026-11-20T12:00:00Z')

describe(parseRetryAfter, () => {
  it.each([
    ['0', 0],
    ['120', 120],
    [' 7 ', 7],
    ['9999999999', 86_400],
    ['Fri, 20 Nov 2026 12:01:30 GMT', 90],
    ['Fri, 20 Nov 2026 11:00:00 GMT', 0],
    ['Fri, 20 Nov 2099 11:00:00 GMT', 86_400],
  ])('FET-23: reads %j as %i seconds', (value, seconds) => {
    expect(parseRetryAfter(value, NOW_MS)).toBe(seconds)
  })

  it.each([undefined, '', '-1', '1.5', '1e3', 'soon', '2026-11-20', 'Fri, 99 Foo 2026 12:00:00 GMT'])(
    'takes %j for no advice',
    (value) => {
      expect(parseRetryAfter(value, NOW_MS)).toBeUndefined()
    },
  )
})
