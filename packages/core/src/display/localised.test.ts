import { describe, expect, it } from 'vitest'
import { localisedMember } from './localised.ts'

const document = {
  client_name: 'Weather',
  'client_name#ja': '天気',
  'client_name#zh-Hant': '天氣',
  'client_name#zh-hant': 'second',
  'client_name#de': '',
  'client_name#not a tag': 'x',
  'client_name#fr': 7,
  'tos_uri#ja': 'https://example.com/ja',
}

describe('localisedMember', () => {
  it.each([
    [['ja'], '天気', 'ja'],
    [['JA-jp'], '天気', 'ja'],
    [['zh-Hant-TW'], '天氣', 'zh-hant'],
    [['zh-Hant-x-private'], '天氣', 'zh-hant'],
    [['zh'], 'Weather', undefined],
    [['de', 'fr', '*', 'ja'], '天気', 'ja'],
    [[], 'Weather', undefined],
    [['', 'not a tag', '-', 'a'.repeat(100)], 'Weather', undefined],
  ])('%j: %s', (languages, value, language) => {
    expect(localisedMember(document, 'client_name', languages)).toEqual({ value, language })
  })

  it('takes one with a language where there is none without', () => {
    expect(localisedMember(document, 'tos_uri', ['en'])).toEqual({
      value: 'https://example.com/ja',
      language: 'ja',
    })
    expect(localisedMember({ 'tos_uri#a': '1', tos_uri: '2' }, 'tos_uri', [])?.value).toBe('2')
  })

  it('is undefined where there is nothing', () => {
    expect(localisedMember(document, 'policy_uri', ['en'])).toBeUndefined()
  })

  it('looks at a few languages only', () => {
    const many = [...Array.from({ length: 20 }, () => 'en'), 'ja']
    expect(localisedMember(document, 'client_name', many)?.value).toBe('Weather')
  })
})
