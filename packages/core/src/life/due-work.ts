import { WITHDRAWAL_GRACE_SECONDS } from '../caching/stale-use.ts'

/** What the schedule and the client row say of a client that is due to be looked at. */
export type DueFacts = {
  readonly wanted: number
  readonly done: number
  /** The newest generation a user waits for. */
  readonly urgent: number
  readonly claimUntil: Date | undefined
  readonly deferredUntil: Date | undefined
  /** Nothing is fetched before: the last attempt killed the process it had for itself. */
  readonly quarantinedUntil: Date | undefined
  /** End of the newest attempt, if there was one. */
  readonly attemptedAt: Date | undefined
  /** Whether the newest attempt failed. */
  readonly failing: boolean
  /** Since when the publisher's word is out that it is gone or invalid, while it is not carried out. */
  readonly withdrawingSince: Date | undefined
  readonly lastResolvedAt: Date | undefined
  /** End of the longest interest lease any tenant holds. */
  readonly leasedUntil: Date | undefined
  /** What a user waits for has no place with the fetchers yet: its turn comes without the schedule. */
  readonly inLine?: boolean
  /** A document of it was valid once. */
  readonly known?: boolean
  /** One of the operator's own, by which the brake sees that something is wrong here. */
  readonly canary: boolean
}

/** What to do with a due client. Each answer but `retire` says when to look again if nothing else happens. */
export type DueAction =
  | { readonly kind: 'wait'; readonly lookAgainAt: Date }
  | { readonly kind: 'enqueue'; readonly queue: 'fetch' | 'refresh'; readonly lookAgainAt: Date }
  | { readonly kind: 'refresh'; readonly lookAgainAt: Date }
  | { readonly kind: 'retire' }

/** After this long, work a user waits for that nobody has claimed is taken to be lost by the queue. */
export const LOST_URGENT_WORK_SECONDS = 5
/** The same for work nobody waits for, which may rightly wait longer in a full queue. */
export const LOST_REFRESH_WORK_SECONDS = 60

/** The schedule looks this seldom at what waits in line for a place. */
export const IN_LINE_LOOK_SECONDS = 600

/** A leased client that nobody resolves is refreshed this long after its last attempt. */
export const COLD_REFRESH_SECONDS = 24 * 60 * 60

/**
 * Decides what a due client needs: nothing yet, its lost job again, a refresh, or to be let go because no
 * tenant uses it any more (ARC-04). A client resolved since its last attempt, or a canary, is refreshed whenever it
 * is due; any other one once a day, enough to notice a withdrawal.
 */
export function decideDueWork(facts: DueFacts, now: Date): DueAction {
  return facts.wanted > facts.done ? decideWanted(facts, now) : decideRefresh(facts, now)
}

/**
 * Whether the next attempt may take back the publisher's word, or carries it out: the grace ran when the newest one
 * ended (CAC-14). What the brake holds has been decided on, and is one of many.
 */
export function isDeciding({ withdrawingSince, attemptedAt }: DueFacts): boolean {
  if (withdrawingSince === undefined) return false
  return attemptedAt === undefined || attemptedAt < later(withdrawingSince, WITHDRAWAL_GRACE_SECONDS)
}

function decideWanted(facts: DueFacts, now: Date): DueAction {
  const blockedUntil = [facts.claimUntil, facts.quarantinedUntil, facts.deferredUntil].find(
    (until) => until !== undefined && until > now,
  )
  if (blockedUntil !== undefined) return { kind: 'wait', lookAgainAt: blockedUntil }
  const isUrgent = facts.urgent > facts.done
  const inLine = isUrgent && facts.inLine
  if (inLine && !facts.known) return { kind: 'wait', lookAgainAt: later(now, IN_LINE_LOOK_SECONDS) }
  // One tenant's line does not hold up what is refreshed for all who use the client.
  return isUrgent && !inLine
    ? { kind: 'enqueue', queue: 'fetch', lookAgainAt: later(now, LOST_URGENT_WORK_SECONDS) }
    : { kind: 'enqueue', queue: 'refresh', lookAgainAt: later(now, LOST_REFRESH_WORK_SECONDS) }
}

function decideRefresh(facts: DueFacts, now: Date): DueAction {
  const refresh: DueAction = { kind: 'refresh', lookAgainAt: later(now, LOST_REFRESH_WORK_SECONDS) }
  const isUsed = facts.canary || (facts.leasedUntil !== undefined && facts.leasedUntil > now)
  if (!isUsed) return { kind: 'retire' }
  const { quarantinedUntil } = facts
  if (quarantinedUntil !== undefined && quarantinedUntil > now) {
    return { kind: 'wait', lookAgainAt: quarantinedUntil }
  }
  if (facts.canary) return refresh
  if (facts.attemptedAt === undefined || facts.failing) return refresh
  if (facts.lastResolvedAt !== undefined && facts.lastResolvedAt > facts.attemptedAt) return refresh
  const coldAt = later(facts.attemptedAt, COLD_REFRESH_SECONDS)
  return coldAt <= now ? refresh : { kind: 'wait', lookAgainAt: coldAt }
}

function later(instant: Date, seconds: number): Date {
  return new Date(instant.getTime() + seconds * 1000)
}
