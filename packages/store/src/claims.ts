import {
  type Brake,
  type CacheHeaders,
  type ClientIdUrl,
  type ClientStanding,
  type FailureCode,
  LOST_CLAIMS_MAX,
  type PastVersion,
  type Validators,
} from '@cimd/core'
import { type RawBuilder, sql } from 'kysely'
import type { StoredVersion } from './clients.ts'
import type { Db } from './db.ts'
import { type KnownDomainRow, knownDomainFromRow, type NamedDomain } from './domains.ts'
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
  /** Present while it is engaged. */
  readonly brake: Brake | undefined
  readonly version: StoredVersion | undefined
  readonly validators: Validators
  /** Of the response that was last valid, as every 304 since has changed them. */
  readonly cacheHeaders?: CacheHeaders
  /** The rules an operator has approved (CAC-12). */
  readonly rulesApproved?: number | undefined
  /** Its newest versions, oldest first, the current one last (CHG-10). */
  readonly history?: readonly PastVersion[]
  /** The version announced last, where it is not the current one. */
  readonly announced?: { readonly digest: string; readonly body: Uint8Array } | undefined
  /** Others may find other keys or another logo while the claim lasts: what is told of these counts as of then alone. */
  readonly linked?: LinkedFacts
  /** How many claims in a row were lost before this one: their fetchers died, or took too long. */
  readonly lostClaims: number
  /** Of its registrable domain (CHG-05); undefined: nothing of it was ever valid. */
  readonly domain?: NamedDomain | undefined
}

/** What is usable of what a client names. */
export type LinkedFacts = {
  /** Fetched from its jwks_uri. */
  readonly keys: Uint8Array | undefined
  readonly logoDigest: string | undefined
  /** How many events of the client there were. */
  readonly eventSeq: number
}

type LinkedRow = { event_seq: number; keys: Buffer | null; logo_digest: Buffer | null }

type ClaimRow = StandingRow &
  LinkedRow &
  KnownDomainRow & {
    /** Another number: something was recorded that the rest of the row does not show. */
    event_seq_seen: number
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
    cache_headers: CacheHeaders | null
    rules_approved: number | null
    version_id: string | null
    body: Buffer | null
    content_type: string | null
    rules_version: number | null
    fetched_at: Date | null
    held_from: Date | null
    announced_digest: Buffer | null
    announced_body: Buffer | null
    history: readonly { digest: string; since: string }[] | null
    lost_claims: number
  }

/** More say no more. */
const LOST_CLAIMS_COUNTED = 1000

/** Enough to see a document return again and again, whatever the number of versions that take turns. */
const HISTORY_VERSIONS = 16

/**
 * Claims a client for one attempt, in one round trip. Undefined when nothing is wanted, another holds the
 * lease, its budget asks to wait, or it is in quarantine: then there is nothing to do. A claim that ran out without having been
 * given back is counted as lost; after several the next
 * lasts `isolatedSeconds`, since a process has to be started first.
 */
export async function claimClient(
  db: Db,
  client: string,
  leaseSeconds: number,
  isolatedSeconds = leaseSeconds,
): Promise<Claim | undefined> {
  const { rows } = await sql<ClaimRow>`
    with claimed as (
      update cimd.clients set
        claimed = wanted, claim_token = gen_random_uuid(), ${claimLost(leaseSeconds, isolatedSeconds)},
        deferred_until = null, deferred_code = null
      where id = ${client} and wanted > done
        and (claim_until is null or claim_until <= cimd.cimd_now())
        and (quarantined_until is null or quarantined_until <= cimd.cimd_now())
        and (deferred_until is null or deferred_until <= cimd.cimd_now())
      returning id, client_id, host, domain, claim_token, claimed, forced, urgent, done, version_id, announced_version_id, etag, last_modified, cache_headers,
        state, validated_at, fresh_until, revalidate_until, usable_until, stale_forbidden, stale_if_error_seconds,
        failure_code, failing_since, withdrawing_code, withdrawing_since, retry_at, stale_announced_code, event_seq,
        lost_claims, quarantined_since, quarantined_until
    )
    ${CLAIM_FACTS} from claimed c ${CLAIM_JOINS}`.execute(db)
  const [row] = rows
  if (row === undefined) return undefined
  return isSeenWhole(row) ? claimFromRow(row) : readClaim(db, row)
}

/** Sets the lease, and counts the claim that it takes the place of. */
export function claimLost(leaseSeconds: number, isolatedSeconds: number): RawBuilder<unknown> {
  const lost = sql`lost_claims + (claim_token is not null)::integer`
  return sql`lost_claims = least(${lost}, ${LOST_CLAIMS_COUNTED}),
    claim_until = cimd.cimd_now() + make_interval(secs =>
      case when ${lost} < ${LOST_CLAIMS_MAX} then ${leaseSeconds}::double precision else ${isolatedSeconds} end)`
}

// A claim that waited for the recording of another attempt sees the client as that left it, and all else as it was before:
// a version id without its version, or keys that are not the usable ones any more. Judged like that, a client in use would
// be one that never was valid.
function isSeenWhole({ version_id, digest, event_seq, event_seq_seen }: ClaimRow): boolean {
  return event_seq === event_seq_seen && (version_id === null || digest !== null)
}

/** The claim with what is usable now of what the client names; as it was if it is lost. */
export async function renewLinked(db: Db, claim: Claim): Promise<Claim> {
  const { rows } = await sql<LinkedRow>`
    select c.event_seq, k.body as keys, l.digest as logo_digest from cimd.clients c ${LINKED_JOINS}
    where c.id = ${claim.client} and c.claim_token = ${claim.token}`.execute(db)
  return rows[0] === undefined ? claim : { ...claim, linked: linkedFromRow(rows[0]) }
}

async function readClaim(db: Db, { id, claim_token }: ClaimRow): Promise<Claim | undefined> {
  const { rows } = await sql<ClaimRow>`
    ${CLAIM_FACTS} from cimd.clients c ${CLAIM_JOINS}
    where c.id = ${id} and c.claim_token = ${claim_token}`.execute(db)
  return rows[0] && claimFromRow(rows[0])
}

const LINKED_JOINS = sql`
  left join cimd.resources k on k.client_ref = c.id and k.kind = 'jwks' and k.state in ('valid', 'failing')
  left join cimd.resources l on l.client_ref = c.id and l.kind = 'logo' and l.state in ('valid', 'failing')`

const CLAIM_FACTS = sql`
  select c.event_seq, (select event_seq from cimd.clients where id = c.id) as event_seq_seen, cimd.cimd_now() as now,
    c.id::text, c.client_id, c.host, c.claim_token, c.claimed,
    c.forced > c.done as forced, c.urgent > c.done as is_urgent, c.version_id, c.etag, c.last_modified, c.cache_headers,
    c.state, c.validated_at, c.fresh_until, c.revalidate_until, c.usable_until, c.stale_forbidden, c.stale_if_error_seconds,
    c.failure_code, c.failing_since, c.withdrawing_code, c.withdrawing_since, c.retry_at, c.stale_announced_code,
    c.lost_claims, c.quarantined_since, c.quarantined_until, v.digest, v.body, v.content_type, v.rules_version, v.fetched_at, b.held_from,
    (select rules_version from cimd.deployment) as rules_approved,
    d.domain as known_domain, d.standing as domain_standing, d.changes_pending, d.name_servers_asked_at,
    k.body as keys, l.digest as logo_digest, a.digest as announced_digest, a.body as announced_body, (
      select jsonb_agg(jsonb_build_object('digest', encode(n.digest, 'hex'), 'since', n.fetched_at) order by n.id)
      from (
        select id, digest, fetched_at from cimd.versions where client_id = c.client_id
        order by id desc limit ${HISTORY_VERSIONS}
      ) n
    ) as history`

const CLAIM_JOINS = sql`left join cimd.versions v on v.id = c.version_id
  left join cimd.versions a on a.id = c.announced_version_id
  left join cimd.domains d on d.domain = c.domain
  left join cimd.brake b on b.held_from is not null ${LINKED_JOINS}`

/** Gives a claim back without an attempt, so that another fetcher may take it at once. */
export async function releaseClaim(db: Db, claim: Claim): Promise<void> {
  await endClaim(db, claim, { seconds: 0 })
}

/** Gives a claim back because its budget asks to wait; the demand stays wanted (CAC-06). */
export async function deferClaim(db: Db, claim: Claim, code: FailureCode, seconds: number): Promise<void> {
  await endClaim(db, claim, { seconds, code })
}

/** Gives a claim back to be taken up again after so many seconds: the fetcher is busy, and no budget asks to wait. */
export async function postponeClaim(db: Db, claim: Claim, seconds: number): Promise<void> {
  await endClaim(db, claim, { seconds })
}

async function endClaim(db: Db, claim: Claim, pause: { seconds: number; code?: FailureCode }): Promise<void> {
  const isDeferred = pause.code !== undefined
  await sql`
    with ended as (
      update cimd.clients set claimed = null, claim_token = null, claim_until = null,
        deferred_until = p.until, deferred_code = case when p.until is null then null else ${pause.code ?? null}::text end,
        placed = case when ${isDeferred} and p.until is not null then done else placed end
      from (
        -- A user who came meanwhile does not wait for a pause that was asked of nobody's hurry.
        select id, case when ${pause.seconds > 0} and (${claim.urgent} or urgent <= done)
          then cimd.cimd_now() + make_interval(secs => ${pause.seconds}) end as until
        from cimd.clients where id = ${claim.client} and claim_token = ${claim.token} for no key update
      ) p
      where clients.id = p.id
      returning clients.id, p.until, coalesce(p.until, cimd.cimd_now()) as due_at
    ), in_line as (
      -- Others have their turn meanwhile.
      update cimd.fetch_places p set taken_at = null, ready_at = ended.due_at
      from ended where p.client_ref = ended.id and ${isDeferred} and ended.until is not null
    )
    insert into cimd.schedule (client_ref, due_at) select id, due_at from ended
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
    brake: row.held_from === null ? undefined : { heldFrom: row.held_from },
    linked: linkedFromRow(row),
    lostClaims: row.lost_claims,
    domain: knownDomainFromRow(row),
    version: versionFromRow(row),
    history: (row.history ?? []).map(({ digest, since }) => ({ digest, since: new Date(since) })),
    announced: announcedFromRow(row),
    cacheHeaders: row.cache_headers ?? {},
    rulesApproved: row.rules_approved ?? undefined,
    validators: {
      ...(row.etag === null ? {} : { etag: row.etag }),
      ...(row.last_modified === null ? {} : { lastModified: row.last_modified }),
    },
  }
}

function linkedFromRow({ keys, logo_digest, event_seq: eventSeq }: LinkedRow): LinkedFacts {
  return { keys: keys ?? undefined, logoDigest: logo_digest?.toString('hex'), eventSeq }
}

function announcedFromRow({ announced_digest: digest, announced_body: body }: ClaimRow): Claim['announced'] {
  return digest === null || body === null ? undefined : { digest: digest.toString('hex'), body }
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
