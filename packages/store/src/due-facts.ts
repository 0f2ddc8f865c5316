import type { DueFacts } from '@cimd/core'
import { type RawBuilder, sql } from 'kysely'
import type { Transaction } from './db.ts'

/** What a row of clients or of resources says of work that is due. */
export type DueFactsRow = {
  wanted: number
  done: number
  urgent: number
  claim_until: Date | null
  deferred_until: Date | null
  quarantined_until: Date | null
  attempted_at: Date | null
  failing: boolean
  withdrawing_since: Date | null
  /** Absent where nothing of the kind waits in line. */
  in_line?: boolean
  known?: boolean
}

/** Who uses a client: its tenants by their interest, and the operator of whom it is a canary. */
export type UseOfClient = Pick<DueFacts, 'lastResolvedAt' | 'leasedUntil' | 'canary'> & {
  readonly dormant: boolean
}

/** The columns of a `DueFactsRow` that stand on the row itself, whose table is named `d` in the statement. */
export const DUE_COLUMNS: RawBuilder<unknown> = sql`d.wanted, d.done, d.urgent, d.claim_until, d.deferred_until,
  d.quarantined_until, d.attempted_at, d.failure_code is not null as failing,
  case when d.state = 'failing' then d.withdrawing_since end as withdrawing_since`

/** How many of the rows due longest a sweep ranks at most; the rest are ranked when these are gone. */
export const RANKED_MAX = 10_000

/**
 * Who uses each of these clients, by client. Read in a statement after the one that locked what is due: that one saw the
 * interest as it was when it began, and a use that ended before the lock would be judged as none.
 */
export async function readUses(
  trx: Transaction,
  clients: readonly string[],
): Promise<(client: string) => UseOfClient> {
  const { rows } = await sql<UseRow>`
    select c.id::text as client, c.dormant_since is not null as dormant, i.last_resolved_at, i.leased_until,
      exists (select from cimd.canaries k where k.client_ref = c.id) as canary
    from cimd.clients c cross join lateral (
      select max(last_resolved_at) as last_resolved_at, max(leased_until) as leased_until
      from cimd.interest where client_ref = c.id
    ) i
    where c.id = any(${clients}::bigint[])`.execute(trx)
  const uses = new Map(rows.map((row) => [row.client, useFromRow(row)]))
  return (client) => uses.get(client) ?? UNUSED
}

/** The facts by which core decides what is due. */
export function factsFromRow(row: DueFactsRow, use: UseOfClient): DueFacts {
  return {
    wanted: row.wanted,
    done: row.done,
    urgent: row.urgent,
    claimUntil: row.claim_until ?? undefined,
    deferredUntil: row.deferred_until ?? undefined,
    quarantinedUntil: row.quarantined_until ?? undefined,
    attemptedAt: row.attempted_at ?? undefined,
    failing: row.failing,
    withdrawingSince: row.withdrawing_since ?? undefined,
    lastResolvedAt: use.lastResolvedAt,
    leasedUntil: use.leasedUntil,
    inLine: row.in_line ?? false,
    known: row.known ?? false,
    canary: use.canary,
  }
}

type UseRow = {
  client: string
  dormant: boolean
  last_resolved_at: Date | null
  leased_until: Date | null
  canary: boolean
}

const UNUSED: UseOfClient = {
  lastResolvedAt: undefined,
  leasedUntil: undefined,
  canary: false,
  dormant: false,
}

function useFromRow({ last_resolved_at, leased_until, canary, dormant }: UseRow): UseOfClient {
  return {
    lastResolvedAt: last_resolved_at ?? undefined,
    leasedUntil: leased_until ?? undefined,
    canary,
    dormant,
  }
}
