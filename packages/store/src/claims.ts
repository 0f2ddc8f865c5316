import type { ClientIdUrl, ClientStanding, FailureCode, Validators } from '@cimd/core'
import { sql } from 'kysely'
import type { StoredVersion } from './clients.ts'
import type { Db } from './db.ts'
import { type StandingRow, standingFromRow } from './standing.ts'

/** The right to fetch one client, until `until` on the database's clock. */
export type Claim = {
  readonly client: string
  readonly clientId: ClientIdUrl
  readonly host: string
  readonly token: string
  /** The attempt answers every demand up to this generation. */
  readonly generation: number
  /** A user waits for it. */
  readonly urgent: boolean
  /** A demand in it asked for an unconditional fetch. */
  readonly forced: boolean
  readonly claimedAt: Date
  readonly standing: ClientStanding
  readonly version: (StoredVersion & { readonly rulesVersion: number }) | undefined
  readonly validators: Validators
}

type ClaimRow = StandingRow & {
  id: string
  client_id: string
  host: string
  claim_token: string
  claimed: number
  forced: boolean
  is_urgent: boolean
  now: Date
  etag: string | null
  last_modified: string | null
  body: Buffer | null
  content_type: string | null
  rules_version: number | null
  fetched_at: Date | null
}

/**
 * Claims a client for one attempt, in one round trip. Undefined when nothing is wanted, another holds the
 * lease, or its budget asks to wait: then there is nothing to do.
 */
export async function claimClient(db: Db, client: string, leaseSeconds: number): Promise<Claim | undefined> {
  const { rows } = await sql<ClaimRow>`
    with claimed as (
      update cimd.clients set
        claimed = wanted, claim_token = gen_random_uuid(),
        claim_until = cimd.cimd_now() + make_interval(secs => ${leaseSeconds}),
        deferred_until = null, deferred_code = null
      where id = ${client} and wanted > done
        and (claim_until is null or claim_until <= cimd.cimd_now())
        and (deferred_until is null or deferred_until <= cimd.cimd_now())
      returning id, client_id, host, claim_token, claimed, forced, urgent, done, version_id, etag, last_modified,
        state, validated_at, fresh_until, revalidate_until, usable_until, stale_forbidden, stale_if_error_seconds,
        failure_code, failing_since, withdrawing_code, withdrawing_since, retry_at
    )
    select cimd.cimd_now() as now, c.id::text, c.client_id, c.host, c.claim_token, c.claimed,
      c.forced > c.done as forced, c.urgent > c.done as is_urgent, c.etag, c.last_modified,
      c.state, c.validated_at, c.fresh_until, c.revalidate_until, c.usable_until, c.stale_forbidden, c.stale_if_error_seconds,
      c.failure_code, c.failing_since, c.withdrawing_code, c.withdrawing_since, c.retry_at,
      v.digest, v.body, v.content_type, v.rules_version, v.fetched_at
    from claimed c left join cimd.versions v on v.id = c.version_id`.execute(db)
  return rows[0] === undefined ? undefined : claimFromRow(rows[0])
}

/** Gives a claim back without an attempt, so that another fetcher may take it at once. */
export async function releaseClaim(db: Db, claim: Claim): Promise<void> {
  await endClaim(db, claim, { seconds: 0 })
}

/** Gives a claim back because its host's budget asks to wait; the demand stays wanted (CAC-06). */
export async function deferClaim(db: Db, claim: Claim, code: FailureCode, seconds: number): Promise<void> {
  await endClaim(db, claim, { seconds, code })
}

async function endClaim(db: Db, claim: Claim, pause: { seconds: number; code?: FailureCode }): Promise<void> {
  const until = sql`cimd.cimd_now() + make_interval(secs => ${pause.seconds})`
  await sql`
    with ended as (
      update cimd.clients set claimed = null, claim_token = null, claim_until = null,
        deferred_until = case when ${pause.code ?? null}::text is null then null else ${until} end,
        deferred_code = ${pause.code ?? null}
      where id = ${claim.client} and claim_token = ${claim.token}
      returning id
    )
    insert into cimd.schedule (client_ref, due_at) select id, ${until} from ended
    on conflict (client_ref) do update set due_at = excluded.due_at`.execute(db)
}

function claimFromRow(row: ClaimRow): Claim {
  return {
    client: row.id,
    // Checked when it was demanded, and by the column's own constraint.
    clientId: row.client_id as ClientIdUrl,
    host: row.host,
    token: row.claim_token,
    generation: row.claimed,
    urgent: row.is_urgent,
    forced: row.forced,
    claimedAt: row.now,
    standing: standingFromRow(row),
    version: versionFromRow(row),
    validators: {
      ...(row.etag === null ? {} : { etag: row.etag }),
      ...(row.last_modified === null ? {} : { lastModified: row.last_modified }),
    },
  }
}

function versionFromRow(row: ClaimRow): Claim['version'] {
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
