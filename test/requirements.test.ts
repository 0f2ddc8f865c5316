import { existsSync, globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { coverageOf, problemsOf, UNDECIDABLE } from './conformance/coverage.ts'
import { type Requirement, readRequirements } from './conformance/requirements.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const RULE = /\b(?:CID|DOC|FET|CAC|RED|KEY|UI|CHG|POL|SRV|MCP|ARC)-\d\d\b/g
const ORIGIN = fileURLToPath(new URL('../../shared/spec.md', import.meta.url))
const requirements = readRequirements()
const known = new Set(requirements.map(({ id }) => id))

// Where the research is not beside the clone there is nothing to compare with, and nothing is skipped.
const noTest = (): void => {}

describe('docs/requirements.md', () => {
  it('has every rule that is cited anywhere', () => {
    const files = globSync('{packages,services,test,infra,docs}/**/*.{ts,md,json}', { cwd: ROOT })
    const cited = files
      .filter((file) => !file.includes('node_modules'))
      .flatMap((file) => readFileSync(`${ROOT}/${file}`, 'utf8').match(RULE) ?? [])
    expect(cited.length).toBeGreaterThan(500)
    expect([...new Set(cited)].filter((rule) => !known.has(rule))).toEqual([])
  })

  it('has each rule once, with its level, wording and source', () => {
    expect(known.size).toBe(requirements.length)
    for (const { id, level, rule, source } of requirements) {
      expect(level, id).not.toBe('')
      expect(rule, id).not.toBe('')
      if (level.includes('MUST')) expect(source, id).not.toBe('')
    }
  })

  it('has tables whose rows are as long as their headers, so that no cell is lost', () => {
    const tables = readFileSync(`${ROOT}/docs/requirements.md`, 'utf8')
      .split('\n\n')
      .filter((block) => block.startsWith('|'))
      .map((block) => block.trim().split('\n'))
    expect(tables).toHaveLength(12)
    const cells = (row: string) => row.split('|').length
    const uneven = tables.flatMap(([header = '', ...rows]) =>
      rows.filter((row) => cells(row) !== cells(header)),
    )
    expect(uneven).toEqual([])
  })

  const beside = existsSync(ORIGIN) ? it : noTest
  beside('says of every rule what the research it comes from says, and of no other', () => {
    expect(requirements).toEqual(readOrigin())
  })
})

/** The rows of the research: it has one more column, of the history of each rule. */
function readOrigin(): readonly Requirement[] {
  const rows = readFileSync(ORIGIN, 'utf8')
    .split('\n')
    .filter((line) => /^\| [A-Z]+-\d\d \|/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()))
  return rows.map(([, id = '', level = '', rule = '', source = '']) =>
    // A consequence has two columns, and after the second the line ends.
    id.startsWith('ARC-') ? { id, level: 'rule', rule: level, source: '' } : { id, level, rule, source },
  )
}

describe('coverage of the rules', () => {
  const rule = (id: string, level: string): Requirement => ({ id, level, rule: 'x', source: '§3' })
  const passing = (fullName: string) => ({ fullName, status: 'passed' })

  it('counts the tests that name a rule', () => {
    const coverage = coverageOf(
      [rule('CID-01', 'MUST'), rule('FET-01', 'MUST')],
      [passing('CID-01: a'), passing('b')],
    )
    expect(coverage).toMatchObject([{ requirement: { id: 'CID-01' }, passed: 1, failed: 0 }])
    expect(problemsOf(coverage)).toEqual([])
  })

  it.each([
    ['a mandatory rule without a test', rule('CID-01', 'MUST NOT'), []],
    ['a derived one', rule('CID-06', 'D-MUST'), []],
    ['a gap without a reason', rule('CID-16', 'RECOMMENDED'), []],
    [
      'a test that was skipped',
      rule('CID-16', 'RECOMMENDED'),
      [{ fullName: 'CID-16: a', status: 'skipped' }],
    ],
    ['a mandatory rule with a reason', rule('CHG-04', 'MUST'), []],
  ])('objects to %s', (_, requirement, tests) => {
    expect(problemsOf(coverageOf([requirement], tests))).toHaveLength(1)
  })

  it('lets a reason stand for a rule that is not mandatory', () => {
    expect(problemsOf(coverageOf([rule('CHG-04', 'rule')], []))).toEqual([])
    expect(Object.keys(UNDECIDABLE).filter((id) => !known.has(id))).toEqual([])
  })
})
