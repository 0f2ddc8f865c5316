import { canonicalJson } from '../json/json.ts'
import type { ChainedEntry } from './audit-line.ts'
import { hashOfText } from './entry-hash.ts'

/** What can be wrong with a chain. `docs/audit-format.md` tells what each means. */
export const CHAIN_PROBLEMS = [
  'unparsable',
  'changed',
  'hash_altered',
  'previous_hash_altered',
  'replaced',
  'inserted',
  'duplicated',
  'reordered',
  'foreign_tenant',
  'removed',
  'truncated',
  'head_mismatch',
  'head_cut_off',
  'anchor_mismatch',
  'anchor_unconfirmed',
] as const

export type ChainProblemKind = (typeof CHAIN_PROBLEMS)[number]

/** Something that is wrong with a chain, and where. */
export type ChainProblem = {
  readonly kind: ChainProblemKind
  /** The place in the chain; of a line without a believable one, the place at which it came. */
  readonly seq: number
  /** The last place, of several that are missing. */
  readonly to?: number
  /** From 1, of the entries that were given. */
  readonly line?: number
  /** Of a head that is not met: the newest place below it that is sure. What is wrong lies after that. */
  readonly after?: number
  readonly detail?: string
}

/** A line that claims a place. */
export type Candidate = {
  /** 0 for what the chain begins with. */
  readonly line: number
  readonly previousHash: string
  /** As the line has it. */
  readonly stored: string
  /** As it comes of the line's entry and previous hash. */
  readonly computed: string
  readonly text: string
}

/** A place in the chain, the lines that claim it, and its neighbours as far as they are known. */
export type Place = {
  readonly seq: number
  readonly candidates: [Candidate, ...Candidate[]]
  /** How many lines before it could not be read. */
  readonly unread: number
  /** Where it has not been settled yet. */
  previous?: Place | undefined
  next?: Place | undefined
  /** The hash of the place before it. */
  before?: string
}

/** What became of a place once all that claims it and the one behind it is known. */
export type Settlement = {
  readonly hash: string
  readonly isHeadMet: boolean
  readonly problems: readonly ChainProblem[]
}

export function candidateOf({ entry, hash, previousHash }: ChainedEntry, line: number): Candidate {
  const text = canonicalJson(entry)
  return { line, previousHash, stored: hash, computed: hashOfText(previousHash, text), text }
}

export function isConsistent({ stored, computed }: Candidate): boolean {
  return stored === computed
}

/** Whether a line stands behind one with this hash, by its own word or, where that was altered, by its hash. */
function follows(candidate: Candidate, hash: string): boolean {
  if (candidate.previousHash === hash) return true
  return !isConsistent(candidate) && hashOfText(hash, candidate.text) === candidate.stored
}

/** Finds which of the lines that claim a place is the chain's, what is wrong with it, and what the others are. */
export function settlePlace(place: Place, head: string | undefined): Settlement {
  const isNamed = (hash: string): boolean =>
    head === hash || (place.next?.candidates.some((candidate) => follows(candidate, hash)) ?? false)
  const isChosen = ({ stored, computed }: Candidate): boolean => isNamed(stored) || isNamed(computed)
  const winner =
    place.candidates.find((candidate) => isChosen(candidate) && isConsistent(candidate)) ??
    place.candidates.find(isChosen) ??
    place.candidates.find(isConsistent) ??
    place.candidates[0]
  const problem = problemOf(winner, place, head, isNamed)
  const others = place.candidates
    .filter((candidate) => candidate !== winner)
    .map((candidate) => tellOther(candidate, winner, place.seq))
  return {
    hash: isNamed(winner.computed) ? winner.computed : winner.stored,
    isHeadMet: head === winner.stored || head === winner.computed,
    problems: problem === undefined ? others : [problem, ...others],
  }
}

function problemOf(
  winner: Candidate,
  place: Place,
  head: string | undefined,
  isNamed: (hash: string) => boolean,
): ChainProblem | undefined {
  const { seq, next } = place
  const { line, stored, computed } = winner
  if (!isConsistent(winner)) {
    if (isNamed(computed)) return { kind: 'hash_altered', seq, line }
    const isLinked = place.before !== undefined && follows(winner, place.before)
    const isIntact = isLinked && winner.previousHash !== place.before
    return { kind: isIntact ? 'previous_hash_altered' : 'changed', seq, line }
  }
  if (head !== undefined && head !== stored) {
    return line === 0 ? { kind: 'anchor_mismatch', seq } : { kind: 'head_mismatch', seq, line }
  }
  if (next === undefined || next.candidates.some((candidate) => follows(candidate, stored))) return undefined
  if (line === 0) return { kind: 'anchor_mismatch', seq: next.seq }
  // What an operator wrote down is right, so it is the other that is not what it was.
  return head === stored
    ? { kind: 'replaced', seq: next.seq, line: next.candidates[0].line }
    : { kind: 'replaced', seq, line }
}

function tellOther(candidate: Candidate, winner: Candidate, seq: number): ChainProblem {
  const isSame = isConsistent(candidate) && candidate.stored === winner.stored
  return { kind: isSame ? 'duplicated' : 'inserted', seq, line: candidate.line }
}
