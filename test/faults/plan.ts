import type { Fault } from './faults/fault.ts'
import type { Random } from './random.ts'

/** For the faults of a run of twelve, without what is around them. */
const FULL_MINUTES = 11

/** The turns of a run in their order: every fault at least once before any comes again. */
export function planTurns(faults: readonly Fault[], minutes: number, random: Random): readonly Fault[] {
  const share = Math.min(1, minutes / FULL_MINUTES)
  const rest = faults.flatMap((fault) =>
    Array.from({ length: Math.max(1, Math.round(fault.turns * share)) - 1 }, () => fault),
  )
  return [...shuffled(faults, random), ...shuffled(rest, random)]
}

function shuffled<T>(items: readonly T[], random: Random): readonly T[] {
  const drawn = items.map((item) => ({ item, place: random.next() }))
  return drawn.toSorted((a, b) => a.place - b.place).map(({ item }) => item)
}
