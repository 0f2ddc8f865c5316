import { describe, expect, it } from 'vitest'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { changeClasses } from './member-change.ts'
import { compareMetadata } from './metadata-changes.ts'

// Documents of one client; the cast leaves out the members that a comparison does not read.
const documentOf = (members: object) => ({ client_id: 'https://a.example/c', ...members }) as ClientMetadata
const compare = (before: object, after: object) => compareMetadata(documentOf(before), documentOf(after))
const PLURAL = 'token_endpoint_auth_methods_supported'
const classesOf = (before: object, after: object) => compare(before, after).map((change) => change.class)

describe('compareMetadata', () => {
  it.each([
    ['the order of members', { client_name: 'A', scope: 'a' }, { scope: 'a', client_name: 'A' }],
    ['the order of redirects', { redirect_uris: ['a:/', 'b:/'] }, { redirect_uris: ['b:/', 'a:/'] }],
    ['a redirect listed twice', { redirect_uris: ['a:/'] }, { redirect_uris: ['a:/', 'a:/'] }],
    ['the order of scopes', { scope: 'a b' }, { scope: 'b  a' }],
    [
      'the order of keys',
      { jwks: { keys: [{ kid: '1' }, { kid: '2' }] } },
      { jwks: { keys: [{ kid: '2' }, { kid: '1' }] } },
    ],
    ['a default written out (DOC-18)', {}, { grant_types: ['authorization_code'], response_types: ['code'] }],
    ['a requirement denied in words', {}, { dpop_bound_access_tokens: false }],
    ['an empty key set', {}, { jwks: { keys: [] } }],
    ['the order of methods', { [PLURAL]: ['none', 'x'] }, { [PLURAL]: ['x', 'none'] }],
    [
      'the order within a response type',
      { response_types: ['code id_token'] },
      { response_types: ['id_token code'] },
    ],
    [
      'a response type that no grant uses, left out (DOC-18)',
      { grant_types: ['client_credentials'], response_types: [] },
      { grant_types: ['client_credentials'] },
    ],
    [
      'the order of algorithms',
      { id_token_signing_alg_values_supported: ['a', 'b'] },
      { id_token_signing_alg_values_supported: ['b', 'a'] },
    ],
    [
      'the one method said again in the plural (KEY-10)',
      { token_endpoint_auth_method: 'none' },
      { token_endpoint_auth_method: 'none', token_endpoint_auth_methods_supported: ['none'] },
    ],
    ['no method said again in the plural (KEY-09)', {}, { token_endpoint_auth_methods_supported: ['none'] }],
  ])('CHG-07: sees no change in %s', (_, before, after) => {
    expect(compare(before, after)).toEqual([])
  })

  it('DOC-16: takes nothing from a prototype for a member', () => {
    expect(compare({}, { constructor: 1 })).toEqual([
      { member: 'constructor', class: 'cosmetic', before: undefined, after: 1 },
    ])
  })

  it('CHG-07: names what came and what went of a set', () => {
    const [before, after] = [{ redirect_uris: ['a:/', 'b:/'] }, { redirect_uris: ['c:/', 'b:/'] }]
    expect(compare(before, after)).toEqual([
      { member: 'redirect_uris', class: 'widening', before: [], after: ['c:/'] },
      { member: 'redirect_uris', class: 'narrowing', before: ['a:/'], after: [] },
    ])
  })

  it('DOC-16: compares members that are named as what every object has', () => {
    const before = documentOf({})
    const after = documentOf(JSON.parse('{ "__proto__": { "scope": "a" }, "hasOwnProperty": 1 }'))
    expect(compareMetadata(before, after)).toEqual([
      { member: '__proto__', class: 'cosmetic', before: undefined, after: { scope: 'a' } },
      { member: 'hasOwnProperty', class: 'cosmetic', before: undefined, after: 1 },
    ])
  })

  it.each([
    ['redirect_uris', ['a:/']],
    ['token_endpoint_auth_method', 'private_key_jwt'],
    ['scope', 'a'],
    ['grant_types', ['implicit']],
    ['jwks', { keys: [{ kid: '1' }] }],
    ['jwks_uri', 'https://a.example/k'],
    ['client_name', 'A'],
    ['logo_uri', 'https://a.example/l'],
  ])('CHG-01: announces that %s came or went', (member, value) => {
    for (const classes of [classesOf({}, { [member]: value }), classesOf({ [member]: value }, {})]) {
      expect(classes.length).toBeGreaterThan(0)
      expect(classes).not.toContain('cosmetic')
    }
  })

  it('CHG-03: tells of keys those that went and those that came', () => {
    const [a, b, c] = [{ kid: '1' }, { kid: '2' }, { kid: '3' }]
    expect(compare({ jwks: { keys: [a, b] } }, { jwks: { keys: [c, b] } })).toEqual([
      { member: 'jwks', class: 'keys', before: [a], after: [c] },
    ])
    expect(compare({ jwks: { keys: [a, b] } }, { jwks: { keys: [b] } })).toEqual([
      { member: 'jwks', class: 'keys', before: [a], after: [] },
    ])
  })

  it('CHG-08: tells what was removed apart from what was added', () => {
    const [before, after] = [{ grant_types: ['implicit'] }, { grant_types: ['refresh_token'] }]
    expect(classesOf(before, after)).toEqual(['widening', 'narrowing'])
  })
})

describe('changeClasses', () => {
  it('CHG-07: lists each class once, sorted', () => {
    const changes = compare(
      { client_name: 'A', redirect_uris: ['a:/'] },
      { client_name: 'B', redirect_uris: ['b:/'], scope: 'x' },
    )
    expect(changeClasses(changes)).toEqual(['display', 'narrowing', 'widening'])
    expect(changeClasses([])).toEqual([])
  })
})
