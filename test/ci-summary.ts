import { readFileSync } from 'node:fs'

// Reads the runner's JSON report and prints what failed and, as the last line, what it counted. Fails on a failed
// test, a skipped one, a suite that could not run, and a run without tests.

type Report = {
  readonly success: boolean
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly Suite[]
}

type Suite = {
  readonly name: string
  readonly status: string
  /** Why the file itself could not run. */
  readonly message?: string
  readonly assertionResults: readonly {
    readonly fullName: string
    readonly status: string
    readonly failureMessages?: readonly string[]
  }[]
}

const report = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Report
const skipped = report.numPendingTests + report.numTodoTests
if (!report.success || report.numPassedTests === 0 || skipped > 0) process.exitCode = 1
for (const line of report.testResults.flatMap(failuresOf)) console.log(line)
if (skipped > 0) console.log(`${skipped} tests were skipped, and here none may be`)
console.log(`${report.numPassedTests} passed, ${report.numFailedTests} failed`)

function failuresOf({ name, status, message, assertionResults }: Suite): readonly string[] {
  const failed = assertionResults.filter((one) => one.status === 'failed')
  if (failed.length === 0) return status === 'failed' ? [`FAILED ${name}\n${message ?? ''}`] : []
  return failed.map((one) => `FAILED ${name}\n${one.fullName}\n${(one.failureMessages ?? []).join('\n')}\n`)
}
