/** What is known of how the demands that users wait for are being answered. */
export type OverloadFacts = {
  /** Demands that users wait for, which could be taken up now and were not. */
  readonly waiting: number
  /** Those among them that came within `OVERLOAD_LATELY_SECONDS`: whoever came before waits no longer. */
  readonly lately: { readonly waiting: number; readonly oldestSeconds: number }
  /** Attempts for users that ended within the last `seconds`, during which somebody was waiting if anybody is. */
  readonly answered: { readonly count: number; readonly seconds: number }
  /** No fetcher has given a sign of life for so long that authorization servers are told. */
  readonly fetchersGone: boolean
}

export type OverloadThresholds = {
  /** The longest a new demand may be expected to wait until a fetcher takes it up. */
  readonly waitSeconds: number
  /** How long a demand may wait while no other is answered before nothing is expected any more. */
  readonly silenceSeconds: number
  /** So many of the last minute may always wait, so that it is noticed when things work again. */
  readonly admittedMin: number
}

export const DEFAULT_OVERLOAD_THRESHOLDS: OverloadThresholds = {
  waitSeconds: 20,
  // Twice the bound of a fetch, and twice what a user's lost work is looked for after.
  silenceSeconds: 10,
  admittedMin: 10,
}

export type OverloadVerdict =
  | { readonly overloaded: false }
  | {
      readonly overloaded: true
      /** `unanswered`: nobody's demand is being answered. `backlog`: others come first, at the rate seen. */
      readonly why: 'unanswered' | 'backlog'
      /** Infinite where nothing is being answered. */
      readonly expectedSeconds: number
    }

/** The longest anybody waits for an answer, and as long again. */
export const OVERLOAD_LATELY_SECONDS = 60

/** Over how long answers are counted at most: what stops is seen within that time. */
export const OVERLOAD_RATE_SECONDS = 10

/** So many answers tell a rate, and fewer only once the slowest fetches that began with them must have ended. */
const TELLING_ANSWERS = 20
const TELLING_SECONDS = 10

const WITHIN: OverloadVerdict = { overloaded: false }

/** Judges whether one more demand, of somebody for whom nothing is usable, would wait too long. */
export function judgeOverload(
  facts: OverloadFacts,
  thresholds: OverloadThresholds = DEFAULT_OVERLOAD_THRESHOLDS,
): OverloadVerdict {
  const { waiting, lately, answered, fetchersGone } = facts
  if (lately.waiting < thresholds.admittedMin) return WITHIN
  if (answered.count === 0) {
    const unanswered = fetchersGone || lately.oldestSeconds > thresholds.silenceSeconds
    return unanswered
      ? { overloaded: true, why: 'unanswered', expectedSeconds: Number.POSITIVE_INFINITY }
      : WITHIN
  }
  // Those who answer first say nothing of the others that were taken up with them.
  if (answered.count < TELLING_ANSWERS && lately.oldestSeconds < TELLING_SECONDS) return WITHIN
  const expectedSeconds = (waiting * answered.seconds) / answered.count
  return expectedSeconds > thresholds.waitSeconds
    ? { overloaded: true, why: 'backlog', expectedSeconds }
    : WITHIN
}

const PAUSE_SECONDS_MAX = 60

/**
 * When whoever was refused may ask again, in whole seconds: the wait expected, within a minute, less up to half of it by
 * `random` (0 to 1), so that they do not all return at once.
 */
export function overloadPauseSeconds(expectedSeconds: number, random: number): number {
  const longest = Math.min(expectedSeconds, PAUSE_SECONDS_MAX)
  return Math.max(1, Math.ceil(longest * (1 - random / 2)))
}
