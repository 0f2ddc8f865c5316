import type { ClientState } from '@cimd/core'
import { sql } from 'kysely'
import { type EngagedBrake, readBrake } from './brake.ts'
import type { Db, Transaction } from './db.ts'

/** How many finished attempts ended the same way. */
export type AttemptCount = {
  readonly outcome: 'fetched' | 'not_modified' | 'failed'
  /** Of failed attempts only. */
  readonly failureCode: string | undefined
  readonly count: number
}

/** The store in numbers, for an operator. */
export type StoreStatus = {
  readonly schemaVersion: number
  readonly environment: string
  readonly clients: Readonly<Record<ClientState, number>>
  readonly versions: number
  /** The most frequent first. */
  readonly attemptsLastHour: readonly AttemptCount[]
  readonly dueNow: number
  /** How long the client due longest has been waiting for the sweep; undefined when none is due. */
  readonly oldestDueSeconds: number | undefined
  /** Events that have no place in any feed yet. */
  readonly outboxWaiting: number
  /** Entries of the audit that have no place in any chain yet. */
  readonly auditWaiting: number
  /** Undefined while the brake is not engaged. */
  readonly brake: EngagedBrake | undefined
}

const NO_CLIENTS: Record<ClientState, number> = {
  discovering: 0,
  valid: 0,
  failing: 0,
  withdrawn: 0,
  rejected: 0,
}

/**
 * Reads the status from one snapshot, so that its numbers belong together. It counts whole tables: for a person
 * who asks now and then, never for a request.
 */
export async function readStatus(db: Db): Promise<StoreStatus> {
  const snapshot = db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only')
  return snapshot.execute(async (trx) => ({
    ...(await readTotals(trx)),
    clients: await countClients(trx),
    attemptsLastHour: await countAttempts(trx),
    brake: (await readBrake(trx)).engaged,
  }))
}

type TotalsRow = {
  schema_version: number
  environment: string
  versions: number
  due_now: number
  oldest_due_seconds: number | null
  outbox_waiting: number
  audit_waiting: number
}

async function readTotals(
  trx: Transaction,
): Promise<Omit<StoreStatus, 'clients' | 'attemptsLastHour' | 'brake'>> {
  const { rows } = await sql<TotalsRow>`
    select d.environment, due.due_now, due.oldest_due_seconds,
      (select max(version) from cimd.schema_versions) as schema_version,
      (select count(*) from cimd.versions) as versions,
      (select count(*) from cimd.outbox where relayed_at is null or relayed_at = '-infinity') as outbox_waiting,
      (select count(*) from cimd.audit_pending) as audit_waiting
    from cimd.deployment d, (
      select count(*) as due_now, extract(epoch from cimd.cimd_now() - min(due_at))::float8 as oldest_due_seconds
      from cimd.schedule where due_at <= cimd.cimd_now()
    ) due`.execute(trx)
  const [row] = rows
  if (row === undefined) throw new Error('the store has lost the row that describes the deployment')
  return {
    schemaVersion: row.schema_version,
    environment: row.environment,
    versions: row.versions,
    dueNow: row.due_now,
    oldestDueSeconds: row.oldest_due_seconds ?? undefined,
    outboxWaiting: row.outbox_waiting,
    auditWaiting: row.audit_waiting,
  }
}

async function countClients(trx: Transaction): Promise<Record<ClientState, number>> {
  const { rows } = await sql<{ state: ClientState; count: number }>`
    select state, count(*) as count from cimd.clients group by state`.execute(trx)
  return { ...NO_CLIENTS, ...Object.fromEntries(rows.map(({ state, count }) => [state, count])) }
}

async function countAttempts(trx: Transaction): Promise<AttemptCount[]> {
  const { rows } = await sql<{
    outcome: AttemptCount['outcome']
    failure_code: string | null
    count: number
  }>`
    select outcome, failure_code, count(*) as count from cimd.attempts
    where finished_at > cimd.cimd_now() - interval '1 hour'
    group by outcome, failure_code order by count desc, outcome, failure_code`.execute(trx)
  return rows.map((row) => ({
    outcome: row.outcome,
    failureCode: row.failure_code ?? undefined,
    count: row.count,
  }))
}
