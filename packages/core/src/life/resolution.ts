import { classOf, type FailureCode } from '../failure/failure.ts'
import type { ClientStanding } from './client-record.ts'

/** Why the authorization server asks; `token` and `revoke` never cause a fetch. */
export const PURPOSES = ['authorize', 'par', 'token', 'revoke'] as const
export type Purpose = (typeof PURPOSES)[number]

/** How a record may be used now. */
export type Usability =
  | { readonly kind: 'fresh' }
  | {
      readonly kind: 'stale'
      readonly since: Date
      readonly until: Date
      readonly why: FailureCode | 'expired'
    }
  | { readonly kind: 'unusable'; readonly why: FailureCode | 'expired' | 'unknown' }

/** What to do for one resolve: answer from the record, demand a fetch and wait for it, or say no. */
export type ResolvePlan =
  | { readonly kind: 'answer'; readonly refresh: boolean }
  | { readonly kind: 'demand' }
  | { readonly kind: 'subject_required' }

/** Judges the record at `now` (CAC-07, CAC-13): a failed attempt is never itself the answer (CAC-04). */
export function usabilityOf(standing: ClientStanding, now: Date): Usability {
  const { state, failure, withdrawing, freshUntil, usableUntil } = standing
  const why = withdrawing?.code ?? failure?.code ?? 'expired'
  if (standing.digest === undefined) return { kind: 'unusable', why: failure?.code ?? 'unknown' }
  if (state === 'withdrawn' || state === 'rejected') return { kind: 'unusable', why }
  if (freshUntil !== undefined && now < freshUntil) return { kind: 'fresh' }
  if (usableUntil !== undefined && now < usableUntil) {
    return { kind: 'stale', since: failure?.since ?? freshUntil ?? now, until: usableUntil, why }
  }
  return { kind: 'unusable', why }
}

/**
 * Plans a resolve before anything is demanded. `mayDemand`: an authenticated subject is named, or the key
 * speaks for requests without a user. `known`: the tenant has demanded this client before; without that the
 * answer is the same whether or not another tenant has.
 */
export function planResolve(
  standing: ClientStanding,
  request: { readonly purpose: Purpose; readonly mayDemand: boolean; readonly known: boolean },
  now: Date,
): ResolvePlan {
  if (request.purpose === 'token' || request.purpose === 'revoke') return { kind: 'answer', refresh: false }
  const usability = usabilityOf(standing, now)
  if (!request.mayDemand) {
    const answerable = request.known && usability.kind !== 'unusable'
    return answerable ? { kind: 'answer', refresh: false } : { kind: 'subject_required' }
  }
  if (usability.kind === 'fresh') return { kind: 'answer', refresh: false }
  if (usability.kind === 'unusable') return { kind: 'demand' }
  if (isBackingOff(standing, now)) return { kind: 'answer', refresh: false }
  const revalidating = standing.revalidateUntil !== undefined && now < standing.revalidateUntil
  return revalidating ? { kind: 'answer', refresh: true } : { kind: 'demand' }
}

// An origin that is down is not asked again by every login: the usable record is answered meanwhile (CAC-06).
function isBackingOff({ failure, withdrawing, retryAt }: ClientStanding, now: Date): boolean {
  if (failure === undefined || withdrawing !== undefined || retryAt === undefined) return false
  return classOf(failure.code) === 'unreachable' && now < retryAt
}
