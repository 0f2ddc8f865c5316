import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JSON_DEPTH_MAX, scanJson } from './json-scan.ts'

const codesOf = (text: string) => scanJson(text).map((flaw) => flaw.code)
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

describe('scanJson', () => {
  it.each([
    '{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}',
    '{"a":"a","b":["a","a"],"":{}}',
    '[{},[],"{\\"a\\":1,\\"a\\":2}",true,null]',
    '{"a":"\\ud83d\\ude00","b":1.5e308,"c":-0.0,"d":1e-400}',
    nested(JSON_DEPTH_MAX),
  ])('finds nothing in %s', (text) => {
    expect(scanJson(text)).toEqual([])
  })

  it.each([
    ['{"a":1,"a":2}'],
    ['{"a":1,"\\u0061":2}'],
    ['{"x":{"a":1,"b":2,"a":3}}'],
    ['[1,{"a":[],"b":{},"a":3}]'],
    ['{"__proto__":1,"__proto__":2}'],
  ])('finds the member given twice in %s (DOC-16)', (text) => {
    expect(codesOf(text)).toEqual(['duplicate_member'])
  })

  it.each([
    ['"\\u0000"'],
    ['{"\\u0000":1}'],
    ['"\\ud800"'],
    ['"\\udc00\\ud800"'],
    ['1e309'],
    ['-1e309'],
    ['1e-20000'],
    ['0E-020000'],
    [`0.${'1'.repeat(17_000)}`],
    [`0.${'1'.repeat(15_500)}e-999`],
  ])('finds what jsonb cannot hold in %s (DOC-16)', (text) => {
    expect(new Set(codesOf(text))).toEqual(new Set(['json_unstorable']))
  })

  it('finds nesting beyond the bound, and stops there (DOC-16)', () => {
    expect(codesOf(nested(JSON_DEPTH_MAX + 1))).toEqual(['json_too_deep'])
    expect(codesOf('{"a":'.repeat(1_000_000) + 1 + '}'.repeat(1_000_000))).toEqual(['json_too_deep'])
  })

  it('DOC-16: places each flaw, and stops telling after 20', () => {
    expect(scanJson('[{"a":1,"a":"\\u0000"}]').map(({ span }) => span)).toEqual([
      { start: 8, end: 11 },
      { start: 12, end: 20 },
    ])
    expect(scanJson(`[${Array(1000).fill('1e999').join(',')}]`)).toHaveLength(20)
  })

  it('finds nothing in what JSON.stringify wrote of a shallow value (DOC-16)', () => {
    const storable = fc.jsonValue({ maxDepth: 5 }).filter((value) => !JSON.stringify(value).includes('\\u'))
    fc.assert(
      fc.property(storable, (value) => {
        const text = JSON.stringify(value)
        if (!/e-\d{3}/.test(text)) expect(scanJson(text)).toEqual([])
      }),
    )
  })
})
