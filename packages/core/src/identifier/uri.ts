/** The five components of RFC 3986 appendix B; `undefined` is absent, `''` is present and empty (CID-02, CID-07). */
export type UriParts = {
  readonly scheme: string | undefined
  readonly authority: string | undefined
  readonly path: string
  readonly query: string | undefined
  readonly fragment: string | undefined
}

const APPENDIX_B = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s
const URI_TEXT = /^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*$/

/** Splits without normalising anything, which `URL` cannot do: it hides empty userinfo, `#` and dot segments (T32). */
export function splitUri(raw: string): UriParts {
  const [, scheme, authority, path = '', query, fragment] = APPENDIX_B.exec(raw) ?? []
  return { scheme, authority, path, query, fragment }
}

/** Whether the text holds only characters RFC 3986 knows, with every `%` starting a valid escape (CID-13). */
export function isUriText(text: string): boolean {
  return URI_TEXT.test(text)
}

/** Whether the text is an absolute https URL that names a host (FET-19). */
export function isHttpsUrl(text: string): boolean {
  return /^https:\/\/[^/?#]/i.test(text) && isUriText(text) && URL.canParse(text)
}
