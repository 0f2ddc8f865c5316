import { sql } from 'kysely'
import type { Db, Transaction } from './db.ts'
import { endReputation } from './reputation.ts'
import type { WalkedBatch } from './retention.ts'
import { applyDueActions, inTransaction } from './schedule.ts'

/** A client no document of which was ever valid is forgotten after this long without a demand (CAC-19). */
const NEVER_VALID_DAYS = 1
/** A dormant one after this long, unless somebody has built on it. */
const DORMANT_DAYS = 60

/** What one statement deletes well within its time. */
const ROWS_PER_STATEMENT = 10_000

/**
 * Forgets up to `limit` clients, with all that hangs on them: versions, attempts, schedule, interest, tickets, events, keys
 * and logo, and what tenants once held (CAC-19). Never one that is wanted or being fetched, nor an operator's canary.
 * Returns how many. A demand that arrives meanwhile waits, finds the client gone and makes it anew; between two statements
 * for very many rows it finds the client, and its tenant begins anew with it.
 */
export async function forgetClients(
  db: Db,
  limit: number,
  { rowsPerStatement = ROWS_PER_STATEMENT }: { readonly rowsPerStatement?: number } = {},
): Promise<number> {
  for (;;) {
    const forgotten = await inTransaction(db, async (trx) => {
      const clients = await lockAllForgettable(trx, limit)
      await endReputation(trx, clients)
      const isLightened = await lighten(trx, clients, rowsPerStatement)
      if (isLightened) return deleteForgettable(trx, clients)
      await endInterest(trx, clients)
      return undefined
    })
    if (forgotten !== undefined) return forgotten
  }
}

/**
 * Walks through up to `limit` clients after the row id `after`, from the first without it, and makes dormant those that
 * nobody looks after, so that they are forgotten in their time: an older scheduler, or one before schema 9, took what
 * nobody used off the schedule and noted no more. Deletes nothing; whoever used one is told.
 */
export async function retireUnscheduled(
  db: Db,
  { after = '0', limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<WalkedBatch<string>> {
  const { rows } = await sql<{ client: string; unscheduled: boolean }>`
    select c.id::text as client, ${UNSCHEDULED} as unscheduled
    from cimd.clients c where c.id > ${after} order by c.id limit ${limit}`.execute(db)
  const found = rows.filter(({ unscheduled }) => unscheduled).map(({ client }) => client)
  if (found.length > 0) await inTransaction(db, (trx) => retire(trx, found))
  return { deleted: 0, next: rows.length < limit ? undefined : rows.at(-1)?.client }
}

// Judged again under the lock, because a demand may have come between the reading and the lock.
async function retire(trx: Transaction, clients: readonly string[]): Promise<void> {
  const { rows: locked } = await sql<{ client: string }>`
    select c.id::text as client from cimd.clients c where c.id = any(${clients}::bigint[])
    for update skip locked`.execute(trx)
  const { rows } = await sql<{ client: string }>`
    select c.id::text as client from cimd.clients c
    where c.id = any(${locked.map(({ client }) => client)}::bigint[]) and ${UNSCHEDULED}`.execute(trx)
  await applyDueActions(
    trx,
    rows.map(({ client }) => ({ client, action: { kind: 'retire' } })),
  )
}

const IDLE = sql`c.wanted = c.done and c.claimed is null
  and not exists (select from cimd.canaries where client_ref = c.id)
  and not exists (select from cimd.resources where client_ref = c.id and claim_until > cimd.cimd_now())`

const NEVER_VALID = sql`c.version_id is null
  and not exists (select from cimd.registrations where client_ref = c.id)
  and c.created_at <= cimd.cimd_now() - make_interval(days => ${NEVER_VALID_DAYS})
  and (c.attempted_at is null or c.attempted_at <= cimd.cimd_now() - make_interval(days => ${NEVER_VALID_DAYS}))
  and not exists (select from cimd.interest where client_ref = c.id
    and last_resolved_at > cimd.cimd_now() - make_interval(days => ${NEVER_VALID_DAYS}))`

const DORMANT = sql`c.dormant_since <= cimd.cimd_now() - make_interval(days => ${DORMANT_DAYS})
  and not exists (select from cimd.approvals where client_ref = c.id)
  and not exists (select from cimd.registrations where client_ref = c.id)
  and not exists (select from cimd.decisions where client_ref = c.id and refused_at is not null)
  and not exists (select from cimd.bindings where client_ref = c.id and bound_until > cimd.cimd_now())`

const UNSCHEDULED = sql<boolean>`(${IDLE} and c.version_id is not null and c.dormant_since is null
  and not exists (select from cimd.schedule where client_ref = c.id)
  and not exists (select from cimd.interest where client_ref = c.id and leased_until > cimd.cimd_now()))`

type Forgettable = typeof NEVER_VALID

async function lockForgettable(trx: Transaction, which: Forgettable, limit: number): Promise<string[]> {
  const { rows } = await sql<{ client: string }>`
    select c.id::text as client from cimd.clients c where ${which} and ${IDLE}
    limit ${limit} for update of c skip locked`.execute(trx)
  return rows.map(({ client }) => client)
}

async function lockAllForgettable(trx: Transaction, limit: number): Promise<readonly string[]> {
  const neverValid = await lockForgettable(trx, NEVER_VALID, limit)
  const dormant = await lockForgettable(trx, DORMANT, limit - neverValid.length)
  // Judged again, because a demand may have ended between the reading and the lock.
  const { rows } = await sql<{ client: string }>`
    select c.id::text as client from cimd.clients c
    where c.id = any(${[...neverValid, ...dormant]}::bigint[]) and ((${NEVER_VALID}) or (${DORMANT})) and ${IDLE}`.execute(
    trx,
  )
  return rows.map(({ client }) => client)
}

/**
 * Deletes of what clients have in any number as much as one statement each can, the oldest first. False: there may be more,
 * and the transaction is to be committed, so that what is done need not be done again.
 */
async function lighten(trx: Transaction, clients: readonly string[], rows: number): Promise<boolean> {
  const attempts = sql`
    delete from cimd.attempts where id in (
      select id from cimd.attempts where client_ref = any(${clients}::bigint[])
      order by client_ref, generation limit ${rows}
    )`
  const feed = sql`
    delete from cimd.feed where (tenant_id, position) in (
      select f.tenant_id, f.position from cimd.outbox o join cimd.feed f on f.outbox_id = o.id
      where o.client_ref = any(${clients}::bigint[]) order by o.client_ref, o.client_seq limit ${rows}
    )`
  // None of these is in a feed any more.
  const events = sql`
    delete from cimd.outbox where id in (
      select id from cimd.outbox where client_ref = any(${clients}::bigint[])
      order by client_ref, client_seq limit ${rows}
    )`
  const subjects = sql`
    delete from cimd.client_subjects where (tenant_id, pseudonym, client_ref) in (
      select tenant_id, pseudonym, client_ref from cimd.client_subjects
      where client_ref = any(${clients}::bigint[]) limit ${rows}
    )`
  for (const statement of [attempts, feed, events, subjects]) {
    const { numAffectedRows = 0n } = await statement.execute(trx)
    if (numAffectedRows >= rows) return false
  }
  return true
}

// Whoever comes back before the rest is done must not miss what is gone already.
async function endInterest(trx: Transaction, clients: readonly string[]): Promise<void> {
  await sql`delete from cimd.interest where client_ref = any(${clients}::bigint[])`.execute(trx)
}

// Under the lock nothing begins to refer to them.
async function deleteForgettable(trx: Transaction, clients: readonly string[]): Promise<number> {
  if (clients.length === 0) return 0
  const { rows } = await sql<{ forgotten: number }>`
    with gone as (
      select id, client_id from cimd.clients where id = any(${clients}::bigint[])
    ), effective as (
      delete from cimd.effective_documents where client_ref in (select id from gone)
    ), bindings as (
      delete from cimd.bindings where client_ref in (select id from gone)
    ), resources as (
      delete from cimd.resources where client_ref in (select id from gone)
    ), tickets as (
      delete from cimd.tickets where client_ref in (select id from gone)
    ), interest as (
      delete from cimd.interest where client_ref in (select id from gone)
    ), schedule as (
      delete from cimd.schedule where client_ref in (select id from gone)
    ), clients as (
      delete from cimd.clients where id in (select id from gone)
    ), versions as (
      delete from cimd.versions where client_id in (select client_id from gone)
    )
    select count(*) as forgotten from gone`.execute(trx)
  return rows[0]?.forgotten ?? 0
}
