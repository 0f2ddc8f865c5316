import type { Freshness } from '../caching/freshness.ts'
import { planFreshness, type SpokenClass, spokenClassOf, staleUsableUntil } from '../caching/stale-use.ts'
import { changeClasses, type MemberChange } from '../changes/member-change.ts'
import type { ClientEvent } from '../event.ts'
import { classOf, type FailureCode } from '../failure/failure.ts'
import { type Brake, heldRefusalOf, isDoubted } from './brake.ts'
import { type ClientStanding, isGone } from './client-record.ts'
import { QUARANTINED, quarantineEvents, setAside } from './quarantine.ts'
import { RETRY_SECONDS_MIN, retryTime } from './retry.ts'
import { recoveryEvents, staleAnnouncedAfter, staleEvents, withdrawalEvents } from './standing-events.ts'
import { stateAfterWord } from './withdrawal.ts'

/** What one attempt established about the document. */
export type AttemptOutcome =
  | {
      readonly kind: 'valid'
      readonly digest: string
      readonly freshness: Freshness
      /** Against the version announced last; empty when there is none or nothing is to be announced. */
      readonly changes: readonly MemberChange[]
      /** That version, where it is not the current one (CHG-10). */
      readonly changedFrom?: string
    }
  | { readonly kind: 'failed'; readonly code: FailureCode; readonly retryAfterSeconds?: number }

/** The client after an attempt: its new standing, when to look again, and what to announce. */
export type Judgement = {
  readonly standing: ClientStanding
  /** Undefined: nothing is to be refreshed until somebody asks again. */
  readonly nextAttemptAt: Date | undefined
  readonly events: readonly ClientEvent[]
}

/**
 * Judges a finished attempt: pure, so that every transition can be tested. `jitter` in [0, 1) spreads refreshes.
 * No outcome loses the last valid version (CAC-07). While the brake is engaged none ends a client's use.
 */
export function judgeAttempt(
  previous: ClientStanding,
  outcome: AttemptOutcome,
  at: Date,
  jitter: number,
  brake?: Brake,
): Judgement {
  if (outcome.kind === 'valid') return judgeValid(previous, outcome, at, jitter)
  const judgement = judgeFailure(previous, outcome, at, brake)
  return outcome.code === QUARANTINED ? judgeQuarantine(previous, judgement.standing, at) : judgement
}

function judgeQuarantine(previous: ClientStanding, failing: ClientStanding, at: Date): Judgement {
  const standing = setAside(previous, failing, at)
  return { standing, nextAttemptAt: standing.retryAt, events: quarantineEvents(previous, standing) }
}

function judgeValid(
  previous: ClientStanding,
  outcome: Extract<AttemptOutcome, { kind: 'valid' }>,
  at: Date,
  jitter: number,
): Judgement {
  const { refreshAt, ...plan } = planFreshness(outcome.freshness, at, jitter)
  const standing: ClientStanding = {
    state: 'valid',
    digest: outcome.digest,
    validatedAt: at,
    ...plan,
    staleForbidden: outcome.freshness.staleForbidden,
    staleIfErrorSeconds: outcome.freshness.staleIfErrorSeconds,
    failure: undefined,
    withdrawing: undefined,
    retryAt: undefined,
    staleAnnounced: undefined,
    quarantine: undefined,
  }
  return { standing, nextAttemptAt: refreshAt, events: eventsOfValid(previous, outcome) }
}

function eventsOfValid(
  previous: ClientStanding,
  { digest, changes, changedFrom }: Extract<AttemptOutcome, { kind: 'valid' }>,
): ClientEvent[] {
  if (previous.digest === undefined) return [{ type: 'client.discovered', data: { digest } }]
  const events = [...recoveryEvents(previous, digest)]
  const noticed = changes.filter((change) => change.class !== 'cosmetic')
  if (noticed.length > 0) {
    events.push({
      type: 'client.metadata_changed',
      data: {
        from_digest: changedFrom ?? previous.digest,
        to_digest: digest,
        classes: [...changeClasses(noticed)],
        changes: noticed.map((change) => ({ ...change })),
      },
    })
  }
  return events
}

function judgeFailure(
  previous: ClientStanding,
  outcome: Extract<AttemptOutcome, { kind: 'failed' }>,
  at: Date,
  brake: Brake | undefined,
): Judgement {
  const { retryAfterSeconds } = outcome
  // Our own budget says nothing about the client.
  if (classOf(outcome.code) === 'deferred') return deferral(previous, at, retryAfterSeconds)
  const code = heldRefusalOf(previous, brake) ?? outcome.code
  const failureClass = spokenClassOf(code)
  const failure = failureAfter(previous, code, at)
  if (previous.digest === undefined) {
    // Nobody depends on it yet: the next demand may try again, and nothing is fetched in the meantime (CAC-04).
    return { standing: { ...previous, failure, quarantine: undefined }, nextAttemptAt: undefined, events: [] }
  }
  const withdrawing = withdrawingAfter(previous, code, failureClass, at)
  const freshUntil =
    failureClass === 'unreachable' ? (previous.freshUntil ?? at) : earlier(previous.freshUntil, at)
  const found: ClientStanding = {
    ...previous,
    failure,
    withdrawing,
    freshUntil,
    revalidateUntil: earlier(previous.revalidateUntil, at),
    usableUntil: usableAfter(previous, freshUntil, failureClass, at),
    quarantine: undefined,
  }
  // Of a version nobody could use meanwhile too: its end would be announced, and servers revoke on that.
  const doubted = isDoubted(found, brake)
  const state = doubted && !isGone(previous.state) ? 'failing' : stateAfterWord(found, at)
  const retryAt = retryTime({
    ...{ since: previous.failure?.since ?? at, at, failureClass, withdrawing, retryAfterSeconds },
    gone: isGone(state) && !doubted,
  })
  const failing = { ...found, state, retryAt }
  const standing = { ...failing, staleAnnounced: staleAnnouncedAfter(failing, at) }
  const events = [...withdrawalEvents(previous, standing), ...staleEvents(previous, standing, brake)]
  return { standing, nextAttemptAt: retryAt, events }
}

function deferral(previous: ClientStanding, at: Date, retryAfterSeconds = RETRY_SECONDS_MIN): Judgement {
  const isInUse = previous.digest !== undefined
  const nextAttemptAt = isInUse ? after(at, Math.max(retryAfterSeconds, 1)) : undefined
  return { standing: previous, nextAttemptAt, events: [] }
}

// A refusal ends the use, so it counts from itself and not from an outage before it.
function failureAfter({ failure }: ClientStanding, code: FailureCode, at: Date): ClientStanding['failure'] {
  if (failure === undefined) return { code, since: at }
  const begins = classOf(code) === 'refused' && classOf(failure.code) !== 'refused'
  return { code, since: begins ? at : failure.since }
}

// Only a valid answer takes the publisher's word back: an outage in between does not (CAC-14).
function withdrawingAfter(
  previous: ClientStanding,
  code: FailureCode,
  failureClass: SpokenClass,
  at: Date,
): ClientStanding['withdrawing'] {
  if (previous.withdrawing !== undefined) return previous.withdrawing
  return failureClass === 'withdrawn' || failureClass === 'rejected' ? { code, since: at } : undefined
}

function usableAfter(previous: ClientStanding, freshUntil: Date, failureClass: SpokenClass, at: Date): Date {
  const allowed = staleUsableUntil({ ...previous, freshUntil }, failureClass, at)
  const ended = previous.usableUntil !== undefined && previous.usableUntil <= at
  // The first failure of a run starts the clock. Later ones may only shorten it, and none revives an old version.
  return previous.failure === undefined && !ended ? allowed : earlier(previous.usableUntil, allowed)
}

function after(instant: Date, seconds: number): Date {
  return new Date(instant.getTime() + Math.round(seconds * 1000))
}

function earlier(a: Date | undefined, b: Date): Date {
  return a === undefined || b < a ? b : a
}
