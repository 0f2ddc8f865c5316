import type {
  CacheHeaders,
  ClientEvent,
  ClientStanding,
  FailureCode,
  FetchEvidence,
  NamedResource,
  Validators,
} from '@cimd/core'
import { sql } from 'kysely'
import { type AuditedFetch, auditedFetchJson } from './audit-pending.ts'
import type { Claim } from './claims.ts'
import type { Db, Transaction } from './db.ts'
import { IS_LINE, leavePlaces } from './fetch-places.ts'
import { followNamed } from './named-resources.ts'
import { bytes, json } from './sql-values.ts'
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
  /** Its header fields that decide caching, after a 304 those of both responses (CAC-12); undefined keeps what is stored. */
  readonly cacheHeaders?: CacheHeaders
  /** What the document names, of a valid outcome; undefined leaves what is stored. */
  readonly resources?: readonly NamedResource[]
  /** Whether subscribers are told of the current version now, or not yet (CHG-10); undefined leaves that as it was. */
  readonly announcement?: 'told' | 'held'
  /** An answer was read and judged to the end: claims that were lost before were not lost by it. */
  readonly examined?: boolean
  readonly nextAttemptAt: Date | undefined
  readonly events: readonly ClientEvent[]
  /** What the audit of every tenant that uses the client is told; undefined: nothing. */
  readonly audited?: AuditedFetch
}

export type RecordedAttempt = {
  /** False: the claim had been lost, so nothing but the attempt itself was written. */
  readonly applied: boolean
  /** The queue that wants the next job, when demands arrived that this attempt does not answer. */
  readonly next: 'fetch' | 'refresh' | undefined
  /** Somebody waits in line for the place that is free by it. */
  readonly line?: true
  /**
   * Nothing was written, not even the attempt: something else of the client was announced since the claim, which what is
   * announced of a new version must count from. To be judged once more with the claim renewed (`renewLinked`).
   */
  readonly overtaken?: true
}

type RecordedRow = {
  applied: boolean
  overtaken: boolean
  next: 'fetch' | 'refresh' | null
  line: boolean
}

/** After this long the work of a demand that arrived meanwhile is looked for again. */
const NEXT_WORK_SECONDS = 5
/** After this long a canary no document of which was ever valid is tried again. */
const CANARY_RETRY_SECONDS = 60 * 60

/**
 * Writes the attempt, the new version, the client's state, its schedule, its events and what the audit is told in one
 * statement: one transaction, one round trip. The client's row lock orders the events (`client_seq`); a claim that was lost
 * leaves the client untouched, so a late result never overwrites a newer one.
 */
export async function recordAttempt(db: Db, record: AttemptRecord): Promise<RecordedAttempt> {
  const { claim, newVersion } = record
  const isOfMoment = newVersion === undefined || claim.linked === undefined
  const { rows } = await sql<RecordedRow>`
    with mine as (
      select id, client_id, event_seq from cimd.clients
      where id = ${claim.client} and claim_token = ${claim.token} for update
    ), held as (
      select id, client_id from mine where ${isOfMoment} or event_seq = ${claim.linked?.eventSeq ?? null}::bigint
    ), version as (
      insert into cimd.versions (client_id, body, digest, content_type, rules_version, fetched_at)
      select client_id, ${bytes(newVersion?.body)}, decode(${newVersion?.digest ?? null}, 'hex'),
        ${newVersion?.contentType ?? null}, ${newVersion?.rulesVersion ?? null}::integer, ${record.finishedAt}
      from held where ${newVersion !== undefined}
      returning id
    ), client as (${clientAfter(record)}
    ), ${followNamed(record.resources, claim)}, attempt as (
      insert into cimd.attempts (client_ref, generation, started_at, finished_at, outcome, applied,
        failure_code, detail, version_id, evidence)
      select ${claim.client}, ${claim.generation}, ${claim.claimedAt}, ${record.finishedAt}, ${record.outcome},
        exists (select from client), ${record.failure?.code ?? null}, ${record.failure?.detail ?? null},
        (select version_id from client where ${record.outcome !== 'failed'}), ${JSON.stringify(record.evidence)}
      where exists (select from held) or not exists (select from mine)
    ), due as (
      insert into cimd.schedule (client_ref, due_at) select id, due_at from client where due_at is not null
      on conflict (client_ref) do update set due_at = excluded.due_at
    ), places as (${leavePlaces(sql`client`)}), settled as (
      delete from cimd.schedule where client_ref = (select id from client where due_at is null)
    ), announced as (
      insert into cimd.outbox (client_ref, client_seq, type, data, occurred_at)
      select client.id, client.event_seq - ${record.events.length} + e.ordinality, e.event ->> 'type',
        e.event -> 'data', ${record.finishedAt}
      from client, jsonb_array_elements(${JSON.stringify(record.events)}::jsonb) with ordinality as e (event)
    ), audited as (
      insert into cimd.audit_pending (client_ref, generation, at, kind, client_id, actor, data)
      select client.id, ${claim.generation}, ${record.finishedAt}, a.entry ->> 'kind', a.entry ->> 'client_id',
        a.entry -> 'actor', a.entry -> 'data'
      from client, (select ${auditedFetchJson(claim.clientId, record.audited)}::jsonb as entry) a
      where a.entry is not null
    )
    select exists (select from client) as applied,
      exists (select from mine) and not exists (select from held) as overtaken,
      (select case when urgent then 'fetch' when more then 'refresh' end from client) as next,
      ${IS_LINE} as line`.execute(db)
  const { applied = false, overtaken = false, next, line = false } = rows[0] ?? {}
  return { applied, next: next ?? undefined, ...(line && { line }), ...(overtaken && { overtaken }) }
}

/** The client's row as the attempt leaves it, and when it is due again. */
function clientAfter(record: AttemptRecord) {
  const row = rowFromStanding(record.standing)
  const keepValidators = record.validators === undefined
  return sql`
    update cimd.clients c set
      done = c.claimed, claimed = null, claim_token = null, claim_until = null, dormant_since = null,
      version_id = coalesce((select id from version), c.version_id),
      announced_version_id = ${announcedAfter(record.announcement)},
      state = ${row.state}, validated_at = ${row.validated_at}, fresh_until = ${row.fresh_until},
      revalidate_until = ${row.revalidate_until}, usable_until = ${row.usable_until},
      stale_forbidden = ${row.stale_forbidden}, stale_if_error_seconds = ${row.stale_if_error_seconds},
      failure_code = ${row.failure_code}, failing_since = ${row.failing_since},
      withdrawing_code = ${row.withdrawing_code}, withdrawing_since = ${row.withdrawing_since},
      retry_at = ${row.retry_at}, stale_announced_code = ${row.stale_announced_code},
      quarantined_since = ${row.quarantined_since}, quarantined_until = ${row.quarantined_until},
      lost_claims = case when ${record.examined ?? false} then 0 else c.lost_claims end,
      attempted_at = ${record.finishedAt},
      etag = case when ${keepValidators} then c.etag else ${record.validators?.etag ?? null} end,
      last_modified =
        case when ${keepValidators} then c.last_modified else ${record.validators?.lastModified ?? null} end,
      cache_headers = coalesce(${json(record.cacheHeaders)}::jsonb, c.cache_headers),
      event_seq = c.event_seq + ${record.events.length}
    from held where c.id = held.id
    returning c.id, c.version_id, c.event_seq, c.wanted > c.done as more, c.urgent > c.done as urgent,
      c.quarantined_until is not null as set_aside,
      case when c.wanted > c.done then cimd.cimd_now() + make_interval(secs => ${NEXT_WORK_SECONDS})
        else coalesce(${record.nextAttemptAt ?? null}::timestamptz, ${canaryDueAt}) end as due_at`
}

// A canary is looked after even while nothing of it was ever valid, which nobody else's demand would do.
const canaryDueAt = sql`case when exists (select from cimd.canaries where client_ref = c.id)
  then cimd.cimd_now() + make_interval(secs => ${CANARY_RETRY_SECONDS}) end`

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

// The version that is the current one until now is what subscribers were told of, unless they wait already.
function announcedAfter(announcement: AttemptRecord['announcement']) {
  if (announcement === undefined) return sql`c.announced_version_id`
  return announcement === 'told' ? sql`null` : sql`coalesce(c.announced_version_id, c.version_id)`
}
