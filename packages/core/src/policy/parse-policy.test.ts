import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseTrustPolicy, policyDigest, readTrustPolicy } from './parse-policy.ts'
import { DEFAULT_TRUST_POLICY, type TrustPolicyRequest } from './policy-schema.ts'

describe('parseTrustPolicy', () => {
  it('POL-01: fills in what is not said', () => {
    expect(parseTrustPolicy({})).toEqual({ ok: true, policy: DEFAULT_TRUST_POLICY })
    expect(DEFAULT_TRUST_POLICY).toEqual({
      mode: 'open',
      allow: [],
      block: [],
      ports: null,
      paths: { query: 'allow', root_path: 'allow' },
      profile: 'cimd-02',
      text_plain: 'refuse',
      auth_methods: null,
      redirects: { cross_host: 'allow', loopback: 'allow', private_use: 'allow', max_count: null },
      cross_host_jwks_uri: 'allow',
      grant_types: null,
      scopes: null,
      changes: 'accept',
      stale_limits: {},
      approvals: { expire_after_days: null },
      warnings: {},
      ownership_change: 'ignore',
    })
  })

  it('keeps what is said', () => {
    const request: TrustPolicyRequest = {
      mode: 'allowlist',
      allow: [
        { host: '*.example.com', path: '/oauth/*/client.json', port: 8443 },
        { domain: 'acme.github.io' },
      ],
      block: [{ host: '*.github.io' }, { host: '*.com' }, { domain: 'example.org', path: '/**' }],
      ports: [443, 8443],
      auth_methods: ['private_key_jwt', 'spiffe_jwt'],
      redirects: { max_count: 3 },
      scopes: ['openid', 'https://example.com/scope'],
      changes: 'hold_widening',
      stale_limits: { unreachable: 3600, rejected: 0 },
      approvals: { expire_after_days: 90 },
      warnings: { redirect_localhost: 'hold' },
      ownership_change: 'hold',
    }
    const { redirects, ...rest } = request
    const expected = { ...DEFAULT_TRUST_POLICY, ...rest }
    expect(parseTrustPolicy(request)).toEqual({
      ok: true,
      policy: { ...expected, redirects: { ...DEFAULT_TRUST_POLICY.redirects, ...redirects } },
    })
  })

  it.each<[string, unknown, readonly string[]]>([
    ['no object', [], [' Invalid input: expected object, received array']],
    ['null', null, [' Invalid input: expected object, received null']],
    ['a mode there is not', { mode: 'closed' }, ['/mode is none of the values there are']],
    ['a profile there is not', { profile: 'cimd-99' }, ['/profile is none of the values there are']],
    [
      'members that are not known',
      { alow: [], '~/': 1 },
      ['/alow is not known here', '/~0~1 is not known here'],
    ],
    [
      'a rule with both',
      rule({ host: 'a.example.com', domain: 'example.com' }),
      ['/block/0 has not exactly one of host and domain'],
    ],
    ['a rule with neither', rule({ path: '/x' }), ['/block/0 has not exactly one of host and domain']],
    ['a rule with more', rule({ host: 'a.example.com', query: 'x' }), ['/block/0/query is not known here']],
    [
      'a rule that is none',
      rule('app.example.com'),
      ['/block/0 Invalid input: expected object, received string'],
    ],
    [
      'a port out of range',
      rule({ host: 'a.example.com', port: 0 }),
      ['/block/0/port Too small: expected number to be >=1'],
    ],
    ['a list with nothing in it', { ports: [] }, ['/ports Too small: expected array to have >=1 items']],
    ['a port twice', { ports: [443, 443] }, ['/ports names something twice']],
    ['a scope twice', { scopes: ['a', 'a'] }, ['/scopes names something twice']],
    [
      'two scopes in one',
      { scopes: ['a b'] },
      ['/scopes/0 is empty, or holds a blank or a character that is not ASCII'],
    ],
    [
      'a shared secret',
      { auth_methods: ['client_secret_basic'] },
      ['/auth_methods/0 rests on a shared secret, which no client of this kind has'],
    ],
    [
      'a warning of identifiers',
      { warnings: { url_query: 'refuse' } },
      ['/warnings/url_query is not known here'],
    ],
    [
      'an effect there is not',
      { warnings: { keys_missing: 'warn' } },
      ['/warnings/keys_missing is none of the values there are'],
    ],
    [
      'more than is allowed',
      { stale_limits: { unreachable: 86_401 } },
      ['/stale_limits/unreachable Too big: expected number to be <=86400'],
    ],
    ['what has no limit', { stale_limits: { refused: 1 } }, ['/stale_limits/refused is not known here']],
    [
      'a list without effect',
      { allow: [{ host: 'a.example.com' }] },
      ['/allow has no effect in the mode open'],
    ],
    [
      'a list beside registrations',
      { mode: 'pre_registered', allow: [{ host: 'a.example.com' }] },
      ['/allow has no effect in the mode pre_registered'],
    ],
    [
      'all at once',
      { mode: 'x', allow: [{ host: '*.com' }, {}, 1], block: [{ domain: 'co.uk', port: 0 }], x: 1 },
      [
        '/mode is none of the values there are',
        '/allow/2 Invalid input: expected object, received number',
        '/block/0/port Too small: expected number to be >=1',
        '/x is not known here',
        '/allow/0/host allows whoever has a name below a public suffix',
        '/allow/1 has not exactly one of host and domain',
        '/block/0/domain is a public suffix, which belongs to nobody',
      ],
    ],
  ])('refuses %s', (_, value, expected) => {
    expect(problemsOf(value)).toEqual(expected)
  })

  it.each([
    'Example.com',
    'example.com.',
    '.example.com',
    'example.com:443',
    'https://example.com',
    'example.com/x',
    'user@example.com',
    'ex*mple.com',
    '*',
    '*.',
    '**.example.com',
    'a.*.example.com',
    'exämple.com',
    'localhost',
    'printer.local',
    '127.0.0.1',
    '[::1]',
    'example..com',
    '',
    ' example.com',
    'example.com%00',
    '0x7f.1',
  ])('POL-04: refuses %j as a host', (host) => {
    expect(problemsOf(rule({ host }))).toEqual([
      '/block/0/host is not the name of a public host, or *. and one',
    ])
    expect(problemsOf(rule({ domain: host }))).toEqual(['/block/0/domain is not the name of a public domain'])
  })

  it.each(['com', 'co.uk', 'github.io', 'vercel.app'])(
    'POL-08: allows nobody who has a name below the public suffix %s, but blocks them',
    (suffix) => {
      const host = `*.${suffix}`
      const problem = '/allow/0/host allows whoever has a name below a public suffix'
      expect(problemsOf({ mode: 'allowlist', allow: [{ host }] })).toEqual([problem])
      expect(problemsOf(rule({ host }))).toEqual([])
      expect(problemsOf(rule({ domain: suffix }))).toHaveLength(1)
    },
  )

  it('POL-08: wants a registrable domain as it is registered', () => {
    expect(parseTrustPolicy(rule({ domain: 'app.example.com' }))).toEqual({
      ok: false,
      problems: [
        {
          pointer: '/block/0/domain',
          detail: 'is below the registrable domain example.com',
          advice: 'Write the domain example.com, or the host app.example.com or *.app.example.com.',
        },
      ],
    })
  })

  it.each([
    ['oauth/*', 'does not begin with a slash'],
    ['', 'does not begin with a slash'],
    ['/a?b', 'holds a character that no path of a URI may hold'],
    ['/a#b', 'holds a character that no path of a URI may hold'],
    ['/ä', 'holds a character that no path of a URI may hold'],
    ['/a b', 'holds a character that no path of a URI may hold'],
    ['/a%2', 'holds a character that no path of a URI may hold'],
    ['/[a]', 'holds a character that no path of a URI may hold'],
    ['/a/../b', 'has a dot segment, which no client_id has'],
    ['/a/%2E%2e', 'has a dot segment, which no client_id has'],
    ['/**/client.json', 'has /** before its end'],
    ['/a*', 'has a star that is not a whole segment'],
    ['/***', 'has a star that is not a whole segment'],
  ])('POL-06: refuses %j as a path', (path, flaw) => {
    expect(problemsOf(rule({ host: 'a.example.com', path }))).toEqual([`/block/0/path ${flaw}`])
  })

  it('says of every problem what to do', () => {
    const parsed = parseTrustPolicy({
      mode: 'x',
      ports: ['a'],
      block: [{ host: 'X' }, { host: 'a.example.com', path: 'x' }],
      y: 1,
    })
    expect(parsed.ok ? [] : parsed.problems.map(({ advice }) => advice)).toEqual([
      'Write one of open, allowlist, pre_registered, review.',
      'Write it in lower case and A-labels, as app.example.com or *.example.com.',
      'Write it as /oauth/*/client.json or /apps/**.',
      'Write a value as docs/policy.schema.json says.',
      'Correct its spelling, or leave it out.',
    ])
  })

  it('POL-01: never throws, and reads again what it has read', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.constantFrom('allow', 'block', 'mode', 'warnings', 'paths'),
        (value, member) => {
          for (const request of [value, { [member]: value }, { [member]: [value] }]) {
            const parsed = parseTrustPolicy(request)
            if (parsed.ok) expect(parseTrustPolicy(parsed.policy)).toEqual(parsed)
            else expect(parsed.problems.length).toBeGreaterThan(0)
          }
        },
      ),
    )
  })
})

describe('readTrustPolicy', () => {
  it('POL-08: takes what was taken before, whatever is a public suffix now', () => {
    const stored = { mode: 'allowlist', allow: [{ host: '*.github.io' }, { domain: 'co.uk' }] }
    expect(parseTrustPolicy(stored).ok).toBe(false)
    expect(readTrustPolicy(stored)).toMatchObject({ ok: true, policy: stored })
  })

  it('does not pass over what a later release may have written', () => {
    expect(readTrustPolicy({ restriction: 'new' }).ok).toBe(false)
  })
})

describe('policyDigest', () => {
  it('is of what is said beside the defaults', () => {
    const digestOf = (request: TrustPolicyRequest) => {
      const parsed = parseTrustPolicy(request)
      return parsed.ok ? policyDigest(parsed.policy) : 'refused'
    }
    // sha-256 of {}
    const usual = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
    expect(digestOf({})).toBe(usual)
    expect(digestOf({ mode: 'open', paths: { query: 'allow' }, scopes: null })).toBe(usual)
    expect(digestOf({ paths: { query: 'refuse' } })).toBe(
      digestOf({ paths: { root_path: 'allow', query: 'refuse' }, allow: [] }),
    )
    const different = [
      { scopes: [] },
      { ports: [443] },
      { warnings: { keys_missing: 'hold' as const } },
      { stale_limits: { unreachable: 0 } },
    ]
    expect(new Set([usual, ...different.map(digestOf)]).size).toBe(different.length + 1)
  })
})

function rule(each: unknown) {
  return { block: [each] }
}

function problemsOf(value: unknown): readonly string[] {
  const parsed = parseTrustPolicy(value)
  return parsed.ok ? [] : parsed.problems.map(({ pointer, detail }) => `${pointer} ${detail}`)
}
