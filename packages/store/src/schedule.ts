import type { DueAction, DueFacts } from '@cimd/core'
import { sql } from 'kysely'
import type { Db, Transaction } from './db.ts'

/** One client that is due to be looked at, locked for the transaction. */
export type DueClient = { readonly client: string; readonly facts: DueFacts; readonly now: Date }

/** How many of the rows due longest a sweep ranks at most; the rest are ranked when these are gone. */
const RANKED_MAX = 10_000
/** And how many due most recently: users' lost work is among them, however many refreshes have piled up. */
const RECENT_MAX = 1000

type DueRow = {
  client: string
  now: Date
  wanted: number
  done: number
  urgent: number
  claim_until: Date | null
  deferred_until: Date | null
  attempted_at: Date | null
  failing: boolean
  last_resolved_at: Date | null
  leased_until: Date | null
}

/**
 * Locks up to `limit` due clients nobody else is working on: users' lost work first, then round robin over the
 * tenants that use them, so that one tenant's backlog does not hold up another's. `urgentOnly` leaves out all but
 * the first.
 */
export async function lockDueClients(
  trx: Transaction,
  limit: number,
  options: { readonly urgentOnly?: boolean } = {},
): Promise<DueClient[]> {
  const { urgentOnly = false } = options
  const { rows } = await sql<DueRow>`
    with candidates as (
      (select client_ref, due_at from cimd.schedule where due_at <= cimd.cimd_now()
        order by due_at limit ${RANKED_MAX})
      union
      (select client_ref, due_at from cimd.schedule where due_at <= cimd.cimd_now()
        order by due_at desc limit ${RECENT_MAX})
    ), used as (
      select d.client_ref, d.due_at, i.tenant_id, i.last_resolved_at, i.leased_until
      from candidates d left join lateral (
        select min(tenant_id::text) as tenant_id, max(last_resolved_at) as last_resolved_at,
          max(leased_until) as leased_until
        from cimd.interest where client_ref = d.client_ref
      ) i on true
    ), ranked as (
      select client_ref, last_resolved_at, leased_until,
        row_number() over (partition by tenant_id order by due_at) as turn
      from used
    )
    select c.id::text as client, cimd.cimd_now() as now, c.wanted, c.done, c.urgent, c.claim_until,
      c.deferred_until, c.attempted_at, c.failure_code is not null as failing,
      r.last_resolved_at, r.leased_until
    from ranked r
    join cimd.schedule s on s.client_ref = r.client_ref and s.due_at <= cimd.cimd_now()
    join cimd.clients c on c.id = r.client_ref
    where not ${urgentOnly} or c.urgent > c.done
    order by (c.urgent > c.done) desc, r.turn
    limit ${limit}
    -- Skipping locked clients too: a sweep that never waits cannot be part of a deadlock.
    for update of s, c skip locked`.execute(trx)
  return rows.map((row) => ({ client: row.client, now: row.now, facts: factsFromRow(row) }))
}

/** Carries out what was decided for each locked client; `refresh` raises `wanted` by one. */
export async function applyDueActions(
  trx: Transaction,
  decided: readonly { readonly client: string; readonly action: DueAction }[],
): Promise<void> {
  const refreshed = decided.filter(({ action }) => action.kind === 'refresh').map(({ client }) => client)
  const retired = decided.filter(({ action }) => action.kind === 'retire').map(({ client }) => client)
  const postponed = decided.flatMap(({ client, action }) =>
    action.kind === 'retire' ? [] : [{ client, at: action.lookAgainAt.toISOString() }],
  )
  await sql`
    with refreshed as (
      update cimd.clients set wanted = wanted + 1
      where id = any(${refreshed}::bigint[]) and wanted = done
    ), retired as (
      delete from cimd.schedule where client_ref = any(${retired}::bigint[])
    )
    update cimd.schedule s set due_at = p.at
    from jsonb_to_recordset(${JSON.stringify(postponed)}::jsonb) as p (client bigint, at timestamptz)
    where s.client_ref = p.client`.execute(trx)
}

/** Runs `work` in one transaction on behalf of no tenant. */
export async function inTransaction<T>(db: Db, work: (trx: Transaction) => Promise<T>): Promise<T> {
  return db.transaction().execute(work)
}

function factsFromRow(row: DueRow): DueFacts {
  return {
    wanted: row.wanted,
    done: row.done,
    urgent: row.urgent,
    claimUntil: row.claim_until ?? undefined,
    deferredUntil: row.deferred_until ?? undefined,
    attemptedAt: row.attempted_at ?? undefined,
    failing: row.failing,
    lastResolvedAt: row.last_resolved_at ?? undefined,
    leasedUntil: row.leased_until ?? undefined,
  }
}
