import type { JsonValue } from '../json/json.ts'

/** Deeper than any entry needs, and far from where a recursion ends. */
const DEPTH_MAX = 16

/**
 * Why a value cannot stand in an audit entry, undefined where it can. What remains is what every JSON library writes in the
 * same bytes once members are sorted: names of plain ASCII, whole numbers, well-formed text, and no U+0000, which Postgres
 * does not keep in jsonb.
 */
export function chainFlaw(value: JsonValue, depth = 0): string | undefined {
  if (depth > DEPTH_MAX) return 'nested too deeply'
  if (typeof value === 'string') {
    return value.isWellFormed() && !value.includes('\0') ? undefined : 'a text that is not well-formed'
  }
  if (typeof value === 'number') return Number.isSafeInteger(value) ? undefined : 'a number that is not whole'
  if (typeof value !== 'object' || value === null) return undefined
  for (const [member, item] of Object.entries(value)) {
    if (!Array.isArray(value) && !MEMBER_NAME.test(member)) return 'a member whose name is not snake_case'
    const flaw = chainFlaw(item, depth + 1)
    if (flaw !== undefined) return flaw
  }
  return undefined
}

/** A text of a stranger as an entry can hold it: each character that none can is U+FFFD. */
export function chainableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\u{FFFD}')
}

const MEMBER_NAME = /^[a-z][a-z0-9_]*$/
