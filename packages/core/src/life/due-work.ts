/** What the schedule and the client row say of a client that is due to be looked at. */
export type DueFacts = {
  readonly wanted: number
  readonly done: number
  /** The newest generation a user waits for. */
  readonly urgent: number
  readonly claimUntil: Date | undefined
  readonly deferredUntil: Date | undefined
  /** End of the newest attempt, if there was one. */
  readonly attemptedAt: Date | undefined
  /** Whether the newest attempt failed. */
  readonly failing: boolean
  readonly lastResolvedAt: Date | undefined
  /** End of the longest interest lease any tenant holds. */
  readonly leasedUntil: Date | undefined
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

const COLD_REFRESH_SECONDS = 24 * 60 * 60

/**
 * Decides what a due client needs: nothing yet, its lost job again, a refresh, or to be let go because no
 * tenant uses it any more (ARC-04). A client resolved since its last attempt is refreshed whenever it is due;
 * any other one once a day, enough to notice a withdrawal.
 */
export function decideDueWork(facts: DueFacts, now: Date): DueAction {
  return facts.wanted > facts.done ? decideWanted(facts, now) : decideRefresh(facts, now)
}

function decideWanted(facts: DueFacts, now: Date): DueAction {
  const blockedUntil = [facts.claimUntil, facts.deferredUntil].find(
    (until) => until !== undefined && until > now,
  )
  if (blockedUntil !== undefined) return { kind: 'wait', lookAgainAt: blockedUntil }
  return facts.urgent > facts.done
    ? { kind: 'enqueue', queue: 'fetch', lookAgainAt: later(now, LOST_URGENT_WORK_SECONDS) }
    : { kind: 'enqueue', queue: 'refresh', lookAgainAt: later(now, LOST_REFRESH_WORK_SECONDS) }
}

function decideRefresh(facts: DueFacts, now: Date): DueAction {
  if (facts.leasedUntil === undefined || facts.leasedUntil <= now) return { kind: 'retire' }
  const refresh: DueAction = { kind: 'refresh', lookAgainAt: later(now, LOST_REFRESH_WORK_SECONDS) }
  if (facts.attemptedAt === undefined || facts.failing) return refresh
  if (facts.lastResolvedAt !== undefined && facts.lastResolvedAt > facts.attemptedAt) return refresh
  const coldAt = later(facts.attemptedAt, COLD_REFRESH_SECONDS)
  return coldAt <= now ? refresh : { kind: 'wait', lookAgainAt: coldAt }
}

function later(instant: Date, seconds: number): Date {
  return new Date(instant.getTime() + seconds * 1000)
}
