import { describe, expect, it } from 'vitest'
import { auditedRules } from './audited-rules.ts'

describe('auditedRules', () => {
  it('has the code and the text of each reason, as an entry can hold them', () => {
    expect(auditedRules([{ code: 'blocked', detail: 'The block\0 of a.example' }])).toEqual([
      { id: 'blocked', reason: 'The block\ufffd of a.example' },
    ])
  })

  it('has a bound, whatever a policy says', () => {
    const detail = `${'a'.repeat(499)}\u{1f600}`
    const rules = auditedRules(Array.from({ length: 1000 }, () => ({ code: 'blocked', detail })))
    expect(rules).toHaveLength(50)
    expect(rules[0]?.reason).toBe(`${'a'.repeat(499)}\ufffd`)
  })
})
