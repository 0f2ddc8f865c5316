import { createHmac, randomBytes } from 'node:crypto'
import type { AuditActor } from '@cimd/core'
import { sql } from 'kysely'
import { noteOwnAudit } from './audit-pending.ts'
import { BINDING_LEASE_SECONDS_MAX } from './bindings.ts'
import type { Db, Transaction } from './db.ts'

const KEY_BYTES = 32

/** As long as a consent may be kept: who has not been heard of since is a stranger. */
const MAPPING_SECONDS = BINDING_LEASE_SECONDS_MAX

/**
 * The pseudonym of a subject of the tenant of the transaction, made where there is none (ARC-10). What the authorization
 * server calls its user is not kept: only its HMAC under a key of the tenant, beside a random pseudonym.
 */
export async function notePseudonym(trx: Transaction, subject: string): Promise<string> {
  const key = (await findKey(trx)) ?? (await makeKey(trx))
  const { rows } = await sql<{ pseudonym: string }>`
    insert into cimd.subjects as s (tenant_id, subject_hash)
    values (cimd.current_tenant(), ${hashOf(key, subject)})
    on conflict (tenant_id, subject_hash) do update set last_used_at = case
      when s.last_used_at < cimd.cimd_now() - interval '1 day' then cimd.cimd_now() else s.last_used_at end
    returning pseudonym`.execute(trx)
  const pseudonym = rows[0]?.pseudonym
  if (pseudonym === undefined) throw new Error('an upsert returned no pseudonym')
  return pseudonym
}

/** The pseudonym of a subject of the tenant of the transaction; undefined if it has none, or was erased. */
export async function findPseudonym(trx: Transaction, subject: string): Promise<string | undefined> {
  const key = await findKey(trx)
  if (key === undefined) return undefined
  const { rows } = await sql<{ pseudonym: string }>`
    select pseudonym from cimd.subjects
    where tenant_id = cimd.current_tenant() and subject_hash = ${hashOf(key, subject)}`.execute(trx)
  return rows[0]?.pseudonym
}

/**
 * Erases a subject of the tenant of the transaction: nothing leads from it to its pseudonym any more, and which clients
 * it used is gone. What it counted for stays counted; reported again it is somebody new. Returns the pseudonym
 * it had; undefined if it had none. The audit tells that somebody was erased, and not which pseudonym was theirs: with when
 * it was asked for, that would lead to it.
 */
export async function eraseSubject(
  trx: Transaction,
  subject: string,
  by: AuditActor,
): Promise<string | undefined> {
  const key = await findKey(trx)
  if (key === undefined) return undefined
  const { rows } = await sql<{ pseudonym: string }>`
    delete from cimd.subjects
    where tenant_id = cimd.current_tenant() and subject_hash = ${hashOf(key, subject)}
    returning pseudonym`.execute(trx)
  const [erased] = rows
  if (erased !== undefined) await noteOwnAudit(trx, { kind: 'subject.erased', by, data: {} })
  return erased?.pseudonym
}

/** Erases up to `limit` subjects that nobody has reported for 400 days. Returns how many. */
export async function eraseUnusedSubjects(db: Db, limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from cimd.subjects where (tenant_id, subject_hash) in (
      select tenant_id, subject_hash from cimd.subjects
      where last_used_at < cimd.cimd_now() - make_interval(secs => ${MAPPING_SECONDS})
      limit ${limit}
    ) and last_used_at < cimd.cimd_now() - make_interval(secs => ${MAPPING_SECONDS})`.execute(db)
  return Number(numAffectedRows)
}

function hashOf(key: Buffer, subject: string): Buffer {
  return createHmac('sha256', key).update(subject).digest()
}

async function findKey(trx: Transaction): Promise<Buffer | undefined> {
  const { rows } = await sql<{ key: Buffer }>`
    select key from cimd.subject_keys where tenant_id = cimd.current_tenant()`.execute(trx)
  return rows[0]?.key
}

// Of two that make it at once one waits, and finds the other's.
async function makeKey(trx: Transaction): Promise<Buffer> {
  await sql`insert into cimd.subject_keys (tenant_id, key)
    values (cimd.current_tenant(), ${randomBytes(KEY_BYTES)}) on conflict do nothing`.execute(trx)
  const key = await findKey(trx)
  if (key === undefined) throw new Error('a key of subjects that was made is not there')
  return key
}
