import type { FailureCode } from '@cimd/core'
import type { Target } from './targets.ts'

/** What became of a fetch, seen from its caller. */
export type Ending =
  /** No code: a valid document was had. */
  | { readonly kind: 'ended'; readonly codes: readonly string[] }
  /** The fetch rejected with the very reason its caller had to give up. */
  | { readonly kind: 'given_up' }
  | { readonly kind: 'thrown'; readonly error: string }

/** How that compares with what had to become of it. */
export type Judgement = 'accepted' | 'refused' | 'given_up' | 'late' | 'wrong'

/** Judges one ending. `late`: the deadline struck although nothing hostile had to make it; a busy machine does. */
export function judgeEnding(ending: Ending, expected: readonly FailureCode[]): Judgement {
  if (ending.kind !== 'ended') return ending.kind === 'given_up' ? 'given_up' : 'wrong'
  const { codes } = ending
  if (expected.length === 0 && codes.length === 0) return 'accepted'
  if (codes.some((code) => expected.some((one) => one === code))) return 'refused'
  return codes.some((code) => code.startsWith('timeout_')) ? 'late' : 'wrong'
}

/** What became of all fetches. */
export type Tally = {
  readonly counts: Readonly<Record<Judgement, number>>
  /** The first wrong ones, in words; enough to look into. */
  readonly wrong: readonly string[]
  /** Targets that were late more often than not: a busy machine is not so particular. */
  readonly mostlyLate: readonly string[]
  readonly slowestMs: number
}

const WRONG_TOLD_MAX = 20
/** Below this a few late ones mean nothing. */
const VISITS_MIN = 5

/** Counts endings as they come, in memory that does not grow with them. */
export function createTally() {
  const counts = { accepted: 0, refused: 0, given_up: 0, late: 0, wrong: 0 }
  const visits = new Map<string, { all: number; late: number }>()
  const wrong: string[] = []
  let slowestMs = 0
  return {
    add: ({ id, expected }: Target, ending: Ending, elapsedMs: number) => {
      const judgement = judgeEnding(ending, expected)
      counts[judgement] += 1
      slowestMs = Math.max(slowestMs, elapsedMs)
      const visited = visits.get(id) ?? { all: 0, late: 0 }
      visits.set(id, visited)
      visited.all += 1
      if (judgement === 'late') visited.late += 1
      if (judgement !== 'wrong' || wrong.length === WRONG_TOLD_MAX) return
      wrong.push(`${id}: ${JSON.stringify(ending)} instead of ${JSON.stringify(expected)}`)
    },
    sum: (): Tally => ({ counts, wrong, mostlyLate: mostlyLate(visits), slowestMs }),
  }
}

function mostlyLate(
  visits: ReadonlyMap<string, { readonly all: number; readonly late: number }>,
): readonly string[] {
  return [...visits].filter(([, { all, late }]) => all >= VISITS_MIN && late > all / 2).map(([id]) => id)
}
