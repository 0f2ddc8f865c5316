import { DEFAULT_OVERLOAD_THRESHOLDS, type OverloadFacts } from '@cimd/core'
import { describe, expect, it } from 'vitest'
import { createOverloadWatch } from './overload-watch.ts'

const WELL: OverloadFacts = {
  waiting: 0,
  lately: { waiting: 0, oldestSeconds: 0 },
  answered: { count: 0, seconds: 10 },
  fetchersGone: false,
}
const gone = (waiting: number): OverloadFacts => ({
  ...{ ...WELL, waiting, lately: { waiting, oldestSeconds: 11 } },
})
const { admittedMin } = DEFAULT_OVERLOAD_THRESHOLDS

const TENANT = 'first'
const OTHER = 'second'

/** A watch of facts and a clock that may be changed, and what it told. */
function setup(facts = WELL) {
  const world = { facts, line: new Map<string, number>(), nowMs: 0, count: async () => world.facts }
  const told: string[] = []
  const watch = createOverloadWatch(
    {
      countFacts: () => world.count(),
      countInLine: async () => world.line,
      monotonicMs: () => world.nowMs,
      tell: (verdict, { waiting }) =>
        told.push(verdict.overloaded ? `${verdict.why} ${waiting}` : `ended ${waiting}`),
    },
    { ...DEFAULT_OVERLOAD_THRESHOLDS, inLineMax: 1000 },
  )
  const isOverloaded = (): boolean => watch.judge(TENANT).kind === 'overloaded'
  const lookAt = async (seconds: number, seen: OverloadFacts): Promise<void> => {
    world.nowMs = seconds * 1000
    world.facts = seen
    await watch.look()
  }
  return { world, watch, told, isOverloaded, lookAt }
}

describe(createOverloadWatch, () => {
  it('takes every demand before it has looked, and once what it saw is old', async () => {
    const { world, watch, isOverloaded } = setup(gone(50))
    expect(isOverloaded()).toBe(false)
    await watch.look()
    expect(isOverloaded()).toBe(true)
    world.nowMs = 3000
    expect(isOverloaded()).toBe(true)
    world.nowMs = 3001
    expect(isOverloaded()).toBe(false)
  })

  it('takes every demand where the facts come late, or not at all', async () => {
    const { world, watch, isOverloaded } = setup(gone(50))
    const late = Promise.withResolvers<OverloadFacts>()
    world.count = () => late.promise
    const looking = watch.look()
    world.nowMs = 3001
    late.resolve(gone(50))
    await looking
    expect(isOverloaded()).toBe(false)
    world.count = () => Promise.reject(new Error('no store'))
    await expect(watch.look()).rejects.toThrow('no store')
    expect(isOverloaded()).toBe(false)
  })

  it('counts the demands since it looked, and those that came while it did', async () => {
    const { world, watch, isOverloaded } = setup(gone(admittedMin - 2))
    await watch.look()
    watch.noteDemand(TENANT, false)
    expect(isOverloaded()).toBe(false)
    watch.noteDemand(TENANT, false)
    expect(isOverloaded()).toBe(true)
    const counting = Promise.withResolvers<OverloadFacts>()
    world.count = () => counting.promise
    const looking = watch.look()
    watch.noteDemand(TENANT, false)
    counting.resolve(gone(admittedMin - 1))
    await looking
    expect(isOverloaded()).toBe(true)
    world.count = async () => gone(admittedMin - 1)
    await watch.look()
    expect(isOverloaded()).toBe(false)
  })

  it('tells once that it began, and once that it ended after it was quiet for a while', async () => {
    const { told, isOverloaded, lookAt } = setup()
    await lookAt(0, WELL)
    await lookAt(1, gone(9))
    expect(told).toEqual([])
    await lookAt(2, gone(10))
    await lookAt(3, gone(11))
    await lookAt(4, WELL)
    expect(isOverloaded()).toBe(false)
    await lookAt(6, gone(12))
    await lookAt(15, WELL)
    expect(told).toEqual(['unanswered 10'])
    await lookAt(16, WELL)
    await lookAt(40, WELL)
    expect(told).toEqual(['unanswered 10', 'ended 0'])
    await lookAt(41, gone(13))
    expect(told).toEqual(['unanswered 10', 'ended 0', 'unanswered 13'])
  })

  it('refuses the tenant that has too much in line, and no other', async () => {
    const { world, watch, told } = setup({ ...WELL, answered: { count: 100, seconds: 10 } })
    world.line = new Map([[TENANT, 150]])
    await watch.look()
    for (let demand = 0; demand < 50; demand += 1) watch.noteDemand(TENANT, true)
    expect(watch.judge(TENANT)).toEqual({ kind: 'within' })
    watch.noteDemand(TENANT, true)
    expect(watch.judge(TENANT)).toMatchObject({ kind: 'tenant_backlog', inLine: 201 })
    expect(watch.judge(OTHER)).toEqual({ kind: 'within' })
    await expect(watch.check()).resolves.toBeUndefined()
    await watch.look()
    expect(watch.judge(TENANT)).toEqual({ kind: 'within' })
    expect(told).toEqual([])
  })

  it('is not well while it refuses', async () => {
    const { watch, lookAt } = setup()
    await expect(watch.check()).resolves.toBeUndefined()
    await lookAt(1, gone(10))
    await expect(watch.check()).rejects.toThrow('unanswered')
  })
})
