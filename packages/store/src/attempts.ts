import type { ClientEvent, ClientStanding, FailureCode, FetchEvidence, Validators } from '@cimd/core'
import { sql } from 'kysely'
import type { Claim } from './claims.ts'
import type { Db, Transaction } from './db.ts'
import { knownCode, rowFromStanding } from './standing.ts'

/** A finished attempt and all that follows from it, written together. */
export type AttemptRecord = {
  readonly claim: Claim
  readonly finishedAt: Date
  readonly outcome: 'fetched' | 'not_modified' | 'failed'
  readonly failure?: { readonly code: FailureCode; readonly detail: string }
  readonly evidence: FetchEvidence
  readonly standing: ClientStanding
  /** Present when the document differs from the current version. */
  readonly newVersion?: {
    readonly body: Uint8Array
    readonly digest: string
    readonly contentType: string
    readonly rulesVersion: number
  }
  /** Of the response that was last valid; undefined keeps what is stored. */
  readonly validators?: Validators
  readonly nextAttemptAt: Date | undefined
  readonly events: readonly ClientEvent[]
}

export type RecordedAttempt = {
  /** False: the claim had been lost, so nothing but the attempt itself was written. */
  readonly applied: boolean
  /** The queue that wants the next job, when demands arrived that this attempt does not answer. */
  readonly next: 'fetch' | 'refresh' | undefined
}

/** After this long the work of a demand that arrived meanwhile is looked for again. */
const NEXT_WORK_SECONDS = 5

/**
 * Writes the attempt, the new version, the client's state, its schedule and its events in one statement: one
 * transaction, one round trip. The client's row lock orders the events (`client_seq`); a claim that was lost
 * leaves the client untouched, so a late result never overwrites a newer one.
 */
export async function recordAttempt(db: Db, record: AttemptRecord): Promise<RecordedAttempt> {
  const { claim, newVersion, standing } = record
  const row = rowFromStanding(standing)
  const keepValidators = record.validators === undefined
  const { rows } = await sql<{ applied: boolean; next: 'fetch' | 'refresh' | null }>`
    with held as (
      select id, client_id from cimd.clients
      where id = ${claim.client} and claim_token = ${claim.token} for update
    ), version as (
      insert into cimd.versions (client_id, body, digest, content_type, rules_version, fetched_at)
      select client_id, ${bytes(newVersion?.body)}, decode(${newVersion?.digest ?? null}, 'hex'),
        ${newVersion?.contentType ?? null}, ${newVersion?.rulesVersion ?? null}::integer, ${record.finishedAt}
      from held where ${newVersion !== undefined}
      returning id
    ), client as (
      update cimd.clients c set
        done = c.claimed, claimed = null, claim_token = null, claim_until = null,
        version_id = coalesce((select id from version), c.version_id),
        state = ${row.state}, validated_at = ${row.validated_at}, fresh_until = ${row.fresh_until},
        revalidate_until = ${row.revalidate_until}, usable_until = ${row.usable_until},
        stale_forbidden = ${row.stale_forbidden}, stale_if_error_seconds = ${row.stale_if_error_seconds},
        failure_code = ${row.failure_code}, failing_since = ${row.failing_since},
        withdrawing_code = ${row.withdrawing_code}, withdrawing_since = ${row.withdrawing_since},
        retry_at = ${row.retry_at}, attempted_at = ${record.finishedAt},
        etag = case when ${keepValidators} then c.etag else ${record.validators?.etag ?? null} end,
        last_modified =
          case when ${keepValidators} then c.last_modified else ${record.validators?.lastModified ?? null} end,
        event_seq = c.event_seq + ${record.events.length}
      from held where c.id = held.id
      returning c.id, c.version_id, c.event_seq, c.wanted > c.done as more, c.urgent > c.done as urgent,
        case when c.wanted > c.done then cimd.cimd_now() + make_interval(secs => ${NEXT_WORK_SECONDS})
          else ${record.nextAttemptAt ?? null}::timestamptz end as due_at
    ), attempt as (
      insert into cimd.attempts (client_ref, generation, started_at, finished_at, outcome, applied,
        failure_code, detail, version_id, evidence)
      select ${claim.client}, ${claim.generation}, ${claim.claimedAt}, ${record.finishedAt}, ${record.outcome},
        exists (select from client), ${record.failure?.code ?? null}, ${record.failure?.detail ?? null},
        (select version_id from client where ${record.outcome !== 'failed'}), ${JSON.stringify(record.evidence)}
    ), due as (
      insert into cimd.schedule (client_ref, due_at) select id, due_at from client where due_at is not null
      on conflict (client_ref) do update set due_at = excluded.due_at
    ), settled as (
      delete from cimd.schedule where client_ref = (select id from client where due_at is null)
    ), announced as (
      insert into cimd.outbox (client_ref, client_seq, type, data, occurred_at)
      select client.id, client.event_seq - ${record.events.length} + e.ordinality, e.event ->> 'type',
        e.event -> 'data', ${record.finishedAt}
      from client, jsonb_array_elements(${JSON.stringify(record.events)}::jsonb) with ordinality as e (event)
    )
    select exists (select from client) as applied,
      (select case when urgent then 'fetch' when more then 'refresh' end from client) as next`.execute(db)
  return { applied: rows[0]?.applied ?? false, next: rows[0]?.next ?? undefined }
}

/** How the first attempt that answers a generation ended; undefined while none has. */
export async function findAnswer(
  trx: Transaction,
  client: string,
  generation: number,
): Promise<{ failure: { code: FailureCode; detail: string } | undefined } | undefined> {
  const attempt = await trx
    .selectFrom('cimd.attempts')
    .select(['failure_code', 'detail'])
    .where('client_ref', '=', client)
    .where('generation', '>=', generation)
    .where('applied', '=', true)
    .orderBy('generation')
    .limit(1)
    .executeTakeFirst()
  if (attempt === undefined) return undefined
  const { failure_code: code, detail } = attempt
  return { failure: code === null ? undefined : { code: knownCode(code), detail: detail ?? '' } }
}

// pg sends a Uint8Array as JSON unless it is a Buffer.
function bytes(body: Uint8Array | undefined): Buffer | null {
  return body === undefined ? null : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
}
