import type { Target } from './targets.ts'

/** One fetch to be made. */
export type Visit = {
  readonly target: Target
  /** When the caller loses interest, if it does. */
  readonly giveUpAfterMs: number | undefined
}

const HONEST_SHARE = 1 / 3
const IMPATIENT_SHARE = 1 / 20

/** Fetches without end: a third to the honest targets, some of them given up midway; the same for the same seed. */
export function* mix(
  targets: readonly Target[],
  { seed, deadlineMs }: { readonly seed: number; readonly deadlineMs: number },
): Generator<Visit, never> {
  const random = createRandom(seed)
  const [honest, hostile] = [targets.filter(isHonest), targets.filter((target) => !isHonest(target))]
  for (;;) {
    const group = random() < HONEST_SHARE ? honest : hostile
    const target = pick(group, random())
    // Squared, because most of what can be interrupted happens early.
    const giveUpAfterMs = random() < IMPATIENT_SHARE ? deadlineMs * random() ** 2 : undefined
    yield { target, giveUpAfterMs }
  }
}

function isHonest({ honest }: Target): boolean {
  return honest
}

function pick<T>(from: readonly T[], random: number): T {
  const picked = from[Math.floor(random * from.length)]
  if (picked === undefined) throw new RangeError('there is nothing to pick from')
  return picked
}

/** Numbers from 0 to 1 that a seed decides: mulberry32. */
function createRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
