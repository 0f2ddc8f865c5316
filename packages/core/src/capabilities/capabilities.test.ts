import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { FAILURES } from '../failure/failure.ts'
import { type AsMetadata, parseAsMetadata } from './as-metadata.ts'
import { type Capabilities, usableCapabilities } from './capabilities.ts'
import { CAPABILITY_PROBLEMS } from './capability-problems.ts'

function use(members: object, server: object = {}): Capabilities {
  const metadata: AsMetadata = {
    grant_types_supported: ['authorization_code', 'refresh_token'],
    response_types_supported: ['code'],
    token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
    ...server,
  }
  // The cast leaves out the members that capabilities do not read.
  return usableCapabilities({ client_id: 'https://a.example/c', ...members } as ClientMetadata, metadata)
}

const keyed = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://a.example/jwks' }

describe('usableCapabilities', () => {
  it('DOC-11: leaves out what the server does not have, in the order of the document', () => {
    const device = 'urn:ietf:params:oauth:grant-type:device_code'
    const { grantTypes, problems } = use({ grant_types: [device, 'refresh_token', 'authorization_code'] })
    expect(grantTypes).toEqual({ usable: ['refresh_token', 'authorization_code'], unsupported: [device] })
    expect(problems).toEqual([])
  })

  it('DOC-18: takes the defaults for what is absent', () => {
    expect(use({})).toMatchObject({
      grantTypes: { usable: ['authorization_code'], unsupported: [] },
      responseTypes: { usable: ['code'], unsupported: [] },
      scopes: undefined,
      authMethod: { ok: true, method: 'none', source: 'default' },
    })
  })

  it.each<[string, string, object, object?]>([
    ['DOC-11', 'no_common_grant_type', { grant_types: ['urn:x'], response_types: [] }],
    ['DOC-11', 'no_common_response_type', { response_types: ['token'] }],
    [
      'FET-22',
      'no_common_auth_method',
      { token_endpoint_auth_method: 'tls_client_auth' },
      { token_endpoint_auth_methods_supported: ['private_key_jwt'] },
    ],
    ['KEY-11', 'auth_method_downgrade', keyed, { token_endpoint_auth_methods_supported: ['none'] }],
    ['KEY-07', 'key_source_missing', { token_endpoint_auth_method: 'private_key_jwt' }],
    ['KEY-07', 'key_source_missing', { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [] } }],
    [
      'KEY-07',
      'key_source_missing',
      { token_endpoint_auth_method: 'self_signed_tls_client_auth' },
      { token_endpoint_auth_methods_supported: ['self_signed_tls_client_auth'] },
    ],
    [
      'FET-22',
      'no_common_auth_method',
      {},
      { token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_jwt'] },
    ],
    ['DOC-11', 'dpop_unsupported', { dpop_bound_access_tokens: true }],
    [
      'DOC-11',
      'signing_algorithm_unsupported',
      { ...keyed, token_endpoint_auth_signing_alg: 'ES512' },
      { token_endpoint_auth_signing_alg_values_supported: ['ES256'] },
    ],
  ])('%s: has the problem %s with %j', (_, problem, members, server) => {
    expect(use(members, server).problems).toEqual([problem])
  })

  it.each<[object, object?]>([
    [keyed],
    [{ ...keyed, token_endpoint_auth_signing_alg: 'ES512' }],
    [
      { ...keyed, token_endpoint_auth_signing_alg: 'ES256' },
      { token_endpoint_auth_signing_alg_values_supported: ['ES256'] },
    ],
    [{ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{}] } }],
    [
      { token_endpoint_auth_method: 'tls_client_auth', token_endpoint_auth_signing_alg: 'ES512' },
      {
        token_endpoint_auth_methods_supported: ['tls_client_auth'],
        token_endpoint_auth_signing_alg_values_supported: ['ES256'],
      },
    ],
    [{ id_token_signed_response_alg: 'ES256' }, { id_token_signing_alg_values_supported: ['RS256'] }],
    [{ grant_types: ['client_credentials', 'refresh_token'] }],
    [{ grant_types: [], response_types: [] }],
  ])('has no problem with %j', (members, server) => {
    expect(use(members, server).problems).toEqual([])
  })

  it('DOC-11: intersects scopes where the server lists them', () => {
    const members = { scope: 'openid  admin' }
    expect(use(members, { scopes_supported: ['openid'] }).scopes).toEqual({
      usable: ['openid'],
      unsupported: ['admin'],
    })
    expect(use(members).scopes).toEqual({ usable: ['openid', 'admin'], unsupported: [] })
    expect(use({ scope: '' }).scopes).toEqual({ usable: [], unsupported: [] })
  })

  it.each([
    ['authorizationDetailsTypes', 'authorization_details_types', 'authorization_details_types_supported'],
    ['acrValues', 'default_acr_values', 'acr_values_supported'],
    ['authMethods', 'token_endpoint_auth_methods_supported', 'token_endpoint_auth_methods_supported'],
  ] as const)('DOC-11: gives as %s what both sides have', (part, asked, supported) => {
    const capabilities = use({ [asked]: ['x', 'none', 'y'] }, { [supported]: ['y', 'none'] })
    expect(capabilities[part]).toEqual({ usable: ['none', 'y'], unsupported: ['x'] })
    expect(capabilities.problems).toEqual([])
    expect(use({})[part]).toBeUndefined()
  })

  it('DOC-11: tells what single value the server does not have, which is no problem by itself', () => {
    expect(
      use({ subject_type: 'pairwise' }, { subject_types_supported: ['public'] }).unsupportedValues,
    ).toEqual([{ member: 'subject_type', value: 'pairwise', supported: ['public'] }])
  })

  it('POL-05: tells every problem there is, the grant first', () => {
    const members = { ...keyed, grant_types: ['x'], response_types: ['y'], dpop_bound_access_tokens: true }
    expect(use(members, { token_endpoint_auth_methods_supported: ['none'] }).problems).toEqual([
      'no_common_grant_type',
      'no_common_response_type',
      'auth_method_downgrade',
      'dpop_unsupported',
    ])
  })

  it('DOC-11: gives a part of what was asked for, and the same again of that part', () => {
    const grants = fc.array(fc.constantFrom('authorization_code', 'refresh_token', 'implicit', 'x'))
    fc.assert(
      fc.property(grants, (grant_types) => {
        const { usable, unsupported } = use({ grant_types }).grantTypes
        expect([...usable, ...unsupported].toSorted()).toEqual(grant_types.toSorted())
        expect(usable).toEqual(grant_types.filter((grant) => usable.includes(grant)))
        expect(use({ grant_types: usable }).grantTypes).toEqual({ usable, unsupported: [] })
      }),
    )
  })
})

describe('parseAsMetadata', () => {
  it('takes the defaults of RFC 8414', () => {
    expect(parseAsMetadata({ response_types_supported: ['code'], x: 1 })).toEqual({
      ok: true,
      metadata: {
        response_types_supported: ['code'],
        grant_types_supported: ['authorization_code', 'implicit'],
        token_endpoint_auth_methods_supported: ['client_secret_basic'],
        x: 1,
      },
    })
  })

  it('takes null for absent, as some servers write it', () => {
    expect(
      parseAsMetadata({
        response_types_supported: ['code'],
        grant_types_supported: null,
        scopes_supported: null,
      }),
    ).toEqual(parseAsMetadata({ response_types_supported: ['code'] }))
  })

  it.each([
    [null, 'the document: '],
    [[], 'the document: '],
    ['code', 'the document: '],
    [{ response_types_supported: null }, 'response_types_supported: '],
    [{}, 'response_types_supported: '],
    [{ response_types_supported: ['code', 1] }, 'response_types_supported.1: '],
  ])('tells what is wrong with %j', (value, expected) => {
    const result = parseAsMetadata(value)
    expect(result.ok ? [] : result.problems).toEqual([expect.stringContaining(expected)])
  })
})

describe('CAPABILITY_PROBLEMS', () => {
  it('shares no code with the failures: no problem makes a document invalid (POL-05)', () => {
    expect(Object.keys(CAPABILITY_PROBLEMS).filter((code) => code in FAILURES)).toEqual([])
  })
})
