import type { ClientIdUrl, ClientStanding, StoredDocument } from '@cimd/core'
import { type RawBuilder, sql } from 'kysely'
import type { Db, Transaction } from './db.ts'
import { rowFromStanding, type StandingRow, standingFromRow } from './standing.ts'

/** What decides whether stored documents are judged by new rules now. */
export type RulesStatus = {
  /** The rules an operator has approved; undefined: none were ever recorded. */
  readonly approved: number | undefined
  /** Nothing ends while the brake is engaged. */
  readonly braked: boolean
}

/** Reads the rules an operator has approved (CAC-12). */
export async function readRulesStatus(db: Db): Promise<RulesStatus> {
  const { rows } = await sql<{ approved: number | null; braked: boolean }>`
    select d.rules_version as approved, exists (select from cimd.brake where held_from is not null) as braked
    from cimd.deployment d`.execute(db)
  return { approved: rows[0]?.approved ?? undefined, braked: rows[0]?.braked ?? false }
}

/** Records that an operator has approved rules. False: these or newer ones are approved already. */
export async function approveRules(db: Db, rulesVersion: number): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    update cimd.deployment set rules_version = ${rulesVersion}
    where rules_version is null or rules_version < ${rulesVersion}`.execute(db)
  return numAffectedRows > 0n
}

/**
 * Records the rules that a deployment begins with: of what it has stored, else of the code. What an operator has approved
 * later stays.
 */
export async function beginRules(db: Db, rulesVersion: number): Promise<void> {
  await sql`
    update cimd.deployment
    set rules_version = coalesce((select max(rules_version) from cimd.versions), ${rulesVersion}::integer)
    where rules_version is null`.execute(db)
}

/** The current version of a client that may be used. */
export type CurrentDocument = StoredDocument & {
  readonly client: string
  readonly clientId: ClientIdUrl
  readonly inUse: boolean
}

/** Where a walk through the clients begins, and how far it goes at once. */
export type ClientSlice = { readonly after: string | undefined; readonly limit: number }

type CurrentRow = { id: string; client_id: string; body: Buffer; rules_version: number; in_use: boolean }

/** Up to `limit` current versions of clients in the order of their row ids, for judging them without writing anything. */
export async function listCurrentDocuments(
  db: Db,
  { after = '0', limit }: ClientSlice,
): Promise<readonly CurrentDocument[]> {
  const { rows } = await sql<CurrentRow>`
    select c.id::text, c.client_id, v.body, v.rules_version,
      c.dormant_since is null and exists (select from cimd.schedule where client_ref = c.id) as in_use
    from cimd.clients c join cimd.versions v on v.id = c.version_id
    where c.id > ${after} and c.state not in ('withdrawn', 'rejected')
    order by c.id limit ${limit}`.execute(db)
  return rows.map((row) => ({
    client: row.id,
    // Checked when it was demanded, and by the column's own constraint.
    clientId: row.client_id as ClientIdUrl,
    body: row.body,
    rulesVersion: row.rules_version,
    inUse: row.in_use,
  }))
}

/** Where a walk goes on; undefined at the end of the table. `clients`: those whose current version is of older rules. */
export type OutdatedSlice = { readonly clients: readonly string[]; readonly next: string | undefined }

/** A walk that finds nothing reads no more than so many clients at once. */
const CLIENTS_WALKED_MAX = 5000

/** Finds up to `limit` clients in use whose current version was judged by rules older than `rulesVersion`. */
export async function findOutdated(
  db: Db,
  rulesVersion: number,
  { after = '0', limit }: ClientSlice,
): Promise<OutdatedSlice> {
  const { rows } = await sql<{ upto: string | null; walked: number; clients: string[] }>`
    with slice as (
      select id, version_id, state, dormant_since, withdrawing_since from cimd.clients
      where id > ${after} order by id limit ${CLIENTS_WALKED_MAX}
    )
    select max(id)::text as upto, count(*) as walked, array(
      select c.id::text from slice c join cimd.versions v on v.id = c.version_id
      where v.rules_version < ${rulesVersion} and ${isOpen} order by c.id limit ${limit}
    ) as clients
    from slice`.execute(db)
  const { upto = null, walked = 0, clients = [] } = rows[0] ?? {}
  const isFull = clients.length === limit
  return {
    clients,
    next: isFull ? clients.at(-1) : walked < CLIENTS_WALKED_MAX ? undefined : (upto ?? undefined),
  }
}

/** A client to be judged anew, locked. */
export type OutdatedClient = Omit<CurrentDocument, 'inUse'> & {
  readonly version: string
  readonly now: Date
  readonly standing: ClientStanding
  /** A fetch of it has begun, which may put its own finding even after its lease has ended. */
  readonly isClaimed: boolean
}

type OutdatedRow = StandingRow & {
  id: string
  client_id: string
  version_id: string
  body: Buffer
  rules_version: number
  now: Date
  is_claimed: boolean
}

/** Locks those of the clients that still are as `findOutdated` found them. */
export async function lockOutdated(
  trx: Transaction,
  rulesVersion: number,
  clients: readonly string[],
): Promise<readonly OutdatedClient[]> {
  const { rows } = await sql<OutdatedRow>`
    select c.id::text, c.client_id, v.id::text as version_id, v.body, v.rules_version, v.digest,
      cimd.cimd_now() as now, c.claimed is not null as is_claimed,
      c.state, c.validated_at, c.fresh_until, c.revalidate_until, c.usable_until, c.stale_forbidden,
      c.stale_if_error_seconds, c.failure_code, c.failing_since, c.withdrawing_code, c.withdrawing_since, c.retry_at,
      c.stale_announced_code
    from cimd.clients c join cimd.versions v on v.id = c.version_id
    where c.id = any(${clients}::bigint[]) and v.rules_version < ${rulesVersion} and ${isOpen}
    order by c.id for no key update of c`.execute(trx)
  return rows.map((row) => ({
    client: row.id,
    // Checked when it was demanded, and by the column's own constraint.
    clientId: row.client_id as ClientIdUrl,
    version: row.version_id,
    body: row.body,
    rulesVersion: row.rules_version,
    now: row.now,
    standing: standingFromRow(row),
    isClaimed: row.is_claimed,
  }))
}

// What nobody uses is judged by the fetch that follows its next demand; what is ending already has its end.
const isOpen: RawBuilder<boolean> = sql`(
  c.state in ('valid', 'failing') and c.withdrawing_since is null and c.dormant_since is null)`

/** What judging stored versions anew came to. */
export type Revalidated = {
  /** Row ids of versions that the rules allow. */
  readonly valid: readonly string[]
  readonly refused: readonly {
    readonly client: string
    readonly at: Date
    readonly standing: ClientStanding
  }[]
}

/** Writes it down under the lock: what is valid is of these rules now, what is refused is tried at once. */
export async function recordRevalidated(
  trx: Transaction,
  rulesVersion: number,
  { valid, refused }: Revalidated,
): Promise<void> {
  await sql`update cimd.versions set rules_version = ${rulesVersion}
    where id = any(${valid}::bigint[]) and rules_version < ${rulesVersion}`.execute(trx)
  if (refused.length === 0) return
  const ending = refused.map(({ client, at, standing }) => ({ id: client, at, ...rowFromStanding(standing) }))
  await sql`
    with ending as (
      update cimd.clients c set state = r.state, failure_code = r.failure_code, failing_since = r.failing_since,
        withdrawing_code = r.withdrawing_code, withdrawing_since = r.withdrawing_since,
        fresh_until = r.fresh_until, revalidate_until = r.revalidate_until, usable_until = r.usable_until,
        retry_at = r.retry_at, wanted = greatest(c.wanted, c.done + 1),
        -- Its turn at a busy host may come after its grace.
        deferred_until = null, deferred_code = null
      from jsonb_to_recordset(${JSON.stringify(ending)}::jsonb) as r (${ENDING}) where c.id = r.id
      returning c.id, r.at
    )
    insert into cimd.schedule (client_ref, due_at) select id, at from ending
    on conflict (client_ref) do update set due_at = excluded.due_at`.execute(trx)
}

const ENDING = sql`id bigint, at timestamptz, state text, failure_code text, failing_since timestamptz,
  withdrawing_code text, withdrawing_since timestamptz, fresh_until timestamptz, revalidate_until timestamptz,
  usable_until timestamptz, retry_at timestamptz`
