import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ClientMetadata } from '../document/client-metadata.ts'
import type { ClientIdUrl } from '../identifier/client-id-url.ts'
import { reputationOf } from '../reputation/reputation.ts'
import { consentDisplay } from './consent-display.ts'
import { consentDisplayResult } from './display-result.ts'
import { messageOf } from './message.ts'
import { DISPLAY_WARNINGS, SEVERITIES } from './warnings.ts'

const NOW = new Date('2026-11-01T00:00:00Z')
const HARMFUL = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u
const TEXT_LENGTH_MAX = 400

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 100 }),
  fc.constantFrom('{host}', '{{x}}', '<%= x %>', '\u202e', '\u0000', '\n', '://', 'claude.ai', 'Claude'),
)
const url = fc.oneof(
  fc.webUrl({ validSchemes: ['https', 'http'], withQueryParameters: true }),
  text.map((part) => `https://example.com/${part}`),
  text.map((part) => `https://${part}.example.com/`),
  fc.constantFrom(
    'http://127.0.0.1/',
    'com.example.app:/cb',
    'javascript:0',
    `https://${'a.'.repeat(300)}de/`,
  ),
  text,
)
const label = fc.oneof(fc.stringMatching(/^[a-z0-9]{1,63}$/), fc.string({ unit: 'grapheme', maxLength: 5 }))
const clientId = fc
  .tuple(fc.array(label, { maxLength: 4 }), fc.constantFrom('com', 'github.io', 'ai', 'fly.dev', 'jp'))
  .map(([labels, suffix]) => URL.parse(`https://${[...labels, 'x', suffix].join('.')}/client.json`)?.href)
  .map((href) => href ?? 'https://claude-ai.example.com/client.json')
const tag = fc.constantFrom('', '#ja', '#de-AT', '#\u202e')
const metadata = fc.dictionary(
  fc
    .tuple(fc.constantFrom('client_name', 'client_uri', 'tos_uri', 'policy_uri', 'x'), tag)
    .map((parts) => parts.join('')),
  fc.oneof(text, url),
)
const date = fc.option(
  fc.integer({ min: -1, max: 500 }).map((days) => new Date(NOW.getTime() - days * 86_400_000)),
  { nil: undefined },
)
const input = fc.record({
  clientId,
  metadata: fc.option(metadata, { nil: undefined }),
  redirectUris: fc.array(url, { maxLength: 15 }),
  redirectUri: fc.option(url, { nil: undefined }),
  logoUrl: fc.option(url, { nil: undefined }),
  languages: fc.array(fc.oneof(text, fc.constantFrom('ja', 'de-AT-x-y')), { maxLength: 3 }),
  heldMembers: fc.array(text, { maxLength: 3 }),
  changes: fc.array(fc.record({ member: text, at: fc.constant(NOW) }), { maxLength: 3 }),
  stale: fc.boolean(),
  facts: fc.record({
    subjects: fc.nat(2_000),
    domainSubjects: fc.nat(2_000),
    domainClients: fc.nat(10),
    firstSeen: date,
    lastSeen: date,
    reviewedAt: date,
    ownershipChangedAt: date,
    hosting: fc.constantFrom('own' as const, 'cimd_service' as const),
  }),
})

function stringsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(stringsIn) : []
}

function placesOf(template: string): (string | undefined)[] {
  return [...template.matchAll(/\{([^}]*)\}/g)].map(([, name]) => name)
}

describe('consentDisplay', () => {
  it('gives nothing harmful and nothing too long, whatever the document says', () => {
    fc.assert(
      fc.property(input, ({ facts, redirectUris, ...given }) => {
        const document = given.metadata && {
          ...given.metadata,
          client_id: given.clientId,
          redirect_uris: redirectUris,
        }
        const shown = consentDisplay({
          ...given,
          clientId: given.clientId as ClientIdUrl,
          metadata: document as ClientMetadata | undefined,
          reputation: reputationOf(facts, NOW),
          now: NOW,
        })
        expect(consentDisplayResult.safeParse(shown).error).toBeUndefined()
        for (const one of stringsIn(shown)) expect(one).not.toMatch(HARMFUL)
        for (const { code, text: said, params } of shown.warnings) {
          expect(said.length).toBeLessThanOrEqual(TEXT_LENGTH_MAX)
          expect(Object.keys(params)).toEqual(expect.arrayContaining(placesOf(DISPLAY_WARNINGS[code].text)))
        }
        for (const one of stringsIn(shown.warnings)) expect(one.length).toBeLessThanOrEqual(TEXT_LENGTH_MAX)
        expect(shown.host).toBe(new URL(given.clientId).host)
        expect(shown.host).toMatch(/^[!-~]+$/)
      }),
      { numRuns: 500 },
    )
  })
})

describe('messageOf', () => {
  it('does not look again at what was filled in', () => {
    expect(messageOf('{a} and {b}', { a: '{b}', b: '$&' })).toBe('{b} and $&')
  })
})

describe('the texts of warnings', () => {
  it.each(Object.entries(DISPLAY_WARNINGS))('%s is one or two sentences, with known places', (_, facts) => {
    expect(SEVERITIES).toContain(facts.severity)
    expect(facts.text).toMatch(/^[A-Z{].*\.$/)
    const known = ['host', 'resembles', 'found', 'redirect_host', 'members', 'days', 'service', 'suffix']
    expect(known).toEqual(expect.arrayContaining(placesOf(facts.text)))
  })
})
