/** A set of measurements in five numbers. */
export type Summary = {
  readonly median: number
  readonly p10: number
  readonly p90: number
  readonly mean: number
  readonly n: number
}

/** Sums up measurements. Throws when there are none. */
export function summarize(samples: readonly number[]): Summary {
  const sorted = samples.toSorted((a, b) => a - b)
  return {
    median: quantile(sorted, 0.5),
    p10: quantile(sorted, 0.1),
    p90: quantile(sorted, 0.9),
    mean: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    n: sorted.length,
  }
}

/** The quantile of sorted measurements, interpolated between the two nearest. */
export function quantile(sorted: readonly number[], fraction: number): number {
  const position = fraction * (sorted.length - 1)
  const below = sorted[Math.floor(position)]
  const above = sorted[Math.ceil(position)]
  if (below === undefined || above === undefined) throw new RangeError('nothing was measured')
  return below + (above - below) * (position - Math.floor(position))
}

/** One number per pair, of two series that were measured side by side. */
export function pairwise(
  first: readonly number[],
  second: readonly number[],
  combine: (a: number, b: number) => number,
): number[] {
  if (first.length !== second.length) throw new RangeError('the series are not pairs')
  return first.map((value, index) => combine(value, second[index] ?? Number.NaN))
}
