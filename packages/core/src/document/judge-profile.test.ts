import { describe, expect, it } from 'vitest'
import { FAILURES } from '../failure/failure.ts'
import { WARNINGS } from '../failure/warnings.ts'
import { parseClientIdUrl } from '../identifier/client-id-url.ts'
import { parseClientMetadata } from './client-metadata.ts'
import { judgeProfile } from './judge-profile.ts'
import { DEFAULT_PROFILE, isProfileId, PROFILE_FINDINGS, type ProfileId } from './profiles.ts'

const CLIENT_ID = 'https://app.example.com/client.json'

function judge(
  profile: ProfileId,
  members: object,
  { clientId = CLIENT_ID, contentType = undefined as string | undefined } = {},
) {
  const identified = parseClientIdUrl(clientId, { allowedPorts: [443, 8443] })
  if (!identified.ok) throw new Error('the client_id of this test is wrong')
  const text = JSON.stringify({ client_id: clientId, ...members })
  const parsed = parseClientMetadata(new TextEncoder().encode(text), identified.value)
  if (!parsed.ok) throw new Error(`a profile is asked about valid documents: ${parsed.code}`)
  return judgeProfile(profile, { metadata: parsed.metadata, contentType })
}

const ordinary = { client_name: 'An app', redirect_uris: ['https://app.example.com/cb'] }
const atproto = {
  ...ordinary,
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  scope: 'atproto transition:generic',
  dpop_bound_access_tokens: true,
}

describe('judgeProfile', () => {
  it.each<[ProfileId, object]>([
    ['cimd-02', { redirect_uris: ['a.b:/'] }],
    ['mcp-2026-07-28', ordinary],
    ['mcp-2026-07-28', { ...ordinary, redirect_uris: ['http://localhost/cb', 'http://[::1]:1/cb'] }],
    ['atproto', atproto],
    [
      'atproto',
      { ...atproto, client_uri: 'https://app.example.com', logo_uri: 'https://cdn.example.net/a.png' },
    ],
    ['atproto', { ...atproto, redirect_uris: ['com.example.app:/cb', 'http://127.0.0.1/'] }],
    ['atproto', { ...atproto, application_type: 'native', redirect_uris: ['https://links.example.net/cb'] }],
  ])('%s admits %j (DOC-13)', (profile, members) => {
    expect(judge(profile, members, { contentType: 'Application/JSON; charset=utf-8' })).toEqual([])
  })

  it.each<[string, ProfileId, string, object, object?]>([
    ['MCP-04', 'mcp-2026-07-28', 'profile_member_missing', { ...ordinary, client_name: undefined }],
    ['MCP-04', 'mcp-2026-07-28', 'profile_member_missing', { ...ordinary, client_name: '' }],
    [
      'MCP-04',
      'mcp-2026-07-28',
      'profile_member_missing',
      { ...ordinary, redirect_uris: [], grant_types: [] },
    ],
    [
      'RED-07',
      'mcp-2026-07-28',
      'profile_redirect_kind',
      { ...ordinary, redirect_uris: ['com.example.app:/cb'] },
    ],
    ['CID-09', 'atproto', 'profile_port', atproto, { clientId: 'https://app.example.com:8443/client.json' }],
    ['FET-07', 'atproto', 'profile_content_type', atproto, { contentType: 'application/cimd+json' }],
    ['DOC-13', 'atproto', 'profile_member_missing', { ...atproto, scope: undefined }],
    ['DOC-13', 'atproto', 'profile_member_value', { ...atproto, scope: 'atproto2' }],
    ['DOC-13', 'atproto', 'profile_member_value', { ...atproto, grant_types: ['implicit'] }],
    ['DOC-13', 'atproto', 'profile_member_value', { ...atproto, dpop_bound_access_tokens: false }],
    ['DOC-13', 'atproto', 'profile_member_value', { ...atproto, dpop_bound_access_tokens: undefined }],
    [
      'RED-06',
      'atproto',
      'profile_redirect_origin',
      { ...atproto, redirect_uris: ['https://www.example.com/cb'] },
    ],
    ['RED-08', 'atproto', 'profile_redirect_scheme', { ...atproto, redirect_uris: ['app.example.com:/cb'] }],
    ['RED-08', 'atproto', 'profile_redirect_scheme', { ...atproto, redirect_uris: ['com.example.app://cb'] }],
    ['UI-09', 'atproto', 'profile_host', { ...atproto, client_uri: 'https://example.com' }],
    ['UI-09', 'atproto', 'profile_host', { ...atproto, client_uri: 'about us' }],
    ['FET-19', 'atproto', 'profile_https', { ...atproto, tos_uri: 'http://app.example.com/tos' }],
  ])('%s: %s refuses as %s %j', (rule, profile, code, members, given) => {
    expect(judge(profile, members, given)).toContainEqual(
      expect.objectContaining({ code, rule, detail: expect.stringMatching(/\w+ \w+/) }),
    )
  })

  it('ARC-09: says which member, where in it, and what is wrong', () => {
    const members = {
      ...{ scope: 'x', grant_types: ['authorization_code'], redirect_uris: ['https://b.example/', 'x.y:/'] },
      ...{ client_uri: 'https://b.example', logo_uri: 'http://b.example/logo.png' },
    }
    const given = { clientId: 'https://app.example.com:8443/client.json', contentType: 'text/plain' }
    const told = judge('atproto', members, given).map(({ rule, code, member, pointer, detail }) => {
      return `${rule} ${code} ${pointer ?? member ?? '-'}: ${detail}`
    })
    expect(told).toMatchInlineSnapshot(`
      [
        "CID-09 profile_port client_id: names a port",
        "FET-07 profile_content_type -: is not served as application/json",
        "DOC-13 profile_member_missing response_types: is absent or empty",
        "DOC-13 profile_member_value response_types: does not include code",
        "DOC-13 profile_member_value scope: does not include atproto",
        "DOC-13 profile_member_value dpop_bound_access_tokens: is not true",
        "RED-06 profile_redirect_origin /redirect_uris/0: is not on https://app.example.com:8443",
        "RED-08 profile_redirect_scheme /redirect_uris/1: does not begin with com.example.app: and a single slash",
        "UI-09 profile_host client_uri: is on another host",
        "FET-19 profile_https logo_uri: is not https",
      ]
    `)
    const spaced = judge('atproto', atproto, { contentType: ' application/json ; charset=utf-8' })
    expect(spaced).toEqual([])
  })

  it('ARC-09: tells everything at once, and where', () => {
    const redirects = ['https://app.example.com/cb', 'com.example.app:/cb']
    expect(judge('mcp-2026-07-28', { redirect_uris: redirects })).toMatchObject([
      { code: 'profile_member_missing', member: 'client_name' },
      { code: 'profile_redirect_kind', pointer: '/redirect_uris/1', detail: 'is private_use' },
    ])
    expect(judge('atproto', { redirect_uris: redirects }).length).toBeGreaterThan(5)
  })

  it('asks nothing of redirects where a document has none', () => {
    const members = {
      ...atproto,
      grant_types: ['authorization_code'],
      redirect_uris: ['https://app.example.com/cb'],
    }
    expect(judge('atproto', members)).toEqual([])
    expect(judge('mcp-2026-07-28', { client_name: 'A', grant_types: ['client_credentials'] })).toMatchObject([
      { member: 'redirect_uris' },
    ])
  })
})

describe('PROFILES', () => {
  it('share no code with failures and warnings', () => {
    expect(Object.keys(PROFILE_FINDINGS).filter((code) => code in FAILURES || code in WARNINGS)).toEqual([])
  })

  it('are known by name', () => {
    expect(['cimd-02', 'atproto', 'toString', ''].map(isProfileId)).toEqual([true, true, false, false])
    expect(isProfileId(DEFAULT_PROFILE)).toBe(true)
  })
})
