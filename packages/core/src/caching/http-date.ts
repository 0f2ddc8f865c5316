const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/
const RFC_850 = /^[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/

/** The instant of an HTTP-date in epoch milliseconds, in any of the three forms of RFC 9110; else `undefined` (CAC-08). */
export function parseHttpDate(value: string): number | undefined {
  // Date.parse alone takes `0` for the year 2000, where RFC 9111 wants "already expired".
  const text = ASCTIME.test(value) ? `${value} GMT` : value
  if (text === value && !IMF_FIXDATE.test(value) && !RFC_850.test(value)) return undefined
  const instant = Date.parse(text)
  return Number.isNaN(instant) ? undefined : instant
}
