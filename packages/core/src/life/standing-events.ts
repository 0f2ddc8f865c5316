import type { ClientEvent } from '../event.ts'
import type { FailureCode } from '../failure/failure.ts'
import { type Brake, heldUntil } from './brake.ts'
import { type ClientStanding, isGone } from './client-record.ts'

/**
 * Why subscribers know that the version is stale once a failed attempt that ended at `at` is announced: the first of a run
 * after which the version is not fresh tells them, unless it ends the client.
 */
export function staleAnnouncedAfter(failing: ClientStanding, at: Date): FailureCode | undefined {
  const { state, freshUntil, withdrawing, failure, staleAnnounced } = failing
  const isFresh = freshUntil !== undefined && at < freshUntil
  if (staleAnnounced !== undefined || isFresh || isGone(state)) return staleAnnounced
  return (withdrawing ?? failure)?.code
}

/** Announces that the version is stale, once, with what `resolve` says of it; its use may be over already. */
export function staleEvents(
  previous: ClientStanding,
  next: ClientStanding,
  brake: Brake | undefined,
): readonly ClientEvent[] {
  const { digest, withdrawing, failure, usableUntil } = next
  const finding = withdrawing ?? failure
  const isTold = next.staleAnnounced !== undefined && previous.staleAnnounced === undefined
  if (!isTold || digest === undefined || finding === undefined) return []
  const until = heldUntil(next, brake) ?? usableUntil
  const data = {
    ...{ digest, code: finding.code, since: finding.since.toISOString() },
    ...(until && { until: until.toISOString() }),
  }
  return [{ type: 'client.stale', data }]
}

/** Announces that the publisher's word was carried out, once. */
export function withdrawalEvents(previous: ClientStanding, next: ClientStanding): readonly ClientEvent[] {
  const { digest, withdrawing } = next
  const carriedOut = isGone(next.state) && !isGone(previous.state)
  if (!carriedOut || digest === undefined || withdrawing === undefined) return []
  const data = { digest, code: withdrawing.code, since: withdrawing.since.toISOString() }
  return [{ type: 'client.withdrawn', data }]
}

/** Announces that a client is back, once, to those who were told that it is stale or withdrawn. */
export function recoveryEvents(previous: ClientStanding, digest: string): readonly ClientEvent[] {
  const { state, withdrawing, failure, staleAnnounced } = previous
  const code = isGone(state) ? (withdrawing?.code ?? failure?.code ?? 'status_404') : staleAnnounced
  return code === undefined ? [] : [{ type: 'client.recovered', data: { digest, code } }]
}
