import { isUriText } from '../identifier/uri.ts'

/** Whether whoever wrote the rule lets in or keeps out what it matches: what is in doubt is kept out either way. */
export type ListName = 'allow' | 'block'

const DOT_SEGMENT = /^(?:\.|%2e){1,2}$/i
// A server may take each of them apart once more, some twice, and so serve another place than the one that was allowed.
const ESCAPED_SEPARATOR = /%(?:2f|5c|25)/i

/** Why a text is no path pattern, and `undefined` if it is one (POL-06). */
export function pathPatternFlaw(pattern: string): string | undefined {
  if (!pattern.startsWith('/')) return 'does not begin with a slash'
  if (!isUriText(pattern) || /[?#[\]]/.test(pattern))
    return 'holds a character that no path of a URI may hold'
  const segments = pattern.slice(1).split('/')
  if (segments.some((segment) => DOT_SEGMENT.test(segment)))
    return 'has a dot segment, which no client_id has'
  if (segments.slice(0, -1).includes('**')) return 'has /** before its end'
  const isStarred = (segment: string): boolean => segment.includes('*') && segment !== '*' && segment !== '**'
  return segments.some(isStarred) ? 'has a star that is not a whole segment' : undefined
}

/**
 * Whether a path is what a pattern names, segment by segment (POL-06): `*` is one whole segment, `/**` at the end
 * everything below. Compared as it is written and never decoded (CID-20). Where a rule lets in, a wildcard stands for no
 * segment with an escaped slash, backslash or percent sign, and `*` for no empty one (RFC 9700 section 4.1.3).
 */
export function matchesPath(pattern: string, path: string, list: ListName): boolean {
  if (!agreesAtEnds(pattern, path)) return false
  const wanted = pattern.split('/')
  const segments = path.split('/')
  const isDeep = wanted.at(-1) === '**'
  const fixed = isDeep ? wanted.slice(0, -1) : wanted
  if (isDeep ? segments.length <= fixed.length : segments.length !== fixed.length) return false
  return segments.every((segment, index) => {
    const literal = index < fixed.length ? fixed[index] : '**'
    return literal === '*' || literal === '**' ? mayStandFor(literal, segment, list) : literal === segment
  })
}

// What stands before the first star and behind the last is there in any match; most rules end here.
function agreesAtEnds(pattern: string, path: string): boolean {
  const [first, last] = [pattern.indexOf('*'), pattern.lastIndexOf('*')]
  if (first < 0) return path === pattern
  return path.startsWith(pattern.slice(0, first)) && path.endsWith(pattern.slice(last + 1))
}

function mayStandFor(wildcard: '*' | '**', segment: string, list: ListName): boolean {
  if (list === 'block') return true
  return !ESCAPED_SEPARATOR.test(segment) && (segment !== '' || wildcard === '**')
}
