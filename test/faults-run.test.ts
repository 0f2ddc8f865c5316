import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { settingsFrom } from './faults/arguments.ts'
import { check } from './faults/checker.ts'
import { BROKEN } from './faults/edits/broken.ts'
import { EDITS } from './faults/edits/table.ts'
import { createFaults } from './faults/faults/index.ts'
import { planTurns } from './faults/plan.ts'
import { quietRun } from './faults/plant.ts'
import { createRandom } from './faults/random.ts'
import { reportRun } from './faults/table.ts'

describe(reportRun, () => {
  it('blames the fault that struck last before', () => {
    const run = quietRun()
    const lost = { ...run, demands: run.demands.map((demand) => ({ ...demand, end: undefined })) }
    const report = reportRun(lost, check(lost))
    expect(report).toMatch(/^fault +times +demands +events +lost +duplicated +out of order +unexplained$/m)
    expect(report).toMatch(/^kill -9 fetcher +1 +2 +2 +2 +0 +0 +0$/m)
    expect(report).toMatch(/^VIOLATED {2}every demand is answered/m)
  })
})

describe('what is changed of the sources', () => {
  it.each(Object.entries(EDITS))('is found there once: %s', (_, edits) => {
    for (const { file, find } of edits) {
      expect(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8').split(find)).toHaveLength(2)
    }
  })
})

describe(planTurns, () => {
  it('has every fault before any comes again, and as many turns as the time allows', () => {
    const faults = createFaults()
    const long = planTurns(faults, 12, createRandom(1, 1))
    expect(new Set(long.slice(0, faults.length)).size).toBe(faults.length)
    const kills = (turns: typeof long, name: string) => turns.filter((fault) => fault.name === name).length
    // Six of each turn of two fetchers, five of the others; eleven minutes are what a run of twelve has for them.
    const turns = planTurns(faults, 11, createRandom(1, 1))
    const others = ['api', 'scheduler', 'notifier'].map((service) => kills(turns, `kill -9 ${service}`))
    const struck = 8 * kills(turns, 'kill -9 fetcher') + 6 * others.reduce((sum, one) => sum + one)
    expect(struck).toBeGreaterThanOrEqual(200)
    expect(planTurns(faults, 2, createRandom(1, 1)).length).toBeLessThan(long.length / 2)
  })

  it('is the same for the same seed', () => {
    const names = (seed: number) =>
      planTurns(createFaults(), 12, createRandom(seed, 1)).map(({ name }) => name)
    expect(names(1)).toEqual(names(1))
    expect(names(1)).not.toEqual(names(2))
  })
})

describe(settingsFrom, () => {
  it('takes minutes, a backend and what is to be broken, and refuses what is none', () => {
    expect(settingsFrom([])).toMatchObject({ minutes: 12, queue: 'redis', broken: [] })
    expect(settingsFrom(['--minutes', '3', '--queue', 'postgres'])).toMatchObject({
      minutes: 3,
      queue: 'postgres',
    })
    expect(settingsFrom(['--broken', 'all'])?.broken).toEqual(BROKEN)
    expect(() => settingsFrom(['--minutes', '1'])).toThrow('at least 3')
    expect(() => settingsFrom(['--queue', 'memory'])).toThrow('neither redis nor postgres')
    expect(() => settingsFrom(['--broken', 'nothing'])).toThrow('--broken nothing is none of')
    expect(settingsFrom(['--help'])).toBeUndefined()
  })
})
