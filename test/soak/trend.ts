import { quantile } from '../bench/statistics.ts'

/** A measurement after so many fetches. */
export type Point = { readonly fetches: number; readonly bytes: number }

/** Which way a series goes. */
export type Trend = {
  readonly firstQuarterBytes: number
  readonly lastQuarterBytes: number
  readonly bytesPerFetch: number
  /** What the slope comes to over all fetches of the series. */
  readonly growthBytes: number
}

/**
 * The trend of a series by the estimator of Theil and Sen: the median of the slopes between any two points, which
 * neither noise nor a quarter of outliers bends. The quarters are medians, to be looked at. Throws below two points.
 */
export function trendOf(points: readonly Point[]): Trend {
  const bytesPerFetch = medianOf(slopesOf(points))
  const quarter = Math.ceil(points.length / 4)
  const span = (points.at(-1)?.fetches ?? 0) - (points[0]?.fetches ?? 0)
  return {
    firstQuarterBytes: medianOf(points.slice(0, quarter).map(({ bytes }) => bytes)),
    lastQuarterBytes: medianOf(points.slice(-quarter).map(({ bytes }) => bytes)),
    bytesPerFetch,
    growthBytes: bytesPerFetch * span,
  }
}

function slopesOf(points: readonly Point[]): readonly number[] {
  return points.flatMap((from, index) =>
    points.slice(index + 1).map((to) => (to.bytes - from.bytes) / (to.fetches - from.fetches)),
  )
}

function medianOf(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  )
}
