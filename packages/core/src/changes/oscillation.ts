import type { MemberChange } from './member-change.ts'

/** A version that was the current one, and since when. */
export type PastVersion = { readonly digest: string; readonly since: Date }

/** Whether a document comes and goes between versions, and what shows it (CHG-10). */
export type Oscillation = {
  readonly oscillating: boolean
  /** How often, within the window, a version came back that another had replaced. */
  readonly returns: number
  /** The versions that take turns; empty where nothing returned. */
  readonly digests: readonly string[]
}

export type OscillationBounds = {
  readonly windowSeconds: number
  /** So many returns within the window are no accident. */
  readonly returnsMax: number
}

// A publisher who takes a mistake back returns once, one who hesitates twice. A rollout by share of requests, or a
// network of caches that disagree, returns all day.
const DEFAULT_OSCILLATION_BOUNDS: OscillationBounds = { windowSeconds: 86_400, returnsMax: 3 }

/**
 * Judges a version beside those that were current before it, oldest first (CHG-10). Only a return counts: a document
 * that changes often and never back is its publisher's business. Asked again of the same version at a later time, it
 * tells when the document has come to rest.
 */
export function oscillationOf(
  history: readonly PastVersion[],
  current: PastVersion,
  { windowSeconds, returnsMax }: OscillationBounds = DEFAULT_OSCILLATION_BOUNDS,
): Oscillation {
  const windowStart = current.since.getTime() - windowSeconds * 1000
  const returned = returnsAmong([...history, current]).filter(({ since }) => since.getTime() >= windowStart)
  const digests = [...new Set(returned.map(({ digest }) => digest))].sort()
  return { oscillating: returned.length >= returnsMax, returns: returned.length, digests }
}

/** The versions that came back after another one had replaced them. */
function returnsAmong(versions: readonly PastVersion[]): readonly PastVersion[] {
  const seen = new Set<string>()
  return versions.filter(({ digest }, index) => {
    const isReturn = seen.has(digest) && versions[index - 1]?.digest !== digest
    seen.add(digest)
    return isReturn
  })
}

/** The changes to announce at once, and those to hold until the document has come to rest. */
export type DampedChanges = {
  readonly announced: readonly MemberChange[]
  readonly held: readonly MemberChange[]
}

/**
 * Of an oscillating document display and widening are held. Narrowing never is, since a removal is how a publisher
 * revokes (CHG-08), and neither are keys.
 */
export function dampChanges(changes: readonly MemberChange[], { oscillating }: Oscillation): DampedChanges {
  const isHeld = (change: MemberChange) =>
    oscillating && (change.class === 'display' || change.class === 'widening')
  return { announced: changes.filter((change) => !isHeld(change)), held: changes.filter(isHeld) }
}
