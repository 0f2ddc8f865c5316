/** In seconds, as clocks are moved. */
export const MINUTE = 60
export const HOUR = 60 * MINUTE

/** From one time of an answer to another. */
export function secondsBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / 1000
}
