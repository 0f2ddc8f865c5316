import { describe, expect, it } from 'vitest'
import { RULES_VERSION } from '../document/client-metadata.ts'
import { parseClientIdUrl } from '../identifier/client-id-url.ts'
import { judgeStoredClient, policyIdentifierOf, type StoredClient } from './judge-stored-client.ts'
import { policySchema } from './policy-schema.ts'

const identified = parseClientIdUrl('https://app.example.com/client.json')
if (!identified.ok) throw new Error('the client_id of these tests is wrong')
const clientId = identified.value
const LISTED = 'https://app.example.com/cb'

const storedOf = (members: object = {}, rulesVersion = RULES_VERSION) => ({
  body: new TextEncoder().encode(
    JSON.stringify({ client_id: clientId, redirect_uris: [LISTED], ...members }),
  ),
  ...{ rulesVersion, contentType: 'application/json' },
})
const widened = storedOf({ redirect_uris: [LISTED, `${LISTED}/2`] })
const secret = storedOf({ client_secret: 'x' })
const outdated = storedOf({ token_endpoint_auth_method: 'client_secret_basic' }, RULES_VERSION - 1)
const judge = (given: Partial<StoredClient>, policy: object = {}) =>
  judgeStoredClient(policySchema.parse(policy), clientId, {
    ...{ current: storedOf(), preRegistered: false, refused: undefined },
    ...given,
  })

describe('judgeStoredClient', () => {
  it('POL-05: judges the stored bytes', () => {
    expect(judge({})).toMatchObject({ ok: true, verdict: { decision: 'admit' }, underOldRules: false })
    expect(judge({ current: outdated })).toMatchObject({ ok: true, underOldRules: true })
  })

  it('DOC-13: counts the warnings about the current version', () => {
    const current = storedOf({ application_type: 'x' })
    expect(judge({ current }, { warnings: { application_type_unknown: 'hold' } })).toMatchObject({
      verdict: { decision: 'hold' },
    })
  })

  it('CHG-07: compares with what was approved, and with the baseline where the policy says so', () => {
    const held = { given: { metadata: { redirect_uris: [LISTED] }, held: [{ member: 'redirect_uris' }] } }
    expect(judge({ current: widened, approved: storedOf() })).toMatchObject(held)
    const policy = { changes: 'hold_widening' }
    expect(judge({ current: widened, baseline: storedOf() }, policy)).toMatchObject(held)
    expect(judge({ current: widened, baseline: storedOf() })).toMatchObject({ given: { held: [] } })
    expect(judge({ current: widened, baseline: 'current' }, policy)).toMatchObject({ given: { held: [] } })
  })

  it('ARC-07: tells which of the versions cannot be read', () => {
    expect(judge({ current: secret })).toMatchObject({ unreadable: 'current' })
    expect(judge({ approved: secret })).toMatchObject({
      ...{ ok: false, unreadable: 'agreed' },
      refusal: { code: 'forbidden_member' },
    })
    expect(judge({ baseline: secret })).toMatchObject({ unreadable: 'agreed' })
  })

  it('CAC-12: compares with what only newer rules refuse until an operator has approved these', () => {
    expect(judge({ approved: outdated, rulesApproved: RULES_VERSION - 1 })).toMatchObject({ ok: true })
    expect(judge({ approved: outdated, rulesApproved: RULES_VERSION })).toMatchObject({ ok: false })
  })
})

it('CID-09: takes from an identifier what a policy asks about', () => {
  const parsed = parseClientIdUrl('https://app.example.co.uk:8443/c', { allowedPorts: [8443] })
  if (!parsed.ok) throw new Error(parsed.code)
  const { value, host, port, registrableDomain } = parsed
  expect(policyIdentifierOf(value)).toEqual({ value, host, port, registrableDomain })
  expect(policyIdentifierOf(clientId).port).toBe(443)
})
