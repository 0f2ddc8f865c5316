import {
  REFRESH_SHARE,
  type SpokenClass,
  STALE_USE_SECONDS,
  WITHDRAWAL_GRACE_SECONDS,
} from '../caching/stale-use.ts'
import { COLD_REFRESH_SECONDS } from './due-work.ts'
import { retryTime } from './retry.ts'

const DAY = 24 * 60 * 60

/** A spell of failures of one class, from the first attempt that fails to the first that is valid again. */
export type FailingSpell = { readonly failureClass: SpokenClass; readonly seconds: number }

/**
 * Fetches of one client and day that the schedule and its users cause. `usesPerDay`: resolves that may demand, spread
 * evenly at random; 0 for a client that is leased and not resolved. `spells`: what fails on that day.
 *
 * A client in steady use is fetched `86,400 / (0.9 x lifetime)` times, a leased one once, and whatever is between them
 * in between: its next use after the refresh was due, and at the latest a day, brings the next fetch.
 */
export function expectedFetchesPerDay(client: {
  readonly lifetimeSeconds: number
  readonly usesPerDay: number
  readonly spells?: readonly FailingSpell[]
}): number {
  const { lifetimeSeconds, usesPerDay, spells = [] } = client
  const failingSeconds = spells.reduce((sum, { seconds }) => sum + seconds, 0)
  const refreshes = (DAY - failingSeconds) / secondsBetweenRefreshes(lifetimeSeconds, usesPerDay)
  return spells.reduce((sum, spell) => sum + expectedAttempts(spell, usesPerDay), refreshes)
}

/** Mean seconds from one valid fetch to the next. */
function secondsBetweenRefreshes(lifetimeSeconds: number, usesPerDay: number): number {
  const due = lifetimeSeconds * REFRESH_SHARE
  const latest = Math.max(due, COLD_REFRESH_SECONDS)
  if (usesPerDay === 0) return latest
  const pause = DAY / usesPerDay
  const isUnused = (seconds: number) => Math.exp(-seconds / pause)
  // Used before it was due: then. Used before the lifetime ends: when that ends. Used later: with that use.
  const expiry = Math.min(lifetimeSeconds, latest)
  const untilUse = pause * (1 - isUnused(latest - expiry))
  return due + isUnused(due) * (expiry - due) + isUnused(expiry) * untilUse
}

/** Attempts that fail in a spell, the one that begins it among them. */
export function expectedAttempts({ failureClass, seconds }: FailingSpell, usesPerDay: number): number {
  let attempts = 0
  for (let elapsed = 0; elapsed < seconds; attempts += 1) {
    const pause = secondsToRetry(failureClass, elapsed)
    elapsed += isAskedAnew(failureClass, elapsed) ? secondsToAttempt(pause, usesPerDay) : pause
  }
  return attempts
}

function secondsToRetry(failureClass: SpokenClass, elapsedSeconds: number): number {
  const [since, at] = [new Date(0), new Date(elapsedSeconds * 1000)]
  const spoken = failureClass === 'withdrawn' || failureClass === 'rejected'
  const retryAt = retryTime({
    ...{ since, at, failureClass, retryAfterSeconds: undefined },
    withdrawing: spoken ? { since } : undefined,
    gone: spoken && elapsedSeconds >= WITHDRAWAL_GRACE_SECONDS,
  })
  return (retryAt.getTime() - at.getTime()) / 1000
}

// An origin that is down is left alone while its record does; all else is asked again by whoever uses it (CAC-06).
function isAskedAnew(failureClass: SpokenClass, elapsedSeconds: number): boolean {
  return failureClass !== 'unreachable' || elapsedSeconds >= STALE_USE_SECONDS.unreachable
}

/** Mean seconds to the next use or the planned retry, whichever comes first. */
function secondsToAttempt(pauseSeconds: number, usesPerDay: number): number {
  if (usesPerDay === 0) return pauseSeconds
  const meanPauseSeconds = DAY / usesPerDay
  return meanPauseSeconds * (1 - Math.exp(-pauseSeconds / meanPauseSeconds))
}
