import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NAME_GRAPHEMES_MAX, plainText } from './plain-text.ts'

// Anything, with more of what is harmful than chance would bring.
const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.string({ unit: 'grapheme', maxLength: 8 }),
      fc.integer({ min: 0x300, max: 0x36f }).map((mark) => String.fromCodePoint(mark).repeat(9)),
      fc.integer({ min: 0x2000, max: 0x206f }).map((sign) => String.fromCodePoint(sign)),
      fc.integer({ min: 0xe0000, max: 0xe01ef }).map((tag) => String.fromCodePoint(tag)),
      fc.integer({ min: 0x1100, max: 0x11ff }).map((jamo) => String.fromCodePoint(jamo).repeat(20)),
      fc.constantFrom(
        '\u0000',
        '\u001b[31m',
        '\r\n',
        '\ud800',
        '\u3164',
        '\u2800',
        '\ufffc',
        '\u{1f1e6}',
        '  ',
      ),
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(''))

const HARMFUL = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u

describe('plainText', () => {
  it.each([
    ['Claude', 'Claude'],
    ['  two \t words\r\n', 'two words'],
    ['a\u2028b\u2029c\u0085d', 'a b c d'],
    ['\u202egnp.exe', 'gnp.exe'],
    ['\u2066isolated\u2069', 'isolated'],
    ['zero\u200bwidth\u200d\ufeff', 'zerowidth'],
    ['soft\u00adhyphen', 'softhyphen'],
    ['tag\u{e0041}\u{e007f}ged', 'tagged'],
    ['heart\ufe0f\u{e0100}', 'heart'],
    ['filler\u3164\u115f\uffa0', 'filler'],
    ['private\ue000\u{f0000}', 'private'],
    ['e\u0301', '\u00e9'],
    ['e\u200d\u0301', '\u00e9'],
    ['\u0301leading', 'leading'],
    ['Перемена — Мозг', 'Перемена — Мозг'],
    ['日本語 アプリ', '日本語 アプリ'],
    ['tom & <b>jerry</b>', 'tom & <b>jerry</b>'],
  ])('%j is shown as %j', (text, shown) => {
    expect(plainText(text)).toBe(shown)
  })

  it.each(['', ' ', '\u0000', '\u200b\u202e', '\u0301\u0302', '\ud800', '\u2800'])(
    '%j leaves nothing to see',
    (text) => {
      expect(plainText(text)).toBeUndefined()
    },
  )

  it('bounds towers of accents', () => {
    expect(plainText(`x${'\u0337'.repeat(50)}y`)).toBe(`x${'\u0337'.repeat(4)}y`)
  })

  it('cuts what is too long, and says so', () => {
    expect(plainText('x'.repeat(NAME_GRAPHEMES_MAX))).toBe('x'.repeat(NAME_GRAPHEMES_MAX))
    expect(plainText('x'.repeat(NAME_GRAPHEMES_MAX + 1))).toBe(`${'x'.repeat(NAME_GRAPHEMES_MAX - 1)}…`)
    expect(plainText('one two', 5)).toBe('one…')
  })

  it('counts a cluster as one, however many code points it has, and keeps few of them', () => {
    expect(plainText('\u1100'.repeat(500))).toBe('\u1100'.repeat(8))
  })

  it('gives nothing harmful for any text, and nothing too long', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1, max: 80 }), (text, most) => {
        const shown = plainText(text, most) ?? 'x'
        const clusters = [...new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(shown)]
        expect(shown).not.toMatch(HARMFUL)
        expect(shown).not.toMatch(/\p{M}{5}|^\s|\s$|\s\s/u)
        expect(clusters.length).toBeLessThanOrEqual(most)
        expect([...shown].length).toBeLessThanOrEqual(most * 8)
        expect(shown.normalize('NFC')).toBe(shown)
      }),
      { numRuns: 500 },
    )
  })
})
