import type { Span } from '../failure/finding.ts'
import { type JsonToken, jsonTokens, stringOfToken } from './json-tokens.ts'

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
  readonly flaws: JsonFlaw[]
  /** Open containers, innermost last: the members seen of an object, or `undefined` for an array. */
  readonly open: (Set<string> | undefined)[]
  atMember: boolean
}

/**
 * Finds duplicate members, excessive depth, and what Postgres jsonb cannot hold, in one pass over the text of
 * valid JSON (DOC-16). Linear in the length; stops at the first excess of depth.
 */
export function scanJson(text: string): readonly JsonFlaw[] {
  const scan: Scan = { flaws: [], open: [], atMember: false }
  for (const token of jsonTokens(text)) {
    step(scan, token)
    if (scan.open.length > JSON_DEPTH_MAX) {
      const detail = `nested deeper than ${JSON_DEPTH_MAX}`
      return [...scan.flaws, { code: 'json_too_deep', span: token.span, detail }]
    }
    if (scan.flaws.length >= FLAWS_MAX) break
  }
  return scan.flaws
}

function step(scan: Scan, token: JsonToken): void {
  switch (token.text[0]) {
    case '{':
    case '[':
      scan.open.push(token.text === '{' ? new Set() : undefined)
      scan.atMember = token.text === '{'
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
      noteString(scan, token)
      break
    case 't':
    case 'f':
    case 'n':
      break
    default:
      noteNumber(scan, token)
  }
}

function noteString(scan: Scan, { text: token, span }: JsonToken): void {
  const text = stringOfToken(token)
  if (text.includes('\0') || !text.isWellFormed()) {
    scan.flaws.push({ code: 'json_unstorable', span, detail: 'a string holds U+0000 or a lone surrogate' })
  }
  const seen = scan.atMember ? scan.open.at(-1) : undefined
  if (seen?.has(text)) {
    const name = JSON.stringify(text.slice(0, MEMBER_SHOWN_MAX))
    scan.flaws.push({ code: 'duplicate_member', span, detail: `${name} occurs twice in one object` })
  }
  seen?.add(text)
}

/** Longer than any number a publisher means; together with the exponent far below what Postgres can keep. */
const NUMBER_CHARACTERS_MAX = 1000

// Postgres numeric keeps 16,383 digits after the point, and refuses even a zero that claims more.
function noteNumber(scan: Scan, { text: token, span }: JsonToken): void {
  const storable = token.length <= NUMBER_CHARACTERS_MAX && !/e[+-]?0*[1-9]\d{3}/i.test(token)
  if (storable && Number.isFinite(Number(token))) return
  scan.flaws.push({ code: 'json_unstorable', span, detail: 'a number is out of range' })
}
