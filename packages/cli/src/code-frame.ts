import type { Span } from '@cimd/core'

/** A place in a text as an editor counts: lines and columns from 1, columns in UTF-16 code units. */
export type Place = { readonly line: number; readonly column: number }

/** A line of a text and the mark below the place concerned, for a terminal. */
export type Frame = { readonly line: string; readonly mark: string }

const FRAME_WIDTH = 88
/** So much of the line is shown before the place, where the line is too long. */
const CONTEXT_WIDTH = 24

/** The place at which a span begins. */
export function placeOf(text: string, { start }: Span): Place {
  const before = text.slice(0, start)
  return { line: before.split('\n').length, column: start - (before.lastIndexOf('\n') + 1) + 1 }
}

/** The line in which a span begins, cut to a terminal's width, and a mark under as much of the span as it shows. */
export function frameOf(text: string, { start, end }: Span): Frame {
  const lineStart = text.lastIndexOf('\n', start - 1) + 1
  const lineEnd = text.indexOf('\n', lineStart)
  const line = text.slice(lineStart, lineEnd < 0 ? text.length : lineEnd).trimEnd()
  const column = start - lineStart
  const cutStart = line.length > FRAME_WIDTH ? Math.max(0, column - CONTEXT_WIDTH) : 0
  const shown = line.slice(cutStart, cutStart + FRAME_WIDTH)
  const length = Math.max(1, Math.min(end - start, shown.length - (column - cutStart)))
  return {
    // A tab would move the mark away from what it marks.
    line: `${cutStart > 0 ? '…' : ''}${shown.replaceAll('\t', ' ')}`,
    mark: ' '.repeat(column - cutStart + (cutStart > 0 ? 1 : 0)) + '^'.repeat(length),
  }
}
