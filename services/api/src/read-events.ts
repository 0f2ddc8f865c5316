import { type Db, type FeedEvent, readFeed, withTenant } from '@cimd/store'
import type { Waiters } from './waiters.ts'

export type ReadEventsDeps = { readonly db: Db; readonly waiters: Waiters }

/** The key under which requests wait for news of a tenant's feed. */
export function feedKey(tenantId: string): string {
  return `feed ${tenantId}`
}

/** The events after a position, waiting up to `waitMs` for the first when there is none. */
export async function readEvents(
  deps: ReadEventsDeps,
  tenantId: string,
  query: { readonly after: number; readonly limit: number; readonly waitMs: number },
): Promise<FeedEvent[]> {
  const deadline = performance.now() + query.waitMs
  const waiter = deps.waiters.register(feedKey(tenantId))
  try {
    for (let waiting = true; ; ) {
      const events = await withTenant(deps.db, tenantId, (trx) => readFeed(trx, query.after, query.limit))
      if (events.length > 0 || !waiting) return events
      waiting = await waiter.woken(deadline - performance.now())
    }
  } finally {
    waiter.cancel()
  }
}
