import { unit } from '../simulation/random.ts'

/** Draws that depend on the seed and their number alone. */
export type Random = {
  /** In [0, 1). */
  readonly next: () => number
  /** At least `min`, less than `max`. */
  readonly between: (min: number, max: number) => number
  readonly pick: <T>(choices: readonly T[]) => T
  readonly chance: (probability: number) => boolean
}

/** `stream` sets those apart who draw at the same time. */
export function createRandom(seed: number, stream: number): Random {
  let drawn = 0
  const next = (): number => unit(seed, stream, drawn++)
  return {
    next,
    between: (min, max) => min + next() * (max - min),
    pick: (choices) => {
      const choice = choices[Math.floor(next() * choices.length)]
      if (choice === undefined) throw new Error('there is nothing to pick')
      return choice
    },
    chance: (probability) => next() < probability,
  }
}
