import type { FirstContact, Span } from './first-contact.ts'
import type { FreshHit } from './fresh-hit.ts'
import type { Summary } from './statistics.ts'
import { STEPS, type Step, type Steps } from './steps.ts'
import type { Throughput } from './throughput.ts'
import type { Validation } from './validation.ts'

/** The aims of the project: printed beside the figures, never asserted. */
const AIMS = { addedMs: 15, ratio: 0.5, validation: 10, hostile: 20 }

const SPAN_LABELS: Readonly<Record<Span, string>> = {
  untilDemand: "sent -> api's first transaction begins",
  untilClaim: '-> claim begins (demand, enqueue, pick-up)',
  untilFetched: '-> fetch ended (budget, fetch)',
  fetch: '   of that the fetch',
  untilAnswered: '-> answered (claim, evaluate, record, notify, read)',
}

const STEP_LABELS: Readonly<Record<Step, string>> = {
  authenticate: 'api: authenticate',
  demand: 'api: first transaction (read, demand, interest)',
  enqueue: 'api: enqueue',
  pickUp: 'enqueue called -> job begins',
  claim: 'fetcher: claim',
  budget: 'fetcher: budget',
  fetch: 'fetcher: guarded GET',
  evaluate: 'fetcher: evaluate',
  record: 'fetcher: record',
  notify: 'fetcher: notify -> heard',
  read: 'api: read the record',
  release: 'fetcher: give the budget back (nobody waits)',
}

export function reportFirstContact({ bare, contact, added, spans }: FirstContact): string {
  return section('First contact, one at a time, ms', [
    row('bare guarded GET', bare),
    row('through the system', contact),
    row('added, pair by pair', added, verdict(added.median <= AIMS.addedMs, `at most ${AIMS.addedMs} ms`)),
    ...Object.entries(SPAN_LABELS).map(([span, label]) => row(`  ${label}`, spans[span as Span])),
  ])
}

export function reportValidation({ documentBytes, floor, validate, ratio, hostile }: Validation): string {
  const worst = (index: number, median: number) =>
    index === 0 ? verdict(median <= AIMS.hostile, `at most ${AIMS.hostile}`) : ''
  return [
    section(`Validation of a document of ${documentBytes} bytes, in process, microseconds`, [
      row('JSON.parse and sha-256 of it', floor),
      row('validation', validate),
      row(
        'ratio, round by round',
        ratio,
        verdict(ratio.median <= AIMS.validation, `at most ${AIMS.validation}`),
      ),
    ]),
    section('Hostile documents of 64 KiB: time per byte over that of the ordinary one', [
      ...hostile.map((input, index) => row(input.name, input.ratio, worst(index, input.ratio.median))),
    ]),
  ].join('\n')
}

export function reportSteps(steps: Steps): string {
  return section('The steps alone, from the bench, fetcher stopped, ms', [
    ...STEPS.map((step) => row(`  ${STEP_LABELS[step]}`, steps[step])),
  ])
}

export function reportThroughput(throughput: Throughput): string {
  const { loop, system, ratio, concurrency, documentsPerRound, processorMs } = throughput
  const used = Object.entries(processorMs).map(([name, ms]) => `${name} ${ms.toFixed(1)}`)
  const title = `Unknown clients, documents/s, ${concurrency} at a time, rounds of ${documentsPerRound}`
  const table = section(title, [
    row('GET + validate + INSERT in a loop', loop),
    row('through the system', system),
    row('ratio, round by round', ratio, verdict(ratio.median >= AIMS.ratio, `at least ${AIMS.ratio}`)),
  ])
  if (used.length === 0) return table
  return `${table}\n  processor ms per document, Postgres and the origin not counted: ${used.join(', ')}`
}

export function reportFreshHit({ latency, rate, concurrency }: FreshHit): string {
  return [
    section('Fresh hit, one at a time, ms', [
      row('bare select', latency.select),
      row('resolve', latency.resolve),
    ]),
    section(`Fresh hit, per second, ${concurrency} at a time`, [
      row('bare select', rate.select),
      row('resolve', rate.resolve),
    ]),
  ].join('\n')
}

type Row = { readonly label: string; readonly summary: Summary; readonly note: string }

const LABEL_WIDTH = 56
const CELL_WIDTH = 9

/** One line of figures under a label. */
export function row(label: string, summary: Summary, note = ''): Row {
  return { label, summary, note }
}

/** What was aimed at, and whether it was reached. */
export function verdict(met: boolean, aim: string): string {
  return `aim: ${aim}, ${met ? 'met' : 'missed'}`
}

/** Lines of figures under a title. */
export function section(title: string, rows: readonly Row[]): string {
  const head = ['median', 'p10', 'p90', 'n'].map((name) => name.padStart(CELL_WIDTH)).join('')
  const lines = rows.map(({ label, summary: { median, p10, p90, n }, note }) => {
    const cells = [...[median, p10, p90].map(format), String(n)].map((cell) => cell.padStart(CELL_WIDTH))
    return `  ${label.padEnd(LABEL_WIDTH)}${cells.join('')}  ${note}`.trimEnd()
  })
  return [`\n${title.padEnd(LABEL_WIDTH + 2)}${head}`, ...lines].join('\n')
}

/** Three figures at least, more would be noise. */
function format(value: number): string {
  if (Math.abs(value) >= 100) return value.toFixed(0)
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2)
}
