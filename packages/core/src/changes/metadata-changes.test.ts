import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { changeClasses } from './member-change.ts'
import { compareMetadata } from './metadata-changes.ts'

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
    ['an empty key set', {}, { jwks: { keys: [] } }],
    [
      'the one method said again in the plural (KEY-10)',
      { token_endpoint_auth_method: 'none' },
      { token_endpoint_auth_method: 'none', token_endpoint_auth_methods_supported: ['none'] },
    ],
    ['no method said again in the plural (KEY-09)', {}, { token_endpoint_auth_methods_supported: ['none'] }],
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
    [
      'none offered beside the one method (KEY-11)',
      { token_endpoint_auth_method: 'private_key_jwt' },
      {
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
      },
      ['widening'],
    ],
    [
      'a method no longer offered',
      { token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'] },
      { token_endpoint_auth_methods_supported: ['private_key_jwt'] },
      ['narrowing'],
    ],
    ['a place for logouts', {}, { backchannel_logout_uri: 'https://a.example/1' }, ['widening']],
    [
      'another place for logouts',
      { backchannel_logout_uri: 'https://a.example/1' },
      { backchannel_logout_uri: 'https://a.example/2' },
      ['widening'],
    ],
    ['no place for logouts', { backchannel_logout_uri: 'https://a.example/1' }, {}, ['narrowing']],
    ['another kind of subject', { subject_type: 'pairwise' }, { subject_type: 'public' }, ['widening']],
    ['the algorithm of ID tokens', {}, { id_token_signed_response_alg: 'ES256' }, ['keys']],
    ['the name in a certificate', {}, { tls_client_auth_subject_dn: 'CN=a' }, ['keys']],
    ['signed requests no longer required', { require_signed_request_object: true }, {}, ['widening']],
    ['a version of the software', {}, { software_version: '2' }, ['cosmetic']],
    ['a member of all objects', {}, { 'toString#ja': 1 }, ['cosmetic']],
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

  it('does not mind the order of members, of items and of keys (CHG-07)', () => {
    const reordered = (document: object) =>
      Object.fromEntries(
        Object.entries(document)
          .map(([member, value]) => {
            if (Array.isArray(value) && member !== 'x') return [member, value.toReversed()]
            return member === 'jwks' ? [member, { keys: value.keys.toReversed() }] : [member, value]
          })
          .toReversed(),
      )
    fc.assert(
      fc.property(documents, documents, (before, after) => {
        const members = (changes: ReturnType<typeof compare>) =>
          changes.map((change) => [change.member, change.class])
        expect(compare(before, reordered(before))).toEqual([])
        expect(members(compare(reordered(before), reordered(after)))).toEqual(members(compare(before, after)))
      }),
    )
  })

  it('swaps widening and narrowing of a set when it is read backwards (CHG-07)', () => {
    fc.assert(
      fc.property(uris, uris, (before, after) => {
        const [there, back] = [
          classesOf({ redirect_uris: before }, { redirect_uris: after }),
          classesOf({ redirect_uris: after }, { redirect_uris: before }),
        ]
        expect(there.includes('widening')).toBe(back.includes('narrowing'))
        expect(there.includes('narrowing')).toBe(back.includes('widening'))
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
