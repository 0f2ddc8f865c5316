import { describe, expect, it } from 'vitest'
import { DEFAULT_OVERLOAD_THRESHOLDS, type OverloadFacts } from './overload.ts'
import { countAhead, judgeTenantLoad, type Line } from './tenant-load.ts'

const FLOOD = 'flood'
const OTHER = 'other'
const THRESHOLDS = { ...DEFAULT_OVERLOAD_THRESHOLDS, inLineMax: 5000 }

/** 100 answers in a second, and nobody on the way to a fetcher. */
const WELL: OverloadFacts = {
  waiting: 0,
  lately: { waiting: 0, oldestSeconds: 0 },
  answered: { count: 100, seconds: 1 },
  fetchersGone: false,
}

const judge = (facts: OverloadFacts, line: Line, tenant = FLOOD) =>
  judgeTenantLoad(facts, line, tenant, THRESHOLDS)

describe(countAhead, () => {
  it('is all that the tenant has in line, where nobody else has any', () => {
    expect(countAhead(new Map([[FLOOD, 3000]]), FLOOD)).toBe(3000)
  })

  it('is of each other tenant no more than that', () => {
    const line = new Map([
      [FLOOD, 3000],
      [OTHER, 20],
      ['third', 5],
    ])
    expect(countAhead(line, OTHER)).toBe(45)
    expect(countAhead(line, FLOOD)).toBe(3025)
    expect(countAhead(line, 'nobody')).toBe(0)
  })
})

describe(judgeTenantLoad, () => {
  it('refuses the tenant whose own line is too long, and no other', () => {
    const line = new Map([[FLOOD, 2001]])
    expect(judge(WELL, line)).toEqual({ kind: 'tenant_backlog', inLine: 2001, expectedSeconds: 20.01 })
    expect(judge(WELL, line, OTHER)).toEqual({ kind: 'within' })
  })

  it('takes what waits no longer than it may', () => {
    expect(judge(WELL, new Map([[FLOOD, 2000]]))).toEqual({ kind: 'within' })
  })

  it('counts what is on its way to a fetcher before all lines', () => {
    const facts = { ...WELL, waiting: 1500, lately: { waiting: 16, oldestSeconds: 2 } }
    expect(judge(facts, new Map([[FLOOD, 600]]))).toMatchObject({ kind: 'tenant_backlog' })
    expect(judge(facts, new Map([[FLOOD, 400]]))).toEqual({ kind: 'within' })
  })

  it('refuses everybody where that alone is too much', () => {
    const facts = { ...WELL, waiting: 3000, lately: { waiting: 100, oldestSeconds: 2 } }
    expect(judge(facts, new Map(), OTHER)).toEqual({ kind: 'overloaded', expectedSeconds: 30 })
  })

  it('says that it is no doing of the tenant where nobody is answered at all', () => {
    const facts = { ...WELL, lately: { waiting: 4, oldestSeconds: 20 }, answered: { count: 0, seconds: 10 } }
    expect(judge(facts, new Map([[FLOOD, 50]]))).toEqual({
      kind: 'overloaded',
      expectedSeconds: Number.POSITIVE_INFINITY,
    })
    expect(judge(facts, new Map([[FLOOD, 5]]))).toEqual({ kind: 'within' })
  })

  it('refuses more than may be in line, however fast it moves', () => {
    const fast = { ...WELL, answered: { count: 5000, seconds: 1 } }
    expect(judge(fast, new Map([[FLOOD, 4999]]))).toEqual({ kind: 'within' })
    expect(judge(fast, new Map([[FLOOD, 5000]]))).toEqual({
      kind: 'tenant_backlog',
      inLine: 5000,
      expectedSeconds: 1,
    })
  })

  it('refuses it too before anything tells how fast it moves', () => {
    const begun = { ...WELL, answered: { count: 0, seconds: 10 } }
    expect(judge(begun, new Map([[FLOOD, 5000]]))).toMatchObject({
      kind: 'tenant_backlog',
      expectedSeconds: Number.POSITIVE_INFINITY,
    })
  })
})
