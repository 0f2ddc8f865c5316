import type { Freshness } from '../caching/freshness.ts'
import {
  planFreshness,
  type SpokenClass,
  staleUsableUntil,
  WITHDRAWAL_GRACE_SECONDS,
} from '../caching/stale-use.ts'
import { changeClasses, type MemberChange } from '../changes/member-change.ts'
import type { ClientEvent } from '../event.ts'
import { classOf, type FailureCode } from '../failure/failure.ts'
import type { ClientStanding, ClientState } from './client-record.ts'

/** What one attempt established about the document. */
export type AttemptOutcome =
  | {
      readonly kind: 'valid'
      readonly digest: string
      readonly freshness: Freshness
      /** Against the current version; empty when there is none or nothing changed. */
      readonly changes: readonly MemberChange[]
    }
  | { readonly kind: 'failed'; readonly code: FailureCode; readonly retryAfterSeconds?: number }

/** The client after an attempt: its new standing, when to look again, and what to announce. */
export type Judgement = {
  readonly standing: ClientStanding
  /** Undefined: nothing is to be refreshed until somebody asks again. */
  readonly nextAttemptAt: Date | undefined
  readonly events: readonly ClientEvent[]
}

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** The longest pause between two attempts while a class of failure lasts. */
const RETRY_SECONDS_MAX: Record<SpokenClass, number> = {
  refused: HOUR,
  unreachable: HOUR,
  ambiguous: 10 * MINUTE,
  withdrawn: 5 * MINUTE,
  rejected: 5 * MINUTE,
}

/**
 * Judges a finished attempt: pure, so that every transition can be tested. `jitter` in [0, 1) spreads refreshes.
 * No outcome loses the last valid version (CAC-07).
 */
export function judgeAttempt(
  previous: ClientStanding,
  outcome: AttemptOutcome,
  at: Date,
  jitter: number,
): Judgement {
  return outcome.kind === 'valid'
    ? judgeValid(previous, outcome, at, jitter)
    : judgeFailure(previous, outcome.code, at, outcome.retryAfterSeconds)
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
  }
  return { standing, nextAttemptAt: refreshAt, events: eventsOfValid(previous, outcome) }
}

function eventsOfValid(
  previous: ClientStanding,
  { digest, changes }: Extract<AttemptOutcome, { kind: 'valid' }>,
): ClientEvent[] {
  if (previous.digest === undefined) return [{ type: 'client.discovered', data: { digest } }]
  const events: ClientEvent[] = []
  if (isGone(previous.state)) {
    const code = previous.withdrawing?.code ?? previous.failure?.code ?? 'status_404'
    events.push({ type: 'client.recovered', data: { digest, code } })
  }
  const noticed = changes.filter((change) => change.class !== 'cosmetic')
  if (noticed.length > 0) {
    events.push({
      type: 'client.metadata_changed',
      data: {
        from_digest: previous.digest,
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
  code: FailureCode,
  at: Date,
  retryAfterSeconds: number | undefined,
): Judgement {
  const failureClass = classOf(code)
  // Our own budget says nothing about the client.
  if (failureClass === 'deferred') return deferral(previous, at, retryAfterSeconds)
  const since = previous.failure?.since ?? at
  const failure = { code, since }
  if (previous.digest === undefined) {
    // Nobody depends on it yet: the next demand may try again, and nothing is fetched in the meantime (CAC-04).
    return { standing: { ...previous, failure }, nextAttemptAt: undefined, events: [] }
  }
  const withdrawing = withdrawingAfter(previous, code, failureClass, at)
  const state = stateAfter(previous.state, withdrawing, at)
  const retryAt = retryTime({ since, at, failureClass, withdrawing, gone: isGone(state), retryAfterSeconds })
  const freshUntil =
    failureClass === 'unreachable' ? (previous.freshUntil ?? at) : earlier(previous.freshUntil, at)
  const standing: ClientStanding = {
    ...previous,
    state,
    failure,
    withdrawing,
    retryAt,
    freshUntil,
    revalidateUntil: earlier(previous.revalidateUntil, at),
    usableUntil: usableAfter(previous, freshUntil, failureClass, at),
  }
  const events: ClientEvent[] = []
  if (isGone(state) && !isGone(previous.state) && withdrawing !== undefined) {
    const { digest } = previous
    events.push({
      type: 'client.withdrawn',
      data: { digest, code: withdrawing.code, since: withdrawing.since.toISOString() },
    })
  }
  return { standing, nextAttemptAt: retryAt, events }
}

function deferral(previous: ClientStanding, at: Date, retryAfterSeconds = MINUTE): Judgement {
  const isInUse = previous.digest !== undefined
  return { standing: previous, nextAttemptAt: isInUse ? after(at, retryAfterSeconds) : undefined, events: [] }
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

function stateAfter(state: ClientState, withdrawing: ClientStanding['withdrawing'], at: Date): ClientState {
  if (isGone(state)) return state
  if (withdrawing === undefined) return 'failing'
  if (at < after(withdrawing.since, WITHDRAWAL_GRACE_SECONDS)) return 'failing'
  return classOf(withdrawing.code) === 'rejected' ? 'rejected' : 'withdrawn'
}

function usableAfter(previous: ClientStanding, freshUntil: Date, failureClass: SpokenClass, at: Date): Date {
  const allowed = staleUsableUntil({ ...previous, freshUntil }, failureClass, at)
  const ended = previous.usableUntil !== undefined && previous.usableUntil <= at
  // The first failure of a run starts the clock. Later ones may only shorten it, and none revives an old version.
  return previous.failure === undefined && !ended ? allowed : earlier(previous.usableUntil, allowed)
}

function retryTime(facts: {
  since: Date
  at: Date
  failureClass: SpokenClass
  withdrawing: ClientStanding['withdrawing']
  gone: boolean
  retryAfterSeconds: number | undefined
}): Date {
  if (facts.gone) return after(facts.at, DAY)
  const most = RETRY_SECONDS_MAX[facts.failureClass]
  // Waiting as long again as it has failed so far doubles the pause each time without a counter.
  const elapsedSeconds = (facts.at.getTime() - facts.since.getTime()) / 1000
  const asked = Math.max(facts.retryAfterSeconds ?? 0, elapsedSeconds)
  const retryAt = after(facts.at, Math.min(Math.max(asked, MINUTE), most))
  const deadline = facts.withdrawing && after(facts.withdrawing.since, WITHDRAWAL_GRACE_SECONDS)
  return deadline === undefined || deadline <= facts.at ? retryAt : earlier(deadline, retryAt)
}

function isGone(state: ClientState): boolean {
  return state === 'withdrawn' || state === 'rejected'
}

function after(instant: Date, seconds: number): Date {
  return new Date(instant.getTime() + Math.round(seconds * 1000))
}

function earlier(a: Date | undefined, b: Date): Date {
  return a === undefined || b < a ? b : a
}
