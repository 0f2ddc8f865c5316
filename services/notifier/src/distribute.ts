/** What dividing the feeds into deliveries needs from the world. */
export type DistributeDeps = {
  /** Divides what comes next of one subscription; undefined when none is behind its feed. */
  readonly fanOut: () => Promise<number | undefined>
  readonly isStopping: () => boolean
}

/** Divides every feed into deliveries until no subscription is behind. Returns how many deliveries were made. */
export async function distribute({ fanOut, isStopping }: DistributeDeps): Promise<number> {
  let deliveries = 0
  while (!isStopping()) {
    const made = await fanOut()
    if (made === undefined) break
    deliveries += made
  }
  return deliveries
}
