import type { Logger } from '@cimd/runtime'
import type { ChainedBatch, RefusedEntry } from '@cimd/store'

/** What giving audit entries their places needs from the world. */
export type ChainAuditDeps = {
  readonly chain: () => Promise<ChainedBatch>
  readonly tellRefused: (refused: RefusedEntry) => void
  readonly isStopping: () => boolean
}

/**
 * Chains until a batch is not full: a burst must not wait for one interval per batch, and what is noted meanwhile is cheaper
 * together. Returns how many entries were chained.
 */
export async function chainWaiting({ chain, tellRefused, isStopping }: ChainAuditDeps): Promise<number> {
  let entries = 0
  while (!isStopping()) {
    const { more, chained, refused } = await chain()
    for (const one of refused) tellRefused(one)
    entries += chained
    if (!more) break
  }
  return entries
}

/** Told of what was noted for the audit and is no entry: it is in no chain. */
export function logRefusedEntry(log: Logger, { id, kind, detail }: RefusedEntry): void {
  log.error(
    { event: 'audit.refused', id, kind, detail },
    'what was noted for the audit is no entry, and was left out',
  )
}
