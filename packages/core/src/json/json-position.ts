import type { Span } from '../failure/finding.ts'
import { eachJsonToken, stringOfToken } from './json-tokens.ts'

/** Where a value stands in the text that holds it; a member's value has a name as well. */
export type JsonPlace = { readonly name: Span | undefined; readonly value: Span }

type Container = {
  readonly kind: 'object' | 'array'
  /** The reference token that leads on from here; `undefined` where the pointer leads elsewhere or ends before. */
  readonly wanted: string | undefined
  index: number
  name: Span | undefined
  /** Whether the value that comes next is the one that the pointer leads to. */
  leads: boolean
}

/**
 * Finds the value that an RFC 6901 pointer names in a text of valid JSON; `undefined` if there is none. One pass
 * over the text, which ends where the value does. Linear, however long the names on the way are.
 */
export function locateJson(text: string, pointer: string): JsonPlace | undefined {
  const path = tokensOfPointer(pointer)
  const open: Container[] = []
  let found: { readonly depth: number; readonly name: Span | undefined; readonly start: number } | undefined
  let place: JsonPlace | undefined
  if (path === undefined) return undefined
  eachJsonToken(text, (start, end) => {
    const token = text.slice(start, end)
    if (found === undefined && open.length === path.length && startsValue(token, open) && leadsOn(open)) {
      found = { depth: open.length, name: open.at(-1)?.name, start }
    }
    walk(open, path, token, { start, end })
    if (found === undefined || open.length !== found.depth) return true
    place = { name: found.name, value: { start: found.start, end } }
    return false
  })
  return place
}

function tokensOfPointer(pointer: string): readonly string[] | undefined {
  const [before, ...tokens] = pointer.split('/')
  return before === '' ? tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~')) : undefined
}

function startsValue(token: string, open: readonly Container[]): boolean {
  if (/^[}\],:]/.test(token)) return false
  const inner = open.at(-1)
  return inner?.kind !== 'object' || inner.name !== undefined
}

// The top level is where every pointer starts.
function leadsOn(open: readonly Container[]): boolean {
  return open.at(-1)?.leads ?? true
}

function walk(open: Container[], path: readonly string[], token: string, span: Span): void {
  const inner = open.at(-1)
  switch (token[0]) {
    case '{':
    case '[': {
      const wanted = leadsOn(open) ? path[open.length] : undefined
      const isArray = token === '['
      const leads = isArray && wanted === '0'
      open.push({ kind: isArray ? 'array' : 'object', wanted, index: 0, name: undefined, leads })
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
      noteName(inner, token, span)
  }
}

function nextItem(inner: Container | undefined): void {
  if (inner === undefined) return
  inner.index += 1
  inner.name = undefined
  inner.leads = inner.kind === 'array' && inner.wanted === String(inner.index)
}

// The first string of a member is its name; until the next comma everything else is its value.
function noteName(inner: Container | undefined, token: string, span: Span): void {
  if (inner?.kind !== 'object' || inner.name !== undefined || !token.startsWith('"')) return
  inner.name = span
  inner.leads = inner.wanted === stringOfToken(token)
}

/** A member name as a reference token of a JSON pointer (RFC 6901 section 3). */
export function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}
