import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, isJsonObject, type JsonValue } from './json.ts'

describe('canonicalJson', () => {
  it.each<[JsonValue, string]>([
    [{ b: 1, a: [true, null, 'x'] }, '{"a":[true,null,"x"],"b":1}'],
    [{ '\u{1F600}': 1, '\u{FB33}': 2, '\r': 3 }, '{"\\r":3,"\u{1F600}":1,"\u{FB33}":2}'],
    [[1e21, 1e-7, -0, 333333333.3333333], '[1e+21,1e-7,0,333333333.3333333]'],
    ['\u20ac$\u000F\nA\'B"\\', '"€$\\u000f\\nA\'B\\"\\\\"'],
  ])('writes %j in the form of RFC 8785 (CHG-07)', (value, expected) => {
    expect(canonicalJson(value)).toBe(expected)
  })

  it('does not depend on the order of members (CHG-07)', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const reversed = Object.fromEntries(Object.entries(object).reverse())
        expect(canonicalJson(reversed as JsonValue)).toBe(canonicalJson(object as JsonValue))
      }),
    )
  })

  it('keeps the value (CHG-07)', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value as JsonValue))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('has no form for %s, which is not JSON', (value) => {
    expect(() => canonicalJson([value])).toThrow(RangeError)
  })
})

describe('isJsonObject', () => {
  it.each<[JsonValue | undefined, boolean]>([
    [{}, true],
    [[], false],
    [null, false],
    ['', false],
    [undefined, false],
  ])('says of %j: %s (DOC-01)', (value, expected) => {
    expect(isJsonObject(value)).toBe(expected)
  })
})
