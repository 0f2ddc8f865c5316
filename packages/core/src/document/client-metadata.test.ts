import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseClientIdUrl } from '../identifier/client-id-url.ts'
import { type ClientMetadataResult, parseClientMetadata } from './client-metadata.ts'

const parsedId = parseClientIdUrl('https://app.example.com/client.json')
if (!parsedId.ok) throw new Error('the client_id of these tests is wrong')
const clientId = parsedId.value

const minimal = { client_id: clientId, redirect_uris: ['https://app.example.com/cb'] }
const publicKey = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }

function judge(members: object): ClientMetadataResult {
  return judgeText(JSON.stringify({ ...minimal, ...members }))
}

function judgeText(text: string): ClientMetadataResult {
  return parseClientMetadata(new TextEncoder().encode(text), clientId)
}

describe('parseClientMetadata accepts', () => {
  it.each<[string, object]>([
    ['the least there can be (DOC-12)', {}],
    ['unknown members of any kind (DOC-10)', { _comment: [1, { a: null }], code_challenge_methods: 'S256' }],
    [
      'members of a registration response (DOC-19)',
      { client_id_issued_at: 1, registration_access_token: 'x' },
    ],
    [
      'grants and methods it does not know (DOC-11, KEY-13)',
      { grant_types: ['authorization_code', 'x'], token_endpoint_auth_method: 'spiffe_jwt' },
    ],
    [
      'no redirect for a grant without one (RED-05)',
      { grant_types: ['client_credentials'], redirect_uris: [] },
    ],
    ['an empty list of grants (RED-05)', { grant_types: [], redirect_uris: [] }],
    [
      'methods in the plural (KEY-10)',
      { token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'] },
    ],
    [
      'public keys inline (KEY-06)',
      { jwks: { keys: [publicKey] }, token_endpoint_auth_method: 'private_key_jwt' },
    ],
    ['keys on another host (KEY-05)', { jwks_uri: 'https://keys.example.net/jwks' }],
    ['localised names (DOC-17)', { 'client_name#ja': '\u30a2\u30d7\u30ea' }],
    ['an empty scope', { scope: '' }],
    [
      '100 redirect URIs (RED-09)',
      { redirect_uris: Array.from({ length: 100 }, (_, n) => `https://a.example/${n}`) },
    ],
  ])('%s', (_, members) => {
    expect(judge(members)).toMatchObject({ ok: true, metadata: members, warnings: [] })
  })
})

describe('parseClientMetadata refuses', () => {
  it.each<[string, string, object]>([
    ['DOC-02', 'client_id_missing', { client_id: undefined }],
    ['DOC-02', 'client_id_missing', { client_id: null }],
    ['DOC-02', 'client_id_missing', { client_id: [clientId] }],
    ['DOC-03', 'client_id_mismatch', { client_id: '' }],
    ['DOC-03', 'client_id_mismatch', { client_id: `${clientId}/` }],
    ['DOC-03', 'client_id_mismatch', { client_id: 'https://app.example.com:443/client.json' }],
    ['DOC-05', 'forbidden_member', { client_secret: null }],
    ['DOC-05', 'forbidden_member', { client_secret_expires_at: 0 }],
    ['DOC-06', 'symmetric_method', { token_endpoint_auth_method: 'client_secret_basic' }],
    ['DOC-06', 'symmetric_method', { token_endpoint_auth_method: 'client_secret_jwt' }],
    ['DOC-08', 'symmetric_method', { token_endpoint_auth_methods_supported: ['none', 'client_secret_post'] }],
    ['DOC-09', 'symmetric_method', { token_endpoint_auth_signing_alg: 'HS256' }],
    ['DOC-09', 'symmetric_method', { token_endpoint_auth_signing_alg: 'none' }],
    ['DOC-09', 'symmetric_method', { id_token_signed_response_alg: 'HS512' }],
    ['DOC-09', 'symmetric_method', { id_token_encrypted_response_alg: 'A128GCMKW' }],
    ['DOC-07', 'private_key', { jwks: { keys: [{ ...publicKey, d: 'x' }] } }],
    ['DOC-07', 'private_key', { x_vendor: { signing: { kty: 'oct' } } }],
    ['KEY-04', 'keys_ambiguous', { jwks: { keys: [] }, jwks_uri: 'https://app.example.com/jwks' }],
    ['DOC-16', 'member_type', { jwks: [publicKey] }],
    ['DOC-16', 'member_type', { client_name: 1 }],
    ['DOC-16', 'member_type', { 'client_name#ja': {} }],
    ['DOC-16', 'member_type', { scope: ['a'] }],
    ['DOC-16', 'member_type', { response_types: 'code' }],
    ['DOC-16', 'member_type', { grant_types: ['authorization_code', 1] }],
    ['DOC-16', 'member_type', { redirect_uris: 'https://app.example.com/cb' }],
    ['DOC-16', 'member_type', { redirect_uris: '' }],
    ['DOC-16', 'member_type', { redirect_uris: [{}] }],
    ['RED-05', 'redirect_uris_missing', { redirect_uris: undefined }],
    ['RED-05', 'redirect_uris_missing', { redirect_uris: null }],
    ['RED-05', 'redirect_uris_missing', { redirect_uris: [] }],
    ['RED-05', 'redirect_uris_missing', { redirect_uris: [], grant_types: ['implicit'] }],
    ['RED-04', 'redirect_uri_invalid', { redirect_uris: ['https://app.example.com/cb#f'] }],
    ['RED-08', 'redirect_uri_invalid', { redirect_uris: ['http://app.example.com/cb'] }],
    ['RED-09', 'redirect_uri_invalid', { redirect_uris: ['https://*.example.com/cb'] }],
    ['RED-09', 'redirect_uri_invalid', { redirect_uris: Array(101).fill('https://app.example.com/cb') }],
    ['FET-19', 'uri_member_invalid', { jwks_uri: 'http://app.example.com/jwks' }],
    ['FET-19', 'uri_member_invalid', { logo_uri: 'data:image/png;base64,AAAA' }],
    ['FET-19', 'uri_member_invalid', { 'logo_uri#ja': '/logo.png' }],
    ['FET-19', 'uri_member_invalid', { client_uri: 'javascript:alert(1)' }],
    ['FET-19', 'uri_member_invalid', { tos_uri: ' java\nscript:alert(1)' }],
    ['FET-19', 'uri_member_invalid', { policy_uri: 'data:text/html,x' }],
  ])('%s: as %s %j', (rule, code, members) => {
    expect(judge(members)).toMatchObject({ ok: false, code, violations: [{ rule }] })
  })

  it('DOC-16: a member given twice, in whatever spelling', () => {
    expect(judgeText(`{"client_id":"x","client\\u005fid":"${clientId}"}`)).toMatchObject({
      code: 'duplicate_member',
    })
  })

  it('with every violation, the gravest first (ARC-09)', () => {
    const result = judge({ client_id: 'x', client_secret: '', scope: 1 })
    const codes = result.ok ? [] : result.violations.map((violation) => violation.code)
    expect(codes).toEqual(['client_id_mismatch', 'forbidden_member', 'member_type'])
  })
})

describe('parseClientMetadata warns and accepts', () => {
  it.each<[string, string, object]>([
    ['DOC-04', 'member_empty', { client_name: '' }],
    ['DOC-04', 'member_empty', { logo_uri: null }],
    ['KEY-07', 'keys_missing', { token_endpoint_auth_method: 'private_key_jwt' }],
    ['KEY-07', 'keys_missing', { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [] } }],
    ['KEY-10', 'member_ignored', { token_endpoint_auth_methods_supported: 'none' }],
    ['FET-19', 'uri_not_https', { client_uri: 'http://localhost:3000' }],
    ['FET-19', 'uri_not_https', { tos_uri: 'terms.html' }],
    ['RED-03', 'redirect_localhost', { redirect_uris: ['http://localhost/cb'] }],
    ['RED-08', 'redirect_scheme_undotted', { redirect_uris: ['mcpjam://oauth/callback'] }],
    ['RED-10', 'redirect_loopback_web', { redirect_uris: ['http://127.0.0.1/cb'], application_type: 'web' }],
  ])('%s: %s for %j', (rule, code, members) => {
    expect(judge(members)).toMatchObject({ ok: true, warnings: [{ code, rule }] })
  })

  it('DOC-04: a known member that is null is as good as absent, an unknown one stays', () => {
    const result = judge({ logo_uri: null, x: null })
    expect(result.ok && result.metadata).toEqual({ ...minimal, x: null })
  })
})

describe('parseClientMetadata', () => {
  it('DOC-16: gives metadata that cannot reach or replace a prototype', () => {
    const result = judgeText(`{"__proto__":{"scope":"admin"},${JSON.stringify(minimal).slice(1)}`)
    expect(result).toMatchObject({ ok: true, metadata: minimal })
    if (!result.ok) return
    expect(result.metadata.scope).toBeUndefined()
    expect(result.metadata['constructor']).toBeUndefined()
    expect(Object.keys(result.metadata)).toEqual(['client_id', 'redirect_uris'])
  })

  it('DOC-07: finds a private key in a member named __proto__ too', () => {
    const member = '"__proto__":{"kty":"OKP","d":"x"}'
    expect(judgeText(`{${member},${JSON.stringify(minimal).slice(1)}`)).toMatchObject({ code: 'private_key' })
  })

  it('never throws', () => {
    const members = fc.constantFrom(
      'client_id',
      'redirect_uris',
      'jwks',
      'jwks_uri',
      'logo_uri',
      'scope',
      '__proto__',
      'x',
    )
    fc.assert(fc.property(fc.dictionary(members, fc.jsonValue()), (document) => void judge(document)))
    fc.assert(fc.property(fc.uint8Array(), (body) => void parseClientMetadata(body, clientId)))
  })
})
