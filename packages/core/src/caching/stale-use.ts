import { classOf, type FailureClass, type FailureCode } from '../failure/failure.ts'
import type { Freshness } from './freshness.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** The classes of failure that say something about a client: a deferral is our own budget, and changes nothing. */
export type SpokenClass = Exclude<FailureClass, 'deferred'>

/** The class of a failure that stands in a record; a code that became a deferral since says nothing of its publisher. */
export function spokenClassOf(code: FailureCode): SpokenClass {
  const failureClass = classOf(code)
  return failureClass === 'deferred' ? 'unreachable' : failureClass
}

/** Seconds in which only a valid answer keeps a client whose publisher said it is gone or made it invalid. */
export const WITHDRAWAL_GRACE_SECONDS = 15 * MINUTE

/** Seconds a version stays usable from the first failure of each class (CAC-13, CAC-14). */
export const STALE_USE_SECONDS: Readonly<Record<SpokenClass, number>> = {
  refused: 0,
  unreachable: DAY,
  ambiguous: HOUR,
  withdrawn: WITHDRAWAL_GRACE_SECONDS,
  rejected: WITHDRAWAL_GRACE_SECONDS,
}

/** The share of its lifetime after which a version in use is refreshed, on average. */
export const REFRESH_SHARE = 0.9
const REFRESH_SHARE_SPREAD = 0.1

/** What follows from a valid answer, as instants. */
export type FreshnessPlan = {
  readonly freshUntil: Date
  /** Until then a stale version is answered at once while its refresh runs. */
  readonly revalidateUntil: Date
  /** Until then it may be used if nothing is heard at all. */
  readonly usableUntil: Date
  /** Ahead of `freshUntil`. */
  readonly refreshAt: Date
}

/**
 * Turns what an origin allows into instants from the receipt of its answer. `jitter` in [0, 1) spreads refreshes: they
 * begin when 5 to 15 % of the lifetime are left, so that a user seldom meets a stale record and no instant sees all of
 * them (ARC-04, CAC-17).
 */
export function planFreshness(freshness: Freshness, receivedAt: Date, jitter: number): FreshnessPlan {
  const { freshForSeconds, staleWhileRevalidateSeconds, staleForbidden, staleIfErrorSeconds } = freshness
  const freshUntil = later(receivedAt, freshForSeconds)
  const revalidateSeconds = staleForbidden ? 0 : staleWhileRevalidateSeconds
  const outageSeconds = staleForbidden
    ? 0
    : Math.min(staleIfErrorSeconds ?? DAY, STALE_USE_SECONDS.unreachable)
  return {
    freshUntil,
    revalidateUntil: later(freshUntil, revalidateSeconds),
    // While a refresh runs the version is in use, whatever an outage would allow.
    usableUntil: later(freshUntil, Math.max(outageSeconds, revalidateSeconds)),
    refreshAt: later(receivedAt, freshForSeconds * (REFRESH_SHARE + REFRESH_SHARE_SPREAD * (0.5 - jitter))),
  }
}

/** What a version's own answer allowed. */
export type StaleAllowance = Pick<Freshness, 'staleForbidden' | 'staleIfErrorSeconds'> & {
  /** End of freshness, brought forward to the failure where that is somebody's word about the document. */
  readonly freshUntil: Date
}

/**
 * Until when a version may be used after the first failure of a run, by the class of that failure (CAC-13, CAC-14).
 * Through an outage the origin's own stale-if-error bounds ours; what it forbade to use stale ends with freshness.
 */
export function staleUsableUntil(allowance: StaleAllowance, failureClass: SpokenClass, failedAt: Date): Date {
  const ours = later(failedAt, STALE_USE_SECONDS[failureClass])
  if (allowance.staleForbidden) return earlier(allowance.freshUntil, ours)
  if (failureClass !== 'unreachable' || allowance.staleIfErrorSeconds === undefined) return ours
  return earlier(later(allowance.freshUntil, allowance.staleIfErrorSeconds), ours)
}

function later(instant: Date, seconds: number): Date {
  return new Date(instant.getTime() + Math.round(seconds * 1000))
}

function earlier(a: Date, b: Date): Date {
  return a < b ? a : b
}
