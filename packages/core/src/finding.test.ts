import { describe, expect, it } from 'vitest'
import { FAILURES } from './failure.ts'
import { isViolation, refusalOf, WARNINGS } from './finding.ts'

describe('WARNINGS', () => {
  it('shares no code with the failures (DOC-10)', () => {
    expect(Object.keys(WARNINGS).filter((code) => code in FAILURES)).toEqual([])
  })
})

describe('isViolation', () => {
  it('separates refusals from warnings (DOC-10)', () => {
    expect(isViolation({ code: 'private_key', rule: 'DOC-07', detail: '' })).toBe(true)
    expect(isViolation({ code: 'member_empty', rule: 'DOC-04', detail: '' })).toBe(false)
  })
})

describe('refusalOf', () => {
  it('takes the code of the first violation (ARC-09)', () => {
    const violations = [
      { code: 'client_id_missing', rule: 'DOC-02', detail: '' },
      { code: 'member_type', rule: 'DOC-16', detail: '' },
    ] as const
    expect(refusalOf(violations)).toEqual({ ok: false, code: 'client_id_missing', violations })
  })

  it('refuses nothing without a violation', () => {
    expect(refusalOf([])).toBeUndefined()
  })
})
