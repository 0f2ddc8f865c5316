import { quantile, type Summary, summarize } from './statistics.ts'
import { timed } from './stopwatch.ts'

/** One way of doing the same thing. */
export type Side = { readonly name: string; readonly run: () => Promise<unknown> }

/** Milliseconds of every side; of each round, its median over that of the first side. */
export type SideBySide = readonly {
  readonly name: string
  readonly ms: Summary
  readonly ratio: Summary
}[]

export type SideBySideSize = { readonly rounds: number; readonly perRound: number }

/** Runs all sides in turn, each as often as any other, beginning with another one each time. */
export async function measureSideBySide(sides: readonly Side[], size: SideBySideSize): Promise<SideBySide> {
  // One more than is counted: the first compiles the code and issues the certificates.
  const rounds: number[][][] = []
  for (let round = 0; round <= size.rounds; round += 1) rounds.push(await runRound(sides, size.perRound))
  const counted = rounds.slice(1)
  return sides.map(({ name }, side) => ({
    name,
    ms: summarize(counted.flatMap((round) => round[side] ?? [])),
    ratio: summarize(counted.map((round) => medianOf(round[side]) / medianOf(round[0]))),
  }))
}

async function runRound(sides: readonly Side[], times: number): Promise<number[][]> {
  const samples = sides.map((): number[] => [])
  for (let time = 0; time < times; time += 1) {
    for (const [place] of sides.entries()) {
      const index = (place + time) % sides.length
      const { ms } = await timed(async () => await sides[index]?.run())
      samples[index]?.push(ms)
    }
  }
  return samples
}

function medianOf(samples: readonly number[] = []): number {
  return quantile(
    samples.toSorted((a, b) => a - b),
    0.5,
  )
}
