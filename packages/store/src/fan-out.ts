import { isWanted } from '@cimd/core'
import { sql } from 'kysely'
import type { Db, Transaction } from './db.ts'
import { openLanes } from './deliveries.ts'
import { type FeedEvent, readFeed } from './feed.ts'
import { filterFromRow } from './subscriptions.ts'
import { enterTenant } from './tenant-transaction.ts'

/** The lane of events about no client. */
const LANE_OF_NO_CLIENT = '0'

type Behind = {
  id: string
  tenant_id: string
  feed_position: number
  types: string[] | null
  hosts: string[] | null
  change_classes: string[] | null
  fanned_position: number
}

/**
 * Divides up to `limit` events of one tenant's feed into deliveries of one subscription that is behind it, the one looked
 * at longest ago. Position and deliveries are of one transaction: none is made twice, none is left out. Undefined when
 * none is behind; otherwise how many deliveries were made.
 */
export async function fanOut(db: Db, limit: number): Promise<number | undefined> {
  return db.transaction().execute(async (trx) => {
    const behind = await lockBehind(trx)
    if (behind === undefined) return undefined
    await enterTenant(trx, behind.tenant_id)
    const events = await readFeed(trx, behind.fanned_position, limit)
    const filter = filterFromRow(behind)
    const wanted = events.filter((event) => isWanted(filter, event))
    await addDeliveries(trx, behind, wanted)
    // What is not kept any more has no place among those read.
    const read = events.length < limit ? behind.feed_position : 0
    await advance(trx, behind.id, Math.max(read, events.at(-1)?.position ?? 0))
    return wanted.length
  })
}

async function lockBehind(trx: Transaction): Promise<Behind | undefined> {
  const { rows } = await sql<Behind>`
    select s.id, s.tenant_id, t.feed_position, s.types, s.hosts, s.change_classes, s.fanned_position
    from cimd.subscriptions s join cimd.tenants t on t.id = s.tenant_id
    where s.state = 'active' and s.fanned_position < t.feed_position
    order by s.fanned_at nulls first limit 1
    for no key update of s skip locked`.execute(trx)
  return rows[0]
}

async function addDeliveries(trx: Transaction, behind: Behind, events: readonly FeedEvent[]): Promise<void> {
  if (events.length === 0) return
  const lanes = events.map(({ clientRef }) => clientRef ?? LANE_OF_NO_CLIENT)
  await sql`
    insert into cimd.deliveries (tenant_id, subscription_id, lane, position, event_id, type)
    select ${behind.tenant_id}, ${behind.id}, lane, position, event_id, type
    from unnest(${lanes}::bigint[], ${events.map(({ position }) => position)}::bigint[], ${events.map(({ id }) => id)}::uuid[],
      ${events.map(({ type }) => type)}::text[]) as e (lane, position, event_id, type)
    on conflict (subscription_id, position) do nothing`.execute(trx)
  await openLanes(trx, behind.id, new Set(lanes))
}

async function advance(trx: Transaction, subscription: string, position: number): Promise<void> {
  await sql`
    update cimd.subscriptions set fanned_position = ${position}, fanned_at = cimd.cimd_now()
    where id = ${subscription}`.execute(trx)
}
