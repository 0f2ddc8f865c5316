import { describe, expect, it } from 'vitest'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { compareMetadata } from './metadata-changes.ts'

const SINGULAR = 'token_endpoint_auth_method'
const PLURAL = 'token_endpoint_auth_methods_supported'

// Documents of one client; the cast leaves out the members that a comparison does not read.
const documentOf = (members: object) => ({ client_id: 'https://a.example/c', ...members }) as ClientMetadata
const classesOf = (before: object, after: object) =>
  compareMetadata(documentOf(before), documentOf(after)).map((change) => change.class)

describe('MEANINGS', () => {
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
    ['a version of the software', {}, { software_version: '2' }, ['display']],
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
    ['a logo emptied', { logo_uri: '' }, {}, ['cosmetic']],
    [
      'a place for logouts emptied',
      { backchannel_logout_uri: 'https://a.example/1' },
      { backchannel_logout_uri: '' },
      ['narrowing'],
    ],
    ['the session told at logouts', {}, { backchannel_logout_session_required: true }, ['widening']],
    ['the session no longer told', { frontchannel_logout_session_required: true }, {}, ['narrowing']],
    ['a shared sector', {}, { sector_identifier_uri: 'https://a.example/s' }, ['widening']],
    ['a sector no longer shared', { sector_identifier_uri: 'https://a.example/s' }, {}, ['narrowing']],
    ['a pairwise subject', {}, { subject_type: 'pairwise' }, ['narrowing']],
    ['a sooner sign-in', { default_max_age: 600 }, { default_max_age: 60 }, ['narrowing']],
    ['a sign-in asked for at all', {}, { default_max_age: 0 }, ['narrowing']],
    ['a later sign-in', { default_max_age: 60 }, { default_max_age: 600 }, ['widening']],
    ['no bound on the sign-in', { default_max_age: 60 }, {}, ['widening']],
    ['authentication contexts asked for', {}, { default_acr_values: ['a'] }, ['narrowing']],
    [
      'the order of authentication contexts',
      { default_acr_values: ['a', 'b'] },
      { default_acr_values: ['b', 'a'] },
      ['widening'],
    ],
    ['no authentication contexts', {}, { default_acr_values: [] }, ['cosmetic']],
    ['a type of authorization details', {}, { authorization_details_types: ['a'] }, ['widening']],
    [
      'a response type for a grant that has none',
      { grant_types: ['client_credentials'] },
      { grant_types: ['client_credentials'], response_types: ['code'] },
      ['widening'],
    ],
    [
      'an algorithm offered',
      { id_token_signing_alg_values_supported: ['RS256'] },
      { id_token_signing_alg_values_supported: ['RS256', 'ES256'] },
      ['keys'],
    ],
    ['an organization', {}, { organization_name: 'A' }, ['display']],
    [
      'a new redirect on another host (CHG-01)',
      { redirect_uris: ['https://a.example/'] },
      { redirect_uris: ['https://a.example/', 'https://b.example/'] },
      ['widening'],
    ],
    ['another client (CHG-04)', { client_id: 'https://b.example/c' }, {}, ['widening']],
    [
      'the singular left out where the plural says the same (KEY-09)',
      { [SINGULAR]: 'private_key_jwt', [PLURAL]: ['private_key_jwt'] },
      { [PLURAL]: ['private_key_jwt'] },
      ['cosmetic'],
    ],
    [
      'the singular left out where the plural permits none (KEY-09)',
      { [SINGULAR]: 'private_key_jwt', [PLURAL]: ['private_key_jwt', 'none'] },
      { [PLURAL]: ['none', 'private_key_jwt'] },
      ['widening'],
    ],
    [
      'an empty plural (KEY-09)',
      { [SINGULAR]: 'private_key_jwt' },
      { [PLURAL]: [] },
      ['widening', 'widening'],
    ],
    [
      'equals of the plural, which have no order (KEY-10)',
      { [SINGULAR]: 'x', [PLURAL]: ['y', 'x'] },
      { [PLURAL]: ['y', 'x'] },
      ['cosmetic'],
    ],
    [
      'the strongest method lost (KEY-11)',
      { [PLURAL]: ['none', 'private_key_jwt'] },
      { [PLURAL]: ['none'] },
      ['widening'],
    ],
    [
      'the weakest method lost (KEY-11)',
      { [PLURAL]: ['none', 'private_key_jwt'] },
      { [PLURAL]: ['private_key_jwt'] },
      ['narrowing'],
    ],
    ['an unknown member', { x: { a: 1 } }, { x: { a: 2 } }, ['cosmetic']],
    ['an unknown member with a tag (DOC-17)', {}, { 'scope#ja': 'a' }, ['cosmetic']],
    ['a member named as a method', {}, { constructor: 1 }, ['cosmetic']],
  ])('CHG-07: classifies %s', (_, before, after, expected) => {
    expect(classesOf(before, after)).toEqual(expected)
  })
})
