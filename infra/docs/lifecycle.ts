import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  expectedAttempts,
  expectedFetchesPerDay,
  type Happening,
  LIFE_STATES,
  type LifeState,
  RETRY_SECONDS_MAX,
  RETRY_SECONDS_MIN,
  SPOKEN_CLASSES,
  type SpokenClass,
  STALE_USE_SECONDS,
  TRANSITIONS,
  type Transition,
} from '@cimd/core'

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** What is made from the tables in `packages/core`; all else on the page is written by hand. */
const SECTIONS: Readonly<Record<string, () => string>> = {
  diagram: renderDiagram,
  transitions: renderTransitions,
  classes: renderClasses,
  fetches: renderFetches,
}

/** `docs/lifecycle.md`: the page as it is, with the marked sections made anew. */
export function renderLifecycle(): string {
  const page = readFileSync(fileURLToPath(new URL('../../docs/lifecycle.md', import.meta.url)), 'utf8')
  return Object.entries(SECTIONS).reduce((text, [name, render]) => {
    const [begin, end] = [`<!-- ${name}: made by npm run docs -->\n`, `<!-- end of ${name} -->`]
    const [before, rest] = splitOnce(text, begin)
    const [, after] = splitOnce(rest, end)
    return `${before}${begin}\n${render()}\n\n${end}${after}`
  }, page)
}

function splitOnce(text: string, mark: string): readonly [string, string] {
  const [before, after, ...more] = text.split(mark)
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`docs/lifecycle.md must have this line once: ${mark.trim()}`)
  }
  return [before, after]
}

const AWAKE = LIFE_STATES.filter((state) => state !== 'dormant')

/** The states as a diagram of mermaid, in which `failing` is one, and all but `dormant` are drawn as `in use`. */
function renderDiagram(): string {
  const arrows = TRANSITIONS.flatMap(arrowsOf).filter(({ from, to }) => from !== to)
  const ways = new Map<string, Set<string>>()
  for (const { from, to, label } of arrows) {
    const way = `${from} --> ${to}`
    ways.set(way, (ways.get(way) ?? new Set()).add(label))
  }
  const lines = [...ways].map(([way, labels]) => `${way} : ${[...labels].join(', ')}`)
  const inside = (line: string) => !/\b(dormant|in_use)\b/.test(line)
  return [
    '```mermaid',
    'stateDiagram-v2',
    '  [*] --> in_use : first demand',
    '  state "in use" as in_use {',
    '    [*] --> discovering',
    ...lines.filter(inside).map((line) => `    ${line}`),
    '    discovering --> [*] : forgotten',
    '  }',
    ...lines.filter((line) => !inside(line)).map((line) => `  ${line}`),
    '  dormant --> [*] : forgotten',
    '```',
  ].join('\n')
}

type Arrow = { readonly from: string; readonly to: string; readonly label: string }

function arrowsOf({ from, on, to, when }: Transition): readonly Arrow[] {
  const nodeOf = (state: LifeState) => (state.startsWith('failing') ? 'failing' : state)
  return on.flatMap((happening) => {
    if (happening === 'disuse') return [{ from: 'in_use', to: 'dormant', label: 'nobody uses it' }]
    if (happening === 'use') return [{ from: 'dormant', to: 'in_use', label: 'a demand' }]
    return from.flatMap((before) =>
      (to === 'same' ? [before] : to).map((after) => ({
        ...{ from: nodeOf(before), to: nodeOf(after) },
        label: isFailure(happening) && nodeOf(after) !== 'failing' ? (when ?? '') : LABELS[happening],
      })),
    )
  })
}

const LABELS: Readonly<Record<Happening, string>> = {
  valid: 'valid answer',
  refused: 'failed attempt',
  unreachable: 'failed attempt',
  ambiguous: 'failed attempt',
  withdrawn: 'failed attempt',
  rejected: 'failed attempt',
  deferred: 'deferral',
  quarantine: 'its own process dies of it',
  expiry: 'lifetime over',
  disuse: 'nobody uses it',
  use: 'demand, or a late attempt',
  release: 'brake released',
}

function isFailure(happening: Happening): boolean {
  return SPOKEN_CLASSES.some((failureClass) => failureClass === happening)
}

function renderTransitions(): string {
  const rows = TRANSITIONS.map(({ from, on, to, when, announces, announcesOnce, follows }) => [
    statesOf(from),
    happeningsOf(on) + (when === undefined ? '' : `; ${when}`),
    to === 'same' ? 'the same' : to.length > 1 ? 'what it was' : statesOf(to),
    announces ? `\`${announces}\`` : announcesOnce ? `\`${announcesOnce}\`, once` : '',
    follows,
  ])
  return table(['from', 'what happens', 'to', 'event', 'what follows'], rows)
}

const FAILING = SPOKEN_CLASSES.map((failureClass): LifeState => `failing_${failureClass}`)

function statesOf(states: readonly LifeState[]): string {
  if (states.length === AWAKE.length) return 'any but dormant'
  if (states.length === AWAKE.length - 1) return 'any with a version, but dormant'
  const failing = states.filter((state) => FAILING.includes(state))
  const others = states.filter((state) => !FAILING.includes(state))
  if (failing.length === 0) return others.join(', ')
  const classes = failing.map((state) => state.replace('failing_', '')).join(', ')
  return [...others, failing.length === FAILING.length ? 'failing' : `failing (${classes})`].join(', ')
}

function happeningsOf(on: readonly Happening[]): string {
  if (SPOKEN_CLASSES.every((each) => on.includes(each))) return 'any failure'
  return on
    .map((happening) => (isFailure(happening) ? `failure: ${happening}` : LABELS[happening]))
    .join(', ')
}

const SPEAKERS: Readonly<Record<SpokenClass, string>> = {
  unreachable: 'nobody whom we would believe',
  ambiguous: 'the publisher, or a gate before it',
  withdrawn: 'the publisher: it is gone',
  rejected: 'the publisher: an invalid document',
  refused: 'we: not an address to dial',
}

function renderClasses(): string {
  const rows = SPOKEN_CLASSES.map((failureClass) => [
    failureClass,
    SPEAKERS[failureClass],
    STALE_USE_SECONDS[failureClass] === 0 ? 'not at all' : durationOf(STALE_USE_SECONDS[failureClass]),
    `${durationOf(RETRY_SECONDS_MIN)} to ${durationOf(RETRY_SECONDS_MAX[failureClass])}`,
    attemptsIn(failureClass, HOUR),
    attemptsIn(failureClass, DAY),
  ])
  const header = ['class', 'who spoke', 'usable from the first', 'pause between attempts']
  return table([...header, 'attempts in an hour', 'in a day'], rows)
}

function attemptsIn(failureClass: SpokenClass, seconds: number): string {
  return String(expectedAttempts({ failureClass, seconds }, 0))
}

const LIFETIMES = [5 * MINUTE, HOUR, 6 * HOUR, DAY]
const USES_PER_DAY = [0, 1, 10, 100, 10_000]

function renderFetches(): string {
  const rows = LIFETIMES.map((lifetimeSeconds) => [
    durationOf(lifetimeSeconds),
    ...USES_PER_DAY.map((usesPerDay) => expectedFetchesPerDay({ lifetimeSeconds, usesPerDay }).toFixed(1)),
  ])
  return table(['lifetime', 'no use', '1 use a day', '10', '100', '10,000'], rows)
}

function durationOf(seconds: number): string {
  for (const [name, length] of [
    ['day', DAY],
    ['hour', HOUR],
    ['minute', MINUTE],
  ] as const) {
    if (seconds >= length) return `${seconds / length} ${name}${seconds === length ? '' : 's'}`
  }
  return `${seconds} s`
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')
}
