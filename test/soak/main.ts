import { explain } from '@cimd/runtime'
import { settingsFrom, USAGE } from './arguments.ts'
import type { Sample, SoakSettings } from './fetcher.ts'
import { reportSample, reportSoak } from './report.ts'
import { soak } from './soak.ts'
import { problemsOf } from './verdict.ts'

// `npm run soak`: a day's worth of hostile traffic, and what it leaves behind.

const PROGRESS_MS = 10_000

try {
  const settings = settingsFrom(process.argv.slice(2))
  if (settings === undefined) console.log(USAGE)
  else await run(settings)
} catch (error) {
  process.exitCode = 1
  console.error(explain(error))
}

async function run(settings: SoakSettings): Promise<void> {
  console.log(`soak of seed ${settings.seed}`)
  const result = await soak(settings, everySoOften(PROGRESS_MS))
  console.log(`\n${reportSoak(result)}`)
  if (problemsOf(result).length > 0) process.exitCode = 1
}

function everySoOften(ms: number): (sample: Sample) => void {
  let nextAt = performance.now() + ms
  return (sample) => {
    if (performance.now() < nextAt) return
    nextAt = performance.now() + ms
    console.log(reportSample(sample))
  }
}
