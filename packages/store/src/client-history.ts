import { type FailureCode, isFailureCode } from '@cimd/core'
import { sql } from 'kysely'
import type { BindingKind } from './bindings.ts'
import type { Transaction } from './db.ts'
import { sinceGeneration } from './interest.ts'
import { wasCurrent } from './versions.ts'

/** What a tenant may know of a client beside its record. */
export type ClientLife = {
  readonly dormantSince: Date | undefined
  /** When it is looked at next; undefined: not before somebody asks. */
  readonly dueAt: Date | undefined
  /** When the tenant first asked for it, and until when it is looked after for the tenant's sake. */
  readonly firstDemandAt: Date
  readonly leasedUntil: Date
  readonly versions: readonly KnownVersion[]
}

/** A version that was the current one since the tenant's first demand. */
export type KnownVersion = {
  readonly digest: string
  /** When it was first fetched, or the tenant's first demand if that was later. */
  readonly firstSeenAt: Date
  readonly lastConfirmedAt: Date
  readonly isCurrent: boolean
  readonly isApproved: boolean
  /** What the tenant has built on it, and until when that keeps it. */
  readonly bound: readonly { readonly kind: BindingKind; readonly until: Date }[]
}

type LifeRow = {
  dormant_since: Date | null
  due_at: Date | null
  first_demand_at: Date
  leased_until: Date
}

/** Reads the life of a client for the tenant of the transaction; undefined if it never asked for it. */
export async function findClientLife(trx: Transaction, client: string): Promise<ClientLife | undefined> {
  const { rows } = await sql<LifeRow>`
    select c.dormant_since, s.due_at, i.first_demand_at, i.leased_until
    from cimd.clients c
    join cimd.interest i on i.client_ref = c.id and i.tenant_id = cimd.current_tenant()
    left join cimd.schedule s on s.client_ref = c.id
    where c.id = ${client}`.execute(trx)
  const [row] = rows
  if (row === undefined) return undefined
  return {
    dormantSince: row.dormant_since ?? undefined,
    dueAt: row.due_at ?? undefined,
    firstDemandAt: row.first_demand_at,
    leasedUntil: row.leased_until,
    versions: await listVersions(trx, client),
  }
}

/** Newest versions that are told; what is kept beyond them is kept for somebody. */
const VERSIONS_TOLD_MAX = 100

type VersionRow = {
  digest: string
  first_seen_at: Date
  last_confirmed_at: Date
  is_current: boolean
  is_approved: boolean
  bound: readonly { kind: BindingKind; until: string }[] | null
}

async function listVersions(trx: Transaction, client: string): Promise<readonly KnownVersion[]> {
  const { rows } = await sql<VersionRow>`
    select encode(v.digest, 'hex') as digest, c.version_id = v.id as is_current,
      greatest(v.fetched_at, i.first_demand_at) as first_seen_at,
      exists (
        select from cimd.approvals where tenant_id = i.tenant_id and client_ref = c.id and version_id = v.id
      ) as is_approved,
      coalesce(case when c.version_id = v.id then c.validated_at end,
        (select max(finished_at) from cimd.attempts where version_id = v.id and applied), v.fetched_at
      ) as last_confirmed_at, (
        select jsonb_agg(jsonb_build_object('kind', kind, 'until', bound_until) order by kind) from cimd.bindings
        where tenant_id = i.tenant_id and version_id = v.id and bound_until > cimd.cimd_now()
      ) as bound
    from cimd.clients c join cimd.versions v on v.client_id = c.client_id
    join cimd.interest i on i.client_ref = c.id and i.tenant_id = cimd.current_tenant()
    where c.id = ${client} and ${wasCurrent}
    order by v.id desc limit ${VERSIONS_TOLD_MAX}`.execute(trx)
  return rows.map((row) => ({
    digest: row.digest,
    firstSeenAt: row.first_seen_at,
    lastConfirmedAt: row.last_confirmed_at,
    isCurrent: row.is_current,
    isApproved: row.is_approved,
    bound: (row.bound ?? []).map(({ kind, until }) => ({ kind, until: new Date(until) })),
  }))
}

/** One line of what happened to a client. */
export type HistoryEntry = {
  readonly at: Date
  /** Names the place in the history, to go on before it. */
  readonly cursor: string
} & (
  | {
      readonly kind: 'attempt'
      readonly outcome: 'fetched' | 'not_modified' | 'failed'
      /** Of the version it found; undefined after a failure, or if that version is no longer kept. */
      readonly digest: string | undefined
      readonly failure: { readonly code: FailureCode | undefined; readonly detail: string } | undefined
    }
  | { readonly kind: 'event'; readonly type: string; readonly clientSeq: number; readonly data: unknown }
)

type HistoryRow = {
  at: Date
  /** Counted from where the tenant began: how often others asked before is not its business. */
  place: number
  outcome: 'fetched' | 'not_modified' | 'failed' | null
  digest: string | null
  failure_code: string | null
  detail: string | null
  type: string | null
  data: unknown
}

const FIRST_PLACE = 1
const PLACE_MAX = '999999999999999'
// Later than anything.
const END = `${PLACE_MAX}.${PLACE_MAX}`

/** Whether a text is a cursor as `readClientHistory` gives them. */
export function isHistoryCursor(text: string): boolean {
  return /^\d{1,15}\.\d{1,15}$/.test(text)
}

/**
 * What happened to a client since the first demand of the tenant of the transaction, newest first: attempts that counted,
 * and events, those of an attempt above it. Up to `limit` entries before the one of a cursor, which stays good whatever is
 * no longer kept by then.
 */
export async function readClientHistory(
  trx: Transaction,
  client: string,
  { before = END, limit }: { readonly before?: string | undefined; readonly limit: number },
): Promise<readonly HistoryEntry[]> {
  const [attempt, event] = before.split('.')
  const { rows } = await sql<HistoryRow>`
    with i as (
      select i.client_ref, i.since_seq, ${sinceGeneration} as since_generation
      from cimd.interest i where i.client_ref = ${client} and i.tenant_id = cimd.current_tenant()
    ), attempts as (
      select a.finished_at as at, a.generation - i.since_generation as place, a.outcome,
        encode(v.digest, 'hex') as digest, a.failure_code, a.detail, null::text as type, null::jsonb as data
      from i join cimd.attempts a on a.client_ref = i.client_ref left join cimd.versions v on v.id = a.version_id
      where a.applied and a.generation > i.since_generation and a.generation < i.since_generation + ${attempt}::bigint
      order by a.generation desc limit ${limit}
    ), events as (
      select o.occurred_at as at, o.client_seq - i.since_seq as place, null::text as outcome,
        null::text as digest, null::text as failure_code, null::text as detail, o.type, o.data
      from i join cimd.outbox o on o.client_ref = i.client_ref
      where o.client_seq > i.since_seq and o.client_seq < i.since_seq + ${event}::bigint
      order by o.client_seq desc limit ${limit}
    )
    select * from attempts union all select * from events
    order by place desc`.execute(trx)
  const isEvent = ({ type }: HistoryRow) => type !== null
  return mergeRows({ attempts: rows.filter((row) => !isEvent(row)), events: rows.filter(isEvent) }, limit)
}

type NewestFirst = readonly HistoryRow[]

// Each kind in its own order, which no clock decides; a cursor is a place in both, so that a page goes on where the one before
// ended in either.
function mergeRows(
  { attempts, events }: { readonly attempts: NewestFirst; readonly events: NewestFirst },
  limit: number,
): readonly HistoryEntry[] {
  const entries: HistoryEntry[] = []
  for (let told = 0; entries.length < limit; ) {
    const [attempt, event] = [attempts[entries.length - told], events[told]]
    const isEventNext = event !== undefined && (attempt === undefined || event.at >= attempt.at)
    const row = isEventNext ? event : attempt
    if (row === undefined) break
    if (isEventNext) told += 1
    const cursor = `${bound(attempts, entries.length + 1 - told)}.${bound(events, told)}`
    entries.push(entryFromRow(row, cursor))
  }
  return entries
}

/** The place before which the rest of a list is; what is added to it later is not. */
function bound(rows: NewestFirst, taken: number): number {
  const next = rows[taken]
  return next === undefined ? (rows.at(-1)?.place ?? FIRST_PLACE) : next.place + 1
}

function entryFromRow(row: HistoryRow, cursor: string): HistoryEntry {
  const { at, place, outcome, digest, failure_code: code, detail, type, data } = row
  if (type !== null) return { at, cursor, kind: 'event', type, clientSeq: place, data }
  return {
    ...{ at, cursor, kind: 'attempt', outcome: outcome ?? 'failed', digest: digest ?? undefined },
    failure:
      code === null ? undefined : { code: isFailureCode(code) ? code : undefined, detail: detail ?? '' },
  }
}
