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

/** A watch of facts and a clock that may be changed, and what it told. */
function setup(facts = WELL) {
  const world = { facts, nowMs: 0, count: async () => world.facts }
  const told: string[] = []
  const watch = createOverloadWatch(
    {
      countFacts: () => world.count(),
      monotonicMs: () => world.nowMs,
      tell: (verdict, { waiting }) =>
        told.push(verdict.overloaded ? `${verdict.why} ${waiting}` : `ended ${waiting}`),
    },
    DEFAULT_OVERLOAD_THRESHOLDS,
  )
  const isOverloaded = (): boolean => watch.judge().overloaded
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
    watch.noteDemand()
    expect(isOverloaded()).toBe(false)
    watch.noteDemand()
    expect(isOverloaded()).toBe(true)
    const counting = Promise.withResolvers<OverloadFacts>()
    world.count = () => counting.promise
    const looking = watch.look()
    watch.noteDemand()
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

  it('is not well while it refuses', async () => {
    const { watch, lookAt } = setup()
    await expect(watch.check()).resolves.toBeUndefined()
    await lookAt(1, gone(10))
    await expect(watch.check()).rejects.toThrow('unanswered')
  })
})
