import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DELTA_SECONDS_MAX, parseCacheControl, parseDeltaSeconds, secondsOf } from './cache-control.ts'

describe('parseCacheControl', () => {
  it.each([
    [['public, max-age=60'], { public: [''], 'max-age': ['60'] }],
    [['Public', 'MAX-AGE=60'], { public: [''], 'max-age': ['60'] }],
    [['max-age="60"'], { 'max-age': ['60'] }],
    [['max-age = 60 ,,'], { 'max-age': ['60'] }],
    [['max-age=60, max-age=30'], { 'max-age': ['60', '30'] }],
    [['no-cache="a, max-age=5", private'], { 'no-cache': ['a, max-age=5'], private: [''] }],
    [['x="a\\",b"'], { x: ['a",b'] }],
    [['x="unterminated, no-store'], { x: ['"unterminated, no-store'] }],
    [[], {}],
  ])('reads %j (CAC-08)', (lines, expected) => {
    expect(Object.fromEntries(parseCacheControl(lines))).toEqual(expected)
  })

  it('takes a hundred thousand of one directive in its stride (CAC-08)', () => {
    expect(secondsOf(parseCacheControl(['max-age=1,'.repeat(100_000)]), 'max-age')).toBe(1)
  })

  it('never throws', () => {
    fc.assert(fc.property(fc.array(fc.string({ unit: 'binary' })), (lines) => void parseCacheControl(lines)))
  })
})

describe('secondsOf', () => {
  it.each([
    ['max-age=60, max-age=30', 30],
    ['max-age=60, max-age=x', 0],
    ['max-age=60x', 0],
    ['max-age=-1', 0],
    ['max-age=1.5', 0],
    ['max-age', 0],
    ['max-age=99999999999999999999999', DELTA_SECONDS_MAX],
    ['public', undefined],
  ])('of max-age in %j is %j (CAC-08)', (line, expected) => {
    expect(secondsOf(parseCacheControl([line]), 'max-age')).toBe(expected)
  })
})

describe('parseDeltaSeconds', () => {
  it('takes digits only (CAC-08)', () => {
    expect(['60', '060', '', ' 60', '6e1', '٣'].map(parseDeltaSeconds)).toEqual([
      60,
      60,
      ...Array(4).fill(undefined),
    ])
  })
})
