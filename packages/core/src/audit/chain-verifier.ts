import type { JsonObject } from '../json/json.ts'
import { isAuditKind } from './audit-data.ts'
import { type ChainAnchor, type ChainedEntry, type ChainHead, readAuditLine } from './audit-line.ts'
import type { ChainProblem } from './chain-place.ts'
import { finishWalk, openWalk, takeEntry, takeUnreadable, type Walk } from './chain-walk.ts'
import { entryHash, genesisHash } from './entry-hash.ts'

/** What a chain is held against. */
export type ChainTerms = {
  readonly tenant: string
  /** Where the export begins, if not with the first entry. An entry or a head has to confirm it. */
  readonly anchor?: ChainAnchor | undefined
  /** What the operator has kept elsewhere; without any, an end that was cut off or rewritten cannot be seen. */
  readonly heads?: readonly ChainHead[] | undefined
  /** What is stored beside the chain of its end: of use where only the end was cut off, and no word for anything else. */
  readonly stored?: ChainHead | undefined
}

export type ChainVerdict = {
  readonly ok: boolean
  /** How many places of the chain are there. */
  readonly entries: number
  /** Of these, how many are of kinds that this release does not know. */
  readonly unknownKinds: number
  /** Where the chain ends, to be kept elsewhere if all is well. */
  readonly head: ChainHead
  /** By place. */
  readonly problems: readonly ChainProblem[]
}

export type ChainVerifier = {
  /** The next line with an entry, without its line end. */
  readonly feed: (line: string) => void
  readonly finish: () => ChainVerdict
}

/**
 * Verifies the chain of one tenant entry by entry. What it remembers grows with what is wrong and not with the chain. After a
 * problem it goes on: each line has its own hash and that of the line before, so that what is wrong with one is not wrong
 * with all behind it.
 */
export function createChainVerifier({ tenant, anchor, heads = [], stored }: ChainTerms): ChainVerifier {
  const told = stored === undefined ? heads : [...heads, stored]
  const walk = openWalk(tenant, anchor ?? { seq: 0, hash: genesisHash(tenant) }, told)
  let unknownKinds = 0
  let isConfirmed =
    anchor === undefined || heads.some(({ seq, hash }) => seq === anchor.seq && hash === anchor.hash)
  const take = (chained: ChainedEntry): void => {
    if (!takeEntry(walk, chained)) return
    if (!isAuditKind(chained.entry.kind)) unknownKinds += 1
    isConfirmed ||= isCutAt(chained, anchor)
  }
  return {
    feed: (line) => {
      const reading = readAuditLine(line)
      if (!reading.ok) takeUnreadable(walk, reading.detail)
      else if (reading.value.kind === 'header') takeUnreadable(walk, 'a header among the entries')
      else take(reading.value.chained)
    },
    finish: () => {
      finishWalk(walk)
      if (anchor !== undefined && !isConfirmed) {
        walk.problems.push({ kind: 'anchor_unconfirmed', seq: anchor.seq })
      }
      walk.problems.push(...cutOff(heads, walk.beginning.seq))
      return verdictOf(walk, unknownKinds)
    },
  }
}

// An anchor is the export's own word. Only an entry that is in the chain, or a head, shows that a cut was meant.
function isCutAt({ entry, hash, previousHash }: ChainedEntry, anchor: ChainAnchor | undefined): boolean {
  if (entry.kind !== 'retention.cut' || anchor === undefined) return false
  const { anchor_seq: seq, anchor_hash: anchorHash, count } = entry['data'] as JsonObject
  const isSame = seq === anchor.seq && anchorHash === anchor.hash && count === anchor.count
  return isSame && entryHash(previousHash, entry) === hash
}

// A chain that was made anew may hold a cut as well: one that goes further than all that was kept must not pass for met.
function cutOff(heads: readonly ChainHead[], beginning: number): readonly ChainProblem[] {
  const newest = Math.max(...heads.map(({ seq }) => seq))
  return heads.length > 0 && newest < beginning ? [{ kind: 'head_cut_off', seq: newest }] : []
}

function verdictOf(
  { problems, entries, last, lastHash, sure, beginning }: Walk,
  unknownKinds: number,
): ChainVerdict {
  const located = problems.map((problem) => {
    if (problem.kind !== 'head_mismatch') return problem
    return { ...problem, after: Math.max(beginning.seq, ...sure.filter((seq) => seq < problem.seq)) }
  })
  located.sort((a, b) => a.seq - b.seq || (a.line ?? 0) - (b.line ?? 0))
  return {
    ok: located.length === 0,
    ...{ entries, unknownKinds, head: { seq: last.seq, hash: lastHash } },
    // Either neighbour of an entry may show the same of it.
    problems: located.filter((problem, index) => !isSameProblem(problem, located[index - 1])),
  }
}

function isSameProblem(one: ChainProblem, other: ChainProblem | undefined): boolean {
  return one.kind === other?.kind && one.seq === other.seq && one.line === other.line
}
