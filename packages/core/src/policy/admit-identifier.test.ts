import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseClientIdUrl } from '../identifier/client-id-url.ts'
import { admitIdentifier, type PolicyIdentifier } from './admit-identifier.ts'
import { IDENTIFIER_CASES } from './identifier-cases.fixture.ts'
import { policySchema, type TrustPolicyRequest } from './policy-schema.ts'
import { told } from './told.fixture.ts'

const rows = IDENTIFIER_CASES.flatMap(({ cases, ...group }) =>
  cases.map(([clientId, expected]) => ({ ...group, clientId, expected })),
)

describe('admitIdentifier', () => {
  it.each(rows)('$what: $clientId', ({ policy, preRegistered = false, nonCanonical, clientId, expected }) => {
    const options = { allowedPorts: [80, 443, 8443], allowNonCanonical: nonCanonical ?? false }
    const identified = parseClientIdUrl(clientId, options)
    const verdict = identified.ok
      ? told(admitIdentifier(policySchema.parse(policy), identified, { preRegistered }))
      : `none: ${identified.code}`
    expect(verdict).toBe(expected)
  })

  it('POL-04: says of a block what it is a block of', () => {
    const block = [{ host: '*.evil.org', path: '/x/**', port: 8443 }, { domain: 'evil.org' }]
    const { reasons } = admitIdentifier(
      policySchema.parse({ block }),
      identify('https://a.evil.org:8443/x/y'),
      {
        preRegistered: false,
      },
    )
    expect(reasons).toEqual([
      {
        code: 'blocked',
        effect: 'refuse',
        rule: 'POL-04',
        at: '/block/0',
        detail: 'The block of *.evil.org:8443/x/** is of this client_id.',
      },
      expect.objectContaining({ at: '/block/1', detail: 'The block of evil.org is of this client_id.' }),
    ])
  })

  it('POL-02: names every rule that allows, for the audit', () => {
    const allow = [{ host: 'a.example.com' }, { domain: 'example.com' }, { host: '*.example.com' }]
    const allowedBy = (mode: 'allowlist' | 'open') =>
      admitIdentifier(policySchema.parse({ mode, allow }), identify('https://b.example.com/c'), {
        preRegistered: false,
      }).allowedBy
    expect(allowedBy('allowlist')).toEqual(['/allow/1', '/allow/2'])
    expect(allowedBy('open')).toEqual([])
  })

  it('POL-08: still blocks a domain that has become a public suffix, and allows it no more', () => {
    const identifier = { ...identify('https://a.example.com/c'), registrableDomain: 'a.example.com' }
    const rules = [{ domain: 'example.com' }]
    const judge = (policy: TrustPolicyRequest) =>
      told(admitIdentifier(policySchema.parse(policy), identifier, { preRegistered: false }))
    expect(judge({ block: rules })).toBe('refuse: blocked /block/0')
    expect(judge({ mode: 'allowlist', allow: rules })).toBe('refuse: not_allowed /allow')
    expect(judge({ mode: 'allowlist', allow: [{ host: '*.example.com' }] })).toBe(
      'refuse: not_allowed /allow',
    )
    expect(judge({ mode: 'allowlist', allow: [{ host: 'a.example.com' }] })).toBe('admit')
  })

  it('POL-04: a rule that names nothing is of nobody', () => {
    expect(decide({ mode: 'allowlist', allow: [{}] }, identify('https://a.example.com/c'), false)).toBe(
      'refuse',
    )
    expect(decide({ block: [{}] }, identify('https://a.example.com/c'), false)).toBe('admit')
  })

  const hosts = ['example.com', 'a.example.com', 'b.a.example.com', 'evil.org', 'x.github.io'] as const
  const paths = ['/', '/a', '/a/', '/a/b', '/a//b', '/a/b%2Fc', '/a/b/c', '/%61/b'] as const
  const patterns = ['/', '/a', '/*', '/a/*', '/*/*', '/a/**', '/**', '/*/b/**'] as const
  const ports = [443, 8443] as const
  const identifiers = fc
    .tuple(
      fc.constantFrom(...hosts),
      fc.constantFrom(...ports),
      fc.constantFrom(...paths),
      fc.constantFrom('', '?', '?q'),
    )
    .map(([host, port, path, query]) =>
      identify(`https://${host}${port === 443 ? '' : `:${port}`}${path}${query}`),
    )
  const rules = fc
    .tuple(
      fc.oneof(
        fc.constantFrom(...hosts, '*.example.com', '*.a.example.com').map((host) => ({ host })),
        fc.constantFrom('example.com', 'evil.org', 'x.github.io').map((domain) => ({ domain })),
      ),
      fc.record(
        { path: fc.constantFrom(...patterns), port: fc.constantFrom(...ports) },
        { requiredKeys: [] },
      ),
    )
    .map(([name, rest]) => ({ ...name, ...rest }))
  const lists = fc.array(rules, { maxLength: 5 })
  const modes = fc.constantFrom('open', 'allowlist', 'pre_registered', 'review') as fc.Arbitrary<
    'open' | 'allowlist' | 'pre_registered' | 'review'
  >
  const requests = fc.record({
    mode: modes,
    allow: lists,
    block: lists,
    ports: fc.constantFrom(null, [443]),
    paths: fc.constantFrom({}, { query: 'refuse' as const }),
  })
  const decide = (policy: TrustPolicyRequest, identifier: PolicyIdentifier, preRegistered: boolean) =>
    admitIdentifier(policySchema.parse(policy), identifier, { preRegistered }).decision

  it('POL-04: adding a block rule never admits more', () => {
    fc.assert(
      fc.property(requests, rules, identifiers, fc.boolean(), (policy, rule, identifier, known) => {
        const after = decide({ ...policy, block: [...policy.block, rule] }, identifier, known)
        if (after === 'admit') expect(decide(policy, identifier, known)).toBe('admit')
      }),
    )
  })

  it('POL-02: adding a rule that allows never admits less where a list is asked for', () => {
    fc.assert(
      fc.property(requests, rules, identifiers, fc.boolean(), (request, rule, identifier, known) => {
        const policy = { ...request, mode: 'allowlist' as const }
        const after = decide({ ...policy, allow: [...policy.allow, rule] }, identifier, known)
        if (decide(policy, identifier, known) === 'admit') expect(after).toBe('admit')
      }),
    )
  })

  it('POL-02, POL-04: the order of rules decides nothing', () => {
    const shuffled = requests.chain((policy) =>
      fc.tuple(
        fc.constant(policy),
        fc.shuffledSubarray(policy.allow, { minLength: policy.allow.length }),
        fc.shuffledSubarray(policy.block, { minLength: policy.block.length }),
      ),
    )
    fc.assert(
      fc.property(shuffled, identifiers, fc.boolean(), ([policy, allow, block], identifier, known) => {
        const judged = [policy, { ...policy, allow, block }].map((each) => {
          const { decision, reasons } = admitIdentifier(policySchema.parse(each), identifier, {
            preRegistered: known,
          })
          return { decision, reasons: reasons.map(({ code, detail }) => `${code} ${detail}`).sort() }
        })
        expect(judged[0]).toEqual(judged[1])
      }),
    )
  })

  it('POL-03: a registration before never admits less', () => {
    fc.assert(
      fc.property(requests, identifiers, (policy, identifier) => {
        if (decide(policy, identifier, false) === 'admit')
          expect(decide(policy, identifier, true)).toBe('admit')
      }),
    )
  })

  it('POL-06: what a rule lets in, the same rule keeps out', () => {
    fc.assert(
      fc.property(rules, identifiers, (rule, identifier) => {
        const isLetIn = decide({ mode: 'allowlist', allow: [rule] }, identifier, false) === 'admit'
        if (isLetIn) expect(decide({ block: [rule] }, identifier, false)).toBe('refuse')
      }),
    )
  })
})

function identify(clientId: string): PolicyIdentifier {
  const identified = parseClientIdUrl(clientId, { allowedPorts: [443, 8443] })
  if (!identified.ok) throw new Error(`the client_id of this test is wrong: ${clientId}`)
  return identified
}
