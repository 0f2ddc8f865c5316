import { type ClientIdUrl, type ClientStanding, type FailureCode, UNKNOWN_STANDING } from '@cimd/core'
import { sql } from 'kysely'
import type { Transaction } from './db.ts'
import { SENT_AHEAD } from './prepared-pool.ts'
import { knownCode, type StandingRow, standingFromRow } from './standing.ts'

/** A valid version as stored: the bytes as fetched and their sha-256, hex. */
export type StoredVersion = {
  readonly digest: string
  readonly body: Uint8Array
  readonly contentType: string
  readonly fetchedAt: Date
}

/** What one tenant can see of one client at one instant of the database's clock. */
export type ClientView = {
  readonly now: Date
  /** Undefined: no tenant ever demanded it. */
  readonly id: string | undefined
  readonly wanted: number
  readonly urgent: number
  readonly done: number
  /** Until when its budget asks to wait; undefined once that is over. */
  readonly deferred: { readonly code: FailureCode; readonly until: Date } | undefined
  readonly standing: ClientStanding
  readonly version: StoredVersion | undefined
  /** End of the newest attempt. */
  readonly attemptedAt: Date | undefined
  /** Undefined: this tenant never demanded it. */
  readonly lastResolvedAt: Date | undefined
}

type ViewRow = Partial<Omit<StandingRow, 'digest'>> & {
  now: Date
  id: string | null
  wanted: number | null
  urgent: number | null
  done: number | null
  deferred_until: Date | null
  deferred_code: string | null
  digest: Buffer | null
  body: Buffer | null
  content_type: string | null
  fetched_at: Date | null
  attempted_at: Date | null
  last_resolved_at: Date | null
}

/** Reads the record of a client for the tenant of the transaction. One round trip. */
export async function findClient(trx: Transaction, clientId: ClientIdUrl): Promise<ClientView> {
  const { rows } = await sql<ViewRow>`
    select cimd.cimd_now() as now, c.id::text, c.wanted, c.urgent, c.done, c.deferred_until, c.deferred_code,
      c.state, c.validated_at, c.fresh_until, c.revalidate_until, c.usable_until, c.stale_forbidden, c.stale_if_error_seconds,
      c.failure_code, c.failing_since, c.withdrawing_code, c.withdrawing_since, c.retry_at,
      v.digest, v.body, v.content_type, v.fetched_at,
      c.attempted_at, i.last_resolved_at
    from (values (true)) as always
    left join cimd.clients c on c.client_id = ${clientId}
    left join cimd.versions v on v.id = c.version_id
    left join cimd.interest i on i.client_ref = c.id and i.tenant_id = cimd.current_tenant()`.execute(trx)
  const row = rows[0]
  if (row === undefined) throw new Error('a left join from one row gave none')
  return viewFromRow(row)
}

function viewFromRow(row: ViewRow): ClientView {
  return {
    now: row.now,
    id: row.id ?? undefined,
    wanted: row.wanted ?? 0,
    urgent: row.urgent ?? 0,
    done: row.done ?? 0,
    deferred:
      row.deferred_until === null || row.deferred_code === null || row.deferred_until <= row.now
        ? undefined
        : { code: knownCode(row.deferred_code), until: row.deferred_until },
    standing: row.id === null ? UNKNOWN_STANDING : standingFromRow(row as StandingRow),
    version: versionFromRow(row),
    attemptedAt: row.attempted_at ?? undefined,
    lastResolvedAt: row.last_resolved_at ?? undefined,
  }
}

function versionFromRow(row: ViewRow): StoredVersion | undefined {
  if (row.digest === null || row.body === null || row.content_type === null || row.fetched_at === null) {
    return undefined
  }
  return {
    digest: row.digest.toString('hex'),
    body: row.body,
    contentType: row.content_type,
    fetchedAt: row.fetched_at,
  }
}

/**
 * Keeps the client as it is until the transaction ends: no attempt on it can be recorded meanwhile. A tenant's first
 * use reads the record and begins its view of the client under this lock, so that no event falls in between.
 */
export async function lockClient(trx: Transaction, client: string): Promise<void> {
  await sql`select from cimd.clients where id = ${client} for no key update`.execute(trx)
}

export type Demand = {
  readonly clientId: ClientIdUrl
  readonly host: string
  /** Raise `wanted` even while a fetch runs: what runs now began before this demand. */
  readonly forced: boolean
  /** A user waits: the work belongs on the fetch queue. */
  readonly urgent: boolean
  /** When to look for the work if the queue lost it. */
  readonly lookAgainInSeconds: number
}

/** The generation that answers the demand, and whether a job has to be enqueued for it. */
export type RaisedDemand = { readonly client: string; readonly generation: number; readonly enqueue: boolean }

/**
 * Demands a fetch: joins the one wanted or running, or raises `wanted` by one. `view` is what the same
 * transaction just read; a demand that joins according to it writes nothing.
 */
export async function raiseDemand(trx: Transaction, view: ClientView, demand: Demand): Promise<RaisedDemand> {
  const joins = view.wanted > view.done && !demand.forced && (!demand.urgent || view.urgent >= view.wanted)
  if (joins && view.id !== undefined) return { client: view.id, generation: view.wanted, enqueue: false }
  if (view.id === undefined) await insertClient(trx, demand)
  return (await raiseWanted(trx, demand)) ?? (await joinWanted(trx, demand.clientId))
}

async function insertClient(trx: Transaction, { clientId, host }: Demand): Promise<void> {
  await sql`${sql.raw(SENT_AHEAD)} insert into cimd.clients (client_id, host) values (${clientId}, ${host})
    on conflict (client_id) do nothing`.execute(trx)
}

async function raiseWanted(trx: Transaction, demand: Demand): Promise<RaisedDemand | undefined> {
  const raise = sql`case when ${demand.forced} or c.wanted = c.done then 1 else 0 end`
  const { rows } = await sql<{ client: string; generation: number }>`
    with raised as (
      update cimd.clients c set
        wanted = c.wanted + ${raise},
        forced = case when ${demand.forced} then c.wanted + ${raise} else c.forced end,
        urgent = case when ${demand.urgent} then c.wanted + ${raise} else c.urgent end,
        -- What was put off was nobody's hurry; the budget has room for users.
        deferred_until = case when ${demand.urgent} then null else c.deferred_until end,
        deferred_code = case when ${demand.urgent} then null else c.deferred_code end
      where c.client_id = ${demand.clientId}
        and (${demand.forced} or c.wanted = c.done or (${demand.urgent} and c.urgent < c.wanted))
      returning c.id, c.wanted
    ), scheduled as (
      insert into cimd.schedule as s (client_ref, due_at)
      select id, cimd.cimd_now() + make_interval(secs => ${demand.lookAgainInSeconds}) from raised
      on conflict (client_ref) do update set due_at = least(s.due_at, excluded.due_at)
    )
    select id::text as client, wanted as generation from raised`.execute(trx)
  const row = rows[0]
  return row === undefined ? undefined : { ...row, enqueue: true }
}

// A statement of its own, because it must see what the transaction that was waited for has committed.
async function joinWanted(trx: Transaction, clientId: ClientIdUrl): Promise<RaisedDemand> {
  const { id, wanted } = await trx
    .selectFrom('cimd.clients')
    .select(['id', 'wanted'])
    .where('client_id', '=', clientId)
    .executeTakeFirstOrThrow()
  return { client: String(id), generation: wanted, enqueue: false }
}
