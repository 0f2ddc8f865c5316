import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Arena, DEADLINE_MS, type Outcome, SLACK_MS, startArena } from './arena.ts'
import { type AttackRow, endedAsItMust, isCutOff } from './attack-row.ts'
import { ATTACK_CASES } from './cases.ts'
import { ACCEPTED_BY_US, CODES, NOT_RUN } from './codes.ts'
import { DEFENCES } from './defences.ts'
import { WAITED_FOR_OTHERS } from './dns-cases.ts'
import { splitTables } from './report.ts'
import { ATTACK_ROWS } from './rows.ts'

let arena: Arena
beforeAll(async () => {
  arena = await startArena()
})
afterAll(() => arena[Symbol.asyncDispose]())

/** A machine that stands still now and then does so in some of them; what is always late is late in all. */
const AGAIN_MAX = 8

const late: AttackRow[] = []

describe.concurrent('every attack', () => {
  it.each(ATTACK_ROWS)('FET-12, FET-16, FET-23: $id of $family ends as it must', async (row) => {
    const outcome = await row.run(arena)
    if (outcome.codes.includes('address_blocked')) expect(outcome.dialled).toEqual([])
    if (isOutOfTime(row, outcome)) late.push(row)
    else expectAsItMust(row, outcome)
  })
})

describe('an attack that took too long beside others', () => {
  it('FET-23: ends in time alone, as it must', { timeout: 120_000 }, async () => {
    for (const row of late) {
      let outcome = await row.run(arena)
      for (let again = 0; again < AGAIN_MAX && isOutOfTime(row, outcome); again += 1) {
        outcome = await row.run(arena)
      }
      expect(outcome.elapsedMs, row.id).toBeLessThan(DEADLINE_MS + SLACK_MS)
      expectAsItMust(row, outcome)
    }
  })
})

/** Whether it ended late, or met its deadline at an earlier stage than it must: a busy machine does either. */
function isOutOfTime(row: AttackRow, outcome: Outcome): boolean {
  const { codes, elapsedMs } = outcome
  return elapsedMs >= DEADLINE_MS + SLACK_MS || isCutOff(row, outcome) || codes.includes(WAITED_FOR_OTHERS)
}

function expectAsItMust(row: AttackRow, outcome: Outcome): void {
  expect({ ...outcome, asItMust: endedAsItMust(row, outcome) }, row.id).toMatchObject({ asItMust: true })
}

describe('the collected cases', () => {
  it('are all run, here or where their layer is tested, or said not to be', () => {
    const here = new Set([...ATTACK_ROWS.map(({ id }) => id), ...Object.keys(NOT_RUN)])
    const elsewhere = ATTACK_CASES.filter(({ id }) => !here.has(id)).map(({ id, layer }) => `${layer}: ${id}`)
    expect(elsewhere).toEqual([
      ...['dns: dns-search-domain', 'dns: dns-hosts-file'],
      ...ATTACK_CASES.flatMap(({ id, layer }) =>
        (layer === 'process' || layer === 'network') && NOT_RUN[id] === undefined ? [`${layer}: ${id}`] : [],
      ),
    ])
  })

  it('differ from ours where it is said, and nowhere else', () => {
    const ids = new Set(ATTACK_CASES.map(({ id }) => id))
    expect([...Object.keys(ACCEPTED_BY_US), ...Object.keys(NOT_RUN)].filter((id) => !ids.has(id))).toEqual([])
    const used = new Set(ATTACK_CASES.map(({ code }) => code))
    expect(Object.keys(CODES).filter((code) => !used.has(code))).toEqual([])
  })
})

describe('docs/security.md', () => {
  it('tells of every family of attacks, how many there are of it, and of every defence', () => {
    const [, tables] = splitTables(readFileSync('docs/security.md', 'utf8'))
    const families = Map.groupBy(ATTACK_ROWS, ({ family }) => family)
    for (const [family, members] of families) expect(tables).toContain(`| ${family} | ${members.length} | `)
    for (const { name, row, without } of DEFENCES) {
      expect(tables).toContain(`| ${name} | \`${row}\` | held | ${without} |`)
    }
  })
})
