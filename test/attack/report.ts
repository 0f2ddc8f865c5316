import { DEADLINE_MS, SLACK_MS } from './arena.ts'
import type { MeasuredDefence, MeasuredRow, MeasuredVolley } from './measure.ts'
import { isWithinBounds, VOLLEY_COUNT } from './volleys.ts'

/** Markdown, and a line for everything that did not end as it must. */
export type Tables = { readonly text: string; readonly wrong: readonly string[] }

type Measured = {
  readonly rows: readonly MeasuredRow[]
  readonly volleys: readonly MeasuredVolley[]
  readonly defences: readonly MeasuredDefence[]
}

const BEGIN = '<!-- made by npm run attack -- --write -->'
const END = '<!-- end of what npm run attack made -->'

/** The tables of docs/security.md. */
export function tablesOf(measured: Measured): Tables {
  const text = [rowTable(measured.rows), volleyTable(measured.volleys), defenceTable(measured.defences)].join(
    '\n\n',
  )
  return { text, wrong: wrongOf(measured) }
}

/** A document with its tables replaced; throws when it has no place for them. */
export function replaceTables(document: string, text: string): string {
  const [before, , after] = splitTables(document)
  return `${before}${BEGIN}\n\n${text}\n\n${END}${after}`
}

/** What stands before the tables, the tables, and what stands after them. */
export function splitTables(document: string): readonly [string, string, string] {
  const begin = document.indexOf(BEGIN)
  const end = document.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`there is no place for the tables: ${BEGIN}`)
  return [
    document.slice(0, begin),
    document.slice(begin + BEGIN.length, end),
    document.slice(end + END.length),
  ]
}

function rowTable(rows: readonly MeasuredRow[]): string {
  const families = Map.groupBy(rows, ({ row }) => row.family)
  return table(
    ['family', 'attacks', 'refused', 'to be accepted, accepted', `slowest, ms (deadline ${DEADLINE_MS})`],
    [...families].map(([family, members]) => {
      const refused = members.filter(({ row, asItMust }) => row.expected.length > 0 && asItMust)
      const accepted = members.filter(({ row, asItMust }) => row.expected.length === 0 && asItMust)
      const slowest = Math.max(...members.map(({ outcome }) => outcome.elapsedMs))
      return [family, members.length, refused.length, accepted.length, Math.ceil(slowest)]
    }),
  )
}

function volleyTable(volleys: readonly MeasuredVolley[]): string {
  const layers = Map.groupBy(volleys, ({ layer }) => layer)
  return table(
    [
      `${VOLLEY_COUNT} at once from servers that misbehave in`,
      'servers',
      'slowest, ms',
      'most memory, MiB',
      'left behind',
    ],
    [...layers].map(([layer, members]) => {
      const slowest = Math.max(...members.map(({ report }) => report.elapsedMsMax))
      const growth = Math.max(...members.map(({ report }) => report.residentGrowthBytes))
      const left = members.reduce((sum, { report }) => sum + report.left.length, 0)
      return [layer, members.length, Math.ceil(slowest), (growth / 2 ** 20).toFixed(1), left]
    }),
  )
}

function defenceTable(defences: readonly MeasuredDefence[]): string {
  return table(
    ['defence', 'attack', 'with it', 'without it'],
    defences.map(({ defence, with: held, without }) => [defence.name, `\`${defence.row}\``, held, without]),
  )
}

function wrongOf({ rows, volleys, defences }: Measured): readonly string[] {
  return [
    ...rows.flatMap(({ row, outcome, asItMust }) => {
      const inTime = outcome.elapsedMs < DEADLINE_MS + SLACK_MS
      const ended = outcome.codes.join(', ') || 'accepted'
      return asItMust && inTime ? [] : [`${row.id}: ${ended} after ${Math.ceil(outcome.elapsedMs)} ms`]
    }),
    ...volleys.flatMap(({ name, report }) => {
      return isWithinBounds(report) && report.left.length === 0 ? [] : [`${name}: ${JSON.stringify(report)}`]
    }),
    ...defences.flatMap(({ defence, with: held, without }) =>
      held === 'held' && without === defence.without
        ? []
        : [`${defence.name}: ${held} with it, ${without} without`],
    ),
  ]
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, at) => (at === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n')
}
