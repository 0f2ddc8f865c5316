import type { Finding, Span, Violation } from '../failure/finding.ts'
import type { PresentedUrl } from './presented-url.ts'
import { brokenEscape, foreignCharacter } from './uri.ts'

/** What RFC 3986 and section 3 of the draft say of the identifier's syntax, in the order of the draft (CID-01 to CID-08, CID-13). */
export const URL_RULES: readonly ((url: PresentedUrl) => readonly Finding[])[] = [
  schemeRule,
  hostMissingRule,
  userinfoRule,
  pathMissingRule,
  dotSegmentRule,
  fragmentRule,
  characterRule,
  bracketRule,
  escapeRule,
  rootPathRule,
  queryRule,
]

/** The rules among them that hold for whatever https URL somebody gives us to connect to; a query and any path may be. */
export const GIVEN_URL_RULES: readonly ((url: PresentedUrl) => readonly Violation[])[] = [
  schemeRule,
  hostMissingRule,
  userinfoRule,
  fragmentRule,
  characterRule,
  escapeRule,
]

function schemeRule({ parts, spans }: PresentedUrl): readonly Violation[] {
  if (parts.scheme?.toLowerCase() === 'https') return []
  const span = spans.scheme ?? { start: 0, end: 0 }
  const detail = parts.scheme === undefined ? 'there is no scheme' : 'the scheme is not https'
  return [{ code: 'url_scheme', rule: 'CID-01', span, detail }]
}

function hostMissingRule({ host, hostSpan }: PresentedUrl): readonly Violation[] {
  if (host !== '') return []
  return [{ code: 'url_host_missing', rule: 'CID-01', span: hostSpan, detail: 'there is no host' }]
}

function userinfoRule({ userinfo }: PresentedUrl): readonly Violation[] {
  if (userinfo === undefined) return []
  return [{ code: 'url_userinfo', rule: 'CID-02', span: userinfo, detail: 'there is a userinfo component' }]
}

function pathMissingRule({ parts, spans }: PresentedUrl): readonly Violation[] {
  if (parts.path !== '') return []
  return [{ code: 'url_path_missing', rule: 'CID-03', span: spans.path, detail: 'there is no path' }]
}

/** CID-06: URL libraries collapse the escaped spellings too, so another resource than the one named would be fetched. */
function dotSegmentRule({ parts, spans }: PresentedUrl): readonly Violation[] {
  let start = spans.path.start
  return parts.path.split('/').flatMap((segment) => {
    const span = { start, end: start + segment.length }
    start = span.end + 1
    return dotSegment(segment, span)
  })
}

function dotSegment(segment: string, span: Span): readonly Violation[] {
  if (segment === '.' || segment === '..') {
    return [{ code: 'url_dot_segment', rule: 'CID-05', span, detail: `the path has a "${segment}" segment` }]
  }
  if (!/^(?:\.|%2e){1,2}$/i.test(segment)) return []
  const detail = `the path segment "${segment}" is a dot segment, escaped`
  return [{ code: 'url_dot_segment_escaped', rule: 'CID-06', span, detail }]
}

function fragmentRule({ parts, spans }: PresentedUrl): readonly Violation[] {
  if (spans.fragment === undefined) return []
  const span = { start: spans.fragment.start - 1, end: spans.fragment.end }
  const detail = parts.fragment === '' ? 'there is an empty fragment' : 'there is a fragment'
  return [{ code: 'url_fragment', rule: 'CID-07', span, detail }]
}

function characterRule({ raw }: PresentedUrl): readonly Violation[] {
  const span = foreignCharacter(raw)
  if (span === undefined) return []
  const detail = `${codeUnits(raw.slice(span.start, span.end))} is not allowed in a URI`
  return [{ code: 'url_character', rule: 'CID-13', span, detail }]
}

// Spelt out, since the character may be one that does not show, or moves the cursor.
function codeUnits(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
}

/** RFC 3986 section 3.2.2 keeps square brackets for IP literals. */
function bracketRule({ raw, spans }: PresentedUrl): readonly Violation[] {
  const at = raw.slice(spans.path.start).search(/[[\]]/)
  if (at < 0) return []
  const start = spans.path.start + at
  const detail = 'square brackets belong around an IP literal only'
  return [{ code: 'url_character', rule: 'CID-13', span: { start, end: start + 1 }, detail }]
}

function escapeRule({ raw }: PresentedUrl): readonly Violation[] {
  const span = brokenEscape(raw)
  if (span === undefined) return []
  return [{ code: 'url_escape', rule: 'CID-13', span, detail: 'a % starts no valid escape' }]
}

function rootPathRule({ parts, spans }: PresentedUrl): readonly Finding[] {
  if (parts.path !== '/') return []
  return [{ code: 'url_root_path', rule: 'CID-04', span: spans.path, detail: 'the path is only "/"' }]
}

function queryRule({ parts, spans }: PresentedUrl): readonly Finding[] {
  if (spans.query === undefined) return []
  const span = { start: spans.query.start - 1, end: spans.query.end }
  const detail = parts.query === '' ? 'there is an empty query' : 'there is a query'
  return [{ code: 'url_query', rule: 'CID-08', span, detail }]
}
