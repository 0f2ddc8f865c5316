import { describe, expect, it } from 'vitest'
import { languagesOf } from './languages.ts'

describe('languagesOf', () => {
  it.each<[string | undefined, string | undefined, string[]]>([
    [undefined, undefined, []],
    ['de-CH fr', 'en', ['de-CH', 'fr']],
    ['', 'en', []],
    ['de <script> x-', undefined, ['de']],
    [undefined, 'fr-CH, fr;q=0.9, en;q=0.8, de;q=0.95, *;q=0.5', ['fr-CH', 'de', 'fr', 'en']],
    [undefined, 'da, en;q=0, ja ; q=0.7', ['da', 'ja']],
    [undefined, 'en;q=2, de;level=1, "fr"', []],
    [undefined, `${'en,'.repeat(30)}de`, Array<string>(20).fill('en')],
  ])(
    'of ui_locales %j and Accept-Language %j is %j (RFC 9110 section 12.5.4)',
    (locales, header, languages) => {
      expect(languagesOf(locales, header)).toEqual(languages)
    },
  )

  it('looks at no more of a header than a browser sends', () => {
    expect(languagesOf(undefined, `${' '.repeat(5_000)}en`)).toEqual([])
  })
})
