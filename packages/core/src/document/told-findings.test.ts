import { describe, expect, it } from 'vitest'
import type { Finding } from '../failure/finding.ts'
import { parseClientIdUrl } from '../identifier/client-id-url.ts'
import type { JsonObject } from '../json/json.ts'
import { parseClientMetadata } from './client-metadata.ts'

const identified = parseClientIdUrl('https://app.example.com/client.json')
if (!identified.ok) throw new Error('the client_id of these tests is wrong')
const clientId = identified.value

/** What a developer is told of a document, a line for each finding: rule, code, where, detail. */
function told(members: JsonObject | string): string {
  const text = typeof members === 'string' ? members : JSON.stringify({ client_id: clientId, ...members })
  const result = parseClientMetadata(new TextEncoder().encode(text), clientId, { bytesMax: 2000 })
  const findings = result.ok ? result.warnings : [...result.violations, ...result.warnings]
  return findings.map(line).join('\n')
}

function line({ rule, code, member, pointer, span, detail }: Finding): string {
  const where = pointer ?? member ?? (span && `${span.start}-${span.end}`) ?? ''
  return `${rule} ${code} ${member ?? '-'} ${where}: ${detail}`
}

const jwt = (claims: object, header: object = {}) =>
  `${[header, claims].map((part) => btoa(JSON.stringify(part)).replaceAll('=', '')).join('.')}.c2ln`

describe('what a developer is told, and where (ARC-09)', () => {
  it('DOC-01, DOC-16, FET-10: of the text', () => {
    const texts = [
      '{',
      '[]',
      '\u{FEFF}{}',
      '{"a":1,"a":2}',
      '{"a":"\\u0000"}',
      '{"a":1e999}',
      'x'.repeat(2001),
    ]
    expect(texts.map(told).join('\n')).toMatchInlineSnapshot(`
      "DOC-01 json_invalid - : the text is not JSON
      DOC-01 json_not_object - : the top level is no object
      DOC-01 byte_order_mark - 0-1: there is a byte order mark
      DOC-16 duplicate_member - 7-10: "a" occurs twice in one object
      DOC-16 json_unstorable - 5-13: a string holds U+0000 or a lone surrogate
      DOC-16 json_unstorable - 5-10: a number is out of range
      FET-10 too_large - : 2001 bytes, of which 2000 are read"
    `)
    expect(told(`{"a":${'['.repeat(20)}${']'.repeat(20)}}`)).toMatchInlineSnapshot(
      `"DOC-16 json_too_deep - 20-21: nested deeper than 16"`,
    )
  })

  it('DOC-02, DOC-03: of the client_id', () => {
    expect(told({ client_id: 1, grant_types: [], token_endpoint_auth_method: 'none' })).toMatchInlineSnapshot(
      `"DOC-02 client_id_missing client_id client_id: is not a string"`,
    )
    expect(
      told({ client_id: 'x', grant_types: [], token_endpoint_auth_method: 'none' }),
    ).toMatchInlineSnapshot(`"DOC-03 client_id_mismatch client_id client_id: is not the URL of the document"`)
  })

  it('DOC-05 to DOC-09: of credentials', () => {
    expect(
      told({
        grant_types: [],
        client_secret: null,
        client_secret_expires_at: 0,
        token_endpoint_auth_method: 'client_secret_basic',
        token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 1],
        token_endpoint_auth_signing_alg: 'none',
        id_token_signed_response_alg: 'HS256',
        userinfo_signed_response_alg: 'HS384',
        request_object_signing_alg: 'HS512',
        introspection_signed_response_alg: 'HS256',
        authorization_signed_response_alg: 'HS256',
        backchannel_authentication_request_signing_alg: 'HS256',
        id_token_encrypted_response_alg: 'dir',
        userinfo_encrypted_response_alg: 'A128KW',
        request_object_encryption_alg: 'A256GCMKW',
        introspection_encrypted_response_alg: 'PBES2-HS256+A128KW',
        authorization_encrypted_response_alg: 'dir',
        'x/y': { signing: { kty: 'oct' } },
      }),
    ).toMatchInlineSnapshot(`
      "DOC-05 forbidden_member client_secret client_secret: must not appear, whatever its value
      DOC-05 forbidden_member client_secret_expires_at client_secret_expires_at: must not appear, whatever its value
      DOC-06 symmetric_method token_endpoint_auth_method token_endpoint_auth_method: client_secret_basic is based on a shared secret
      DOC-08 symmetric_method token_endpoint_auth_methods_supported /token_endpoint_auth_methods_supported/1: client_secret_basic is based on a shared secret
      DOC-09 symmetric_algorithm id_token_signed_response_alg id_token_signed_response_alg: names an algorithm without a public key
      DOC-09 symmetric_algorithm userinfo_signed_response_alg userinfo_signed_response_alg: names an algorithm without a public key
      DOC-09 symmetric_algorithm request_object_signing_alg request_object_signing_alg: names an algorithm without a public key
      DOC-09 symmetric_algorithm introspection_signed_response_alg introspection_signed_response_alg: names an algorithm without a public key
      DOC-09 symmetric_algorithm authorization_signed_response_alg authorization_signed_response_alg: names an algorithm without a public key
      DOC-09 symmetric_algorithm backchannel_authentication_request_signing_alg backchannel_authentication_request_signing_alg: names an algorithm without a public key
      DOC-09 symmetric_algorithm id_token_encrypted_response_alg id_token_encrypted_response_alg: names an algorithm without a public key
      DOC-09 symmetric_algorithm userinfo_encrypted_response_alg userinfo_encrypted_response_alg: names an algorithm without a public key
      DOC-09 symmetric_algorithm request_object_encryption_alg request_object_encryption_alg: names an algorithm without a public key
      DOC-09 symmetric_algorithm introspection_encrypted_response_alg introspection_encrypted_response_alg: names an algorithm without a public key
      DOC-09 symmetric_algorithm authorization_encrypted_response_alg authorization_encrypted_response_alg: names an algorithm without a public key
      DOC-09 symmetric_algorithm token_endpoint_auth_signing_alg token_endpoint_auth_signing_alg: names an algorithm without a public key
      DOC-07 private_key x/y /x~1y/signing: holds private or symmetric key material
      KEY-10 member_ignored token_endpoint_auth_methods_supported /token_endpoint_auth_methods_supported/2: entry 2 is not a string"
    `)
    const asymmetric = {
      id_token_signed_response_alg: 'XHS256',
      id_token_encrypted_response_alg: 'direct',
      request_object_signing_alg: 'none',
    }
    expect(told({ grant_types: [], token_endpoint_auth_method: 'none', ...asymmetric })).toBe('')
    const listed = { x_vendor: { keys: [{ k: 'not of a key' }] } }
    expect(told({ grant_types: [], token_endpoint_auth_method: 'none', ...listed })).toBe('')
  })

  it('DOC-08, DOC-15: of a software statement', () => {
    const base = { grant_types: [], token_endpoint_auth_method: 'none' }
    const statements = [
      jwt({ client_secret: 'x', token_endpoint_auth_method: 'client_secret_jwt' }),
      jwt({}, { jwk: { kty: 'oct' } }),
      `e30.${btoa('{"a":1,"a":2}')}.`,
      // The two characters that base64url has and base64 has not.
      `e30.${btoa('{"client_secret":"~~~???~~~???>>>"}').replaceAll('+', '-').replaceAll('/', '_')}.`,
      'x.y.z',
      'e30',
      'e30.e30.e30 ',
      'e30.e.e30',
      // Not JSON, no object and no UTF-8, in either part.
      'eA.e30.',
      'e30.eA.',
      `e30.${btoa('"x"')}.`,
      `${btoa('[]')}.e30.`,
      'e30._w.',
    ]
    expect(
      statements.map((software_statement) => told({ ...base, software_statement })).join('\n'),
    ).toMatchInlineSnapshot(`
      "DOC-08 forbidden_member software_statement software_statement: its claim client_secret must not appear, whatever its value
      DOC-08 symmetric_method software_statement software_statement: its claim token_endpoint_auth_method client_secret_jwt is based on a shared secret
      DOC-08 private_key software_statement software_statement: its header holds a private key
      DOC-08 duplicate_member software_statement software_statement: can be read in more than one way: "a" occurs twice in one object
      DOC-08 forbidden_member software_statement software_statement: its claim client_secret must not appear, whatever its value
      DOC-15 software_statement_unreadable software_statement software_statement: is not a JWT
      DOC-15 software_statement_unreadable software_statement software_statement: is not a JWT
      DOC-15 software_statement_unreadable software_statement software_statement: is not a JWT
      DOC-15 software_statement_unreadable software_statement software_statement: is not a JWT
      DOC-15 software_statement_unreadable software_statement software_statement: is not a JWT
      DOC-15 software_statement_unreadable software_statement software_statement: is not a JWT
      DOC-15 software_statement_unreadable software_statement software_statement: is not a JWT
      DOC-15 software_statement_unreadable software_statement software_statement: is not a JWT
      DOC-15 software_statement_unreadable software_statement software_statement: is not a JWT"
    `)
  })

  it('KEY-04 to KEY-10: of keys and methods', () => {
    const base = { grant_types: [] }
    const documents: readonly JsonObject[] = [
      { jwks: { keys: [] }, jwks_uri: 'https://a.example.com/jwks', token_endpoint_auth_method: 'none' },
      { jwks: { keys: [{ d: 'x' }] }, token_endpoint_auth_method: 'private_key_jwt' },
      {
        jwks: {
          keys: [
            { kty: 'AKP', alg: 'ML-DSA-44' },
            { kty: 'X', kid: '1' },
            { kty: 'X', kid: '1' },
            { kty: 'X' },
            { kty: 'X' },
          ],
        },
        token_endpoint_auth_method: 'none',
      },
      { token_endpoint_auth_method: 'private_key_jwt' },
      { token_endpoint_auth_methods_supported: 'none' },
      { token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'] },
      { token_endpoint_auth_methods_supported: ['self_signed_tls_client_auth'] },
      { token_endpoint_auth_method: 'none', token_endpoint_auth_methods_supported: [1, 'private_key_jwt'] },
    ]
    expect(documents.map((members) => told({ ...base, ...members })).join('\n')).toMatchInlineSnapshot(`
      "KEY-04 keys_ambiguous jwks jwks: stands beside jwks_uri
      KEY-08 private_key jwks /jwks/keys/0: holds private or symmetric key material
      KEY-08 key_unusable jwks /jwks/keys/0: key 0 has no kty
      KEY-08 key_unusable jwks /jwks/keys/0: key 0 is of type AKP and has no pub
      KEY-08 key_unusable jwks /jwks/keys/2: key 2 has the kid of an earlier key
      KEY-07 keys_missing token_endpoint_auth_method token_endpoint_auth_method: needs a key, and neither jwks nor jwks_uri has one
      KEY-10 member_ignored token_endpoint_auth_methods_supported token_endpoint_auth_methods_supported: is not a list
      KEY-09 auth_method_absent token_endpoint_auth_method token_endpoint_auth_method: is absent

      KEY-07 keys_missing token_endpoint_auth_method token_endpoint_auth_method: needs a key, and neither jwks nor jwks_uri has one
      KEY-10 member_ignored token_endpoint_auth_methods_supported /token_endpoint_auth_methods_supported/0: entry 0 is not a string
      KEY-10 auth_method_unlisted token_endpoint_auth_method token_endpoint_auth_method: none is not among token_endpoint_auth_methods_supported"
    `)
  })

  it('DOC-04, DOC-14 to DOC-19, FET-13, FET-19, RED-10: of members', () => {
    expect(
      told({
        grant_types: [],
        token_endpoint_auth_method: 'none',
        response_types: ['code', 'token', 'id_token', 'none'],
        application_type: 'mobile',
        contacts: ['a', 1],
        'policy_uri#en': {},
        scope: [],
        client_name: '',
        jwks: null,
        client_id_expires_at: 1,
        client_id_issued_at: 1,
        registration_access_token: 'x',
        registration_client_uri: 'https://a.example.com/',
      }),
    ).toMatchInlineSnapshot(`
      "DOC-16 member_type contacts /contacts/1: has an item of the wrong JSON type at /1
      DOC-16 member_type policy_uri#en /policy_uri#en: has the wrong JSON type
      DOC-16 member_type scope /scope: has the wrong JSON type
      DOC-04 member_empty client_name client_name: is empty
      DOC-04 member_empty jwks jwks: is empty
      RED-10 application_type_unknown application_type application_type: is neither web nor native
      DOC-18 grant_response_mismatch response_types response_types: asks for a response of the grant authorization_code, which grant_types does not list
      DOC-18 grant_response_mismatch response_types response_types: asks for a response of the grant implicit, which grant_types does not list
      DOC-14 expiry_unsupported client_id_expires_at client_id_expires_at: is not obeyed
      DOC-19 registration_member client_id_issued_at client_id_issued_at: is ignored
      DOC-19 registration_member registration_access_token registration_access_token: is ignored
      DOC-19 registration_member registration_client_uri registration_client_uri: is ignored"
    `)
    expect(
      told({
        grant_types: [],
        token_endpoint_auth_method: 'none',
        jwks_uri: 'http://a.example.com/',
        signed_jwks_uri: 'http://a.example.com/',
        sector_identifier_uri: 'http://a.example.com/',
        request_uris: ['https://a.example.com/', 'xhttps://a.example.com/'],
        initiate_login_uri: 'http://a.example.com/',
        backchannel_logout_uri: 'http://a.example.com/',
        frontchannel_logout_uri: 'http://a.example.com/',
        backchannel_client_notification_endpoint: 'http://a.example.com/',
        client_uri: 'java\nscript:x',
        logo_uri: '/logo.png',
        'tos_uri#a/b': 'vbscript:x',
      }),
    ).toMatchInlineSnapshot(`
      "FET-19 uri_member_invalid jwks_uri /jwks_uri: is not an absolute https URL
      FET-19 uri_member_invalid signed_jwks_uri /signed_jwks_uri: is not an absolute https URL
      FET-19 uri_member_invalid sector_identifier_uri /sector_identifier_uri: is not an absolute https URL
      FET-19 uri_member_invalid request_uris /request_uris/1: is not an absolute https URL
      FET-19 uri_member_invalid initiate_login_uri /initiate_login_uri: is not an absolute https URL
      FET-19 uri_member_invalid backchannel_logout_uri /backchannel_logout_uri: is not an absolute https URL
      FET-19 uri_member_invalid frontchannel_logout_uri /frontchannel_logout_uri: is not an absolute https URL
      FET-19 uri_member_invalid backchannel_client_notification_endpoint /backchannel_client_notification_endpoint: is not an absolute https URL
      FET-19 uri_member_invalid client_uri /client_uri: is not an absolute https URL
      FET-19 uri_member_invalid tos_uri#a/b /tos_uri#a~1b: is not an absolute https URL
      FET-19 uri_not_https logo_uri /logo_uri: is not an absolute https URL"
    `)
  })

  it('DOC-18, RED-10: nothing of what fits together', () => {
    const base = { token_endpoint_auth_method: 'none', redirect_uris: ['https://a.example/'] }
    expect(told({ ...base, application_type: 'native' })).toBe('')
    expect(told({ ...base, response_types: ['token'] })).toMatch(/^DOC-18 .*grant implicit/)
    expect(told({ ...base, grant_types: ['client_credentials'] })).toBe('')
  })

  it('RED-04 to RED-10: of redirects', () => {
    const base = { token_endpoint_auth_method: 'none' }
    const redirect_uris = [
      '/',
      'https:///',
      'a.b:',
      'x y:',
      'https://a.example/*',
      'a:/#',
      'data:x',
      'http://a.example/',
    ]
    expect(told({ ...base, redirect_uris })).toMatchInlineSnapshot(`
      "RED-04 redirect_uri_not_absolute redirect_uris /redirect_uris/0: entry 0 is not an absolute URI
      RED-04 redirect_uri_not_absolute redirect_uris /redirect_uris/1: entry 1 is not an absolute URI
      RED-04 redirect_uri_not_absolute redirect_uris /redirect_uris/2: entry 2 names nothing
      RED-04 redirect_uri_character redirect_uris /redirect_uris/3: entry 3 holds a character that no URI may hold
      RED-09 redirect_uri_wildcard redirect_uris /redirect_uris/4: entry 4 holds a wildcard
      RED-04 redirect_uri_fragment redirect_uris /redirect_uris/5: entry 5 has a fragment
      RED-08 redirect_uri_scheme redirect_uris /redirect_uris/6: entry 6 has a scheme that cannot be redirected to
      RED-08 redirect_uri_http redirect_uris /redirect_uris/7: entry 7 is http on a host other than 127.0.0.1, [::1] and localhost"
    `)
    expect(
      told({
        ...base,
        redirect_uris: ['http://localhost/', 'http://127.0.0.1/', 'app:/', 'https://u@a.example/'],
        application_type: 'web',
      }),
    ).toMatchInlineSnapshot(`
      "RED-03 redirect_localhost redirect_uris /redirect_uris/0: entry 0 uses localhost instead of a loopback literal
      RED-10 redirect_loopback_web redirect_uris /redirect_uris/0: entry 0 is loopback, and application_type is web
      RED-10 redirect_private_use_web redirect_uris /redirect_uris/2: entry 2 has a private-use scheme, and application_type is web
      RED-08 redirect_scheme_undotted redirect_uris /redirect_uris/2: entry 2 has a private-use scheme without a dot
      RED-04 redirect_userinfo redirect_uris /redirect_uris/3: entry 3 has a userinfo component"
    `)
    expect(told({ ...base })).toMatchInlineSnapshot(
      `"RED-05 redirect_uris_missing redirect_uris redirect_uris: a grant that redirects is declared, by default or in words"`,
    )
  })
})
