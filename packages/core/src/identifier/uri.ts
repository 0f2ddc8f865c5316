import type { Span } from '../failure/finding.ts'

/** The five components of RFC 3986 appendix B; `undefined` is absent, `''` is present and empty (CID-02, CID-07). */
export type UriParts = {
  readonly scheme: string | undefined
  readonly authority: string | undefined
  readonly path: string
  readonly query: string | undefined
  readonly fragment: string | undefined
}

/** Where each component stands in the text; an absent one has no place. */
export type UriSpans = {
  readonly scheme: Span | undefined
  readonly authority: Span | undefined
  readonly path: Span
  readonly query: Span | undefined
  readonly fragment: Span | undefined
}

type Part = string | undefined
type Components = readonly [string, Part, Part, string, Part, Part]

const APPENDIX_B = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s
const URI_TEXT = /^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*$/
const FOREIGN_CHARACTER = /[^A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]/u
const BROKEN_ESCAPE = /%(?![0-9A-Fa-f]{2})/

/** Splits without normalising anything, which `URL` cannot do: it hides empty userinfo, `#` and dot segments (T32). */
export function splitUri(raw: string): UriParts {
  // The expression matches every string, and its path always takes part.
  const [, scheme, authority, path, query, fragment] = APPENDIX_B.exec(raw) as unknown as Components
  return { scheme, authority, path, query, fragment }
}

/** Where the components of a split text stand in it. */
export function spansOf({ scheme, authority, path, query, fragment }: UriParts): UriSpans {
  const schemeEnd = scheme?.length ?? 0
  const authorityStart = schemeEnd + (scheme === undefined ? 0 : 1) + (authority === undefined ? 0 : 2)
  const pathStart = authorityStart + (authority?.length ?? 0)
  const queryStart = pathStart + path.length + (query === undefined ? 0 : 1)
  const fragmentStart = queryStart + (query?.length ?? 0) + 1
  return {
    scheme: placed(0, scheme),
    authority: placed(authorityStart, authority),
    path: { start: pathStart, end: pathStart + path.length },
    query: placed(queryStart, query),
    fragment: placed(fragmentStart, fragment),
  }
}

function placed(start: number, text: string | undefined): Span | undefined {
  return text === undefined ? undefined : { start, end: start + text.length }
}

/** Whether the text holds only characters RFC 3986 knows, with every `%` starting a valid escape (CID-13). */
export function isUriText(text: string): boolean {
  return URI_TEXT.test(text)
}

/** Place of the first character that no URI may hold, an astral one whole (CID-13). */
export function foreignCharacter(text: string): Span | undefined {
  return spanOfMatch(FOREIGN_CHARACTER.exec(text))
}

/** Place of the first `%` that starts no escape (CID-13). */
export function brokenEscape(text: string): Span | undefined {
  return spanOfMatch(BROKEN_ESCAPE.exec(text))
}

function spanOfMatch(match: RegExpExecArray | null): Span | undefined {
  return match === null ? undefined : { start: match.index, end: match.index + match[0].length }
}

/** Whether the text is an absolute https URL that names a host (FET-19). */
export function isHttpsUrl(text: string): boolean {
  return /^https:\/\/[^/?#]/i.test(text) && isUriText(text) && URL.canParse(text)
}
