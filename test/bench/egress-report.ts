import type { Outcome } from './egress-contest.ts'
import type { GuardedGet } from './egress-get.ts'
import type { ContestResult } from './egress-namespace.ts'
import type { SideBySide } from './egress-side-by-side.ts'
import { row, section, verdict } from './report.ts'

/** Of plain, printed beside the figure and never asserted. */
const RATIO_AIM = 1.1
/** Which of the sides the aim is about. */
const GUARDED = 'guarded GET'

export function reportGuardedGet({ asking, given, resolution }: GuardedGet): string {
  return [
    reportSides('GET on a connection of its own, name server asked, ms', asking, GUARDED),
    reportSides('The same, the address given, ms', given),
    reportSides('The name server alone, ms', resolution),
  ].join('\n')
}

export function reportContest(result: ContestResult): string {
  if (result.kind === 'left out') return `\npeers: left out, ${result.reason}`
  const { honest, contenders, leftOut, hostile } = result.contest
  return [
    reportSides('Peers, each resolving by itself, ms', honest),
    ...leftOut.map((reason) => `  left out: ${reason}`),
    '\nPublishers of ill will: where the connection went, what was taken, and when it ended',
    ...contenders.map(({ id, name }) => `  ${id} is ${name}`),
    formatCells(
      '',
      contenders.map(({ id }) => id),
    ),
    ...hostile.map(({ title, outcomes }) => formatCells(title, outcomes.map(formatOutcome))),
  ].join('\n')
}

/** Every side, and how each compares with the first. */
function reportSides(title: string, sides: SideBySide, judged?: string): string {
  const [base, ...others] = sides
  return [
    section(
      title,
      sides.map(({ name, ms }) => row(name, ms)),
    ),
    section(
      `  over ${base?.name}, round by round`,
      others.map(({ name, ratio }) => {
        const note = name === judged ? verdict(ratio.median <= RATIO_AIM, `at most ${RATIO_AIM}`) : ''
        return row(`  ${name}`, ratio, note)
      }),
    ).slice(1),
  ].join('\n')
}

const TITLE_WIDTH = 44
const OUTCOME_WIDTH = 17

function formatCells(title: string, cells: readonly string[]): string {
  return `  ${title.padEnd(TITLE_WIDTH)}${cells.map((cell) => cell.padEnd(OUTCOME_WIDTH)).join('')}`.trimEnd()
}

const WORDS: Readonly<Record<Outcome['kind'], string>> = {
  refused: 'refused',
  inside: 'INSIDE',
  read: 'read',
  waiting: 'waits',
}

/** A refusal and its time, or what was got. */
export function formatOutcome({ kind, ms, bytes }: Outcome): string {
  const time = ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`
  return kind === 'read' ? `${WORDS[kind]} ${formatBytes(bytes)}` : `${WORDS[kind]} ${time}`
}

function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(0)} kB` : `${(bytes / 1_000_000).toFixed(0)} MB`
}
