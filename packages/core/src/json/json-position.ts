import type { Span } from '../failure/finding.ts'
import { type JsonToken, jsonTokens, stringOfToken } from './json-tokens.ts'

/** Where a value stands in the text that holds it; a member's value has a name as well. */
export type JsonPlace = { readonly name: Span | undefined; readonly value: Span }

type Container = {
  readonly kind: 'object' | 'array'
  /** The member or item whose value comes next. */
  key: string
  index: number
  name: Span | undefined
}

/**
 * Finds the value that an RFC 6901 pointer names in a text of valid JSON; `undefined` if there is none. One pass
 * over the text, which ends where the value does.
 */
export function locateJson(text: string, pointer: string): JsonPlace | undefined {
  const open: Container[] = []
  let found: { readonly depth: number; readonly name: Span | undefined; readonly start: number } | undefined
  for (const token of jsonTokens(text)) {
    if (found === undefined && startsValue(token, open) && pointerOf(open) === pointer) {
      found = { depth: open.length, name: open.at(-1)?.name, start: token.span.start }
    }
    walk(open, token)
    if (found !== undefined && open.length === found.depth) {
      return { name: found.name, value: { start: found.start, end: token.span.end } }
    }
  }
  return undefined
}

function startsValue({ text }: JsonToken, open: readonly Container[]): boolean {
  if (/^[}\],:]/.test(text)) return false
  const inner = open.at(-1)
  return inner?.kind !== 'object' || inner.name !== undefined
}

function walk(open: Container[], token: JsonToken): void {
  const inner = open.at(-1)
  switch (token.text[0]) {
    case '{':
    case '[': {
      const kind = token.text === '{' ? 'object' : 'array'
      open.push({ kind, key: '', index: 0, name: undefined })
      break
    }
    case '}':
    case ']':
      open.pop()
      break
    case ',':
      nextItem(inner)
      break
    default:
      noteName(inner, token)
  }
}

function nextItem(inner: Container | undefined): void {
  if (inner === undefined) return
  inner.index += 1
  inner.name = undefined
}

// The first string of a member is its name; until the next comma everything else is its value.
function noteName(inner: Container | undefined, { text, span }: JsonToken): void {
  if (inner?.kind !== 'object' || inner.name !== undefined) return
  inner.key = stringOfToken(text)
  inner.name = span
}

function pointerOf(open: readonly Container[]): string {
  return open.map(({ kind, key, index }) => `/${kind === 'object' ? escapePointer(key) : index}`).join('')
}

/** A member name as a reference token of a JSON pointer (RFC 6901 section 3). */
export function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}
