import { describe, expect, it } from 'vitest'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { parseClientIdUrl } from '../identifier/client-id-url.ts'
import { decisionName, judgeClient, type PolicyClient } from './judge-client.ts'
import { policySchema } from './policy-schema.ts'
import { told } from './told.fixture.ts'

const identifier = parseClientIdUrl('https://app.example.com/client.json')
if (!identifier.ok) throw new Error('the client_id of these tests is wrong')

const metadataOf = (members: object = {}) =>
  ({
    client_id: identifier.value,
    redirect_uris: ['https://app.example.com/cb'],
    ...members,
  }) as unknown as ClientMetadata
const clientOf = (given: Partial<PolicyClient> = {}): PolicyClient => ({
  ...{ identifier, preRegistered: false, refused: undefined, warnings: [] },
  ...{ versions: { current: metadataOf() }, contentType: 'application/json' },
  ...given,
})

describe('judgeClient', () => {
  it('POL-05: admits by the default, and gives the current version', () => {
    const client = clientOf()
    const { verdict, given } = judgeClient(policySchema.parse({}), client)
    expect(told(verdict)).toBe('admit')
    expect(given.metadata).toBe(client.versions.current)
  })

  it('POL-04: has what is against the identifier before what is against the document', () => {
    const policy = policySchema.parse({ block: [{ host: 'app.example.com' }] })
    const { verdict } = judgeClient(policy, clientOf({ contentType: 'text/plain' }))
    expect(told(verdict)).toBe('refuse: blocked /block/0, content_type_text /text_plain')
  })

  it('POL-03: lets in who was registered before', () => {
    const policy = policySchema.parse({ mode: 'pre_registered' })
    expect(judgeClient(policy, clientOf()).verdict.decision).toBe('refuse')
    expect(judgeClient(policy, clientOf({ preRegistered: true })).verdict.decision).toBe('admit')
  })

  it('POL-01: holds until approved, and refuses what a person refused even so', () => {
    const policy = policySchema.parse({ mode: 'review' })
    expect(judgeClient(policy, clientOf()).verdict.decision).toBe('hold')
    const versions = { current: metadataOf(), approved: metadataOf() }
    expect(judgeClient(policy, clientOf({ versions })).verdict.decision).toBe('admit')
    const { verdict } = judgeClient(policy, clientOf({ versions, refused: 'Not one of ours.' }))
    expect(verdict.reasons).toEqual([
      { code: 'review_refused', effect: 'refuse', rule: 'POL-01', at: '', detail: 'Not one of ours.' },
    ])
  })

  it('DOC-11: judges what the tenant gets, not what was published', () => {
    const policy = policySchema.parse({ changes: 'hold_widening', redirects: { cross_host: 'refuse' } })
    const current = metadataOf({ redirect_uris: ['https://app.example.com/cb', 'https://evil.example/cb'] })
    expect(judgeClient(policy, clientOf({ versions: { current } })).verdict.decision).toBe('refuse')
    const { verdict, given } = judgeClient(
      policy,
      clientOf({ versions: { current, baseline: metadataOf() } }),
    )
    expect(verdict.decision).toBe('admit')
    expect(given.held).toHaveLength(1)
  })
})

it('names decisions as they are told', () => {
  expect((['admit', 'hold', 'refuse'] as const).map(decisionName)).toEqual(['admitted', 'held', 'refused'])
})
