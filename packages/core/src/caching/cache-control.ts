/** Directives by lower-case name, with every value given for each; `''` where there is none (CAC-08). */
export type CacheDirectives = ReadonlyMap<string, readonly string[]>

/** More is clamped to it: the greatest integer that the store can hold, as RFC 9111 section 1.2.2 permits (CAC-08). */
export const DELTA_SECONDS_MAX = 2 ** 31 - 1

const MEMBER = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/gs

/** Parses the field lines of Cache-Control. Whatever they hold, the result is what can be made of it (CAC-08). */
export function parseCacheControl(lines: readonly string[]): CacheDirectives {
  const directives = new Map<string, string[]>()
  for (const [member] of lines.join(',').matchAll(MEMBER)) {
    const equals = member.indexOf('=')
    const end = equals < 0 ? member.length : equals
    const key = member.slice(0, end).trim().toLowerCase()
    const values = directives.get(key) ?? []
    values.push(unquote(member.slice(end + 1).trim()))
    directives.set(key, values)
  }
  return directives
}

/** The smallest of a directive's values, 0 if one cannot be read; `undefined` if the directive is absent (CAC-08). */
export function secondsOf(directives: CacheDirectives, name: string): number | undefined {
  const values = directives.get(name)
  // Folded, since a spread of as many arguments as a header can hold overflows the stack.
  return values?.map((value) => parseDeltaSeconds(value) ?? 0).reduce((a, b) => Math.min(a, b))
}

/** Delta-seconds, clamped on overflow; `undefined` for anything but digits, so that `60x` is no 60 (CAC-08). */
export function parseDeltaSeconds(value: string): number | undefined {
  return /^\d+$/.test(value) ? Math.min(Number(value), DELTA_SECONDS_MAX) : undefined
}

function unquote(value: string): string {
  return /^".*"$/s.test(value) ? value.slice(1, -1).replace(/\\(.)/gs, '$1') : value
}
