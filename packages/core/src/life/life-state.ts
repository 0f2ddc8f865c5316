import { type SpokenClass, spokenClassOf } from '../caching/stale-use.ts'
import type { ClientStanding } from './client-record.ts'

/** The classes that a failing client may be of, gravest last. */
export const SPOKEN_CLASSES = [
  ...(['unreachable', 'ambiguous', 'withdrawn', 'rejected', 'refused'] as const),
] satisfies readonly SpokenClass[]

/**
 * Where a client stands in its life; `TRANSITIONS` says what leads from one to the other. What is kept may be used as
 * `usabilityOf` says: a failing client usually may.
 */
export type LifeState =
  /** No document of it was ever valid. */
  | 'discovering'
  /** The newest attempt was valid, and its lifetime lasts. */
  | 'fresh'
  /** It was valid, and its lifetime is over. */
  | 'stale'
  /** The newest attempt failed; the publisher's word counts before a later outage (CAC-14). */
  | `failing_${SpokenClass}`
  /** The publisher took it back, or made it invalid, and did not correct that in time. */
  | 'withdrawn'
  | 'rejected'
  /** Nobody uses it, so nobody looks after it. */
  | 'dormant'

export const LIFE_STATES: readonly LifeState[] = [
  ...(['discovering', 'fresh', 'stale'] as const),
  ...SPOKEN_CLASSES.map((failureClass) => `failing_${failureClass}` as const),
  ...(['withdrawn', 'rejected', 'dormant'] as const),
]

/** The state of a client at `now`; `dormantSince` is undefined while anybody uses it. */
export function lifeStateOf(
  { state, digest, failure, withdrawing, freshUntil }: ClientStanding,
  dormantSince: Date | undefined,
  now: Date,
): LifeState {
  if (dormantSince !== undefined) return 'dormant'
  if (digest === undefined) return 'discovering'
  if (state === 'withdrawn' || state === 'rejected') return state
  const finding = withdrawing ?? failure
  if (finding !== undefined) return `failing_${spokenClassOf(finding.code)}`
  return freshUntil !== undefined && now < freshUntil ? 'fresh' : 'stale'
}
