/** More than anybody reads; a browser sends about ten. */
const LANGUAGES_MAX = 20
const HEADER_LENGTH_MAX = 1_000
const RANGE = /^\s*([a-z]{1,8}(?:-[a-z0-9]{1,8})*)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?$/i

/**
 * The languages to tell a user in, the first choice first: those of `ui_locales`, separated by spaces (OpenID Connect Core
 * section 3.1.2.1), else those of `Accept-Language` (RFC 9110 section 12.5.4). What is not well formed is left out.
 */
export function languagesOf(uiLocales: string | undefined, acceptLanguage: string | undefined): string[] {
  if (uiLocales !== undefined) return uiLocales.split(' ').filter(isTag).slice(0, LANGUAGES_MAX)
  return (acceptLanguage ?? '')
    .slice(0, HEADER_LENGTH_MAX)
    .split(',')
    .flatMap(weighted)
    .filter(({ weight }) => weight > 0)
    .toSorted((a, b) => b.weight - a.weight)
    .map(({ tag }) => tag)
    .slice(0, LANGUAGES_MAX)
}

function isTag(text: string): boolean {
  return RANGE.exec(text)?.[1] === text
}

function weighted(range: string): readonly { readonly tag: string; readonly weight: number }[] {
  const [, tag, weight = '1'] = RANGE.exec(range) ?? []
  return tag === undefined ? [] : [{ tag, weight: Number(weight) }]
}
