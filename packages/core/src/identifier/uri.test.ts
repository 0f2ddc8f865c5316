import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isHttpsUrl, isUriText, splitUri } from './uri.ts'

describe('splitUri', () => {
  it('tells an empty component from an absent one (T32)', () => {
    expect(splitUri('https://@h/p?#')).toEqual({
      scheme: 'https',
      authority: '@h',
      path: '/p',
      query: '',
      fragment: '',
    })
    expect(splitUri('x:y')).toEqual({
      scheme: 'x',
      authority: undefined,
      path: 'y',
      query: undefined,
      fragment: undefined,
    })
  })

  it('loses no character of any text (CID-11)', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (raw) => {
        const { scheme, authority, path, query, fragment } = splitUri(raw)
        const part = (before: string, value: string | undefined, after = '') =>
          value === undefined ? '' : before + value + after
        expect(
          part('', scheme, ':') + part('//', authority) + path + part('?', query) + part('#', fragment),
        ).toBe(raw)
      }),
    )
  })
})

describe('isUriText', () => {
  it.each([
    ["a-z._~:/?#[]@!$&'()*+,;=%2F", true],
    ['a b', false],
    ['a\tb', false],
    ['a\\b', false],
    ['é', false],
    ['%', false],
    ['%2', false],
    ['%zz', false],
    ['<', false],
  ])('says of %j: %s (CID-13)', (text, expected) => {
    expect(isUriText(text)).toBe(expected)
  })
})

describe('isHttpsUrl', () => {
  it.each([
    ['https://a.example/x', true],
    ['https:a.example/x', false],
    ['https:///x', false],
    ['http://a.example/x', false],
    ['/x', false],
    ['https://a.example:99999/', false],
  ])('says of %j: %s (FET-19)', (text, expected) => {
    expect(isHttpsUrl(text)).toBe(expected)
  })
})
