import { styleText } from 'node:util'

/** Where a command writes. Answers go to `stdout`, errors and remarks beside the answer to `stderr`. */
export type Output = {
  readonly stdout: Sink
  readonly stderr: Sink
  /** Standard output is a terminal, and one that wants colours. */
  readonly isTerminal: boolean
}
type Sink = { readonly write: (text: string) => unknown }

export type Format = Extract<Parameters<typeof styleText>[0], string>

/** A piece of a line, plain or in a format. */
export type Span = string | readonly [format: Format, text: string]

/** Writes one line of the answer. */
export function say(output: Output, ...spans: readonly Span[]): void {
  output.stdout.write(`${spans.map((span) => render(output, span)).join('')}\n`)
}

/** Writes labelled lines, their texts aligned. */
export function sayFacts(output: Output, facts: readonly (readonly [label: string, text: string])[]): void {
  const width = Math.max(0, ...facts.map(([label]) => label.length))
  for (const [label, text] of facts) say(output, '  ', ['dim', label.padEnd(width)], '  ', text)
}

/** Writes a table, its columns as wide as their longest cell. */
export function sayTable(
  output: Output,
  header: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const shown = [header, ...rows].map((row) => row.map(printable))
  const widths = header.map((_, column) => Math.max(...shown.map((row) => row[column]?.length ?? 0)))
  for (const [index, row] of shown.entries()) {
    const line = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
    say(output, index === 0 ? ['dim', line.trimEnd()] : line.trimEnd())
  }
}

/** Writes the one JSON document that `--json` promises. */
export function sayJson(output: Output, value: unknown): void {
  output.stdout.write(`${escapeInvisible(JSON.stringify(value, null, 2))}\n`)
}

/** Writes a remark that is not part of the answer. */
export function remark(output: Output, text: string): void {
  output.stderr.write(`${printableLines(text)}\n`)
}

/** Writes what went wrong. */
export function complain(output: Output, text: string): void {
  remark(output, `cimd: ${text}`)
}

/** An instant as a person reads it, to the second. */
export function formatInstant(instant: Date): string {
  return `${instant.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
] as const

/** A span of time in its largest fitting unit, rounded down. */
export function formatSeconds(seconds: number): string {
  const [unit, size] = UNITS.find(([, unitSeconds]) => seconds >= 2 * unitSeconds) ?? ['s', 1]
  return `${Math.floor(seconds / size)} ${unit}`
}

/** A number of things: `1 warning`, `2 warnings`. */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function render(output: Output, span: Span): string {
  if (typeof span === 'string') return printable(span)
  const [format, text] = span
  return output.isTerminal ? styleText(format, printable(text), { validateStream: false }) : printable(text)
}

// A publisher chooses names, URIs and headers: none of them may move the cursor or turn the text around.
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu

/** The text with everything that a terminal could obey, or a reader could not see, spelt out. */
export function printable(text: string): string {
  return text.replace(INVISIBLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}

function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}

// JSON.stringify leaves C1 controls and direction marks as they are; line breaks are its own layout.
function escapeInvisible(json: string): string {
  return json.replace(INVISIBLE, (character) => (character === '\n' ? character : jsonEscape(character)))
}

function jsonEscape(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
}
