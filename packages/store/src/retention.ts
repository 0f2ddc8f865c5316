import { type RawBuilder, sql } from 'kysely'
import type { Db, Transaction } from './db.ts'
import { inTransaction } from './schedule.ts'

/** How long what is past is kept. The newest of each is kept whatever its age. */
export type Retention = {
  /** Newest versions of a client, the current one included; and effective documents of a client and tenant. */
  readonly versionsKept: number
  /** Days after which a version that another has replaced may go, and an effective document not in force. */
  readonly versionDays: number
  readonly attemptDays: number
}

/** What one batch of a walk through a table did. `next`: where to go on; undefined at the end of the table. */
export type WalkedBatch<Place> = { readonly deleted: number; readonly next: Place | undefined }

/**
 * Walks through up to `limit` attempts after the row id `after`, from the first without it, and deletes those that are
 * older than they are kept, never the newest of a client. The walk ends where none is that old.
 */
export async function deleteOldAttempts(
  db: Db,
  { attemptDays }: Retention,
  { after = '0', limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<WalkedBatch<string>> {
  const isOld = sql`a.finished_at < cimd.cimd_now() - make_interval(days => ${attemptDays})`
  // Row ids are given in the order of time, but for moments.
  const { rows } = await sql<{ upto: string | null; walked: number; old: number }>`
    select max(id)::text as upto, count(*) as walked, count(*) filter (where ${isOld}) as old
    from (select id, finished_at from cimd.attempts where id > ${after} order by id limit ${limit}) a`.execute(
    db,
  )
  const { upto, walked, old } = rows[0] ?? { upto: null, walked: 0, old: 0 }
  if (upto === null || old === 0) return { deleted: 0, next: undefined }
  const { numAffectedRows = 0n } = await sql`
    delete from cimd.attempts a
    where a.id > ${after} and a.id <= ${upto} and ${isOld} and exists (
      select from cimd.attempts n
      where n.client_ref = a.client_ref and (n.generation, n.id) > (a.generation, a.id)
    )`.execute(db)
  return { deleted: Number(numAffectedRows), next: walked < limit ? undefined : upto }
}

/**
 * Walks through up to `limit` versions after the row id `after`, from the first without it, and deletes those that are too many or too
 * old, with the bindings that have expired and such effective documents. Never the current version of a client, nor
 * one that is bound, approved or part of an effective document (CHG-09). An attempt outlives the version it found.
 */
export async function deleteOldVersions(
  db: Db,
  retention: Retention,
  { after = '0', limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<WalkedBatch<string>> {
  const { rows } = await sql<{ upto: string | null; walked: number }>`
    select max(id)::text as upto, count(*) as walked
    from (select id from cimd.versions where id > ${after} order by id limit ${limit}) as slice`.execute(db)
  const { upto, walked } = rows[0] ?? { upto: null, walked: 0 }
  if (upto === null) return { deleted: 0, next: undefined }
  const slice = { after, upto }
  const bindings = await deleteExpiredBindings(db, slice)
  const effective = await inTransaction(db, (trx) => deleteOldEffective(trx, retention, slice))
  const versions = await inTransaction(db, (trx) => deleteVersions(trx, retention, slice))
  return { deleted: bindings + effective + versions, next: walked < limit ? undefined : upto }
}

type Slice = { readonly after: string; readonly upto: string }

async function deleteExpiredBindings(db: Db, { after, upto }: Slice): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from cimd.bindings
    where version_id > ${after} and version_id <= ${upto} and bound_until <= cimd.cimd_now()`.execute(db)
  return Number(numAffectedRows)
}

async function deleteOldEffective(trx: Transaction, retention: Retention, slice: Slice): Promise<number> {
  const old = sql`e.current_version_id > ${slice.after} and e.current_version_id <= ${slice.upto}
    and ${isOldEffective(retention)}`
  const clients = await lockFree(
    trx,
    sql`c.id in (select e.client_ref from cimd.effective_documents e where ${old})`,
  )
  if (clients.length === 0) return 0
  const { numAffectedRows = 0n } = await sql`
    delete from cimd.effective_documents e where e.client_ref = any(${clients}::bigint[]) and ${old}`.execute(
    trx,
  )
  return Number(numAffectedRows)
}

// One in force is what the tenant gets at this moment, however long ago it asked, and one that is bound has to be
// found by its digest (expired bindings are gone by now). By count as well as by age: each keeps two versions from going.
function isOldEffective({ versionsKept, versionDays }: Retention) {
  return sql<boolean>`(
      e.given_at < cimd.cimd_now() - make_interval(days => ${versionDays})
      or (select count(*) from (
        select from cimd.effective_documents n
        where n.client_ref = e.client_ref and n.tenant_id = e.tenant_id
          and (n.given_at, n.digest) > (e.given_at, e.digest)
        limit ${versionsKept}
      ) as newer) >= ${versionsKept}
    )
    and not exists (
      select from cimd.bindings a join cimd.bindings b using (tenant_id, kind)
      where a.tenant_id = e.tenant_id
        and a.version_id = e.approved_version_id and b.version_id = e.current_version_id
    )
    and not exists (
      select from cimd.clients c
      left join cimd.approvals a on a.client_ref = c.id and a.tenant_id = e.tenant_id
      left join cimd.decisions d on d.client_ref = c.id and d.tenant_id = e.tenant_id
      left join cimd.registrations g on g.client_ref = c.id and g.tenant_id = e.tenant_id
      where c.id = e.client_ref and e.current_version_id = coalesce(g.version_id, c.version_id)
        and (e.approved_version_id in (a.version_id, d.baseline_version_id)
          or (e.policy_version is not null and e.approved_version_id = e.current_version_id))
    )`
}

async function deleteVersions(
  trx: Transaction,
  retention: Retention,
  { after, upto }: Slice,
): Promise<number> {
  const expendable = sql`v.id > ${after} and v.id <= ${upto} and ${isExpendable(retention)}`
  const clients = await lockFree(
    trx,
    sql`c.client_id in (
      select v.client_id from cimd.versions v join cimd.clients c on c.client_id = v.client_id where ${expendable}
    )`,
  )
  if (clients.length === 0) return 0
  const { numAffectedRows = 0n } = await sql`
    delete from cimd.versions v using cimd.clients c
    where c.client_id = v.client_id and c.id = any(${clients}::bigint[]) and ${expendable}`.execute(trx)
  return Number(numAffectedRows)
}

/**
 * Locks those of the clients `c` that nobody else has locked, so that a tenant that builds on what is deleted finds it there
 * or gone. What the statement saw may be older than its locks: whoever deletes looks again in a statement of its own.
 */
async function lockFree(trx: Transaction, which: RawBuilder<unknown>): Promise<string[]> {
  const { rows } = await sql<{ client: string }>`
    select c.id::text as client from cimd.clients c where ${which} for no key update skip locked`.execute(trx)
  return rows.map(({ client }) => client)
}

/** Version `v` of client `c` has as many newer ones as are kept, or the next one came long ago; and nothing needs it. */
function isExpendable({ versionsKept, versionDays }: Retention) {
  return sql<boolean>`c.version_id <> v.id and c.announced_version_id is distinct from v.id and (
      (select n.fetched_at from cimd.versions n where n.client_id = v.client_id and n.id > v.id order by n.id limit 1)
        < cimd.cimd_now() - make_interval(days => ${versionDays})
      or (select count(*) from (
        select from cimd.versions n where n.client_id = v.client_id and n.id > v.id limit ${versionsKept}
      ) as newer) >= ${versionsKept}
    )
    and not exists (select from cimd.bindings where version_id = v.id)
    and not exists (select from cimd.approvals where version_id = v.id)
    and not exists (select from cimd.decisions where baseline_version_id = v.id)
    and not exists (select from cimd.registrations where version_id = v.id)
    and not exists (
      select from cimd.effective_documents where approved_version_id = v.id or current_version_id = v.id
    )`
}

/** A tenant that has not used a client for so long begins anew with it. */
const INTEREST_DAYS = 365

/** Where a walk through the clients of all tenants has come to. */
export type InterestPlace = { readonly tenant: string; readonly client: string }

/**
 * Walks through up to `limit` uses of clients by tenants, and deletes those a tenant has not renewed for a year, unless it
 * has built on the client. Begins at the first without `after`.
 */
export async function deleteOldInterest(
  db: Db,
  {
    after = { tenant: '00000000-0000-0000-0000-000000000000', client: '0' },
    limit,
  }: { readonly after?: InterestPlace | undefined; readonly limit: number },
): Promise<WalkedBatch<InterestPlace>> {
  const { rows } = await sql<InterestPlace & { old: boolean }>`
    select i.tenant_id::text as tenant, i.client_ref::text as client, ${isOldInterest} as old
    from cimd.interest i where (i.tenant_id, i.client_ref) > (${after.tenant}::uuid, ${after.client}::bigint)
    order by i.tenant_id, i.client_ref limit ${limit}`.execute(db)
  const old = rows.filter((row) => row.old)
  const { numAffectedRows = 0n } = await sql`
    delete from cimd.interest i
    using jsonb_to_recordset(${JSON.stringify(old)}::jsonb) as o (tenant uuid, client bigint)
    where i.tenant_id = o.tenant and i.client_ref = o.client and ${isOldInterest}`.execute(db)
  return { deleted: Number(numAffectedRows), next: rows.length < limit ? undefined : rows.at(-1) }
}

const isOldInterest = sql<boolean>`(
  i.last_resolved_at < cimd.cimd_now() - make_interval(days => ${INTEREST_DAYS})
  and not exists (select from cimd.approvals a where a.tenant_id = i.tenant_id and a.client_ref = i.client_ref)
  and not exists (select from cimd.registrations g where g.tenant_id = i.tenant_id and g.client_ref = i.client_ref)
  and not exists (
    select from cimd.bindings b where b.tenant_id = i.tenant_id and b.client_ref = i.client_ref
      and b.bound_until > cimd.cimd_now()
  ))`

/** For how long one can look up what became of an event, and have it delivered again. */
const DELIVERED_DAYS = 30
const DEAD_DAYS = 90

/** Deletes up to `limit` deliveries that have long ended, those that were given up later than the others. Returns how many. */
export async function deleteOldDeliveries(db: Db, limit: number): Promise<number> {
  const endedBefore = (days: number) => sql`cimd.cimd_now() - make_interval(days => ${days})`
  // What was never tried is dead as well, where its event had been forgotten.
  const { numAffectedRows = 0n } = await sql`
    delete from cimd.deliveries where id in (
      (select id from cimd.deliveries where state = 'delivered' and tried_at < ${endedBefore(DELIVERED_DAYS)} limit ${limit})
      union all
      (select id from cimd.deliveries where state = 'dead' and tried_at < ${endedBefore(DEAD_DAYS)} limit ${limit})
      union all
      (select id from cimd.deliveries
        where state = 'dead' and tried_at is null and created_at < ${endedBefore(DEAD_DAYS)} limit ${limit})
      limit ${limit}
    ) and state <> 'waiting'`.execute(db)
  return Number(numAffectedRows)
}
