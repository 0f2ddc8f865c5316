import { parseClientIdUrl, RULES_VERSION, sha256Hex } from '@cimd/core'
import { describe, expect, it } from 'vitest'
import { givenDocument } from './given-document.ts'
import { DEFAULT_POLICY } from './policies.ts'

const parsedId = parseClientIdUrl('https://app.example.com/client.json')
if (!parsedId.ok) throw new Error('the client_id of these tests is wrong')
const clientId = parsedId.value

const policy = DEFAULT_POLICY
const LISTED = 'https://app.example.com/cb'

function versionOf(members: object, rulesVersion = RULES_VERSION) {
  const body = new TextEncoder().encode(
    JSON.stringify({ redirect_uris: [LISTED], client_id: clientId, ...members }),
  )
  const stored = { contentType: 'application/json', fetchedAt: new Date(0), rulesVersion }
  return { digest: sha256Hex(body), body, ...stored }
}

const approved = versionOf({})
const current = versionOf({ redirect_uris: [LISTED, `${LISTED}/2`] })
const unreadable = versionOf({ client_secret: 'x' })

describe('givenDocument', () => {
  it('is the current version where nothing is approved', () => {
    const given = givenDocument(clientId, {}, current, { policy })
    expect(given).toMatchObject({ ok: true, digest: current.digest, effective: undefined })
  })

  it('CHG-07: is what the approved and the current version both allow', () => {
    const given = givenDocument(clientId, { approved }, current, { policy })
    expect(given).toMatchObject({
      metadata: { redirect_uris: [LISTED] },
      effective: {
        approved_digest: approved.digest,
        current_digest: current.digest,
        held: [{ member: 'redirect_uris', after: [`${LISTED}/2`] }],
      },
    })
    expect([approved.digest, current.digest]).not.toContain(given.ok && given.digest)
  })

  it('CHG-08: is the current version, and says so, where all that changed is narrower', () => {
    const given = givenDocument(clientId, { approved: current }, approved, { policy })
    expect(given).toMatchObject({
      digest: approved.digest,
      metadata: { redirect_uris: [LISTED] },
      effective: { approved_digest: current.digest, current_digest: approved.digest, held: [] },
    })
  })

  it('is nothing while the approved version is against the present rules, but for a revocation', () => {
    const voided = givenDocument(clientId, { approved: unreadable }, current, { policy })
    expect(voided).toMatchObject({ ok: false, problem: { code: 'approval_void', status: 403 } })
    const revoked = givenDocument(clientId, { approved: unreadable }, current, {
      policy,
      evenUnapproved: true,
    })
    expect(revoked).toMatchObject({ ok: true, digest: current.digest, effective: undefined })
  })

  it('CAC-12: is what both allow until an operator has approved the rules that refuse the approved version', () => {
    const older = versionOf({ token_endpoint_auth_method: 'client_secret_basic' }, RULES_VERSION - 1)
    const given = givenDocument(clientId, { approved: older, rulesApproved: RULES_VERSION - 1 }, current, {
      policy,
    })
    expect(given).toMatchObject({ metadata: { redirect_uris: [LISTED] }, underOldRules: false })
    const voided = givenDocument(clientId, { approved: older, rulesApproved: RULES_VERSION }, current, {
      policy,
    })
    expect(voided).toMatchObject({ ok: false, problem: { code: 'approval_void' } })
  })

  it('is nothing while the current version is (ARC-07)', () => {
    expect(givenDocument(clientId, { approved }, unreadable, { policy })).toMatchObject({
      ok: false,
      problem: { code: 'forbidden_member' },
    })
  })
})
