import { describe, expect, it } from 'vitest'
import type { JsonValue } from '../json/json.ts'
import { baseMember, hasMemberType, isKnownMember, stringMember, stringsMember } from './member-types.ts'

describe('hasMemberType', () => {
  it.each<[string, JsonValue, boolean]>([
    ['client_name', 'A', true],
    ['client_name#ja', 1, false],
    ['redirect_uris', [], true],
    ['redirect_uris', 'x', false],
    ['redirect_uris', ['x', 1], false],
    ['grant_types', { 0: 'x' }, false],
    ['dpop_bound_access_tokens', 'true', false],
    ['jwks', { keys: [{}] }, true],
    ['jwks', { keys: ['x'] }, false],
    ['jwks', [{}], false],
    ['x_unknown', [1, null], true],
    ['constructor', 1, true],
  ])('of %s with %j: %s (DOC-04, DOC-10, DOC-16)', (member, value, expected) => {
    expect(hasMemberType(member, value)).toBe(expected)
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
