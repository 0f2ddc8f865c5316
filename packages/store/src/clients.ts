import {
  type ClientIdUrl,
  type ClientStanding,
  type FailureCode,
  QUARANTINED,
  quarantineAt,
  registrableDomainOf,
  type StaleLimits,
  UNKNOWN_STANDING,
  type UseTerms,
} from '@cimd/core'
import { sql } from 'kysely'
import type { Transaction } from './db.ts'
import { SENT_AHEAD } from './prepared-pool.ts'
import { findResources, type ResourceView } from './resource-views.ts'
import { knownCode, type StandingRow, standingFromRow } from './standing.ts'

/** A valid version as stored: the bytes as fetched and their sha-256, hex. */
export type StoredVersion = {
  readonly digest: string
  readonly body: Uint8Array
  readonly contentType: string
  readonly fetchedAt: Date
  /** Of the rules that said it is valid. */
  readonly rulesVersion: number
}

/** The version a tenant has approved, as stored. */
export type ApprovedVersion = Pick<StoredVersion, 'digest' | 'body' | 'rulesVersion'>

/** What one tenant can see of one client at one instant of the database's clock. */
export type ClientView = {
  readonly now: Date
  /** Undefined: no tenant ever demanded it. */
  readonly id: string | undefined
  readonly wanted: number
  readonly urgent: number
  readonly done: number
  /** Until when its budget asks to wait, or its quarantine; undefined once that is over. */
  readonly deferred: { readonly code: FailureCode; readonly until: Date } | undefined
  readonly standing: ClientStanding
  /** What else decides its use by this tenant: the brake, and the tenant's own limits. */
  readonly terms: UseTerms
  readonly version: StoredVersion | undefined
  /** What the tenant has approved; undefined: it gets the current version as it is. */
  readonly approved?: ApprovedVersion | undefined
  /** The rules an operator of the deployment has approved (CAC-12). */
  readonly rulesApproved?: number | undefined
  /** Its key set and its logo, where its document names them. */
  readonly resources: readonly ResourceView[]
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
  rules_version: number | null
  approved_digest: Buffer | null
  approved_body: Buffer | null
  approved_rules: number | null
  rules_approved: number | null
  attempted_at: Date | null
  last_resolved_at: Date | null
  held_from: Date | null
  has_resources: boolean
  stale_limits: StaleLimits | null
}

/**
 * Reads the record of a client for the tenant of the transaction. One round trip, and one more for a client whose
 * document names a key set or a logo.
 */
export async function findClient(trx: Transaction, clientId: ClientIdUrl): Promise<ClientView> {
  const { rows } = await sql<ViewRow>`
    select cimd.cimd_now() as now, c.id::text, c.wanted, c.urgent, c.done, c.deferred_until, c.deferred_code,
      c.state, c.validated_at, c.fresh_until, c.revalidate_until, c.usable_until, c.stale_forbidden, c.stale_if_error_seconds,
      c.failure_code, c.failing_since, c.withdrawing_code, c.withdrawing_since, c.retry_at,
      c.quarantined_since, c.quarantined_until, v.digest, v.body, v.content_type, v.fetched_at, v.rules_version,
      p.digest as approved_digest, p.body as approved_body, p.rules_version as approved_rules,
      (select rules_version from cimd.deployment) as rules_approved,
      c.attempted_at, i.last_resolved_at, b.held_from, t.stale_limits,
      exists (select from cimd.resources where client_ref = c.id) as has_resources
    from (values (true)) as always
    left join cimd.clients c on c.client_id = ${clientId}
    left join cimd.versions v on v.id = c.version_id
    left join cimd.interest i on i.client_ref = c.id and i.tenant_id = cimd.current_tenant()
    left join cimd.approvals a on a.client_ref = c.id and a.tenant_id = cimd.current_tenant()
    left join cimd.versions p on p.id = a.version_id
    left join cimd.tenants t on t.id = cimd.current_tenant()
    left join cimd.brake b on b.held_from is not null`.execute(trx)
  const row = rows[0]
  if (row === undefined) throw new Error('a left join from one row gave none')
  const resources = row.has_resources && row.id !== null ? await findResources(trx, row.id) : []
  return { ...viewFromRow(row), resources }
}

function viewFromRow(row: ViewRow): Omit<ClientView, 'resources'> {
  const standing = row.id === null ? UNKNOWN_STANDING : standingFromRow(row as StandingRow)
  return {
    now: row.now,
    id: row.id ?? undefined,
    wanted: row.wanted ?? 0,
    urgent: row.urgent ?? 0,
    done: row.done ?? 0,
    deferred: deferralOf(row, standing),
    standing,
    terms: {
      brake: row.held_from === null ? undefined : { heldFrom: row.held_from },
      staleLimits: row.stale_limits ?? undefined,
    },
    version: versionFromRow(row),
    approved: approvedFromRow(row),
    rulesApproved: row.rules_approved ?? undefined,
    attemptedAt: row.attempted_at ?? undefined,
    lastResolvedAt: row.last_resolved_at ?? undefined,
  }
}

function deferralOf(row: ViewRow, standing: ClientStanding): ClientView['deferred'] {
  const quarantine = quarantineAt(standing, row.now)
  if (quarantine !== undefined) return { code: QUARANTINED, until: quarantine.until }
  const { deferred_until: until, deferred_code: code } = row
  return until === null || code === null || until <= row.now ? undefined : { code: knownCode(code), until }
}

function approvedFromRow(row: ViewRow): ApprovedVersion | undefined {
  const { approved_digest: digest, approved_body: body, approved_rules: rulesVersion } = row
  if (digest === null || body === null || rulesVersion === null) return undefined
  return { digest: digest.toString('hex'), body, rulesVersion }
}

function versionFromRow(row: ViewRow): StoredVersion | undefined {
  const { digest, body, content_type, rules_version, fetched_at } = row
  if (!digest || !body || content_type === null || rules_version === null || !fetched_at) return undefined
  return {
    digest: digest.toString('hex'),
    body,
    contentType: content_type,
    rulesVersion: rules_version,
    fetchedAt: fetched_at,
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
  const joins = !demand.forced && (demand.urgent ? isAwaited(view) : view.wanted > view.done)
  if (joins && view.id !== undefined) return { client: view.id, generation: view.wanted, enqueue: false }
  if (view.id === undefined) await insertClient(trx, demand)
  const raised = await raiseWanted(trx, demand)
  if (raised !== undefined) return raised
  // It was forgotten after it was read (CAC-19).
  await insertClient(trx, demand)
  const anew = await raiseWanted(trx, demand)
  if (anew === undefined) throw new Error('a client was forgotten that had just been demanded')
  return anew
}

/** Whether a fetch is wanted for a user already, which another user's demand only joins. */
export function isAwaited({ wanted, urgent, done }: ClientView): boolean {
  return wanted > done && urgent >= wanted
}

async function insertClient(trx: Transaction, { clientId, host }: Demand): Promise<void> {
  await sql`${sql.raw(SENT_AHEAD)} insert into cimd.clients (client_id, host, domain)
    values (${clientId}, ${host}, ${registrableDomainOf(host)})
    on conflict (client_id) do nothing`.execute(trx)
}

// The row is locked first, so that all that follows is of what the transaction that was waited for has committed.
async function raiseWanted(trx: Transaction, demand: Demand): Promise<RaisedDemand | undefined> {
  const raise = sql`case when ${demand.forced} or c.wanted = c.done then 1 else 0 end`
  const { rows } = await sql<RaisedDemand>`
    with held as (
      select id, wanted, dormant_since from cimd.clients where client_id = ${demand.clientId} for no key update
    ), raised as (
      update cimd.clients c set
        wanted = c.wanted + ${raise},
        forced = case when ${demand.forced} then c.wanted + ${raise} else c.forced end,
        urgent = case when ${demand.urgent} then c.wanted + ${raise} else c.urgent end,
        -- What was put off was nobody's hurry; the budget has room for users.
        deferred_until = case when ${demand.urgent} then null else c.deferred_until end,
        deferred_code = case when ${demand.urgent} then null else c.deferred_code end,
        dormant_since = null
      from held
      where c.id = held.id
        and (${demand.forced} or c.wanted = c.done or (${demand.urgent} and c.urgent < c.wanted))
      returning c.id, c.wanted
    ), woken as (
      update cimd.resources r set due_at = coalesce(r.due_at, cimd.cimd_now())
      from held where r.client_ref = held.id and held.dormant_since is not null
    ), scheduled as (
      insert into cimd.schedule as s (client_ref, due_at, urgent_since)
      select id, cimd.cimd_now() + make_interval(secs => ${demand.lookAgainInSeconds}),
        case when ${demand.urgent} then cimd.cimd_now() end
      from raised
      on conflict (client_ref) do update set due_at = least(s.due_at, excluded.due_at),
        urgent_since = coalesce(excluded.urgent_since, s.urgent_since)
    )
    select held.id::text as client, coalesce(raised.wanted, held.wanted) as generation,
      raised.id is not null as enqueue
    from held left join raised on raised.id = held.id`.execute(trx)
  return rows[0]
}
