import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseHttpDate } from './http-date.ts'

describe('parseHttpDate', () => {
  it.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])(
    'reads %s (CAC-08)',
    (value) => {
      expect(parseHttpDate(value)).toBe(Date.UTC(1994, 10, 6, 8, 49, 37))
    },
  )

  it.each([
    ...['', '0', '-1', 'now', '1994-11-06T08:49:37Z', 'Sun, 06 Nov 1994 08:49:37 PST'],
    ...['Sun, 06 Nov 1994 08:49:37', 'Sun, 06 Xyz 1994 08:49:37 GMT', 'Sun, 06 Nov 1994 99:49:37 GMT'],
  ])('does not read %j (CAC-08)', (value) => {
    expect(parseHttpDate(value)).toBeUndefined()
  })

  it('reads back what Date writes (CAC-08)', () => {
    const instant = fc.integer({ min: 0, max: 253_402_300_799 })
    fc.assert(
      fc.property(instant, (seconds) => {
        expect(parseHttpDate(new Date(seconds * 1_000).toUTCString())).toBe(seconds * 1_000)
      }),
    )
  })

  it('never throws', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (value) => void parseHttpDate(value)))
  })
})
