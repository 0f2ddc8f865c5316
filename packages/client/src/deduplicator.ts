/** Remembers what was seen, as long as there is room. */
export type Deduplicator = {
  /** True the first time it is asked of an event with this id. */
  readonly isNew: (event: { readonly id: string }) => boolean
}

const REMEMBERED = 100_000

/**
 * Tells events that have come before, by their id: at least once is what is promised, of a webhook as of a feed that is
 * read again after a cut. Remembers the newest ids alone; whoever must not forget keeps them where it keeps what it did.
 */
export function createDeduplicator({
  remembered = REMEMBERED,
}: {
  readonly remembered?: number
} = {}): Deduplicator {
  const ids = new Set<string>()
  return {
    isNew: ({ id }) => {
      if (ids.has(id)) return false
      ids.add(id)
      if (ids.size > remembered) for (const oldest of ids.values().take(1)) ids.delete(oldest)
      return true
    },
  }
}
