import type { Freshness } from '../caching/freshness.ts'
import type { EventType } from '../event.ts'
import type { FailureCode } from '../failure/failure.ts'
import { type ClientStanding, UNKNOWN_STANDING } from './client-record.ts'
import { type AttemptOutcome, type Judgement, judgeAttempt } from './lifecycle.ts'

// What the tests of a client's life tell their stories with.

export const MINUTE = 60
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

export const DIGEST = 'a'.repeat(64)
export const OTHER_DIGEST = 'b'.repeat(64)

/** An hour of freshness, of which the origin says nothing but that. */
export const AN_HOUR: Freshness = {
  freshForSeconds: HOUR,
  staleWhileRevalidateSeconds: 600,
  staleIfErrorSeconds: undefined,
  staleForbidden: false,
}

/** The same, where the origin forbids any stale use. */
export const AN_HOUR_AT_MOST: Freshness = { ...AN_HOUR, staleWhileRevalidateSeconds: 0, staleForbidden: true }

export const start = new Date('2026-11-20T12:00:00Z')

/** An instant so many seconds after the start. */
export function at(seconds: number): Date {
  return new Date(start.getTime() + seconds * 1000)
}

export function valid(given: Partial<Extract<AttemptOutcome, { kind: 'valid' }>> = {}): AttemptOutcome {
  return { ...{ kind: 'valid', digest: DIGEST, freshness: AN_HOUR, changes: [] }, ...given }
}

export function failed(code: FailureCode, retryAfterSeconds?: number): AttemptOutcome {
  return { ...{ kind: 'failed', code }, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) }
}

/** What was attempted so many seconds after the start, and how it ended. */
export type TimedOutcome = readonly [seconds: number, outcome: AttemptOutcome]

/** Judges attempts each on the standing that the one before it left. */
export function judgeAll(
  attempts: readonly TimedOutcome[],
  first: ClientStanding = UNKNOWN_STANDING,
): Judgement[] {
  let standing = first
  return attempts.map(([seconds, outcome]) => {
    const judgement = judgeAttempt(standing, outcome, at(seconds), 0.5)
    standing = judgement.standing
    return judgement
  })
}

/** The same; the judgement of the last. */
export function judgeLast(...attempts: readonly TimedOutcome[]): Judgement {
  const nothing: Judgement = { standing: UNKNOWN_STANDING, nextAttemptAt: undefined, events: [] }
  return attempts.reduce(
    ({ standing }, [seconds, outcome]) => judgeAttempt(standing, outcome, at(seconds), 0.5),
    nothing,
  )
}

/** What may follow what was announced of the use of a client last. */
const NEXT: Readonly<Record<string, readonly EventType[]>> = {
  'client.recovered': ['client.stale', 'client.withdrawn', 'client.quarantined'],
  'client.stale': ['client.withdrawn', 'client.recovered', 'client.quarantined'],
  'client.withdrawn': ['client.recovered', 'client.quarantined'],
  // Of one that never had a valid document it comes before all of them; another time where one was tried in between.
  'client.quarantined': ['client.recovered', 'client.stale', 'client.withdrawn', 'client.quarantined'],
}

/** Whether a client is announced as stale or set aside, then withdrawn, or one of them, and then recovered, before it begins anew. */
export function inTurn(types: readonly EventType[]): boolean {
  const turns = types.filter((type) => NEXT[type] !== undefined)
  return turns.every((type, index) => NEXT[turns[index - 1] ?? 'client.recovered']?.includes(type))
}
