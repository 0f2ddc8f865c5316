import type { Span } from '../failure/finding.ts'
import { eachJsonToken, stringOfToken } from './json-tokens.ts'

/** What a text that is valid JSON may hold and `JSON.parse` would hide (DOC-16). */
export type JsonFlaw = {
  readonly code: 'duplicate_member' | 'json_too_deep' | 'json_unstorable'
  readonly span: Span
  readonly detail: string
}

/** Containers within containers; published documents need 3 (DOC-16). */
export const JSON_DEPTH_MAX = 16
/** More would only repeat themselves; a hostile document could hold thousands. */
const FLAWS_MAX = 20
const MEMBER_SHOWN_MAX = 64

type Scan = {
  readonly text: string
  readonly flaws: JsonFlaw[]
  /** Open containers, innermost last: the members seen of an object, or `undefined` for an array. */
  readonly open: (Set<string> | undefined)[]
  atMember: boolean
}

/**
 * Finds duplicate members, excessive depth, and what Postgres jsonb cannot hold, in one pass over the text of
 * valid JSON that was decoded from UTF-8 (DOC-16). Linear in the length; stops at the first excess of depth.
 */
export function scanJson(text: string): readonly JsonFlaw[] {
  const scan: Scan = { text, flaws: [], open: [], atMember: false }
  eachJsonToken(text, (start, end) => {
    step(scan, start, end)
    if (scan.open.length > JSON_DEPTH_MAX) {
      note(scan, 'json_too_deep', start, end, `nested deeper than ${JSON_DEPTH_MAX}`)
      return false
    }
    return scan.flaws.length < FLAWS_MAX
  })
  return scan.flaws
}

function step(scan: Scan, start: number, end: number): void {
  switch (scan.text[start]) {
    case '{':
      scan.open.push(new Set())
      scan.atMember = true
      break
    case '[':
      scan.open.push(undefined)
      scan.atMember = false
      break
    case '}':
    case ']':
      scan.open.pop()
      break
    case ',':
      scan.atMember = scan.open.at(-1) !== undefined
      break
    case ':':
      scan.atMember = false
      break
    case '"':
      noteString(scan, start, end)
      break
    case 't':
    case 'f':
    case 'n':
      break
    default:
      noteNumber(scan, start, end)
  }
}

function note(scan: Scan, code: JsonFlaw['code'], start: number, end: number, detail: string): void {
  scan.flaws.push({ code, span: { start, end }, detail })
}

function noteString(scan: Scan, start: number, end: number): void {
  const token = scan.text.slice(start, end)
  // Only an escape can bring in what neither JSON nor UTF-8 lets through as it is.
  if (token.includes('\\')) noteEscapes(scan, start, end, token)
  const seen = scan.atMember ? scan.open.at(-1) : undefined
  if (seen === undefined) return
  const member = stringOfToken(token)
  if (seen.has(member)) {
    const name = JSON.stringify(member.slice(0, MEMBER_SHOWN_MAX))
    note(scan, 'duplicate_member', start, end, `${name} occurs twice in one object`)
  }
  seen.add(member)
}

function noteEscapes(scan: Scan, start: number, end: number, token: string): void {
  const text = stringOfToken(token)
  if (!text.includes('\0') && text.isWellFormed()) return
  note(scan, 'json_unstorable', start, end, 'a string holds U+0000 or a lone surrogate')
}

/** Longer than any number a publisher means; together with the exponent far below what Postgres can keep. */
const NUMBER_CHARACTERS_MAX = 1000

// Postgres numeric keeps 16,383 digits after the point, and refuses even a zero that claims more.
function noteNumber(scan: Scan, start: number, end: number): void {
  const token = scan.text.slice(start, end)
  const storable = token.length <= NUMBER_CHARACTERS_MAX && !/e[+-]?0*[1-9]\d{3}/i.test(token)
  if (storable && Number.isFinite(Number(token))) return
  note(scan, 'json_unstorable', start, end, 'a number is out of range')
}
