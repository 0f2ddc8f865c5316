/** How two samples compare by rank (Mann and Whitney), with ties counted half. */
export type RankComparison = {
  /** How often one of the first is larger than one of the second: 0.5 where nothing tells them apart. */
  readonly share: number
  /** In standard deviations from what chance gives on average; beyond 3 it is hardly chance. */
  readonly deviations: number
}

/** Compares two samples by rank. */
export function compareRanks(first: readonly number[], second: readonly number[]): RankComparison {
  const larger = first.flatMap((a) => second.map((b) => (a > b ? 1 : a === b ? 0.5 : 0)))
  const wins = larger.reduce<number>((sum, win) => sum + win, 0)
  const pairs = first.length * second.length
  const deviation = Math.sqrt((pairs * (first.length + second.length + 1)) / 12)
  return { share: wins / pairs, deviations: (wins - pairs / 2) / deviation }
}

/** The value in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
