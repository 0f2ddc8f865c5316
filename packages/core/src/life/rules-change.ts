import { WITHDRAWAL_GRACE_SECONDS } from '../caching/stale-use.ts'
import type { FailureCode } from '../failure/failure.ts'
import { type ClientStanding, isGone } from './client-record.ts'
import type { Usability } from './resolution.ts'

/**
 * What becomes of a client whose stored document new rules refuse, once an operator has approved them (CAC-12): as after
 * the publisher's word, and tried at once, since a document that was mended meanwhile keeps it (CAC-14). Its use ends when
 * the grace does, or when it would have ended anyhow. Undefined: there is nothing to end, or its end has begun already.
 */
export function afterRulesChange(
  standing: ClientStanding,
  code: FailureCode,
  at: Date,
): ClientStanding | undefined {
  const { state, digest, withdrawing, failure } = standing
  if (digest === undefined || withdrawing !== undefined || isGone(state)) return undefined
  return {
    ...standing,
    state: 'failing',
    failure: { code, since: failure?.since ?? at },
    withdrawing: { code, since: at },
    freshUntil: earlier(standing.freshUntil, at),
    revalidateUntil: earlier(standing.revalidateUntil, at),
    usableUntil: earlier(standing.usableUntil, new Date(at.getTime() + WITHDRAWAL_GRACE_SECONDS * 1000)),
    retryAt: at,
  }
}

/**
 * How a document may be used that only newer rules refuse: never as fresh, so that whoever asks can tell. Until an operator
 * has approved the rules nothing else changes.
 */
export function usabilityUnderOldRules(usability: Usability, standing: ClientStanding): Usability {
  const { validatedAt, usableUntil } = standing
  if (usability.kind === 'stale' && usability.why === 'expired') return { ...usability, why: 'rules_pending' }
  if (usability.kind !== 'fresh' || validatedAt === undefined || usableUntil === undefined) return usability
  return { kind: 'stale', since: validatedAt, until: usableUntil, why: 'rules_pending' }
}

function earlier(a: Date | undefined, b: Date): Date {
  return a === undefined || b < a ? b : a
}
