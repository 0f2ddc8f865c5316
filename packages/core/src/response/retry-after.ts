import { type ResponseHead, singleValue } from './response-head.ts'

/** A day: beyond it the number is no longer pacing but an outage, and an absurd one must not overflow a schedule. */
const RETRY_AFTER_SECONDS_MAX = 86_400

const DELAY_SECONDS = /^[0-9]{1,10}$/
const IMF_FIXDATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/

/** Seconds to wait by a Retry-After field, in either of its two forms (RFC 9110 section 10.2.3; FET-23). */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  const text = value?.trim() ?? ''
  if (DELAY_SECONDS.test(text)) return Math.min(Number(text), RETRY_AFTER_SECONDS_MAX)
  if (!IMF_FIXDATE.test(text)) return undefined
  const untilMs = Date.parse(text)
  if (Number.isNaN(untilMs)) return undefined
  return Math.min(Math.max(Math.ceil((untilMs - nowMs) / 1000), 0), RETRY_AFTER_SECONDS_MAX)
}

/** How long the sender of a response asks us to wait, by its one Retry-After field. */
export function retryAfterOf({ headers }: ResponseHead, nowMs: number): number | undefined {
  return parseRetryAfter(singleValue(headers, 'retry-after'), nowMs)
}
