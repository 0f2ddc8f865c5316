import { describe, expect, it } from 'vitest'
import { parseClientIdUrl } from '../identifier/client-id-url.ts'
import { admitIdentifier } from './admit-identifier.ts'
import { compareVerdicts, countVerdict, EMPTY_DRY_RUN, type VerdictDifference } from './compare-verdicts.ts'
import { policySchema, type TrustPolicyRequest } from './policy-schema.ts'
import { type PolicyVerdict, refusal, verdictOf } from './policy-verdict.ts'

const judge = (policy: TrustPolicyRequest) => {
  const identified = parseClientIdUrl('https://app.example.com/client.json?x')
  if (!identified.ok) throw new Error('the client_id of these tests is wrong')
  return admitIdentifier(policySchema.parse(policy), identified, { preRegistered: false })
}
const held = verdictOf([{ ...refusal('review_pending', '/mode', 'It waits.'), effect: 'hold' }])
const admitted = judge({})
const noQuery = judge({ paths: { query: 'refuse' } })
const blocked = judge({ block: [{ domain: 'example.com' }] })

describe('compareVerdicts', () => {
  it.each<[VerdictDifference, PolicyVerdict, PolicyVerdict]>([
    ['same', admitted, admitted],
    ['same', blocked, judge({ block: [{ host: 'evil.org' }, { domain: 'example.com' }] })],
    ['newly_refused', admitted, blocked],
    ['newly_refused', held, blocked],
    ['newly_held', admitted, held],
    ['newly_held', blocked, held],
    ['newly_admitted', held, admitted],
    ['newly_admitted', blocked, admitted],
    ['reasons_changed', blocked, noQuery],
    ['reasons_changed', noQuery, judge({ mode: 'allowlist', paths: { query: 'refuse' } })],
    ['reasons_changed', judge({ mode: 'allowlist', paths: { query: 'refuse' } }), noQuery],
  ])('tells %s', (difference, before, after) => {
    expect(compareVerdicts(before, after).difference).toBe(difference)
  })

  it('tells the reasons that came and those that went', () => {
    const both = judge({ mode: 'allowlist', paths: { query: 'refuse' } })
    const { added, removed } = compareVerdicts(both, blocked)
    expect(added.map(({ code }) => code)).toEqual(['blocked'])
    expect(removed.map(({ code }) => code)).toEqual(['not_allowed', 'query_refused'])
    expect(compareVerdicts(both, both)).toEqual({ difference: 'same', added: [], removed: [] })
  })
})

describe('countVerdict', () => {
  it('counts each client once', () => {
    const pairs = [
      [admitted, blocked],
      [admitted, blocked],
      [admitted, held],
      [blocked, admitted],
      [blocked, noQuery],
      [blocked, blocked],
    ] as const
    const summary = pairs
      .map(([before, after]) => compareVerdicts(before, after))
      .reduce(countVerdict, EMPTY_DRY_RUN)
    expect(summary).toEqual({
      clients: 6,
      newly_refused: 2,
      newly_held: 1,
      newly_admitted: 1,
      reasons_changed: 1,
      same: 1,
    })
  })
})
