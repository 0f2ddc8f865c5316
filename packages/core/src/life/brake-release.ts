import { WITHDRAWAL_GRACE_SECONDS } from '../caching/stale-use.ts'
import { BRAKE_HOLD_SECONDS, type Brake, heldUntil, isDoubted } from './brake.ts'
import { type ClientStanding, isGone } from './client-record.ts'
import type { Judgement } from './lifecycle.ts'
import { recoveryEvents } from './standing-events.ts'

/**
 * What becomes of a client when the operator releases `brake` as mended: what was found since the brake doubts findings
 * counts only if it is found again, so it is dropped and the client fetched at once. One that was announced as stale or
 * withdrawn is announced as recovered if the brake holds it at `at`; if not the next valid answer announces that, and one
 * that is withdrawn stays as it is. Undefined: nothing about it is doubted. A release that accepts what was found changes
 * no standing.
 */
export function afterRelease(standing: ClientStanding, at: Date, brake: Brake): Judgement | undefined {
  const { state, digest } = standing
  if (digest === undefined || !isDoubted(standing, brake)) return undefined
  const isHeld = isHeldAt(standing, at, brake)
  // It stays unusable until an answer is valid.
  if (isGone(state) && !isHeld) return { standing, nextAttemptAt: at, events: [] }
  const released: ClientStanding = {
    ...standing,
    state: 'valid',
    freshUntil: earlier(standing.freshUntil, at),
    failure: undefined,
    withdrawing: undefined,
    retryAt: undefined,
    // Whose use or whose hold is over is not revived: the domain may have changed hands (CHG-05), and a day is the most (CAC-13).
    ...(isHeld && { ...useUntilAnswered(at), staleAnnounced: undefined }),
  }
  return { standing: released, nextAttemptAt: at, events: isHeld ? recoveryEvents(standing, digest) : [] }
}

function isHeldAt(standing: ClientStanding, at: Date, brake: Brake): boolean {
  const until = heldUntil(standing, brake)
  return until !== undefined && at < until
}

// The next attempt decides how long it is used from then on; until it is made nobody has said anything that counts.
function useUntilAnswered(at: Date): Pick<ClientStanding, 'revalidateUntil' | 'usableUntil'> {
  return {
    revalidateUntil: later(at, WITHDRAWAL_GRACE_SECONDS),
    usableUntil: later(at, BRAKE_HOLD_SECONDS),
  }
}

function later(instant: Date, seconds: number): Date {
  return new Date(instant.getTime() + seconds * 1000)
}

function earlier(a: Date | undefined, b: Date): Date {
  return a === undefined || b < a ? b : a
}
