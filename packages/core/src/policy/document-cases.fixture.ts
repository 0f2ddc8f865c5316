import type { JsonObject } from '../json/json.ts'
import type { TrustPolicyRequest } from './policy-schema.ts'

/** Policies, and what each makes of the document of https://app.example.com/client.json with some members. */
export type DocumentCases = {
  readonly what: string
  readonly policy: TrustPolicyRequest
  readonly contentType?: string
  readonly approved?: boolean
  /** `admit`, or the reasons as `code place pointer`. */
  readonly cases: readonly (readonly [members: JsonObject, expected: string])[]
}

const METHOD = 'token_endpoint_auth_method'
const METHODS = 'token_endpoint_auth_methods_supported'
const KEYS = { jwks_uri: 'https://app.example.com/jwks.json' }

const redirects = (...uris: readonly string[]) => ({ redirect_uris: uris })
const crossHost = (...indexes: readonly number[]) =>
  `refuse: ${indexes.map((index) => `redirect_cross_host /redirects/cross_host /redirect_uris/${index}`).join(', ')}`

export const DOCUMENT_CASES: readonly DocumentCases[] = [
  {
    what: 'POL-05: whatever is valid, by default',
    policy: {},
    cases: [
      [{}, 'admit'],
      [{ grant_types: ['urn:x:unknown'], response_types: ['x'] }, 'admit'],
      [redirects('http://localhost/cb', 'com.example.app:/cb', 'https://evil.org/cb'), 'admit'],
      [{ [METHOD]: 'private_key_jwt', jwks_uri: 'https://keys.example.net/jwks.json' }, 'admit'],
      [{ application_type: 'desktop', scope: 'everything' }, 'admit'],
    ],
  },
  {
    what: 'FET-08: text/plain by default',
    policy: {},
    contentType: 'text/plain; charset=utf-8',
    cases: [[{}, 'refuse: content_type_text /text_plain']],
  },
  {
    what: 'FET-08: text/plain where it is allowed',
    policy: { text_plain: 'allow' },
    contentType: 'text/plain',
    cases: [[{}, 'admit']],
  },
  {
    what: 'DOC-13: a profile',
    policy: { profile: 'mcp-2026-07-28' },
    cases: [
      [{ client_name: 'A' }, 'admit'],
      [{}, 'refuse: profile_member_missing /profile'],
      [
        { client_name: 'A', ...redirects('https://a.example.com/', 'com.example.app:/cb') },
        'refuse: profile_redirect_kind /profile /redirect_uris/1',
      ],
      [
        { ...redirects('com.example.app:/cb') },
        'refuse: profile_member_missing /profile, profile_redirect_kind /profile /redirect_uris/0',
      ],
    ],
  },
  {
    what: 'DOC-13, FET-08: text/plain beside a profile',
    policy: { profile: 'mcp-2026-07-28' },
    contentType: 'text/plain',
    cases: [[{}, 'refuse: content_type_text /text_plain, profile_member_missing /profile']],
  },
  {
    what: 'KEY-10: a method that proves the possession of a key',
    policy: { auth_methods: ['private_key_jwt', 'tls_client_auth'] },
    cases: [
      [{ [METHOD]: 'private_key_jwt', ...KEYS }, 'admit'],
      [{ [METHOD]: 'none', [METHODS]: ['none', 'private_key_jwt'], ...KEYS }, 'admit'],
      [{ [METHODS]: ['tls_client_auth'] }, 'admit'],
      [{}, 'refuse: auth_method_refused /auth_methods'],
      [{ [METHOD]: 'none' }, 'refuse: auth_method_refused /auth_methods'],
      [{ [METHODS]: ['none'] }, 'refuse: auth_method_refused /auth_methods'],
      [{ [METHOD]: 'Private_Key_JWT', ...KEYS }, 'refuse: auth_method_refused /auth_methods'],
    ],
  },
  {
    what: 'KEY-11: public clients alone',
    policy: { auth_methods: ['none'] },
    cases: [
      [{}, 'admit'],
      [{ [METHOD]: 'none' }, 'admit'],
      [{ [METHOD]: 'private_key_jwt', [METHODS]: ['none', 'private_key_jwt'], ...KEYS }, 'admit'],
      [{ [METHOD]: 'private_key_jwt', ...KEYS }, 'refuse: auth_method_refused /auth_methods'],
    ],
  },
  {
    what: 'RED-06: the host of the client_id alone',
    policy: { redirects: { cross_host: 'refuse' } },
    cases: [
      [redirects('https://app.example.com/cb', 'https://app.example.com:8443/cb?x'), 'admit'],
      [redirects('HTTPS://APP.example.com/cb'), 'admit'],
      [redirects('http://127.0.0.1/cb', 'com.example.app:/cb'), 'admit'],
      [redirects('https://example.com/cb'), crossHost(0)],
      [redirects('https://www.app.example.com/cb'), crossHost(0)],
      [redirects('https://app.example.com.evil.org/cb'), crossHost(0)],
      [redirects('https://evilapp.example.com/cb'), crossHost(0)],
      [redirects('https://app.example.com@evil.org/cb'), crossHost(0)],
      [redirects('https://app.example.com:443@evil.org/cb'), crossHost(0)],
      [redirects('https://app.example.com%2eevil.org/cb'), crossHost(0)],
      [redirects('https://app.example.com./cb'), crossHost(0)],
      [redirects('https://evil.org/app.example.com'), crossHost(0)],
      [redirects('https://evil.org/?https://app.example.com/'), crossHost(0)],
      [redirects('https://xn--pp-1ia.example.com/cb'), crossHost(0)],
      [redirects('https://a.org/', 'https://app.example.com/', 'https://b.org/'), crossHost(0, 2)],
    ],
  },
  {
    what: 'RED-02, RED-08: no loopback and no schemes of apps',
    policy: { redirects: { loopback: 'refuse', private_use: 'refuse' } },
    cases: [
      [redirects('https://evil.org/cb'), 'admit'],
      [redirects('http://localhost/cb'), 'refuse: redirect_loopback /redirects/loopback /redirect_uris/0'],
      [redirects('http://[::1]:1/cb'), 'refuse: redirect_loopback /redirects/loopback /redirect_uris/0'],
      [
        redirects('https://evil.org/', 'com.example.app:/cb'),
        'refuse: redirect_private_use /redirects/private_use /redirect_uris/1',
      ],
      [
        redirects('com.example.app:/cb', 'http://127.0.0.1/'),
        'refuse: redirect_loopback /redirects/loopback /redirect_uris/1, redirect_private_use /redirects/private_use /redirect_uris/0',
      ],
    ],
  },
  {
    what: 'RED-09: a number of redirects',
    policy: { redirects: { max_count: 2 } },
    cases: [
      [redirects('https://a.org/', 'https://b.org/'), 'admit'],
      [
        redirects('https://a.org/', 'https://b.org/', 'https://c.org/'),
        'refuse: redirects_too_many /redirects/max_count',
      ],
    ],
  },
  {
    what: 'RED-05: no redirects at all',
    policy: { redirects: { cross_host: 'refuse', max_count: 0 } },
    cases: [
      [{ grant_types: ['client_credentials'], redirect_uris: [] }, 'admit'],
      [{ grant_types: ['client_credentials'], redirect_uris: null }, 'admit'],
      [{}, 'refuse: redirects_too_many /redirects/max_count'],
    ],
  },
  {
    what: 'KEY-05: keys on the host of the client_id',
    policy: { cross_host_jwks_uri: 'refuse' },
    cases: [
      [{}, 'admit'],
      [KEYS, 'admit'],
      [{ jwks: { keys: [] } }, 'admit'],
      [{ jwks_uri: 'https://app.example.com:8443/jwks.json' }, 'admit'],
      [{ jwks_uri: 'https://example.com/jwks.json' }, 'refuse: jwks_uri_cross_host /cross_host_jwks_uri'],
      [{ jwks_uri: 'https://app.example.com@evil.org/' }, 'refuse: jwks_uri_cross_host /cross_host_jwks_uri'],
      [{ jwks_uri: 'https://app.example.com.evil.org/' }, 'refuse: jwks_uri_cross_host /cross_host_jwks_uri'],
    ],
  },
  {
    what: 'DOC-11: grant types are refused only where none is left',
    policy: { grant_types: ['authorization_code', 'refresh_token'] },
    cases: [
      [{}, 'admit'],
      [{ grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'] }, 'admit'],
      [{ grant_types: ['client_credentials'] }, 'refuse: grant_types_none_left /grant_types'],
      [{ grant_types: [] }, 'refuse: grant_types_none_left /grant_types'],
      [{ grant_types: ['Authorization_Code'] }, 'refuse: grant_types_none_left /grant_types'],
    ],
  },
  {
    what: 'DOC-11: the grant type by default counts',
    policy: { grant_types: ['client_credentials'] },
    cases: [[{}, 'refuse: grant_types_none_left /grant_types']],
  },
  {
    what: 'DOC-11: scopes are no reason to refuse',
    policy: { scopes: [] },
    cases: [[{ scope: 'a b' }, 'admit']],
  },
  {
    what: 'POL-01: warnings',
    policy: {
      warnings: { redirect_localhost: 'hold', application_type_unknown: 'refuse', member_empty: 'hold' },
    },
    cases: [
      [{}, 'admit'],
      [{ registration_access_token: 'x', [METHOD]: 'none' }, 'admit'],
      [
        redirects('http://localhost/cb', 'http://localhost/cb2'),
        'hold: document_warning /warnings/redirect_localhost /redirect_uris/0',
      ],
      [{ application_type: 'desktop' }, 'refuse: document_warning /warnings/application_type_unknown'],
      [
        { client_name: '', client_uri: '' },
        'hold: document_warning /warnings/member_empty, document_warning /warnings/member_empty',
      ],
      [
        { client_name: '', application_type: 'desktop' },
        'refuse: document_warning /warnings/member_empty, document_warning /warnings/application_type_unknown',
      ],
    ],
  },
  {
    what: 'POL-01: warnings about what was approved',
    policy: { warnings: { redirect_localhost: 'hold', application_type_unknown: 'refuse' } },
    approved: true,
    cases: [
      [redirects('http://localhost/cb'), 'admit'],
      [
        { ...redirects('http://localhost/cb'), application_type: 'desktop' },
        'refuse: document_warning /warnings/application_type_unknown',
      ],
    ],
  },
  {
    what: 'POL-01: a review',
    policy: { mode: 'review', cross_host_jwks_uri: 'refuse' },
    cases: [
      [{}, 'hold: review_pending /mode'],
      [
        { jwks_uri: 'https://evil.org/' },
        'refuse: jwks_uri_cross_host /cross_host_jwks_uri, review_pending /mode',
      ],
    ],
  },
  {
    what: 'POL-01: what was approved in a review',
    policy: { mode: 'review', cross_host_jwks_uri: 'refuse' },
    approved: true,
    cases: [
      [{}, 'admit'],
      [{ jwks_uri: 'https://evil.org/' }, 'refuse: jwks_uri_cross_host /cross_host_jwks_uri'],
    ],
  },
  {
    what: 'POL-01: every reason, in the order of a policy',
    policy: {
      mode: 'review',
      profile: 'mcp-2026-07-28',
      auth_methods: ['private_key_jwt'],
      redirects: { cross_host: 'refuse', loopback: 'refuse', private_use: 'refuse', max_count: 1 },
      cross_host_jwks_uri: 'refuse',
      grant_types: ['client_credentials'],
      warnings: { auth_method_absent: 'hold' },
    },
    contentType: 'text/plain',
    cases: [
      [
        { ...redirects('https://evil.org/', 'http://127.0.0.1/'), jwks_uri: 'https://evil.org/jwks' },
        [
          'refuse: content_type_text /text_plain',
          'profile_member_missing /profile',
          'auth_method_refused /auth_methods',
          'redirect_cross_host /redirects/cross_host /redirect_uris/0',
          'redirect_loopback /redirects/loopback /redirect_uris/1',
          'redirects_too_many /redirects/max_count',
          'jwks_uri_cross_host /cross_host_jwks_uri',
          'grant_types_none_left /grant_types',
          'document_warning /warnings/auth_method_absent',
          'review_pending /mode',
        ].join(', '),
      ],
    ],
  },
]
