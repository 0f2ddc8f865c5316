import { describe, expect, it } from 'vitest'
import { FAILURES } from './failure.ts'
import { describeViolations, findingsAmong, isViolation, refusalOf, type Violation } from './finding.ts'
import { WARNINGS } from './warnings.ts'

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
    expect(refusalOf(violations)).toEqual({ ok: false, code: 'client_id_missing', violations, warnings: [] })
  })

  it('refuses nothing without a violation', () => {
    expect(refusalOf([])).toBeUndefined()
  })
})

describe('findingsAmong', () => {
  it('gives what is found, and no more than ten', () => {
    const judge = (item: number, index: number) => (item > 0 ? `${index}` : undefined)
    expect(findingsAmong([0, 1, 0, 1], judge)).toEqual(['1', '3'])
    expect(findingsAmong(Array(1000).fill(1), judge)).toHaveLength(10)
  })
})

describe('describeViolations', () => {
  const secret: Violation = {
    code: 'forbidden_member',
    rule: 'DOC-05',
    member: 'client_secret',
    detail: 'no',
  }

  it('names the member of each violation, where it concerns one (ARC-09)', () => {
    const violations: Violation[] = [secret, { code: 'json_invalid', rule: 'DOC-01', detail: 'is not JSON' }]
    expect(describeViolations(violations)).toBe('client_secret: no; is not JSON')
  })

  it('is bounded, and says how many it leaves out', () => {
    expect(describeViolations(Array(12).fill(secret))).toMatch(/^(client_secret: no; ){10}and 2 more$/)
    expect(describeViolations(Array(10).fill(secret))).not.toContain('more')
  })
})
