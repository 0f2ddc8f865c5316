import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseClientMetadata } from '../document/client-metadata.ts'
import { judgeProfile } from '../document/judge-profile.ts'
import { PROFILES, type ProfileId } from '../document/profiles.ts'
import { FAILURES } from '../failure/failure.ts'
import { WARNINGS } from '../failure/warnings.ts'
import { parseClientIdUrl } from '../identifier/client-id-url.ts'
import type { JsonObject } from '../json/json.ts'
import { classifyContentType } from '../response/content-type.ts'
import { DOCUMENT_CASES } from './document-cases.fixture.ts'
import { judgeDocument, type PolicyDocument } from './judge-document.ts'
import { POLICY_REASONS } from './policy-reasons.ts'
import { DEFAULT_TRUST_POLICY, policySchema } from './policy-schema.ts'
import { joinVerdicts } from './policy-verdict.ts'
import { told } from './told.fixture.ts'

const rows = DOCUMENT_CASES.flatMap(({ cases, ...group }) =>
  cases.map(([members, expected]) => ({ ...group, members, expected, shown: JSON.stringify(members) })),
)

describe('judgeDocument', () => {
  it.each(rows)('$what: $shown', ({ policy, contentType, approved, members, expected }) => {
    const document = {
      ...documentOf(members),
      ...(contentType && { contentType }),
      approved: approved ?? false,
    }
    expect(told(judgeDocument(policySchema.parse(policy), document))).toBe(expected)
  })

  it.each<
    [ownership: 'hold' | 'ignore', ownerUnaccepted: boolean | undefined, approved: boolean, told: string]
  >([
    ['hold', true, false, 'hold: ownership_changed /ownership_change'],
    ['hold', true, true, 'hold: ownership_changed /ownership_change'],
    ['hold', false, false, 'admit'],
    ['hold', undefined, false, 'admit'],
    ['ignore', true, false, 'admit'],
  ])(
    'CHG-05: with %s of a change of owner (%s), approved %s: %s',
    (ownership, ownerUnaccepted, approved, expected) => {
      const policy = policySchema.parse({ ownership_change: ownership })
      const verdict = judgeDocument(policy, { ...documentOf({}), approved, ownerUnaccepted })
      expect(told(verdict)).toBe(expected)
    },
  )

  it('DOC-13: tells of a demand on how the document is served, which is of no member', () => {
    const document = { ...documentOf({}), contentType: 'application/ld+json' }
    const { reasons } = judgeDocument(policySchema.parse({ profile: 'atproto' }), document)
    expect(reasons.map(({ detail }) => detail)).toContain(
      'The document is not served as application/json (profile atproto).',
    )
  })

  it('tells of each reason what it is of, and says it in a sentence', () => {
    const policy = policySchema.parse({
      profile: 'atproto',
      redirects: { cross_host: 'refuse' },
      warnings: { application_type_unknown: 'hold' },
    })
    const { reasons } = judgeDocument(
      policy,
      documentOf({ redirect_uris: ['https://evil.org/'], application_type: 'desktop' }),
    )
    expect(reasons).toContainEqual({
      code: 'redirect_cross_host',
      effect: 'refuse',
      rule: 'RED-06',
      at: '/redirects/cross_host',
      member: 'redirect_uris',
      pointer: '/redirect_uris/0',
      detail: 'Entry 0 is not on app.example.com.',
    })
    expect(reasons).toContainEqual({
      code: 'profile_member_value',
      effect: 'refuse',
      rule: 'DOC-13',
      at: '/profile',
      member: 'dpop_bound_access_tokens',
      detail: 'dpop_bound_access_tokens is not true (profile atproto).',
    })
    expect(reasons).toContainEqual({
      code: 'document_warning',
      effect: 'hold',
      rule: 'DOC-13',
      at: '/warnings/application_type_unknown',
      member: 'application_type',
      detail: expect.stringMatching(/^application_type: .* \(warning application_type_unknown\)\.$/),
    })
  })

  it('tells of one kind of redirect the first ten', () => {
    const redirect_uris = Array.from({ length: 50 }, (_, index) => `https://evil.org/${index}`)
    const policy = policySchema.parse({ redirects: { cross_host: 'refuse' } })
    expect(judgeDocument(policy, documentOf({ redirect_uris })).reasons).toHaveLength(10)
  })

  it('KEY-05: takes a URL that cannot be read for another host', () => {
    const { metadata, ...document } = documentOf({})
    const stored = { ...document, metadata: { ...metadata, jwks_uri: 'https://' } }
    expect(told(judgeDocument(policySchema.parse({ cross_host_jwks_uri: 'refuse' }), stored))).toBe(
      'refuse: jwks_uri_cross_host /cross_host_jwks_uri',
    )
  })

  it('DOC-10: a warning about no member is one about the document', () => {
    const policy = policySchema.parse({ warnings: { keys_missing: 'hold' } })
    const warnings = [{ code: 'keys_missing' as const, rule: 'KEY-07', detail: 'there is no key' }]
    const { reasons } = judgeDocument(policy, { ...documentOf({}), warnings })
    expect(reasons).toEqual([
      {
        code: 'document_warning',
        effect: 'hold',
        rule: 'DOC-13',
        at: '/warnings/keys_missing',
        detail: 'The document: there is no key (warning keys_missing).',
      },
    ])
  })

  it('FET-08: asks for no Content-Type where there was none', () => {
    const document = { ...documentOf({}), contentType: undefined }
    expect(judgeDocument(DEFAULT_TRUST_POLICY, document).decision).toBe('admit')
  })

  const members = fc.record(
    {
      client_name: fc.constantFrom('A', ''),
      redirect_uris: fc.constantFrom(
        ['https://app.example.com/cb'],
        ['com.example.app:/cb'],
        ['http://localhost/'],
      ),
      grant_types: fc.constantFrom(['authorization_code'], ['authorization_code', 'x']),
      response_types: fc.constantFrom(['code'], ['code', 'y']),
      scope: fc.constantFrom('atproto', 'other'),
      dpop_bound_access_tokens: fc.boolean(),
      application_type: fc.constantFrom('web', 'native', 'x'),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<JsonObject>
  const contentTypes = fc.constantFrom(
    'application/json',
    'text/plain',
    'Text/Plain; x',
    'application/a+json',
  )
  const profiles = fc.constantFrom(...(Object.keys(PROFILES) as ProfileId[]))

  it('POL-05, FET-08: the default policy refuses a valid document only where it is served as text/plain', () => {
    fc.assert(
      fc.property(members, contentTypes, fc.boolean(), (some, contentType, approved) => {
        const document = { ...documentOf(some), contentType, approved }
        const codes = judgeDocument(DEFAULT_TRUST_POLICY, document).reasons.map(({ code }) => code)
        expect(codes).toEqual(classifyContentType(contentType) === 'text' ? ['content_type_text'] : [])
      }),
    )
  })

  it('DOC-13: a policy that only names a profile has the reasons of the profile, each under its code', () => {
    fc.assert(
      fc.property(members, profiles, (some, profile) => {
        const document = documentOf(some)
        const { reasons } = judgeDocument(policySchema.parse({ profile }), document)
        expect(reasons.map(({ code }) => code)).toEqual(
          judgeProfile(profile, document).map(({ code }) => code),
        )
      }),
    )
  })
})

describe('joinVerdicts', () => {
  it('has every reason, and the gravest decision', () => {
    const held = judgeDocument(policySchema.parse({ mode: 'review' }), documentOf({}))
    const refused = judgeDocument(
      policySchema.parse({ scopes: [], redirects: { max_count: 0 } }),
      documentOf({}),
    )
    expect(joinVerdicts()).toEqual({ decision: 'admit', reasons: [] })
    expect(joinVerdicts(held, joinVerdicts())).toEqual(held)
    expect(told(joinVerdicts(held, refused))).toBe(
      'refuse: review_pending /mode, redirects_too_many /redirects/max_count',
    )
  })
})

describe('POLICY_REASONS', () => {
  const codes = Object.keys(POLICY_REASONS) as (keyof typeof POLICY_REASONS)[]

  it.each(codes)('gives %s a code of its own, a rule, a summary and advice (ARC-09)', (code) => {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/)
    expect([Object.hasOwn(FAILURES, code), Object.hasOwn(WARNINGS, code)]).toEqual([false, false])
    expect(POLICY_REASONS[code]).toEqual({
      summary: expect.stringMatching(/^[A-Z].{10,110}\.$/),
      advice: expect.stringMatching(/^[A-Z].{10,110}\.$/),
      rule: expect.stringMatching(/^[A-Z]{3}-\d\d$/),
    })
  })
})

function documentOf(members: JsonObject): PolicyDocument {
  const identified = parseClientIdUrl('https://app.example.com/client.json')
  if (!identified.ok) throw new Error('the client_id of these tests is wrong')
  const clientId = identified.value
  const document = { client_id: clientId, redirect_uris: ['https://app.example.com/cb'], ...members }
  const parsed = parseClientMetadata(new TextEncoder().encode(JSON.stringify(document)), clientId)
  if (!parsed.ok) throw new Error(`the document of this test is refused: ${parsed.code}`)
  const { metadata, warnings } = parsed
  return { clientId, metadata, warnings, contentType: 'application/json', approved: false }
}
