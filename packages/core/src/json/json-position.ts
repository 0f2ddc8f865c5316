import type { Span } from '../failure/finding.ts'
import { eachJsonToken, stringOfToken } from './json-tokens.ts'

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
  let place: JsonPlace | undefined
  eachJsonToken(text, (start, end) => {
    const token = text.slice(start, end)
    if (found === undefined && startsValue(token, open) && pointerOf(open) === pointer) {
      found = { depth: open.length, name: open.at(-1)?.name, start }
    }
    walk(open, token, { start, end })
    if (found === undefined || open.length !== found.depth) return true
    place = { name: found.name, value: { start: found.start, end } }
    return false
  })
  return place
}

function startsValue(token: string, open: readonly Container[]): boolean {
  if (/^[}\],:]/.test(token)) return false
  const inner = open.at(-1)
  return inner?.kind !== 'object' || inner.name !== undefined
}

function walk(open: Container[], token: string, span: Span): void {
  const inner = open.at(-1)
  switch (token[0]) {
    case '{':
    case '[':
      open.push({ kind: token === '{' ? 'object' : 'array', key: '', index: 0, name: undefined })
      break
    case '}':
    case ']':
      open.pop()
      break
    case ',':
      nextItem(inner)
      break
    default:
      noteName(inner, token, span)
  }
}

function nextItem(inner: Container | undefined): void {
  if (inner === undefined) return
  inner.index += 1
  inner.name = undefined
}

// The first string of a member is its name; until the next comma everything else is its value.
function noteName(inner: Container | undefined, token: string, span: Span): void {
  if (inner?.kind !== 'object' || inner.name !== undefined || !token.startsWith('"')) return
  inner.key = stringOfToken(token)
  inner.name = span
}

function pointerOf(open: readonly Container[]): string {
  return open.map(({ kind, key, index }) => `/${kind === 'object' ? escapePointer(key) : index}`).join('')
}

/** A member name as a reference token of a JSON pointer (RFC 6901 section 3). */
export function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}
