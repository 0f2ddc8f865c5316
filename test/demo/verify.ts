import { inspect, isDeepStrictEqual } from 'node:util'

/** Throws, saying what was expected and what came, unless the two are equal. */
export function verify(what: string, came: unknown, expected: unknown): void {
  if (isDeepStrictEqual(came, expected)) return
  throw new Error(`${what}\nexpected  ${show(expected)}\ncame      ${show(came)}`)
}

/** The value; throws if there is none. */
export function present<T>(what: string, value: T | undefined): T {
  if (value === undefined) throw new Error(`${what}\nexpected  something\ncame      nothing`)
  return value
}

function show(value: unknown): string {
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 4 })
}
