import { type SpokenClass, spokenClassOf } from '../caching/stale-use.ts'
import { classOf, type FailureCode } from '../failure/failure.ts'
import { type Brake, heldUntil } from './brake.ts'
import { type ClientStanding, isGone } from './client-record.ts'
import { type Quarantine, quarantineAt } from './quarantine.ts'

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
      readonly why: FailureCode | 'expired' | 'rules_pending'
    }
  | { readonly kind: 'unusable'; readonly why: FailureCode | 'expired' | 'unknown' }

/** What to do for one resolve: answer from the record, demand a fetch and wait for it, or say no. */
export type ResolvePlan =
  | { readonly kind: 'answer'; readonly refresh: boolean }
  | { readonly kind: 'demand' }
  | { readonly kind: 'subject_required' }
  /** Nothing may be used, and nothing is fetched for now. */
  | { readonly kind: 'quarantined'; readonly quarantine: Quarantine }

/** Seconds of stale use after the first failure of each class, where a tenant wants less than is allowed (CAC-13). */
export type StaleLimits = { readonly [Class in Exclude<SpokenClass, 'refused'>]?: number }

/** What else decides how a record may be used. */
export type UseTerms = { readonly brake?: Brake | undefined; readonly staleLimits?: StaleLimits | undefined }

/** Judges the record at `now` (CAC-07, CAC-13): a failed attempt is never itself the answer (CAC-04). */
export function usabilityOf(standing: ClientStanding, now: Date, terms: UseTerms = {}): Usability {
  const { state, failure, withdrawing, freshUntil, usableUntil } = standing
  const why = withdrawing?.code ?? failure?.code ?? 'expired'
  if (standing.digest === undefined) return { kind: 'unusable', why: failure?.code ?? 'unknown' }
  const held = heldUntil(standing, terms.brake)
  const gone = isGone(state)
  if (!gone && freshUntil !== undefined && now < freshUntil) return { kind: 'fresh' }
  const allowed = tightened(standing, held ?? (gone ? undefined : usableUntil), terms.staleLimits)
  if (allowed === undefined || now >= allowed) return { kind: 'unusable', why }
  const since = withdrawing?.since ?? failure?.since ?? freshUntil ?? now
  return { kind: 'stale', since, until: allowed, why }
}

// A tenant's limit counts from when the class began to count, under the brake as well: it asked for strictness. What is
// merely expired waits for its first answer.
function tightened(
  { failure, withdrawing, freshUntil }: ClientStanding,
  allowed: Date | undefined,
  limits: StaleLimits = {},
): Date | undefined {
  const finding = withdrawing ?? failure
  const since = finding?.since ?? freshUntil
  const seconds = limitOf(finding === undefined ? 'unreachable' : spokenClassOf(finding.code), limits)
  if (seconds === undefined || since === undefined || allowed === undefined) return allowed
  const until = new Date(since.getTime() + seconds * 1000)
  return until < allowed ? until : allowed
}

const BY_GRAVITY: readonly (keyof StaleLimits)[] = ['unreachable', 'ambiguous', 'withdrawn', 'rejected']

// Whoever does not want a document through an outage does not want it after the publisher's word either.
function limitOf(failureClass: SpokenClass, limits: StaleLimits): number | undefined {
  // A refusal is graver than all that has a limit; only the brake allows any use after it.
  const counting =
    failureClass === 'refused' ? BY_GRAVITY : BY_GRAVITY.slice(0, BY_GRAVITY.indexOf(failureClass) + 1)
  const seconds = counting.flatMap((each) => limits[each] ?? [])
  return seconds.length === 0 ? undefined : Math.min(...seconds)
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
  terms: UseTerms = {},
): ResolvePlan {
  if (request.purpose === 'token' || request.purpose === 'revoke') return { kind: 'answer', refresh: false }
  const usability = usabilityOf(standing, now, terms)
  if (!request.mayDemand) {
    const answerable = request.known && usability.kind !== 'unusable'
    return answerable ? { kind: 'answer', refresh: false } : { kind: 'subject_required' }
  }
  if (usability.kind === 'fresh') return { kind: 'answer', refresh: false }
  const quarantine = quarantineAt(standing, now)
  if (usability.kind === 'unusable')
    return quarantine ? { kind: 'quarantined', quarantine } : { kind: 'demand' }
  if (quarantine !== undefined) return { kind: 'answer', refresh: false }
  if (isBackingOff(standing, now)) return { kind: 'answer', refresh: false }
  const revalidating = standing.revalidateUntil !== undefined && now < standing.revalidateUntil
  return revalidating ? { kind: 'answer', refresh: true } : { kind: 'demand' }
}

// An origin that is down is not asked again by every login: the usable record is answered meanwhile (CAC-06).
function isBackingOff({ failure, withdrawing, retryAt }: ClientStanding, now: Date): boolean {
  if (failure === undefined || withdrawing !== undefined || retryAt === undefined) return false
  return classOf(failure.code) === 'unreachable' && now < retryAt
}
