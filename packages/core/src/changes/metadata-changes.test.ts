import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { changeClasses, compareMetadata } from './metadata-changes.ts'

// Documents of one client; the cast leaves out the members that a comparison does not read.
const documentOf = (members: object) => ({ client_id: 'https://a.example/c', ...members }) as ClientMetadata
const compare = (before: object, after: object) => compareMetadata(documentOf(before), documentOf(after))
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
  ])('sees no change in %s (CHG-07)', (_, before, after) => {
    expect(compare(before, after)).toEqual([])
  })

  it('takes nothing from a prototype for a member (DOC-16)', () => {
    expect(compare({}, { constructor: 1 })).toEqual([
      { member: 'constructor', class: 'cosmetic', before: undefined, after: 1 },
    ])
  })

  it('names what came and what went of a set (CHG-07)', () => {
    const [before, after] = [{ redirect_uris: ['a:/', 'b:/'] }, { redirect_uris: ['c:/', 'b:/'] }]
    expect(compare(before, after)).toEqual([
      { member: 'redirect_uris', class: 'widening', before: [], after: ['c:/'] },
      { member: 'redirect_uris', class: 'narrowing', before: ['a:/'], after: [] },
    ])
  })

  it.each<[string, object, object, string[]]>([
    [
      'a grant beyond the default',
      {},
      { grant_types: ['authorization_code', 'refresh_token'] },
      ['widening'],
    ],
    ['a grant removed', { grant_types: ['authorization_code', 'implicit'] }, {}, ['narrowing']],
    [
      'a response type added',
      { response_types: ['code'] },
      { response_types: ['code', 'code id_token'] },
      ['widening'],
    ],
    ['a scope added', { scope: 'a' }, { scope: 'a b' }, ['widening']],
    ['a scope removed', { scope: 'a b' }, { scope: 'a' }, ['narrowing']],
    ['scopes bounded to none', {}, { scope: '' }, ['narrowing']],
    ['the bound on scopes removed', { scope: 'a' }, {}, ['widening', 'narrowing']],
    [
      'private_key_jwt to none',
      { token_endpoint_auth_method: 'private_key_jwt' },
      { token_endpoint_auth_method: 'none' },
      ['widening'],
    ],
    ['private_key_jwt to absent', { token_endpoint_auth_method: 'private_key_jwt' }, {}, ['widening']],
    [
      'private_key_jwt to unknown',
      { token_endpoint_auth_method: 'private_key_jwt' },
      { token_endpoint_auth_method: 'x' },
      ['widening'],
    ],
    [
      'unknown to unknown',
      { token_endpoint_auth_method: 'x' },
      { token_endpoint_auth_method: 'y' },
      ['widening'],
    ],
    [
      'none to private_key_jwt',
      { token_endpoint_auth_method: 'none' },
      { token_endpoint_auth_method: 'private_key_jwt' },
      ['narrowing'],
    ],
    [
      'one key method to another',
      { token_endpoint_auth_method: 'private_key_jwt' },
      { token_endpoint_auth_method: 'tls_client_auth' },
      ['keys'],
    ],
    ['none to absent', { token_endpoint_auth_method: 'none' }, {}, ['cosmetic']],
    [
      'none offered too',
      { token_endpoint_auth_methods_supported: ['private_key_jwt'] },
      { token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'] },
      ['widening'],
    ],
    ['DPoP no longer required', { dpop_bound_access_tokens: true }, {}, ['widening']],
    ['DPoP required', {}, { dpop_bound_access_tokens: true }, ['narrowing']],
    ['web to native (RED-10)', { application_type: 'web' }, { application_type: 'native' }, ['widening']],
    ['absent to web (RED-10)', {}, { application_type: 'web' }, ['narrowing']],
    ['absent to native (RED-10)', {}, { application_type: 'native' }, ['cosmetic']],
    ['a software statement (DOC-15)', {}, { software_statement: 'x' }, ['widening']],
    [
      'a key added',
      { jwks: { keys: [{ kid: '1' }] } },
      { jwks: { keys: [{ kid: '1' }, { kid: '2' }] } },
      ['keys'],
    ],
    ['a member beside the keys', { jwks: { keys: [] } }, { jwks: { keys: [], x: 1 } }, ['cosmetic']],
    ['keys moved', { jwks: { keys: [{ kid: '1' }] } }, { jwks_uri: 'https://a.example/k' }, ['keys', 'keys']],
    [
      'a signing algorithm',
      { token_endpoint_auth_signing_alg: 'RS256' },
      { token_endpoint_auth_signing_alg: 'ES256' },
      ['keys'],
    ],
    ['a name', { client_name: 'A' }, { client_name: 'B' }, ['display']],
    ['a localised name (DOC-17)', {}, { 'client_name#ja': 'B' }, ['display']],
    ['a logo', { logo_uri: 'https://a.example/1' }, {}, ['display']],
    ['a contact', { contacts: ['a', 'b'] }, { contacts: ['b', 'c'] }, ['display']],
    ['an unknown member', { x: { a: 1 } }, { x: { a: 2 } }, ['cosmetic']],
    ['a member named as a method', {}, { constructor: 1 }, ['cosmetic']],
  ])('classifies %s (CHG-07)', (_, before, after, expected) => {
    expect(classesOf(before, after)).toEqual(expected)
  })

  const uris = fc.array(fc.constantFrom('a:/', 'b:/', 'c:/', 'd:/'))
  const documents = fc.record(
    {
      redirect_uris: uris,
      scope: fc.array(fc.constantFrom('a', 'b', 'c')).map((scopes) => scopes.join(' ')),
      token_endpoint_auth_method: fc.constantFrom('none', 'private_key_jwt', 'x'),
      jwks: fc.record({ keys: fc.array(fc.record({ kid: fc.constantFrom('1', '2') })) }),
      contacts: uris,
      x: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )

  it('sees no change between a document and itself (CHG-07)', () => {
    fc.assert(
      fc.property(documents, (document) => {
        expect(compare(document, document)).toEqual([])
      }),
    )
  })

  it('names the same members in both directions, and sorted (CHG-07)', () => {
    fc.assert(
      fc.property(documents, documents, (before, after) => {
        const members = compare(before, after).map((change) => change.member)
        expect(members).toEqual(members.toSorted())
        expect(new Set(compare(after, before).map((change) => change.member))).toEqual(new Set(members))
      }),
    )
  })

  it('never calls a new redirect anything but widening (CHG-01)', () => {
    fc.assert(
      fc.property(uris, uris, (before, after) => {
        const isNew = after.some((uri) => !before.includes(uri))
        expect(classesOf({ redirect_uris: before }, { redirect_uris: after }).includes('widening')).toBe(
          isNew,
        )
      }),
    )
  })
})

describe('changeClasses', () => {
  it('lists each class once, sorted (CHG-07)', () => {
    const changes = compare(
      { client_name: 'A', redirect_uris: ['a:/'] },
      { client_name: 'B', redirect_uris: ['b:/'], scope: 'x' },
    )
    expect(changeClasses(changes)).toEqual(['display', 'narrowing', 'widening'])
    expect(changeClasses([])).toEqual([])
  })
})
