import type { ClientEvent } from '../event.ts'
import type { FailureCode } from '../failure/failure.ts'
import { type ClientStanding, isGone } from './client-record.ts'

/** Since when a client is set aside, and until when nothing is fetched of it. */
export type Quarantine = { readonly since: Date; readonly until: Date }

/** What an attempt that killed the process it had for itself is recorded as. */
export const QUARANTINED: FailureCode = 'quarantined'

/** How long nothing is fetched after such an attempt; then one more is made, in a process of its own again. */
export const QUARANTINE_SECONDS = 24 * 60 * 60

/**
 * After so many claims in a row that were lost, an attempt is made in a process of its own: the fetcher that had them died, or
 * took too long. One may happen to anybody who was aboard when a fetcher was killed.
 */
export const LOST_CLAIMS_MAX = 2

/** Whether the next attempt is to be made in a process of its own. */
export function isSuspect(lostClaims: number): boolean {
  return lostClaims >= LOST_CLAIMS_MAX
}

/** The quarantine of a client at `now`; undefined where it has none, or may be tried once more. */
export function quarantineAt({ quarantine }: ClientStanding, now: Date): Quarantine | undefined {
  return quarantine !== undefined && now < quarantine.until ? quarantine : undefined
}

/**
 * A failing client, set aside: tried again when the quarantine is over. Nobody heard the publisher, so that no word of its own
 * is carried out by it.
 */
export function setAside(previous: ClientStanding, failing: ClientStanding, at: Date): ClientStanding {
  const until = new Date(at.getTime() + QUARANTINE_SECONDS * 1000)
  const isTold = previous.digest !== undefined && !isGone(previous.state)
  return {
    ...failing,
    state: failing.digest === undefined || isGone(previous.state) ? previous.state : 'failing',
    retryAt: failing.digest === undefined ? undefined : until,
    // Told with the quarantine, which says the same and why.
    staleAnnounced: isTold ? QUARANTINED : previous.staleAnnounced,
    quarantine: { since: previous.quarantine?.since ?? at, until },
  }
}

/** Announces that a client is set aside, once; also of one that never had a valid document, which somebody waits for. */
export function quarantineEvents(previous: ClientStanding, next: ClientStanding): readonly ClientEvent[] {
  const { digest, quarantine, usableUntil } = next
  if (quarantine === undefined || previous.quarantine !== undefined) return []
  const data = {
    ...(digest !== undefined && { digest }),
    ...{ code: QUARANTINED, since: quarantine.since.toISOString(), retry_at: quarantine.until.toISOString() },
    ...(usableUntil && { until: usableUntil.toISOString() }),
  }
  return [{ type: 'client.quarantined', data }]
}
