import { styleText } from 'node:util'

/** Says things to a person; coloured where standard output is a terminal that wants it. */
export function say(text = ''): void {
  process.stdout.write(`${text}\n`)
}

export function sayTitle(text: string): void {
  say(bold(text))
}

/** A labelled line of the opening. */
export function sayFact(label: string, text: string): void {
  say(`  ${dim(label.padEnd(8))}${text}`)
}

export function sayStep(number: number, text: string): void {
  say(`\n${bold(`${number}  ${text}`)}`)
}

/** Something that was verified. */
export function sayDone(text: string): void {
  say(`   ${styleText('green', '✓')} ${text}`)
}

/** Verified rows, their columns aligned. */
export function sayRows(rows: readonly (readonly string[])[]): void {
  const widths = columnWidths(rows)
  for (const row of rows) {
    const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0))
    sayDone(cells.join('  ').trimEnd())
  }
}

/** More about the line above. */
export function sayMore(text: string): void {
  say(`     ${dim(text)}`)
}

/** Why it ended early; the first line is marked. */
export function sayFailure(text: string): void {
  const [first = '', ...rest] = text.split('\n')
  process.stderr.write(`\n   ${styleText('red', '✗', { stream: process.stderr })} ${first}\n`)
  for (const line of rest) process.stderr.write(`     ${line}\n`)
}

/** Milliseconds, as exact as a person cares. */
export function formatMs(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`
}

/** How far the clock was moved, in hours and minutes. */
export function formatClock(minutes: number): string {
  return `+${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`
}

function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const columns = Math.max(0, ...rows.map((row) => row.length))
  return Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
}

function bold(text: string): string {
  return styleText('bold', text)
}

function dim(text: string): string {
  return styleText('dim', text)
}
