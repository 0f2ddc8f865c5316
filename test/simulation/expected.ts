import { expectedAttempts, expectedFetchesPerDay } from '@cimd/core'
import type { ClientEvidence, Evidence } from './evidence.ts'
import { DAY, HOUR, type Instant } from './kinds.ts'
import { RETRY_AFTER_SECONDS } from './origin.ts'
import type { Client } from './population.ts'
import { usesPerDayAt } from './rhythm.ts'
import { isAccepted, type Spell, spellsOf } from './spells.ts'

/** The fetches of a client, and how many the formula of docs/lifecycle.md says. */
export type Fetches = { readonly made: number; readonly expected: number }

type Span = readonly [from: Instant, until: Instant]

/** The simulation looks but once a step, so what is due waits half a step on average. */
const WAIT_SHARE = 0.5
const REFRESH_SHARE = 0.9
/** The end of the run cuts the last interval short, by half on average. */
const CUT_SHORT = 0.5

/**
 * Counts from the first document on, without the hours of the planted fault: the formula knows no brake. Uses follow the
 * rhythm, so the formula is asked for every hour.
 */
export function fetchesOf(evidence: ClientEvidence, run: Evidence): Fetches {
  const { settings, fault, stepSeconds } = run
  const end = settings.days * DAY
  const begin = evidence.requests.find(isAccepted)?.at
  if (begin === undefined) return { made: 0, expected: 0 }
  const left: Span = [fault.from, (fault.releasedAt ?? fault.until) + HOUR]
  const made = evidence.requests.filter(({ at }) => at > begin && !isWithin(at, left)).length
  const spells = spellsOf(evidence, settings, end)
  const failing: Span[] = spells.map(({ from, until }) => [from, until])
  const { client } = evidence
  let expected = 0
  for (let hour = begin; hour < end; hour += HOUR) {
    const span: Span = [hour, Math.min(hour + HOUR, end)]
    expected += expectedIn(client, secondsOutside(span, [...failing, left]), hour, stepSeconds)
  }
  for (const spell of spells) expected += expectedOf(spell, client, left)
  return { made, expected: Math.max(0, expected - CUT_SHORT) }
}

function expectedIn(client: Client, seconds: number, at: Instant, stepSeconds: number): number {
  const lifetimeSeconds = client.kind.lifetimeSeconds + (stepSeconds * WAIT_SHARE) / REFRESH_SHARE
  const usesPerDay = client.canary ? Number.MAX_SAFE_INTEGER : usesPerDayAt(client, at + HOUR / 2)
  return (expectedFetchesPerDay({ lifetimeSeconds, usesPerDay }) * seconds) / DAY
}

function expectedOf({ failureClass, from, wellAt, ended }: Spell, client: Client, left: Span): number {
  const seconds = wellAt - from
  if (isWithin(from, left) || seconds === 0) return isWithin(from, left) ? 0 : 1
  const attempts = isTold(client)
    ? toldAttempts(seconds)
    : expectedAttempts({ failureClass, seconds }, meanUses(client, [from, wellAt]))
  const share = secondsOutside([from, wellAt], [left]) / seconds
  // The interval before counts the first attempt already; one that ends makes up for it with the valid answer.
  return attempts * share - (ended ? 0 : 1)
}

function isTold({ kind: { failing } }: Client): boolean {
  return failing?.kind === 'spells' && failing.trouble === 'busy'
}

/** The formula leaves Retry-After out: it is the shortest pause, then they double up to an hour. */
function toldAttempts(seconds: number): number {
  let attempts = 0
  for (let elapsed = 0; elapsed < seconds; attempts += 1) {
    elapsed += Math.min(Math.max(RETRY_AFTER_SECONDS, elapsed), HOUR)
  }
  return attempts
}

function meanUses(client: Client, [from, until]: Span): number {
  let [sum, hours] = [0, 0]
  for (let at = from; at <= until; at += HOUR) {
    sum += usesPerDayAt(client, at)
    hours += 1
  }
  return sum / Math.max(hours, 1)
}

function isWithin(at: Instant, [from, until]: Span): boolean {
  return at >= from && at < until
}

function secondsOutside([from, until]: Span, holes: readonly Span[]): number {
  let seconds = until - from
  let reached = from
  for (const [start, stop] of holes.toSorted((a, b) => a[0] - b[0])) {
    const begins = Math.max(start, reached)
    const ends = Math.min(stop, until)
    if (ends <= begins) continue
    seconds -= ends - begins
    reached = ends
  }
  return seconds
}
