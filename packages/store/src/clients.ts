import {
  type ClientIdUrl,
  type ClientStanding,
  type FailureCode,
  QUARANTINED,
  quarantineAt,
  type StaleLimits,
  UNKNOWN_STANDING,
  type UseTerms,
} from '@cimd/core'
import { sql } from 'kysely'
import type { Transaction } from './db.ts'
import {
  type PolicyFacts,
  type PolicyFactsRow,
  policyColumns,
  policyFactsFromRow,
  policyJoins,
  shownVersion,
} from './policy-facts.ts'
import {
  type ReputationColumn,
  type ReputationView,
  reputationColumn,
  reputationFromColumn,
} from './reputation-view.ts'
import { findResources, type ResourceView } from './resource-views.ts'
import { knownCode, type StandingRow, standingFromRow } from './standing.ts'

/** A valid version as stored: the bytes as fetched and their sha-256, hex. */
export type StoredVersion = {
  readonly digest: string
  readonly body: Uint8Array
  readonly contentType: string
  readonly fetchedAt: Date
  /** Of the rules that said it is valid. */
  readonly rulesVersion: number
}

/** What one tenant can see of one client at one instant of the database's clock. */
export type ClientView = PolicyFacts & {
  readonly now: Date
  /** Undefined: no tenant ever demanded it. */
  readonly id: string | undefined
  readonly wanted: number
  readonly urgent: number
  readonly done: number
  /** Up to which generation a user's demand has had a place with the fetchers. */
  readonly placed?: number
  /** A user of this tenant waits for what is wanted, in a place of the tenant or in its line. */
  readonly standsIn?: boolean
  /** Until when its budget asks to wait, or its quarantine; undefined once that is over. */
  readonly deferred: { readonly code: FailureCode; readonly until: Date } | undefined
  readonly standing: ClientStanding
  /** What else decides its use by this tenant: the brake, and the tenant's own limits. */
  readonly terms: UseTerms
  /** The current one, or that which was registered and stays. */
  readonly version: StoredVersion | undefined
  /** The rules an operator of the deployment has approved (CAC-12). */
  readonly rulesApproved?: number | undefined
  /** Its key set and its logo, where its document names them. */
  readonly resources: readonly ResourceView[]
  /** End of the newest attempt. */
  readonly attemptedAt: Date | undefined
  /** Undefined: this tenant never demanded it. */
  readonly lastResolvedAt: Date | undefined
  /** How the tenant's own users have used it; undefined as above. */
  readonly reputation?: ReputationView | undefined
}

export type VersionRow = {
  digest: Buffer | null
  body: Buffer | null
  content_type: string | null
  fetched_at: Date | null
  rules_version: number | null
}

type ViewRow = Partial<Omit<StandingRow, 'digest'>> &
  PolicyFactsRow &
  VersionRow & {
    now: Date
    id: string | null
    wanted: number | null
    urgent: number | null
    done: number | null
    placed: number | null
    stands_in: boolean | null
    deferred_until: Date | null
    deferred_code: string | null
    rules_approved: number | null
    attempted_at: Date | null
    last_resolved_at: Date | null
    held_from: Date | null
    has_resources: boolean
    stale_limits: StaleLimits | null
    reputation: ReputationColumn | null
  }

/**
 * Reads the record of a client for the tenant of the transaction. One round trip, and one more for a client whose
 * document names a key set or a logo, if the tenant uses it or is about to (`begins`): of one that only others use the time
 * of the answer does not tell that.
 */
export async function findClient(
  trx: Transaction,
  clientId: ClientIdUrl,
  { begins = false }: { readonly begins?: boolean } = {},
): Promise<ClientView> {
  const { rows } = await sql<ViewRow>`
    select cimd.cimd_now() as now, c.id::text, c.wanted, c.urgent, c.done, c.placed, c.deferred_until, c.deferred_code,
      c.urgent > c.done and exists (
        select from cimd.fetch_places p where p.client_ref = c.id and p.tenant_id = cimd.current_tenant()
      ) as stands_in,
      c.state, c.validated_at, c.fresh_until, c.revalidate_until, c.usable_until, c.stale_forbidden, c.stale_if_error_seconds,
      c.failure_code, c.failing_since, c.withdrawing_code, c.withdrawing_since, c.retry_at,
      c.quarantined_since, c.quarantined_until, v.digest, v.body, v.content_type, v.fetched_at, v.rules_version,
      ${policyColumns},
      (select rules_version from cimd.deployment) as rules_approved,
      c.attempted_at, i.last_resolved_at, b.held_from, t.stale_limits,
      exists (select from cimd.resources where client_ref = c.id) as has_resources,
      ${reputationColumn} as reputation
    from (values (true)) as always
    left join cimd.clients c on c.client_id = ${clientId}
    left join cimd.interest i on i.client_ref = c.id and i.tenant_id = cimd.current_tenant()
    ${policyJoins}
    left join cimd.versions v on v.id = ${shownVersion}
    left join cimd.tenants t on t.id = cimd.current_tenant()
    left join cimd.brake b on b.held_from is not null`.execute(trx)
  const row = rows[0]
  if (row === undefined) throw new Error('a left join from one row gave none')
  const isUsed = begins || row.last_resolved_at !== null
  const resources = isUsed && row.has_resources && row.id !== null ? await findResources(trx, row.id) : []
  return { ...viewFromRow(row), resources }
}

function viewFromRow(row: ViewRow): Omit<ClientView, 'resources'> {
  const standing = row.id === null ? UNKNOWN_STANDING : standingFromRow(row as StandingRow)
  return {
    now: row.now,
    id: row.id ?? undefined,
    wanted: row.wanted ?? 0,
    urgent: row.urgent ?? 0,
    done: row.done ?? 0,
    placed: row.placed ?? 0,
    standsIn: row.stands_in ?? false,
    deferred: deferralOf(row, standing),
    standing,
    terms: {
      brake: row.held_from === null ? undefined : { heldFrom: row.held_from },
      staleLimits: row.stale_limits ?? undefined,
    },
    version: versionFromRow(row),
    ...policyFactsFromRow(row),
    rulesApproved: row.rules_approved ?? undefined,
    attemptedAt: row.attempted_at ?? undefined,
    lastResolvedAt: row.last_resolved_at ?? undefined,
    reputation: reputationFromColumn(row.reputation),
  }
}

function deferralOf(row: ViewRow, standing: ClientStanding): ClientView['deferred'] {
  const quarantine = quarantineAt(standing, row.now)
  if (quarantine !== undefined) return { code: QUARANTINED, until: quarantine.until }
  const { deferred_until: until, deferred_code: code } = row
  return until === null || code === null || until <= row.now ? undefined : { code: knownCode(code), until }
}

export function versionFromRow(row: VersionRow): StoredVersion | undefined {
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

/**
 * Keeps the client as it is until the transaction ends: no attempt on it can be recorded meanwhile. A tenant's first
 * use reads the record and begins its view of the client under this lock, so that no event falls in between.
 */
export async function lockClient(trx: Transaction, client: string): Promise<void> {
  await sql`select from cimd.clients where id = ${client} for no key update`.execute(trx)
}
