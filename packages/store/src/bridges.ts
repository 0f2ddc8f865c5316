import { sql } from 'kysely'
import type { Db, Transaction } from './db.ts'
import { type FeedEvent, readFeed } from './feed.ts'
import { enterTenant } from './tenant-transaction.ts'

/** An event on its way to a queue or stream of the operator's. */
export type BridgedEvent = FeedEvent

/** Events of one tenant in the order of its feed; `feedPosition` is the last that the feed has given out. */
export type BridgedBatch = {
  readonly tenant: string
  readonly feedPosition: number
  readonly events: readonly BridgedEvent[]
}

/** Where a bridge begins that was never there before: with what is kept, or with what comes. */
export type BridgeStart = 'beginning' | 'now'

type Behind = { tenant: string; position: number; feed_position: number }

/**
 * Has a bridge follow every tenant it does not follow yet. One that follows nobody begins where `start` says; whoever
 * comes later came after the bridge, and is told from its first event.
 */
export async function joinBridge(db: Db, bridge: string, start: BridgeStart): Promise<void> {
  await sql`
    insert into cimd.bridges (name, tenant_id, position)
    select ${bridge}, t.id, case when ${start === 'beginning'} or b.known then 0 else t.feed_position end
    from cimd.tenants t, (select exists (select from cimd.bridges where name = ${bridge}) as known) b
    where not exists (select from cimd.bridges b where b.name = ${bridge} and b.tenant_id = t.id)
    on conflict do nothing`.execute(db)
}

/**
 * Has up to `limit` events of one tenant's feed published by a bridge that is behind it, in order; the position moves when
 * `publish` has resolved, so what is interrupted is published again, from the same position. Undefined when no feed has news,
 * save those of the tenants excepted. The row lock lasts as long as `publish`, which must bound itself well below the
 * time for which operators let a transaction idle; where the lock is lost all the same, another may publish the same.
 */
export async function publishBridged(
  db: Db,
  bridge: string,
  { limit, except = [] }: { readonly limit: number; readonly except?: readonly string[] },
  publish: (batch: BridgedBatch) => Promise<void>,
): Promise<number | undefined> {
  return db.transaction().execute(async (trx) => {
    const behind = await lockBehind(trx, bridge, except)
    if (behind === undefined) return undefined
    const { tenant, position, feed_position } = behind
    await enterTenant(trx, tenant)
    const events = await readFeed(trx, position, limit)
    const last = events.at(-1)?.position ?? 0
    const feedPosition = Math.max(feed_position, last)
    if (events.length > 0) await publish({ tenant, feedPosition, events })
    // What is left out of the feed at its end is nothing to come back for.
    const reached = events.length < limit ? feedPosition : last
    await sql`
      update cimd.bridges set position = ${reached}
      where name = ${bridge} and tenant_id = ${tenant}`.execute(trx)
    return events.length
  })
}

async function lockBehind(
  trx: Transaction,
  bridge: string,
  except: readonly string[],
): Promise<Behind | undefined> {
  const { rows } = await sql<Behind>`
    select b.tenant_id as tenant, b.position, t.feed_position
    from cimd.bridges b join cimd.tenants t on t.id = b.tenant_id
    where b.name = ${bridge} and b.position < t.feed_position and b.tenant_id <> all (${except}::uuid[])
    order by random() limit 1
    for no key update of b skip locked`.execute(trx)
  return rows[0]
}
