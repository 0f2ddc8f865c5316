import { sql } from 'kysely'
import type { Transaction } from './db.ts'

/** An event as one tenant reads it; `position` is the cursor to continue after. */
export type FeedEvent = {
  readonly position: number
  readonly id: string
  readonly type: string
  /** Row id of the client. */
  readonly clientRef: string | undefined
  /** Undefined, as its place, where the event is about no client. */
  readonly clientId: string | undefined
  readonly clientSeq: number | undefined
  readonly occurredAt: Date
  readonly data: unknown
}

/** Up to `limit` events of the tenant of the transaction after a position, in order and without gaps. */
export async function readFeed(trx: Transaction, after: number, limit: number): Promise<FeedEvent[]> {
  const rows = await trx
    .selectFrom('cimd.feed as f')
    .innerJoin('cimd.outbox as o', 'o.id', 'f.outbox_id')
    .leftJoin('cimd.clients as c', 'c.id', 'o.client_ref')
    .leftJoin('cimd.interest as i', (join) =>
      join.onRef('i.client_ref', '=', 'o.client_ref').onRef('i.tenant_id', '=', 'f.tenant_id'),
    )
    .select([
      'f.position',
      'o.event_id as id',
      'o.type',
      'c.client_id as clientId',
      sql<string | null>`o.client_ref::text`.as('clientRef'),
      // Counted from the tenant's own first use: what others did before is not its business.
      sql<number | null>`o.client_seq - i.since_seq`.as('clientSeq'),
      'o.occurred_at as occurredAt',
      'o.data',
    ])
    .where('f.tenant_id', '=', sql<string>`cimd.current_tenant()`)
    .where('f.position', '>', after)
    // Of a use that was forgotten before this one began the rows are still there.
    .where((of) => of.or([of('o.client_ref', 'is', null), of('o.client_seq', '>', of.ref('i.since_seq'))]))
    .orderBy('f.position')
    .limit(limit)
    .execute()
  return rows.map(({ clientRef, clientId, clientSeq, ...row }) => ({
    ...row,
    clientRef: clientRef ?? undefined,
    ...{ clientId: clientId ?? undefined, clientSeq: clientSeq ?? undefined },
  }))
}
