import { describe, expect, it } from 'vitest'
import type { ClientMetadata } from '../document/client-metadata.ts'
import type { ClientIdUrl } from '../identifier/client-id-url.ts'
import { type ReputationFacts, reputationOf } from '../reputation/reputation.ts'
import { TIERS, type Tier } from '../reputation/tiers.ts'
import { type ConsentDisplayInput, consentDisplay } from './consent-display.ts'
import { consentDisplayResult } from './display-result.ts'
import { indexKnownParties } from './known-index.ts'

const NOW = new Date('2026-11-01T00:00:00Z')
const daysAgo = (days: number): Date => new Date(NOW.getTime() - days * 86_400_000)
const ID = 'https://app.example.com/client.json' as ClientIdUrl

const SUBJECTS: Readonly<Record<Tier, number>> = {
  first_seen: 1,
  tried: 10,
  known: 100,
  established: 1_000,
  reviewed: 0,
}

function reputationAt(tier: Tier, facts: Partial<ReputationFacts> = {}) {
  const used = { firstSeen: daysAgo(30), lastSeen: NOW, domainSubjects: 0, domainClients: 1 }
  const reviewedAt = tier === 'reviewed' ? daysAgo(1) : undefined
  const basis = { ...used, reviewedAt, ownershipChangedAt: undefined, hosting: 'own' as const }
  return reputationOf({ ...basis, subjects: SUBJECTS[tier], ...facts }, NOW)
}

function metadataOf(members: Record<string, unknown>, clientId = ID): ClientMetadata {
  return {
    client_id: clientId,
    client_name: 'Weather',
    redirect_uris: ['https://app.example.com/callback'],
    ...members,
  } as unknown as ClientMetadata
}

function display(
  members: Record<string, unknown> = {},
  { tier = 'known', clientId = ID, ...rest }: Partial<ConsentDisplayInput> & { tier?: Tier } = {},
) {
  const reputation = rest.reputation ?? reputationAt(tier)
  const metadata = metadataOf(members, clientId)
  const shown = consentDisplay({ clientId: clientId as ClientIdUrl, metadata, now: NOW, ...rest, reputation })
  expect(consentDisplayResult.parse(shown)).toEqual(shown)
  return shown
}

const codes = (shown: ReturnType<typeof display>): readonly string[] => shown.warnings.map(({ code }) => code)

describe('consentDisplay', () => {
  it('shows the host, the name and where the code goes, and warns of nothing where nothing is wrong', () => {
    expect(display()).toEqual({
      host: 'app.example.com',
      host_short: 'app.example.com',
      host_unicode: null,
      name: { text: 'Weather', language: null },
      logo_url: null,
      redirect_host: null,
      redirect_hosts: [{ kind: 'https', host: 'app.example.com', scheme: 'https' }],
      redirect_hosts_more: 0,
      links: { client_uri: null, policy_uri: null, tos_uri: null },
      tier: 'known',
      show: { name: true, logo: false, links: false },
      warnings: [],
    })
  })

  it.each<[Tier, boolean, boolean, boolean]>([
    ['first_seen', false, false, false],
    ['tried', false, false, false],
    ['known', true, false, false],
    ['established', true, true, false],
    ['reviewed', true, true, true],
  ])('at the tier %s: name %s, logo %s, links %s', (tier, name, logo, links) => {
    const shown = display({ client_uri: 'https://www.example.com/' }, { tier })
    expect(shown.show).toEqual({ name, logo, links })
    expect(shown.links.client_uri?.allowed).toBe(links)
    expect(shown.host).toBe('app.example.com')
  })

  it('has every tier', () => {
    expect(Object.keys(SUBJECTS)).toEqual(TIERS)
  })

  describe('of the host', () => {
    it('cuts a long one from the left, and not in `host` (UI-07)', () => {
      const host = `${'login-claude-'.repeat(4)}x.example.com`
      const shown = display({}, { clientId: `https://${host}/c` as ClientIdUrl })
      expect(shown.host).toBe(host)
      expect(shown.host_short).toHaveLength(40)
      expect(shown.host_short).toMatch(/^….*example\.com$/)
      expect(shown.warnings).toEqual([])
    })

    it('names the port', () => {
      expect(display({}, { clientId: 'https://example.com:8443/c' as ClientIdUrl }).host).toBe(
        'example.com:8443',
      )
    })

    it('has its Unicode form beside it where that is safe', () => {
      const honest = display({}, { clientId: new URL('https://müller.example/c').href as ClientIdUrl })
      expect([honest.host, honest.host_unicode]).toEqual(['xn--mller-kva.example', 'müller.example'])
      const clientId = new URL('https://\u1ea1pple.com/c').href as ClientIdUrl
      const accent = display({ redirect_uris: [] }, { clientId })
      expect([accent.host_unicode, ...codes(accent)]).toEqual([null, 'look_alike_confusable'])
    })

    it('warns of look-alikes, mixed scripts and shared hosting', () => {
      const clientId = new URL('https://p\u0430ypal.com/c').href as ClientIdUrl
      expect(codes(display({ redirect_uris: [] }, { clientId }))).toEqual([
        'look_alike_confusable',
        'mixed_scripts',
      ])
      const shared = (host: string) =>
        codes(display({ redirect_uris: [] }, { clientId: `https://${host}/c` as ClientIdUrl }))
      expect(shared('someone.github.io')).toEqual(['shared_suffix'])
      expect(shared('raw.githubusercontent.com')).toEqual(['shared_host'])
      expect(shared('cimd-service.fly.dev')).toEqual(['cimd_service'])
    })

    it('is compared with the list that is given', () => {
      const knownParties = indexKnownParties([{ hosts: ['bigbank.example'], names: ['Big Bank'] }])
      const clientId = 'https://bigbamk.example/c' as ClientIdUrl
      const shown = display({ client_name: 'Big Bank', redirect_uris: [] }, { clientId, knownParties })
      expect(codes(shown)).toEqual(['name_resembles', 'look_alike_edit_distance'])
      expect(shown.warnings[0]).toEqual({
        code: 'name_resembles',
        severity: 'danger',
        text: 'This app calls itself like one of bigbank.example. It is at bigbamk.example, and may have nothing to do with it.',
        params: { resembles: 'bigbank.example', host: 'bigbamk.example' },
      })
    })
  })

  describe('of the name', () => {
    it('takes the language of the user', () => {
      const shown = display({ 'client_name#ja': '天気' }, { languages: ['fr', 'ja-JP'] })
      expect(shown.name).toEqual({ text: '天気', language: 'ja' })
    })

    it('is null where there is none, or nothing to see', () => {
      expect(display({ client_name: undefined }).name).toBeNull()
      expect(display({ client_name: '\u200b' }).name).toBeNull()
    })

    it('is not shown below a review where it pretends to be somebody else', () => {
      const pretending = display({ client_name: 'Sign in at claude.ai' }, { tier: 'established' })
      expect(codes(pretending)).toEqual(['name_contains_host'])
      expect(pretending.show).toEqual({ name: false, logo: false, links: false })
      expect(display({ client_name: 'claude.ai' }, { tier: 'reviewed' }).show.name).toBe(true)
    })
  })

  describe('of redirects (UI-03)', () => {
    it('tells where each leads, once', () => {
      const redirect_uris = [
        ...[
          'https://a.example.com/1',
          'https://a.example.com/2',
          'http://127.0.0.1/cb',
          'com.example.app:/cb',
        ],
        'javascript:alert(1)',
      ]
      expect(display({ redirect_uris }).redirect_hosts).toEqual([
        { kind: 'https', host: 'a.example.com', scheme: 'https' },
        { kind: 'loopback', host: '127.0.0.1', scheme: 'http' },
        { kind: 'private_use', host: null, scheme: 'com.example.app' },
      ])
    })

    it('leaves out what is too many, and hosts that cannot be', () => {
      const redirect_uris = Array.from({ length: 14 }, (_, index) => `https://r${index}.example.com/`)
      const shown = display({ redirect_uris: [...redirect_uris, `https://${'a.'.repeat(200)}com/`] })
      expect([shown.redirect_hosts.length, shown.redirect_hosts_more]).toEqual([10, 4])
      expect(display({ redirect_uris: undefined }).redirect_hosts).toEqual([])
    })

    it.each<[string, readonly string[], string | undefined, readonly string[]]>([
      ['all loopback', ['http://127.0.0.1/', 'http://localhost:1/'], undefined, ['loopback_only']],
      ['some loopback', ['http://127.0.0.1/', 'https://example.com/'], undefined, []],
      ['this one', ['http://127.0.0.1/', 'https://example.com/'], 'http://127.0.0.1:9/', ['loopback_only']],
      ['elsewhere', ['https://other.example.net/'], undefined, ['redirect_host_differs']],
      ['beside it', ['https://www.example.com/'], undefined, []],
      ['one that cannot be', ['https://www.example.com/'], 'javascript:0', []],
      ['an app', ['com.example.app:/cb'], undefined, []],
      ['none', [], undefined, []],
    ])('warns of what matters: %s', (_, redirect_uris, redirectUri, expected) => {
      expect(codes(display({ redirect_uris }, { redirectUri }))).toEqual(expected)
    })

    it('names the one of this request', () => {
      const shown = display({}, { redirectUri: 'https://app.example.com/callback' })
      expect(shown.redirect_host).toEqual({ kind: 'https', host: 'app.example.com', scheme: 'https' })
    })
  })

  describe('of links (UI-05, UI-08)', () => {
    it.each([
      ['https://www.example.com/about', { host: 'www.example.com', same_domain: true }],
      ['https://github.com/someone/app', { host: 'github.com', same_domain: false }],
      ['http://app.example.com/', null],
      ['javascript:alert(1)', null],
      ['https://user:password@example.com/', null],
      ['https://user@example.com/', null],
      [`https://example.com/${'x'.repeat(2_048)}`, null],
      [`https://${'a.'.repeat(200)}com/`, null],
    ])('%s', (client_uri, expected) => {
      const link = display({ client_uri }).links.client_uri
      expect(link).toEqual(expected && { uri: client_uri, allowed: false, ...expected })
    })

    it('takes the language of the user', () => {
      const members = { tos_uri: 'https://example.com/en', 'tos_uri#de': 'https://example.com/de' }
      expect(display(members, { languages: ['de'] }).links.tos_uri?.uri).toBe('https://example.com/de')
    })
  })

  it('gives the URL of our logo if it is one', () => {
    expect(display({}, { logoUrl: 'https://as.example/logos/1' }).logo_url).toBe('https://as.example/logos/1')
    expect(display({}, { logoUrl: 'https://as.example/\n' }).logo_url).toBeNull()
    expect(display({}, { logoUrl: `https://as.example/${'x'.repeat(2_048)}` }).logo_url).toBeNull()
  })

  it('says so where no document could be had (UI-02)', () => {
    const shown = display({}, { metadata: undefined, tier: 'first_seen' })
    expect(codes(shown)).toEqual(['no_document', 'few_users'])
    expect([shown.name, shown.redirect_hosts, shown.links.tos_uri]).toEqual([null, [], null])
  })

  it('warns of a client that nobody knows, or whose domain has changed hands', () => {
    const reputation = reputationAt('first_seen', { subjects: 0 })
    expect(codes(display({}, { reputation }))).toEqual(['never_seen'])
    const changed = reputationAt('established', { ownershipChangedAt: daysAgo(2) })
    expect(codes(display({}, { reputation: changed }))).toEqual(['ownership_changed'])
  })

  it('warns of what changed lately, what is held and what is stale', () => {
    const shown = display(
      {},
      {
        changes: [
          { member: 'client_name#ja', at: daysAgo(2) },
          { member: 'client_name', at: daysAgo(1) },
          { member: 'logo_uri', at: daysAgo(8) },
          { member: 'scope', at: daysAgo(1) },
        ],
        heldMembers: ['redirect_uris', 'x {host}\u202e'],
        stale: true,
      },
    )
    expect(shown.warnings.map(({ code, params }) => [code, params])).toEqual([
      ['recently_changed', { members: 'client_name', days: 7 }],
      ['held_changes', { members: 'redirect_uris' }],
      ['stale', {}],
    ])
  })

  it('takes the lists of services of a deployment', () => {
    const hostingLists = { cimdServices: ['app.example.com'], sharedHosts: [] }
    expect(codes(display({}, { hostingLists }))).toEqual(['cimd_service'])
  })
})
