/** About as much as fits on a line of a telephone. */
export const SHORT_HOST_LENGTH_MAX = 40

/** A host that fits on one line: cut from the left, since who owns it stands on the right (UI-07). */
export function shortHost(host: string): string {
  if (host.length <= SHORT_HOST_LENGTH_MAX) return host
  return `…${host.slice(1 - SHORT_HOST_LENGTH_MAX)}`
}
