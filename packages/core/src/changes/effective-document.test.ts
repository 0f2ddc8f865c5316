import { describe, expect, it } from 'vitest'
import { sha256Hex } from '../digest.ts'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { canonicalJson } from '../json/json.ts'
import { effectiveDocument } from './effective-document.ts'

// Documents of one client; the cast leaves out the members that a comparison does not read.
const documentOf = (members: object) => ({ client_id: 'https://a.example/c', ...members }) as ClientMetadata
const effective = (approved: object, current: object) =>
  effectiveDocument(documentOf(approved), documentOf(current))
const METHOD = 'token_endpoint_auth_method'
const PLURAL = 'token_endpoint_auth_methods_supported'

describe('effectiveDocument', () => {
  it.each<[string, object, object, object]>([
    [
      'a redirect',
      { redirect_uris: ['a:/', 'b:/'] },
      { redirect_uris: ['b:/', 'c:/'] },
      { redirect_uris: ['b:/'] },
    ],
    [
      'a grant beyond the default',
      {},
      { grant_types: ['authorization_code', 'implicit'] },
      { grant_types: ['authorization_code'] },
    ],
    ['a grant instead of the default', {}, { grant_types: ['implicit'] }, { grant_types: [] }],
    ['the grant of the default', { grant_types: [] }, {}, { grant_types: [] }],
    [
      'a response type, whatever the order of its parts',
      { response_types: ['code', 'code id_token'] },
      { response_types: ['id_token code', 'token'] },
      { response_types: ['id_token code'] },
    ],
    [
      'the response type of the default',
      { grant_types: ['implicit'], response_types: ['token'] },
      { grant_types: ['authorization_code', 'implicit'] },
      { grant_types: ['implicit'], response_types: [] },
    ],
    ['a scope', { scope: 'a b' }, { scope: 'b c' }, { scope: 'b' }],
    ['a place for logouts', {}, { backchannel_logout_uri: 'https://a.example/1' }, {}],
    [
      'another place for logouts: neither is allowed by both',
      { backchannel_logout_uri: 'https://a.example/1' },
      { backchannel_logout_uri: 'https://a.example/2' },
      {},
    ],
    [
      'a requirement that is dropped',
      { dpop_bound_access_tokens: true },
      {},
      { dpop_bound_access_tokens: true },
    ],
    ['a longer session', { default_max_age: 60 }, { default_max_age: 90 }, { default_max_age: 60 }],
    [
      'proof of a key',
      { [METHOD]: 'private_key_jwt' },
      { [METHOD]: 'none' },
      { [METHOD]: 'private_key_jwt' },
    ],
    [
      'proof of nothing, in the plural alone',
      { [METHOD]: 'private_key_jwt' },
      { [PLURAL]: ['none', 'private_key_jwt'] },
      { [METHOD]: 'private_key_jwt', [PLURAL]: ['private_key_jwt'] },
    ],
    [
      'one more method, beside one that is gone',
      { [PLURAL]: ['private_key_jwt', 'none'] },
      { [PLURAL]: ['tls_client_auth', 'private_key_jwt'] },
      { [PLURAL]: ['private_key_jwt'] },
    ],
  ])('CHG-07: holds %s', (_, approved, current, expected) => {
    const { metadata, held, digest } = effective(approved, current)
    expect(metadata).toEqual(documentOf(expected))
    expect(held.length).toBeGreaterThan(0)
    expect(digest).toBe(sha256Hex(canonicalJson(documentOf(expected))))
  })

  it.each<[string, object, object]>([
    ['a list of scopes in place of the default', {}, { scope: 'a' }],
    ['the default in place of a list of scopes', { scope: 'a' }, {}],
    [
      'the sector of the users',
      { sector_identifier_uri: 'https://a.example/1' },
      { sector_identifier_uri: 'https://a.example/2' },
    ],
    ['a software statement', { software_statement: 'a' }, { software_statement: 'b' }],
    [
      'how tokens are delivered',
      { backchannel_token_delivery_mode: 'poll' },
      { backchannel_token_delivery_mode: 'push' },
    ],
    ['what a sign-in has to prove', { default_acr_values: ['a'] }, { default_acr_values: ['b'] }],
    ['the kind of subject', { subject_type: 'public' }, { subject_type: 'other' }],
    ['an unknown method', { [METHOD]: 'x' }, { [METHOD]: 'y' }],
    ['the loss of the strongest method', { [PLURAL]: ['private_key_jwt', 'none'] }, { [PLURAL]: ['none'] }],
  ])('CHG-07: keeps as approved what widens either way: %s', (_, approved, current) => {
    expect(effective(approved, current).metadata).toEqual(documentOf(approved))
  })

  it('CHG-08: follows the current version in all that narrows, in keys and in what is shown', () => {
    const approved = { redirect_uris: ['a:/', 'b:/'], client_name: 'A', jwks: { keys: [{ kid: '1' }] }, x: 1 }
    const current = { redirect_uris: ['b:/'], client_name: 'B', jwks: { keys: [{ kid: '2' }] }, x: 2 }
    expect(effective(approved, current)).toEqual({
      metadata: documentOf(current),
      held: [],
      digest: undefined,
    })
    const widened = effective(approved, {
      ...current,
      scope: '',
      grant_types: ['authorization_code', 'implicit'],
    })
    expect(widened.metadata).toEqual(
      documentOf({ ...current, scope: '', grant_types: ['authorization_code'] }),
    )
  })

  it('CHG-08: a key that is gone is not brought back with the method that needs it', () => {
    const approved = { [METHOD]: 'private_key_jwt', jwks: { keys: [{ kid: '1' }] } }
    expect(effective(approved, {}).metadata).toEqual(documentOf({ [METHOD]: 'private_key_jwt' }))
  })

  it('DOC-16: holds beside members that are named as what every object has', () => {
    const current = documentOf(JSON.parse('{ "__proto__": { "scope": "a" }, "redirect_uris": ["a:/"] }'))
    const { metadata } = effectiveDocument(documentOf({ redirect_uris: [] }), current)
    expect(Object.getOwnPropertyDescriptor(metadata, '__proto__')?.value).toEqual({ scope: 'a' })
    expect(metadata.redirect_uris).toEqual([])
    expect(metadata.scope).toBeUndefined()
  })
})
