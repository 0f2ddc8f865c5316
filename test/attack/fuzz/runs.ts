import fc from 'fast-check'

/** Runs that wait for a deadline wait at the same time. */
const LANES = 16

/** To hunt longer than every change is worth, or to see again what `seed` was printed for. */
const factor = Number(process.env['FUZZ_FACTOR'] ?? 1)
const seed = process.env['FUZZ_SEED']

/** How long a test may take with that many more runs. */
export const FUZZ_TIMEOUT_MS = 60_000 * Math.max(1, factor)

/** So many runs of a property, one after the other. */
export function runs(numRuns: number): { readonly numRuns: number; readonly seed?: number } {
  return { numRuns: Math.ceil(numRuns * factor), ...(seed !== undefined && { seed: Number(seed) }) }
}

/** So many runs of a property, several at a time; each lane is given a number of its own, from 0. */
export async function assertInLanes<T>(
  numRuns: number,
  propertyOf: (lane: number) => fc.IAsyncProperty<T>,
): Promise<void> {
  const lanes = Array.from({ length: LANES }, (_, lane) => fc.assert(propertyOf(lane), runs(numRuns / LANES)))
  for (const lane of await Promise.allSettled(lanes)) {
    if (lane.status === 'rejected') throw lane.reason
  }
}

/** The name of the host that a lane fetches from. */
export function hostOf(lane: number): string {
  return `lane${lane}.example.com`
}

/** The public address that a lane's host has. */
export function addressOf(lane: number): string {
  return `93.184.215.${lane}`
}

export const LANE_HOSTS: readonly string[] = Array.from({ length: LANES }, (_, lane) => hostOf(lane))
