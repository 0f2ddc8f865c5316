import type { DueAction, DueFacts } from '@cimd/core'
import { type RawBuilder, sql } from 'kysely'
import type { Transaction } from './db.ts'
import { DUE_COLUMNS, type DueFactsRow, factsFromRow, RANKED_MAX, readUses } from './due-facts.ts'

/** A key set or logo that is due to be looked at, locked for the transaction. */
export type DueResource = {
  readonly resource: string
  readonly client: string
  readonly facts: DueFacts
  readonly now: Date
}

type DueRow = DueFactsRow & { resource: string; client: string; now: Date }

/**
 * Locks up to `limit` due resources that nobody else is working on: what somebody waits for first, then key sets, then
 * logos, each round robin over the tenants that use their clients, those due longest first. `urgentOnly` leaves out all but
 * the first. Those of a dormant client are used by nobody.
 */
export async function lockDueResources(
  trx: Transaction,
  limit: number,
  options: { readonly urgentOnly?: boolean } = {},
): Promise<DueResource[]> {
  const { urgentOnly = false } = options
  const urgent = dueFirst(sql`urgent > done`, limit)
  const [keys, logos] = [dueFirst(sql`kind = 'jwks'`, RANKED_MAX), dueFirst(sql`kind = 'logo'`, RANKED_MAX)]
  const { rows } = await sql<DueRow>`
    with candidates as (
      ${urgentOnly ? urgent : sql`(${urgent}) union (${keys}) union (${logos})`}
    ), ranked as (
      select d.id, d.kind, d.is_urgent,
        row_number() over (partition by d.kind, i.tenant_id order by d.due_at) as turn
      from candidates d cross join lateral (
        select min(tenant_id::text) as tenant_id from cimd.interest where client_ref = d.client_ref
      ) i
    ), in_line as (
      select * from ranked order by is_urgent desc, kind = 'jwks' desc, turn
    )
    select due.* from in_line r cross join lateral (
      select d.id::text as resource, d.client_ref::text as client, cimd.cimd_now() as now, ${DUE_COLUMNS}
      from cimd.resources d
      where d.id = r.id and d.due_at <= cimd.cimd_now() and (not ${urgentOnly} or d.urgent > d.done)
      -- A sweep that never waits cannot be part of a deadlock.
      for update of d skip locked
    ) due
    limit ${limit}`.execute(trx)
  const useOf = await readUses(
    trx,
    rows.map(({ client }) => client),
  )
  return rows.map((row) => {
    const { resource, client, now } = row
    const use = useOf(client)
    const leasedUntil = use.dormant ? undefined : use.leasedUntil
    return { resource, client, now, facts: factsFromRow(row, { ...use, leasedUntil }) }
  })
}

function dueFirst(which: RawBuilder<unknown>, limit: number): RawBuilder<unknown> {
  return sql`
    select id, client_ref, kind, due_at, urgent > done as is_urgent from cimd.resources
    where due_at <= cimd.cimd_now() and ${which} order by due_at limit ${limit}`
}

/** Carries out what was decided for each locked resource; `refresh` raises `wanted`, `retire` lets it sleep. */
export async function applyResourceActions(
  trx: Transaction,
  decided: readonly { readonly resource: string; readonly action: DueAction }[],
): Promise<void> {
  const rows = decided.map(({ resource, action }) => ({
    resource,
    raise: action.kind === 'refresh' ? 1 : 0,
    at: action.kind === 'retire' ? null : action.lookAgainAt.toISOString(),
  }))
  await sql`
    update cimd.resources r set wanted = r.wanted + p.raise, due_at = p.at
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as p (resource bigint, raise integer, at timestamptz)
    where r.id = p.resource`.execute(trx)
}
