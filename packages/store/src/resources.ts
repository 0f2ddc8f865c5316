import type {
  Brake,
  CacheHeaders,
  ClientEvent,
  ClientIdUrl,
  ClientStanding,
  FailureCode,
  LinkedKind,
  Validators,
} from '@cimd/core'
import { sql } from 'kysely'
import { type AuditedFetch, auditedFetchJson } from './audit-pending.ts'
import { claimLost } from './claims.ts'
import type { Db } from './db.ts'
import { keepLeftLogos } from './logos.ts'
import { bytes, json } from './sql-values.ts'
import { rowFromStanding, type StandingRow, standingFromRow } from './standing.ts'

/** The right to fetch the key set or the logo of one client, until its lease ends on the database's clock. */
export type ResourceClaim = {
  readonly resource: string
  readonly client: string
  readonly clientId: ClientIdUrl
  readonly kind: LinkedKind
  readonly url: string
  readonly host: string
  readonly token: string
  readonly generation: number
  /** Somebody waits for it. */
  readonly urgent: boolean
  readonly claimedAt: Date
  readonly standing: ClientStanding
  readonly brake: Brake | undefined
  /** The usable keys as they stand, of a key set. */
  readonly body: Uint8Array | undefined
  readonly validators: Validators
  /** Of the response that was last valid, as every 304 since has changed them (CAC-12). */
  readonly cacheHeaders?: CacheHeaders
  /** As of a client (`Claim`). */
  readonly lostClaims: number
}

/** A finished attempt on a resource and all that follows from it, written together. */
export type ResourceRecord = {
  readonly claim: ResourceClaim
  readonly finishedAt: Date
  readonly failure?: { readonly code: FailureCode; readonly detail: string }
  readonly standing: ClientStanding
  /** The usable keys, of a key set that was fetched. */
  readonly body?: Uint8Array
  /** Of the response that was last valid; undefined keeps what is stored. */
  readonly validators?: Validators
  readonly cacheHeaders?: CacheHeaders
  /** An answer was read and judged to the end. */
  readonly examined?: boolean
  readonly nextAttemptAt: Date | undefined
  readonly events: readonly ClientEvent[]
  /** What the audit of every tenant that uses the client is told; undefined: nothing. */
  readonly audited?: AuditedFetch
}

type ClaimRow = StandingRow & {
  id: string
  client_ref: string
  client_id: string
  kind: LinkedKind
  url: string
  host: string
  claim_token: string
  claimed: number
  is_urgent: boolean
  now: Date
  body: Buffer | null
  etag: string | null
  last_modified: string | null
  cache_headers: CacheHeaders | null
  held_from: Date | null
  lost_claims: number
}

/** After this long the work of a demand that arrived meanwhile is looked for again. */
const NEXT_WORK_SECONDS = 5

/** Claims every resource of a client of these kinds that is wanted and free, in one round trip. */
export async function claimResources(
  db: Db,
  client: string,
  kinds: readonly LinkedKind[],
  leaseSeconds: number,
  isolatedSeconds = leaseSeconds,
): Promise<readonly ResourceClaim[]> {
  const { rows } = await sql<ClaimRow>`
    with claimed as (
      update cimd.resources set
        claimed = wanted, claim_token = gen_random_uuid(), ${claimLost(leaseSeconds, isolatedSeconds)},
        deferred_until = null, deferred_code = null
      where client_ref = ${client} and kind = any(${[...kinds]}::text[]) and wanted > done
        and (claim_until is null or claim_until <= cimd.cimd_now())
        and (quarantined_until is null or quarantined_until <= cimd.cimd_now())
        and (deferred_until is null or deferred_until <= cimd.cimd_now())
      returning *
    )
    select cimd.cimd_now() as now, r.id::text, r.client_ref::text, c.client_id, r.kind, r.url, r.host, r.claim_token,
      r.claimed, r.urgent > r.done as is_urgent, r.etag, r.last_modified, r.cache_headers, r.digest, r.body,
      r.state, r.validated_at, r.fresh_until, r.revalidate_until, r.usable_until, r.stale_forbidden,
      r.stale_if_error_seconds, r.failure_code, r.failing_since, r.withdrawing_code, r.withdrawing_since, r.retry_at,
      r.lost_claims, r.quarantined_since, r.quarantined_until, b.held_from
    from claimed r join cimd.clients c on c.id = r.client_ref
    left join cimd.brake b on b.held_from is not null
    order by r.kind`.execute(db)
  return rows.map(claimFromRow)
}

/**
 * Writes an attempt on a resource, what it found, its events and what the audit is told in one statement. The client's row lock orders the
 * events, as it does those of the document; a claim that was lost, or whose URL the document no longer names, leaves
 * everything untouched. False: nothing was written.
 */
export async function recordResource(db: Db, record: ResourceRecord): Promise<{ readonly applied: boolean }> {
  const { claim, standing, body } = record
  const row = rowFromStanding(standing)
  const keeps = record.validators === undefined
  const { rows } = await sql<{ applied: boolean }>`
    with held as (
      select id from cimd.clients where id = ${claim.client} for no key update
    ), resource as (
      update cimd.resources r set
        done = r.claimed, claimed = null, claim_token = null, claim_until = null,
        digest = decode(${standing.digest ?? null}, 'hex'), body = coalesce(${bytes(body)}, r.body),
        state = ${row.state}, validated_at = ${row.validated_at}, fresh_until = ${row.fresh_until},
        revalidate_until = ${row.revalidate_until}, usable_until = ${row.usable_until},
        stale_forbidden = ${row.stale_forbidden}, stale_if_error_seconds = ${row.stale_if_error_seconds},
        failure_code = ${row.failure_code}, failing_since = ${row.failing_since},
        failure_detail = ${record.failure?.detail ?? null},
        withdrawing_code = ${row.withdrawing_code}, withdrawing_since = ${row.withdrawing_since},
        retry_at = ${row.retry_at}, attempted_at = ${record.finishedAt},
        quarantined_since = ${row.quarantined_since}, quarantined_until = ${row.quarantined_until},
        lost_claims = case when ${record.examined ?? false} then 0 else r.lost_claims end,
        etag = case when ${keeps} then r.etag else ${record.validators?.etag ?? null} end,
        last_modified =
          case when ${keeps} then r.last_modified else ${record.validators?.lastModified ?? null} end,
        cache_headers = coalesce(${json(record.cacheHeaders)}::jsonb, r.cache_headers),
        due_at = case when r.wanted > r.claimed then cimd.cimd_now() + make_interval(secs => ${NEXT_WORK_SECONDS})
          else ${record.nextAttemptAt ?? null}::timestamptz end
      from held where r.id = ${claim.resource} and r.client_ref = held.id and r.claim_token = ${claim.token}
      returning r.client_ref
    ), ${keepLeftLogos(sql`r.id = ${claim.resource} and exists (select from resource)
      and r.digest is distinct from decode(${standing.digest ?? null}, 'hex')`)}, client as (
      update cimd.clients c set event_seq = c.event_seq + ${record.events.length}
      from resource where c.id = resource.client_ref and ${record.events.length} > 0
      returning c.id, c.event_seq
    ), announced as (
      insert into cimd.outbox (client_ref, client_seq, type, data, occurred_at)
      select client.id, client.event_seq - ${record.events.length} + e.ordinality, e.event ->> 'type',
        e.event -> 'data', ${record.finishedAt}
      from client, jsonb_array_elements(${JSON.stringify(record.events)}::jsonb) with ordinality as e (event)
    ), audited as (
      insert into cimd.audit_pending (client_ref, at, kind, client_id, actor, data)
      select resource.client_ref, ${record.finishedAt}, a.entry ->> 'kind', a.entry ->> 'client_id',
        a.entry -> 'actor', a.entry -> 'data'
      from resource, (select ${auditedFetchJson(claim.clientId, record.audited)}::jsonb as entry) a
      where a.entry is not null
    )
    select exists (select from resource) as applied`.execute(db)
  return { applied: rows[0]?.applied ?? false }
}

/** Gives a claim back without an attempt, so that another fetcher may take it at once. */
export async function releaseResource(db: Db, claim: ResourceClaim): Promise<void> {
  await endClaim(db, claim, { seconds: 0 })
}

/** Gives a claim back to be taken up again after so many seconds: the fetcher is busy, and no budget asks to wait. */
export async function postponeResource(db: Db, claim: ResourceClaim, seconds: number): Promise<void> {
  await sql`
    update cimd.resources set claimed = null, claim_token = null, claim_until = null,
      due_at = cimd.cimd_now() + make_interval(secs => ${seconds})
    where id = ${claim.resource} and claim_token = ${claim.token}`.execute(db)
}

/** Gives a claim back because its budget asks to wait; the resource stays wanted (CAC-06). */
export async function deferResource(
  db: Db,
  claim: ResourceClaim,
  code: FailureCode,
  seconds: number,
): Promise<void> {
  await endClaim(db, claim, { seconds, code })
}

/**
 * Gives a claim back because of a fault of ours: what is wanted stays wanted, and nobody takes it up before so many seconds
 * have passed. Whoever comes to wait for it ends the pause only where nobody waited before.
 */
export async function pauseResource(db: Db, claim: ResourceClaim, seconds: number): Promise<void> {
  await endClaim(db, claim, { seconds })
}

async function endClaim(
  db: Db,
  claim: ResourceClaim,
  pause: { readonly seconds: number; readonly code?: FailureCode },
): Promise<void> {
  await sql`
    update cimd.resources set claimed = null, claim_token = null, claim_until = null, deferred_until = p.until,
      deferred_code = case when p.until is not null then ${pause.code ?? null}::text end,
      due_at = coalesce(p.until, cimd.cimd_now())
    from (
      -- Whoever came meanwhile does not wait for a pause that was asked of nobody's hurry.
      select id, case when ${pause.seconds > 0} and (${claim.urgent} or urgent <= done)
        then cimd.cimd_now() + make_interval(secs => ${pause.seconds}) end as until
      from cimd.resources where id = ${claim.resource} and claim_token = ${claim.token} for no key update
    ) p
    where resources.id = p.id`.execute(db)
}

function claimFromRow(row: ClaimRow): ResourceClaim {
  return {
    resource: row.id,
    client: row.client_ref,
    // Checked when it was demanded, and by the column's own constraint.
    clientId: row.client_id as ClientIdUrl,
    kind: row.kind,
    url: row.url,
    host: row.host,
    token: row.claim_token,
    generation: row.claimed,
    urgent: row.is_urgent,
    claimedAt: row.now,
    standing: standingFromRow(row),
    brake: row.held_from === null ? undefined : { heldFrom: row.held_from },
    body: row.body ?? undefined,
    lostClaims: row.lost_claims,
    cacheHeaders: row.cache_headers ?? {},
    validators: {
      ...(row.etag === null ? {} : { etag: row.etag }),
      ...(row.last_modified === null ? {} : { lastModified: row.last_modified }),
    },
  }
}
