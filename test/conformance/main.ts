import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { coverageOf, problemsOf, type ReportedTest, type RuleCoverage } from './coverage.ts'
import { readRequirements } from './requirements.ts'

// `npm run conformance`: runs the tests that need neither network nor database, and tells which rule each one proves;
// with `-- --tests` by name.

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const WIDTH = 96

const coverage = coverageOf(readRequirements(), runTests())
sayCovered(coverage.filter(({ reason }) => reason === undefined))
sayUncovered(coverage.filter(({ reason }) => reason !== undefined))
const problems = problemsOf(coverage)
for (const problem of problems) console.error(`✗ ${problem}`)
process.exitCode = problems.length === 0 ? 0 : 1

function runTests(): readonly ReportedTest[] {
  const folder = mkdtempSync(join(tmpdir(), 'cimd-conformance-'))
  const report = join(folder, 'report.json')
  try {
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
    const filters = ['packages/core/src', 'test/conformance']
    const options = ['--config', 'test/vitest.config.ts', '--project', 'unit', '--reporter=json']
    // A failing test is told in the table, where it belongs.
    const { stderr } = spawnSync(
      process.execPath,
      [vitest, 'run', ...options, `--outputFile=${report}`, ...filters],
      {
        cwd: ROOT,
        encoding: 'utf8',
      },
    )
    return readReport(report, stderr)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function readReport(path: string, complaint: string): readonly ReportedTest[] {
  try {
    const { testResults } = JSON.parse(readFileSync(path, 'utf8')) as {
      testResults: readonly { readonly assertionResults: readonly ReportedTest[] }[]
    }
    return testResults.flatMap(({ assertionResults }) => assertionResults)
  } catch (error) {
    throw new Error(`the tests gave no report:\n${complaint}`, { cause: error })
  }
}

function sayCovered(covered: readonly RuleCoverage[]): void {
  console.log('rule    level             tests  passed  what it demands')
  for (const { requirement, tests: naming, passed, failed } of covered) {
    const { id, level, rule } = requirement
    const [tests, passes] = [String(passed + failed).padStart(5), String(passed).padStart(6)]
    console.log(`${id.padEnd(7)} ${level.padEnd(17).slice(0, 17)} ${tests}  ${passes}  ${shorten(rule)}`)
    if (process.argv.includes('--tests')) for (const { fullName, status } of naming) sayTest(fullName, status)
  }
  const tests = covered.reduce((sum, { passed, failed }) => sum + passed + failed, 0)
  console.log(`\n${covered.length} rules are proved, by ${tests} namings in tests.\n`)
}

function sayTest(fullName: string, status: string): void {
  console.log(`        ${status === 'passed' ? '✓' : '✗'} ${shorten(fullName)}`)
}

function sayUncovered(uncovered: readonly RuleCoverage[]): void {
  console.log(`${uncovered.length} rules are not decided here:\n`)
  for (const { requirement, reason } of uncovered) {
    console.log(`${requirement.id.padEnd(7)} ${requirement.level}: ${requirement.rule}`)
    console.log(`        Not tested: ${reason}.\n`)
  }
}

function shorten(text: string): string {
  const plain = text.replaceAll('`', '')
  return plain.length > WIDTH ? `${plain.slice(0, WIDTH - 1)}…` : plain
}
