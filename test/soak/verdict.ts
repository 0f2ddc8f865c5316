import type { Sample } from './fetcher.ts'
import type { SoakResult } from './soak.ts'
import { type Trend, trendOf } from './trend.ts'

/** What is tolerated. */
export const LIMITS = {
  /** A hundred bytes kept of each fetch come to eight times as much in a soak of 50,000. */
  heldGrowthBytes: 524_288,
  /** Coarser: the engine and the allocator grow in steps of a megabyte or more, and level off late. */
  residentGrowthBytes: 12_582_912,
  lateShare: 0.2,
} as const

/** Of the samples, at the beginning: code is compiled, pools are filled, the allocator finds its size. */
const WARM_UP_SHARE = 0.2
const SAMPLES_MIN = 8

/** How memory went after the warm-up, or that too little was measured to say. */
export type Memory =
  | { readonly kind: 'measured'; readonly held: Trend; readonly resident: Trend }
  | { readonly kind: 'too_few'; readonly samples: number }

export function memoryOf(samples: readonly Sample[]): Memory {
  const warm = samples.slice(Math.floor(samples.length * WARM_UP_SHARE))
  if (warm.length < SAMPLES_MIN) return { kind: 'too_few', samples: warm.length }
  return {
    kind: 'measured',
    held: trendOf(warm.map(({ fetches, heldBytes: bytes }) => ({ fetches, bytes }))),
    resident: trendOf(warm.map(({ fetches, residentBytes: bytes }) => ({ fetches, bytes }))),
  }
}

/** Everything that must not be so, in words; nothing when the soak is passed. */
export function problemsOf(result: SoakResult): readonly string[] {
  return [...problemsOfEndings(result), ...problemsOfMemory(result), ...problemsOfLeftovers(result)]
}

function problemsOfEndings({ tally, fetches, forbiddenDials }: SoakResult): readonly string[] {
  const { counts, wrong, mostlyLate } = tally
  return [
    ...(counts.wrong > 0 ? [`${counts.wrong} fetches ended otherwise than they must`, ...wrong] : []),
    ...(counts.late > fetches * LIMITS.lateShare
      ? [`${counts.late} fetches were late, more than ${LIMITS.lateShare * 100} % of all`]
      : []),
    ...mostlyLate.map((id) => `${id} was late more often than not`),
    ...(forbiddenDials > 0 ? [`${forbiddenDials} dials of addresses that are not public`] : []),
  ]
}

function problemsOfMemory({ samples }: SoakResult): readonly string[] {
  const memory = memoryOf(samples)
  if (memory.kind === 'too_few') return [`${memory.samples} samples after the warm-up are too few to judge`]
  return [
    ...growing('memory held by JavaScript', memory.held, LIMITS.heldGrowthBytes),
    ...growing('resident memory', memory.resident, LIMITS.residentGrowthBytes),
  ]
}

function growing(what: string, { growthBytes, bytesPerFetch }: Trend, bytesMax: number): readonly string[] {
  if (growthBytes <= bytesMax) return []
  return [`${what} grows by ${Math.round(bytesPerFetch)} bytes per fetch`]
}

function problemsOfLeftovers({ left, openConnections }: SoakResult): readonly string[] {
  const { resources, descriptors, listeners } = left
  return [
    ...(resources.length > 0 ? [`left behind: ${resources.join(', ')}`] : []),
    ...(descriptors > 0 ? [`${descriptors} file descriptors left open`] : []),
    ...(listeners > 0 ? [`${listeners} listeners left on signals of callers`] : []),
    ...(openConnections > 0 ? [`${openConnections} connections left open at the servers`] : []),
  ]
}
