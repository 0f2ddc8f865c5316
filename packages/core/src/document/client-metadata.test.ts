import { describe, expect, it } from 'vitest'
import { parseClientIdUrl } from '../identifier/client-id-url.ts'
import { type ClientMetadataResult, parseClientMetadata } from './client-metadata.ts'

const parsedId = parseClientIdUrl('https://app.example.com/client.json')
if (!parsedId.ok) throw new Error('the client_id of these tests is wrong')
const clientId = parsedId.value

const minimal = {
  client_id: clientId,
  redirect_uris: ['https://app.example.com/cb'],
  token_endpoint_auth_method: 'none',
}
const publicKey = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }

const WORDS = /\w+ \w+/

const statementOf = (claims: object) => `e30.${btoa(JSON.stringify(claims)).replaceAll('=', '')}.c2ln`

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
      'grants and methods it does not know (DOC-11, KEY-13)',
      { grant_types: ['authorization_code', 'x'], token_endpoint_auth_method: 'spiffe_jwt' },
    ],
    [
      'no redirect for a grant without one (RED-05)',
      { grant_types: ['client_credentials'], redirect_uris: [] },
    ],
    ['an empty list of grants (RED-05)', { grant_types: [], redirect_uris: [] }],
    [
      'the token response of its grant (DOC-18)',
      { grant_types: ['implicit'], response_types: ['token id_token'] },
    ],
    [
      'members of OpenID Connect (DOC-04)',
      { default_max_age: 60, subject_type: 'pairwise', require_auth_time: true },
    ],
    ['a signed statement (DOC-15)', { software_statement: statementOf({ software_id: 'x' }) }],
    ['where logouts are sent (FET-13)', { backchannel_logout_uri: 'https://app.example.com/logout' }],
    [
      'methods in the plural (KEY-10)',
      { token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'] },
    ],
    [
      'public keys inline (KEY-06)',
      {
        jwks: { keys: [publicKey, { ...publicKey, kid: '2' }] },
        token_endpoint_auth_method: 'private_key_jwt',
      },
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
    ['DOC-09', 'symmetric_algorithm', { token_endpoint_auth_signing_alg: 'HS256' }],
    ['DOC-09', 'symmetric_algorithm', { token_endpoint_auth_signing_alg: 'none' }],
    ['DOC-09', 'symmetric_algorithm', { id_token_signed_response_alg: 'HS512' }],
    ['DOC-09', 'symmetric_algorithm', { id_token_encrypted_response_alg: 'A128GCMKW' }],
    ['KEY-08', 'private_key', { jwks: { keys: [{ ...publicKey, d: 'x' }] } }],
    ['DOC-08', 'forbidden_member', { software_statement: statementOf({ client_secret: 'x' }) }],
    [
      'DOC-08',
      'symmetric_method',
      { software_statement: statementOf({ token_endpoint_auth_method: 'client_secret_jwt' }) },
    ],
    [
      'DOC-08',
      'symmetric_algorithm',
      { software_statement: statementOf({ id_token_signed_response_alg: 'HS256' }) },
    ],
    ['DOC-08', 'private_key', { software_statement: statementOf({ jwks: { keys: [{ kty: 'oct' }] } }) }],
    ['DOC-08', 'private_key', { software_statement: `${btoa('{"jwk":{"kty":"oct"}}')}.e30.` }],
    ['DOC-08', 'duplicate_member', { software_statement: `e30.${btoa('{"a":1,"a":{}}')}.c2ln` }],
    ['DOC-08', 'duplicate_member', { software_statement: `${btoa('{"a":1,"a":{}}')}.e30.c2ln` }],
    ['DOC-08', 'forbidden_member', { software_statement: `e30.${btoa('{"client_secret":1}')}.c2ln` }],
    ['DOC-16', 'member_type', { default_max_age: -1 }],
    ['DOC-16', 'member_type', { jwks: { keys: ['x'] } }],
    [
      'FET-19',
      'uri_member_invalid',
      { request_uris: ['https://app.example.com/r', 'http://app.example.com/r'] },
    ],
    ['FET-19', 'uri_member_invalid', { initiate_login_uri: 'http://app.example.com/login' }],
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
    ['RED-04', 'redirect_uri_fragment', { redirect_uris: ['https://app.example.com/cb#f'] }],
    ['RED-08', 'redirect_uri_http', { redirect_uris: ['http://app.example.com/cb'] }],
    ['RED-09', 'redirect_uri_wildcard', { redirect_uris: ['https://*.example.com/cb'] }],
    ['RED-09', 'redirect_uris_too_many', { redirect_uris: Array(101).fill('https://app.example.com/cb') }],
    ['FET-19', 'uri_member_invalid', { jwks_uri: 'http://app.example.com/jwks' }],
    ['FET-19', 'uri_member_invalid', { logo_uri: 'data:image/png;base64,AAAA' }],
    ['FET-19', 'uri_member_invalid', { 'client_uri#ja': 'vbscript:x' }],
    ['FET-19', 'uri_member_invalid', { client_uri: 'javascript:alert(1)' }],
    ['FET-19', 'uri_member_invalid', { tos_uri: ' java\nscript:alert(1)' }],
    ['FET-19', 'uri_member_invalid', { policy_uri: 'data:text/html,x' }],
  ])('%s: as %s %j', (rule, code, members) => {
    expect(judge(members)).toMatchObject({
      ok: false,
      code,
      violations: [{ rule, detail: expect.stringMatching(WORDS) }],
    })
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
    [
      'KEY-07',
      'keys_missing',
      { token_endpoint_auth_method: undefined, token_endpoint_auth_methods_supported: ['private_key_jwt'] },
    ],
    ['KEY-08', 'key_unusable', { jwks: { keys: [{ n: 'n', e: 'AQAB' }] } }],
    [
      'KEY-08',
      'key_unusable',
      {
        jwks: {
          keys: [
            { ...publicKey, kid: '1' },
            { ...publicKey, kid: '1' },
          ],
        },
      },
    ],
    ['KEY-09', 'auth_method_absent', { token_endpoint_auth_method: undefined }],
    ['KEY-10', 'member_ignored', { token_endpoint_auth_methods_supported: 'none' }],
    ['KEY-10', 'member_ignored', { token_endpoint_auth_methods_supported: ['none', 1] }],
    ['KEY-10', 'auth_method_unlisted', { token_endpoint_auth_methods_supported: ['private_key_jwt'] }],
    ['DOC-14', 'expiry_unsupported', { client_id_expires_at: 1 }],
    ['DOC-15', 'software_statement_unreadable', { software_statement: 'x' }],
    ['DOC-15', 'software_statement_unreadable', { software_statement: 'e30.A.' }],
    ['DOC-15', 'software_statement_unreadable', { software_statement: 'e30.W10.' }],
    ['DOC-15', 'software_statement_unreadable', { software_statement: 'e30.e30.e30.e30' }],
    ['DOC-18', 'grant_response_mismatch', { response_types: ['code', 'code id_token'] }],
    ['DOC-18', 'grant_response_mismatch', { grant_types: ['refresh_token'], response_types: ['code'] }],
    ['DOC-19', 'registration_member', { registration_access_token: 'x' }],
    ['RED-10', 'application_type_unknown', { application_type: 'mobile' }],
    ['FET-19', 'uri_not_https', { client_uri: 'http://localhost:3000' }],
    ['FET-19', 'uri_not_https', { tos_uri: 'terms.html' }],
    ['FET-19', 'uri_not_https', { 'logo_uri#ja': '/logo.png' }],
    ['FET-19', 'uri_not_https', { logo_uri: 'http://app.example.com/logo.png' }],
    ['RED-03', 'redirect_localhost', { redirect_uris: ['http://localhost/cb'] }],
    ['RED-08', 'redirect_scheme_undotted', { redirect_uris: ['mcpjam://oauth/callback'] }],
    ['RED-10', 'redirect_loopback_web', { redirect_uris: ['http://127.0.0.1/cb'], application_type: 'web' }],
  ])('%s: %s for %j', (rule, code, members) => {
    expect(judge(members)).toMatchObject({
      ok: true,
      warnings: [{ code, rule, detail: expect.stringMatching(WORDS) }],
    })
  })

  it('KEY-09: does not take none for granted where only the plural is there', () => {
    const members = { token_endpoint_auth_method: undefined, token_endpoint_auth_methods_supported: ['none'] }
    expect(judge(members)).toMatchObject({ ok: true, warnings: [] })
  })

  it('DOC-19, KEY-10: leaves out what has no authority, and what nobody can read', () => {
    const result = judge({ client_id_issued_at: 1, token_endpoint_auth_methods_supported: {} })
    expect(result.ok && result.metadata).toEqual(minimal)
  })

  it('DOC-04: a known member that is null is as good as absent, an unknown one stays', () => {
    const result = judge({ logo_uri: null, x: null })
    expect(result.ok && result.metadata).toEqual({ ...minimal, x: null })
  })
})

describe('parseClientMetadata', () => {
  it('FET-10: looks into nothing larger than it is told to read', () => {
    const body = new TextEncoder().encode(JSON.stringify(minimal))
    const judgeUpTo = (bytesMax: number) => parseClientMetadata(body, clientId, { bytesMax })
    expect(judgeUpTo(body.byteLength)).toMatchObject({ ok: true })
    expect(judgeUpTo(body.byteLength - 1)).toMatchObject({
      code: 'too_large',
      violations: [{ rule: 'FET-10' }],
    })
    expect(parseClientMetadata(new Uint8Array(65_537), clientId)).toMatchObject({ code: 'too_large' })
    expect(parseClientMetadata(new Uint8Array(65_536), clientId)).toMatchObject({ code: 'json_invalid' })
  })

  it('ARC-09: says where in the document each finding is', () => {
    const result = judge({
      redirect_uris: ['https://app.example.com/cb', 'ftp'],
      token_endpoint_auth_methods_supported: ['none', 'client_secret_post'],
      grant_types: ['authorization_code', 1],
      'tos_uri#ja': 'data:,x',
      x_vendor: { 'a/b': [{ kty: 'oct' }] },
    })
    expect(result.ok ? [] : result.violations.map(({ pointer }) => pointer)).toEqual([
      '/token_endpoint_auth_methods_supported/1',
      '/x_vendor/a~1b/0',
      '/grant_types/1',
      '/redirect_uris/1',
      '/tos_uri#ja',
    ])
  })

  it('ARC-09: tells no more than a hundred findings, whatever a document holds', () => {
    const names = Array.from({ length: 200 }, (_, n) => [`client_name#x-${n}`, 1])
    const result = judge({
      ...Object.fromEntries(names),
      token_endpoint_auth_method: `secret${'x'.repeat(9000)}`,
    })
    expect(result.ok ? [] : result.violations).toHaveLength(100)
    expect(result.ok ? '' : result.violations[0]?.detail.length).toBeLessThan(120)
  })

  it('ARC-09: tells the warnings beside the violations', () => {
    expect(judge({ client_secret: 'x', client_uri: '' })).toMatchObject({
      code: 'forbidden_member',
      warnings: [{ code: 'member_empty', member: 'client_uri' }],
    })
  })

  it('DOC-16: gives metadata that cannot reach or replace a prototype', () => {
    const result = judgeText(`{"__proto__":{"scope":"admin"},${JSON.stringify(minimal).slice(1)}`)
    expect(result).toMatchObject({ ok: true, metadata: minimal })
    if (!result.ok) return
    expect(result.metadata.scope).toBeUndefined()
    expect(result.metadata['constructor']).toBeUndefined()
    expect(Object.keys(result.metadata)).toEqual(Object.keys(minimal))
  })

  it('DOC-07: finds a private key in a member named __proto__ too', () => {
    const member = '"__proto__":{"kty":"OKP","d":"x"}'
    expect(judgeText(`{${member},${JSON.stringify(minimal).slice(1)}`)).toMatchObject({ code: 'private_key' })
  })
})
