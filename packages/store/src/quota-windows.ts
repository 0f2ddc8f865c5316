import { type RawBuilder, sql } from 'kysely'
import type { Db, Transaction } from './db.ts'

/** One thing a demand counts as, and how many of these the tenant, or the subject, may have in a window. */
export type QuotaCharge = {
  readonly quota: 'contacts' | 'subject_contacts' | 'demands_without_subject'
  /** Of `subject_contacts`: on whose behalf. Kept as a keyed hash. */
  readonly subject?: string
  readonly max: number
}

/** Which quota is used up, and how long until its window ends. */
export type QuotaRefusal = {
  readonly quota: QuotaCharge['quota']
  readonly max: number
  readonly retry_after_seconds: number
}

/** How long things are counted together; windows begin with the hour. */
export const QUOTA_WINDOW_SECONDS = 3600

/** Ends a transaction, so that nothing is written of what has been refused, nor counted. */
export class QuotaRefusedError extends Error {
  override name = 'QuotaRefusedError'
  readonly refusal: QuotaRefusal

  constructor(refusal: QuotaRefusal) {
    super(`the quota ${refusal.quota} is used up`)
    this.refusal = refusal
  }
}

/**
 * Counts a first use of a client that nothing has to be raised for: others use it already. A round trip, or none without
 * anything to count. Throws `QuotaRefusedError`.
 */
export async function chargeFirstUse(
  trx: Transaction,
  client: string,
  charges: readonly QuotaCharge[],
): Promise<void> {
  const first = charges.filter(({ quota }) => quota !== 'demands_without_subject')
  if (first.length === 0) return
  const { rows } = await sql<QuotaRefusal>`
    with held as (select ${client}::bigint as id), ${charge(first)} select * from refused`.execute(trx)
  if (rows[0] !== undefined) throw new QuotaRefusedError(rows[0])
}

/** Rows in which the use of one tenant is counted, by the client. */
const SHARES = 16

const WINDOW = sql`make_interval(secs => ${sql.lit(QUOTA_WINDOW_SECONDS)})`

/**
 * The parts of a statement that count for the tenant of the transaction what a demand of the client `held` counts as, and
 * have one row in `refused` if that is more than there may be. What one row counts is exact; of a tenant, whose rows are
 * several, there may be more by as many as are under way at once.
 */
export function charge(charges: readonly QuotaCharge[]): RawBuilder<unknown> {
  const quotas = charges.map(({ quota }) => quota)
  const subjects = charges.map(({ subject }) => subject ?? null)
  const most = charges.map(({ max }) => max)
  return sql`asked as (
    select c.quota, c.max, c.turn, case when c.subject is null then set_byte('\\x00', 0, (held.id % ${sql.lit(SHARES)})::integer)
      else sha256(t.quota_key || sha256(t.quota_key || convert_to(c.subject, 'UTF8'))) end as holder
    from held cross join unnest(${quotas}::text[], ${subjects}::text[], ${most}::bigint[]) with ordinality
      as c (quota, subject, max, turn)
    join cimd.tenants t on t.id = cimd.current_tenant()
  ), charged as (
    -- In one order: nobody waits in a circle.
    insert into cimd.quota_windows as w (tenant_id, quota, holder, started_at, used)
    select cimd.current_tenant(), quota, holder, date_bin(${WINDOW}, cimd.cimd_now(), timestamptz 'epoch'), 1
    from asked order by turn
    on conflict (tenant_id, quota, started_at, holder) do update set used = w.used + 1
    returning quota, holder, started_at, used
  ), refused as (
    select asked.quota, asked.max,
      greatest(1, ceil(extract(epoch from charged.started_at + ${WINDOW} - cimd.cimd_now())))::integer as retry_after_seconds
    from charged join asked using (quota)
    where asked.max < charged.used + case when asked.quota = 'subject_contacts' then 0 else (
      select coalesce(sum(w.used), 0) from cimd.quota_windows w
      where w.tenant_id = cimd.current_tenant() and w.quota = charged.quota and w.started_at = charged.started_at
        and w.holder <> charged.holder
    ) end
    order by asked.turn limit 1
  )`
}

/** Deletes windows that have ended; returns how many rows. */
export async function deleteEndedQuotaWindows(db: Db): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('cimd.quota_windows')
    .where('started_at', '<', sql<Date>`cimd.cimd_now() - ${WINDOW}`)
    .executeTakeFirst()
  return Number(numDeletedRows)
}
