import { describe, expect, it } from 'vitest'
import { parseClientIdUrl } from '../identifier/client-id-url.ts'
import { admitVersion } from './admission.ts'
import { parseClientMetadata } from './client-metadata.ts'

function version(contentType: string, members: object = {}) {
  const identified = parseClientIdUrl('https://app.example.com/client.json')
  if (!identified.ok) throw new Error('the client_id of these tests is wrong')
  const document = { client_id: identified.value, redirect_uris: ['https://app.example.com/cb'], ...members }
  const parsed = parseClientMetadata(new TextEncoder().encode(JSON.stringify(document)), identified.value)
  if (!parsed.ok) throw new Error(`the document of this test is refused: ${parsed.code}`)
  return { contentType, metadata: parsed.metadata }
}

describe('admitVersion', () => {
  it('admits what is served as JSON', () => {
    expect(admitVersion(version('application/json; charset=utf-8'), 'cimd-02')).toEqual({ admitted: true })
    expect(admitVersion(version('application/cimd+json'), 'cimd-02')).toEqual({ admitted: true })
  })

  it('FET-08: does not admit text/plain, and says why', () => {
    expect(admitVersion(version('text/plain; charset=utf-8'), 'cimd-02')).toEqual({
      admitted: false,
      rule: 'content_type_text',
      reason: 'The document is served as text/plain; serve it as application/json.',
    })
  })

  it('DOC-13: does not admit what the profile does not, and says why', () => {
    expect(admitVersion(version('application/json'), 'mcp-2026-07-28')).toEqual({
      admitted: false,
      rule: 'profile_member_missing',
      reason: 'client_name is absent or empty (profile mcp-2026-07-28).',
    })
    expect(admitVersion(version('application/json', { client_name: 'A' }), 'mcp-2026-07-28').admitted).toBe(
      true,
    )
    expect(admitVersion(version('application/ld+json'), 'atproto')).toMatchObject({
      rule: 'profile_content_type',
      reason: 'The document is not served as application/json (profile atproto).',
    })
  })

  it('DOC-13: admits nobody by a profile that it does not know', () => {
    expect(admitVersion(version('application/json'), 'cimd-99')).toEqual({
      admitted: false,
      rule: 'profile_unknown',
      reason: 'This release does not know the profile cimd-99.',
    })
  })
})
