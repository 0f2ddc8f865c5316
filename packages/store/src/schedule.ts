import type { DueAction, DueFacts, EventType, FailureCode } from '@cimd/core'
import { sql } from 'kysely'
import type { Db, Transaction } from './db.ts'
import { DUE_COLUMNS, type DueFactsRow, factsFromRow, RANKED_MAX, readUses } from './due-facts.ts'

/** One client that is due to be looked at, locked for the transaction. */
export type DueClient = {
  readonly client: string
  readonly host: string
  readonly facts: DueFacts
  /** What it was deferred until and now waits for no longer. */
  readonly turnAt: Date | undefined
  readonly now: Date
}

/** What to do with a due client. What is not to begin before its turn is wanted now and deferred until then. */
export type DecidedClient = {
  readonly client: string
  readonly action: DueAction
  readonly notBefore?: Date
}

/** How many of those due most recently a sweep ranks: users' lost work is among them, however many refreshes have piled up. */
const RECENT_MAX = 1000

const DORMANT: EventType = 'client.dormant'
const PACED: FailureCode = 'host_budget'

type DueRow = DueFactsRow & { client: string; host: string; turn_at: Date | null; now: Date }

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
    ), ranked as (
      -- The subqueries keep their place: whatever the planner believes of how many are due, each costs a look into an index.
      select d.client_ref, c.is_urgent,
        row_number() over (partition by i.tenant_id order by d.due_at) as turn
      from candidates d
      cross join lateral (
        select urgent > done and not (${isInLine('clients')}) as is_urgent
        from cimd.clients where id = d.client_ref offset 0
      ) c
      cross join lateral (
        select min(tenant_id::text) as tenant_id from cimd.interest where client_ref = d.client_ref
      ) i
    ), in_line as (
      select * from ranked where not ${urgentOnly} or is_urgent order by is_urgent desc, turn
    )
    select due.* from in_line r cross join lateral (
      select d.id::text as client, d.host, cimd.cimd_now() as now, ${DUE_COLUMNS},
        ${isInLine('d')} as in_line, d.version_id is not null as known,
        -- Whatever has been enqueued since looks again at another time.
        case when s.due_at = d.deferred_until then d.deferred_until end as turn_at
      from cimd.schedule s join cimd.clients d on d.id = s.client_ref
      where s.client_ref = r.client_ref and s.due_at <= cimd.cimd_now() and (not ${urgentOnly} or d.urgent > d.done)
      -- Skipping locked clients too: a sweep that never waits cannot be part of a deadlock.
      for update of s, d skip locked
    ) due
    limit ${limit}`.execute(trx)
  const useOf = await readUses(
    trx,
    rows.map(({ client }) => client),
  )
  return rows.map((row) => {
    const { client, host, turn_at, now } = row
    return { client, host, turnAt: turn_at ?? undefined, now, facts: factsFromRow(row, useOf(client)) }
  })
}

// A user waits for it, and nobody has given it a place.
function isInLine(clients: 'clients' | 'd') {
  const c = sql.ref(clients)
  return sql`${c}.placed < ${c}.urgent and exists (
    select from cimd.fetch_places where client_ref = ${c}.id and taken_at is null
  )`
}

/**
 * Carries out what was decided for each locked client: `refresh` raises `wanted` by one, `retire` makes it dormant, which
 * those that used it are told if they ever had a document of it.
 */
export async function applyDueActions(trx: Transaction, decided: readonly DecidedClient[]): Promise<void> {
  const begun = decided.flatMap(({ client, action, notBefore }) => {
    const raise = action.kind === 'refresh' ? 1 : 0
    return raise > 0 || notBefore !== undefined ? [{ client, raise, not_before: notBefore ?? null }] : []
  })
  const retired = decided.filter(({ action }) => action.kind === 'retire').map(({ client }) => client)
  const postponed = decided.flatMap(({ client, action, notBefore }) =>
    action.kind === 'retire' ? [] : [{ client, at: notBefore ?? action.lookAgainAt }],
  )
  await sql`
    with begun as (
      update cimd.clients c set wanted = c.wanted + b.raise, deferred_until = b.not_before,
        deferred_code = case when b.not_before is not null then ${PACED} end
      from jsonb_to_recordset(${JSON.stringify(begun)}::jsonb) as b (client bigint, raise integer, not_before timestamptz)
      where c.id = b.client and (b.raise = 0 or c.wanted = c.done)
    ), retired as (
      update cimd.clients set dormant_since = cimd.cimd_now(),
        event_seq = event_seq + (version_id is not null)::integer
      where id = any(${retired}::bigint[]) and dormant_since is null
      returning id, version_id, event_seq, dormant_since
    ), announced as (
      insert into cimd.outbox (client_ref, client_seq, type, data, occurred_at)
      select r.id, r.event_seq, ${DORMANT}, jsonb_build_object('digest', encode(v.digest, 'hex'),
        'since', to_char(r.dormant_since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')), r.dormant_since
      from retired r join cimd.versions v on v.id = r.version_id
    ), let_go as (
      delete from cimd.schedule where client_ref = any(${retired}::bigint[])
    ), resting as (
      -- What is wanted is fetched first, and let go by the sweep after it: somebody may wait for it. One that is being
      -- recorded now is left alone: the sweep does not wait.
      update cimd.resources set due_at = null where id in (
        select id from cimd.resources
        where client_ref = any(${retired}::bigint[]) and due_at is not null and wanted = done
        for no key update skip locked
      )
    )
    update cimd.schedule s set due_at = p.at
    from jsonb_to_recordset(${JSON.stringify(postponed)}::jsonb) as p (client bigint, at timestamptz)
    where s.client_ref = p.client`.execute(trx)
}

/** Runs `work` in one transaction on behalf of no tenant. */
export async function inTransaction<T>(db: Db, work: (trx: Transaction) => Promise<T>): Promise<T> {
  return db.transaction().execute(work)
}
