import type { ChainedEntry, ChainHead } from './audit-line.ts'
import { fillGap, type Gap, missingOf, openGap } from './chain-gaps.ts'
import {
  type Candidate,
  type ChainProblem,
  candidateOf,
  isConsistent,
  type Place,
  settlePlace,
} from './chain-place.ts'

/** How far a chain was followed, and what is still open of it. */
export type Walk = {
  readonly tenant: string
  readonly heads: ReadonlyMap<number, string>
  readonly beginning: Place
  readonly problems: ChainProblem[]
  readonly gaps: Gap[]
  /** Places whose head was met. */
  readonly sure: number[]
  /** Came before their turn, in the order of their places. */
  early: Place[]
  /** The newest place that was reached in order. */
  last: Place
  /** One that came after a jump: the next line tells whether the chain goes on there. */
  ahead: Place | undefined
  lines: number
  /** Lines since the newest place that could not be read. */
  unread: number
  entries: number
  lastHash: string
}

export function openWalk(tenant: string, anchor: ChainHead, heads: readonly ChainHead[]): Walk {
  const { seq, hash } = anchor
  const beginning: Place = {
    ...{ seq, unread: 0 },
    candidates: [{ line: 0, previousHash: '', stored: hash, computed: hash, text: '' }],
  }
  const known = new Map(heads.map((head) => [head.seq, head.hash]))
  // Of two heads of one place that differ one at least is of a chain that is no more.
  const disputed = heads.filter((head) => known.get(head.seq) !== head.hash)
  return {
    ...{ tenant, heads: known, beginning, last: beginning, ahead: undefined, gaps: [], sure: [], early: [] },
    ...{ lines: 0, unread: 0, entries: 0, lastHash: hash },
    problems: disputed.map((head) => ({ kind: 'head_mismatch', seq: head.seq })),
  }
}

/** A line that is no entry. */
export function takeUnreadable(walk: Walk, detail: string): void {
  walk.lines += 1
  walk.problems.push({ kind: 'unparsable', seq: nextSeq(walk), line: walk.lines, detail })
  walk.unread += 1
}

/** The next entry; false where it is of another tenant's chain. */
export function takeEntry(walk: Walk, chained: ChainedEntry): boolean {
  walk.lines += 1
  const candidate = candidateOf(chained, walk.lines)
  const tail = walk.ahead ?? walk.last
  const { entry } = chained
  if (!isConsistent(candidate) && isLinkedTo(candidate, tail)) {
    // Of a line that was altered the link tells the place: its number, or its tenant, may be what was altered.
    takeAt(walk, tail.seq + 1, candidate)
  } else if (entry.tenant === walk.tenant) {
    takeAt(walk, entry.seq, candidate)
  } else {
    walk.problems.push({ kind: 'foreign_tenant', seq: nextSeq(walk), line: walk.lines })
    return false
  }
  return true
}

function nextSeq({ ahead, last, unread }: Walk): number {
  return (ahead ?? last).seq + 1 + unread
}

function isLinkedTo({ previousHash }: Candidate, tail: Place): boolean {
  return tail.candidates.some(({ stored, computed }) => [stored, computed].includes(previousHash))
}

function takeAt(walk: Walk, seq: number, candidate: Candidate): void {
  const { ahead, last, beginning } = walk
  const claimed = [ahead, last, last.previous].find((place) => place?.seq === seq && place !== beginning)
  if (claimed !== undefined) {
    claimed.candidates.push(candidate)
  } else if (seq <= last.seq) {
    takeLate(walk, seq, candidate)
  } else {
    const place: Place = { seq, candidates: [candidate], unread: walk.unread }
    walk.unread = 0
    takeNew(walk, place)
  }
}

// Of what was seen long ago nothing is kept, so that a line is told as the same again by its number alone.
function takeLate(walk: Walk, seq: number, candidate: Candidate): void {
  const { line } = candidate
  const isFilled = fillGap(walk.gaps, seq, candidate, (place) => settle(walk, place))
  const isAgain = isConsistent(candidate) && seq > walk.beginning.seq
  const again = isAgain ? 'duplicated' : 'inserted'
  walk.problems.push({ kind: isFilled ? 'reordered' : again, seq, line })
}

function takeNew(walk: Walk, place: Place): void {
  const { ahead } = walk
  walk.ahead = undefined
  if (ahead !== undefined && ahead.seq < place.seq) advance(walk, ahead)
  if (ahead !== undefined && ahead.seq > place.seq) keepEarly(walk, ahead)
  if (place.seq === walk.last.seq + 1) advance(walk, place)
  else walk.ahead = place
}

// A line that claims a place far ahead must not make all that follows it late.
function keepEarly(walk: Walk, place: Place): void {
  const same = walk.early.find(({ seq }) => seq === place.seq)
  if (same !== undefined) same.candidates.push(...place.candidates)
  else walk.early = [...walk.early, place].sort((a, b) => a.seq - b.seq)
}

function advance(walk: Walk, place: Place): void {
  const turn = walk.early.filter(({ seq }) => seq <= place.seq)
  walk.early = walk.early.slice(turn.length)
  for (const early of turn) {
    if (early.seq === place.seq) place.candidates.push(...early.candidates)
    else stepEarly(walk, early)
  }
  step(walk, place)
}

function stepEarly(walk: Walk, place: Place): void {
  walk.problems.push({ kind: 'reordered', seq: place.seq, line: place.candidates[0].line })
  step(walk, place)
}

function step(walk: Walk, place: Place): void {
  const { last } = walk
  if (place.seq > last.seq + 1) {
    openGap(walk.gaps, last, place)
  } else {
    last.next = place
    place.previous = last
  }
  settlePrevious(walk)
  walk.last = place
}

// The place before the last one: whatever claims the last one has come.
function settlePrevious(walk: Walk): void {
  const { previous } = walk.last
  walk.last.previous = undefined
  if (previous !== undefined) settle(walk, previous)
}

function settle(walk: Walk, place: Place): void {
  const { hash, isHeadMet, problems } = settlePlace(place, walk.heads.get(place.seq))
  walk.problems.push(...problems)
  if (isHeadMet) walk.sure.push(place.seq)
  if (place.next !== undefined) place.next.before = hash
  // Or a gap would keep all that came after it.
  place.next = undefined
  if (place !== walk.beginning) walk.entries += 1
  if (place === walk.last) walk.lastHash = hash
}

/** Settles what is open, and tells what is missing. */
export function finishWalk(walk: Walk): void {
  const { ahead, early, heads } = walk
  const newestHead = Math.max(0, ...heads.keys())
  if (ahead !== undefined) advance(walk, ahead)
  for (const place of early.filter(({ seq }) => seq > walk.last.seq)) {
    if (place.seq <= Math.max(newestHead, walk.last.seq + 1)) stepEarly(walk, place)
    else walk.problems.push(...place.candidates.map(({ line }) => tellInserted(place.seq, line)))
  }
  for (const { left } of walk.gaps) settle(walk, left)
  settlePrevious(walk)
  settle(walk, walk.last)
  const from = walk.last.seq + 1 + walk.unread
  walk.problems.push(...missingOf(walk.gaps))
  if (from <= newestHead) walk.problems.push({ kind: 'truncated', seq: from, to: newestHead })
}

function tellInserted(seq: number, line: number): ChainProblem {
  return { kind: 'inserted', seq, line }
}
