import { type SpokenClass, WITHDRAWAL_GRACE_SECONDS } from '../caching/stale-use.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE

/** The shortest pause between two attempts that fail. */
export const RETRY_SECONDS_MIN = MINUTE

/** The longest pause between two attempts while a class of failure lasts. */
export const RETRY_SECONDS_MAX: Readonly<Record<SpokenClass, number>> = {
  refused: HOUR,
  unreachable: HOUR,
  ambiguous: 10 * MINUTE,
  withdrawn: 5 * MINUTE,
  rejected: 5 * MINUTE,
}

/** The pause once a client is withdrawn or rejected: somebody still holds a lease, and it may come back. */
const GONE_RETRY_SECONDS = 24 * HOUR

/** Seconds until the next attempt after `elapsedSeconds` of failing; the origin's Retry-After counts within our bounds. */
function retryPauseSeconds(failureClass: SpokenClass, elapsedSeconds: number, retryAfterSeconds = 0): number {
  // Waiting as long again as it has failed so far doubles the pause each time without a counter.
  const asked = Math.max(retryAfterSeconds, elapsedSeconds, RETRY_SECONDS_MIN)
  return Math.min(asked, RETRY_SECONDS_MAX[failureClass])
}

/** When a client that failed at `at` is tried again: at the latest when the grace ends, to decide it in time (CAC-14). */
export function retryTime(facts: {
  readonly since: Date
  readonly at: Date
  readonly failureClass: SpokenClass
  /** Since when the publisher's word counts. */
  readonly withdrawing: { readonly since: Date } | undefined
  readonly gone: boolean
  readonly retryAfterSeconds: number | undefined
}): Date {
  const { since, at, failureClass, withdrawing, gone, retryAfterSeconds } = facts
  if (gone) return later(at, GONE_RETRY_SECONDS)
  const elapsedSeconds = (at.getTime() - since.getTime()) / 1000
  const retryAt = later(at, retryPauseSeconds(failureClass, elapsedSeconds, retryAfterSeconds))
  const deadline = withdrawing && later(withdrawing.since, WITHDRAWAL_GRACE_SECONDS)
  return deadline !== undefined && deadline > at && deadline < retryAt ? deadline : retryAt
}

function later(instant: Date, seconds: number): Date {
  return new Date(instant.getTime() + Math.round(seconds * 1000))
}
