import type { Candidate, ChainProblem, Place } from './chain-place.ts'

/** Places that were passed over, between two that are there. */
export type Gap = {
  readonly from: number
  readonly to: number
  readonly left: Place
  readonly right: Place
  /** How many lines in it could not be read, which tells enough of as many places. */
  readonly unread: number
}

/** Adds a gap behind all others. */
export function openGap(gaps: Gap[], left: Place, right: Place): void {
  gaps.push({ from: left.seq + 1, to: right.seq - 1, left, right, unread: right.unread })
}

/** Fills a place that was passed over, so that its neighbours can be told of each other; false where it was not. */
export function fillGap(
  gaps: Gap[],
  seq: number,
  candidate: Candidate,
  settle: (place: Place) => void,
): boolean {
  const index = gaps.findIndex(({ from, to }) => from <= seq && seq <= to)
  const gap = gaps[index]
  if (gap === undefined) return false
  const { from, to, left, right, unread } = gap
  const place: Place = { seq, candidates: [candidate], unread: 0 }
  const below = seq > from ? [{ from, to: seq - 1, left, right: place, unread }] : []
  const rest = seq > from ? 0 : unread
  const above = seq < to ? [{ from: seq + 1, to, left: place, right, unread: rest }] : []
  gaps.splice(index, 1, ...below, ...above)
  if (below.length === 0) {
    left.next = place
    settle(left)
  }
  if (above.length === 0) {
    place.next = right
    settle(place)
  }
  return true
}

/** What of the gaps never came. */
export function missingOf(gaps: readonly Gap[]): readonly ChainProblem[] {
  return gaps.flatMap(({ from, to, unread }) =>
    from + unread > to ? [] : [{ kind: 'removed' as const, seq: from + unread, to }],
  )
}
