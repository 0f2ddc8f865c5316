import type { Sample } from './fetcher.ts'
import type { SoakResult } from './soak.ts'
import type { Judgement } from './tally.ts'
import type { Trend } from './trend.ts'
import { LIMITS, memoryOf, problemsOf } from './verdict.ts'

const MEANINGS: Readonly<Record<Judgement, string>> = {
  accepted: 'a valid document, as it must be',
  refused: 'refused, with the code it must have',
  given_up: 'given up by the caller midway',
  late: `the deadline struck; at most ${LIMITS.lateShare * 100} %`,
  wrong: 'anything else; none',
}

/** One line while it runs. */
export function reportSample({ fetches, heldBytes, residentBytes }: Sample): string {
  return `${count(fetches)} fetches, held ${mebibytes(heldBytes)}, resident ${mebibytes(residentBytes)} MiB`
}

/** Everything that was found, as a table. */
export function reportSoak(result: SoakResult): string {
  return [
    ...headLines(result),
    '',
    ...endingLines(result),
    '',
    ...memoryLines(result),
    '',
    ...leftLines(result),
    '',
    verdictLine(result),
  ].join('\n')
}

function headLines({ settings, fetches, seconds, tally }: SoakResult): readonly string[] {
  const { seed, concurrency, deadlineMs } = settings
  const rate = Math.round(fetches / seconds)
  return [
    `${count(fetches)} fetches in ${seconds.toFixed(0)} s (${rate}/s), ${concurrency} at once, seed ${seed}`,
    `deadline ${deadlineMs} ms, the slowest took ${Math.round(tally.slowestMs)} ms`,
  ]
}

function endingLines({ tally, fetches }: SoakResult): readonly string[] {
  const judgements = Object.entries(tally.counts) as [Judgement, number][]
  return judgements.map(([judgement, number]) => {
    const share = `${((100 * number) / fetches).toFixed(1)} %`
    return `${judgement.padEnd(10)}${count(number).padStart(8)}${share.padStart(8)}  ${MEANINGS[judgement]}`
  })
}

function memoryLines({ samples }: SoakResult): readonly string[] {
  const memory = memoryOf(samples)
  if (memory.kind === 'too_few') return ['memory: too few samples']
  return [
    'MiB         first quarter  last quarter  B per fetch    growth   at most',
    trendLine('held', memory.held, LIMITS.heldGrowthBytes),
    trendLine('resident', memory.resident, LIMITS.residentGrowthBytes),
  ]
}

function trendLine(name: string, trend: Trend, growthBytesMax: number): string {
  return [
    name.padEnd(10),
    mebibytes(trend.firstQuarterBytes).padStart(15),
    mebibytes(trend.lastQuarterBytes).padStart(14),
    trend.bytesPerFetch.toFixed(1).padStart(13),
    mebibytes(trend.growthBytes).padStart(10),
    mebibytes(growthBytesMax).padStart(10),
  ].join('')
}

function leftLines({ left, openConnections, forbiddenDials }: SoakResult): readonly string[] {
  return [
    `left behind: ${left.resources.length} resources, ${left.descriptors} descriptors, ${left.listeners} listeners,`,
    `  ${openConnections} connections at the servers; dials of addresses that are not public: ${forbiddenDials}`,
  ]
}

function verdictLine(result: SoakResult): string {
  const problems = problemsOf(result)
  if (problems.length === 0) return 'passed: memory is flat and nothing is left behind'
  return problems.map((problem) => `✗ ${problem}`).join('\n')
}

function count(number: number): string {
  return number.toLocaleString('en')
}

function mebibytes(bytes: number): string {
  return (bytes / 1_048_576).toFixed(2)
}
