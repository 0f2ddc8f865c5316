import type { MemberChange } from './member-change.ts'
import { dampChanges, type Oscillation } from './oscillation.ts'

/** What subscribers hear of a new version: the changes since the version they were last told of, or nothing yet. */
export type Announcement =
  | { readonly kind: 'told'; readonly changes: readonly MemberChange[] }
  | { readonly kind: 'held' }

/**
 * Decides whether changes are announced now (CHG-10). `changes` lead from the version announced last to the current one.
 * What subscribers know is always one whole version: where a narrowing or a key of an oscillating document must be told
 * (CHG-08), all that changed is told with it, and while only display and widening changed, nothing is.
 */
export function announcementOf(changes: readonly MemberChange[], oscillation: Oscillation): Announcement {
  const { announced, held } = dampChanges(changes, oscillation)
  const isTold = held.length === 0 || announced.some((change) => change.class !== 'cosmetic')
  return isTold ? { kind: 'told', changes } : { kind: 'held' }
}
