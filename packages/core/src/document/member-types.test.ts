import { describe, expect, it } from 'vitest'
import type { JsonValue } from '../json/json.ts'
import { baseMember, isKnownMember, misplacedTypes, stringMember, stringsMember } from './member-types.ts'

describe('misplacedTypes', () => {
  it.each<[string, JsonValue, string[]]>([
    ['client_name', 'A', []],
    ['client_name#ja', 1, ['']],
    ['redirect_uris', [], []],
    ['redirect_uris', 'x', ['']],
    ['redirect_uris', ['x', 1, 'y', null], ['/1', '/3']],
    ['grant_types', { 0: 'x' }, ['']],
    ['dpop_bound_access_tokens', 'true', ['']],
    ['dpop_bound_access_tokens', true, []],
    ['default_max_age', 0, []],
    ['default_max_age', -1, ['']],
    ['default_max_age', 1.5, ['']],
    ['default_max_age', '60', ['']],
    ['jwks', { keys: [{}] }, []],
    ['jwks', { keys: ['x', {}] }, ['/keys/0']],
    ['jwks', {}, ['']],
    ['jwks', [{}], ['']],
    ['x_unknown', [1, null], []],
    ['constructor', 1, []],
  ])('DOC-04, DOC-10, DOC-16: of %s with %j: %j', (member, value, expected) => {
    expect(misplacedTypes(member, value)).toEqual(expected)
  })
})

describe('baseMember', () => {
  it.each([
    ['client_name#ja', 'client_name'],
    ['logo_uri#fr', 'logo_uri'],
    ['redirect_uris#x', 'redirect_uris#x'],
    ['client_name', 'client_name'],
  ])('of %s is %s (DOC-17)', (member, expected) => {
    expect(baseMember(member)).toBe(expected)
  })
})

describe('isKnownMember', () => {
  it('knows registered members and their variants only (DOC-04, DOC-17)', () => {
    expect(['scope', 'client_name#ja', 'toString', 'x'].map(isKnownMember)).toEqual([
      true,
      true,
      false,
      false,
    ])
  })
})

describe('stringMember and stringsMember', () => {
  it('give nothing for a value of another type (DOC-04)', () => {
    const document = { a: 'x', b: '', c: 1, d: ['x', 1] }
    expect(['a', 'b', 'c', 'd', 'e'].map((member) => stringMember(document, member))).toEqual([
      'x',
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    expect(['a', 'd', 'e'].map((member) => stringsMember(document, member))).toEqual([
      undefined,
      ['x'],
      undefined,
    ])
  })
})
