import { readFileSync } from 'node:fs'

// Reads the runner's JSON report and prints what it counted, as the last line. Fails on a failed test, a skipped
// one, a suite that could not run, and a run without tests.

type Report = {
  readonly success: boolean
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
}

const report = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Report
const skipped = report.numPendingTests + report.numTodoTests
if (!report.success || report.numPassedTests === 0 || skipped > 0) process.exitCode = 1
if (skipped > 0) console.log(`${skipped} tests were skipped, and here none may be`)
console.log(`${report.numPassedTests} passed, ${report.numFailedTests} failed`)
