import { type DecisionName, isOwnerUnaccepted } from '@cimd/core'
import { sql } from 'kysely'
import type { StoredVersion } from './clients.ts'
import {
  OWNERSHIP_COLUMNS,
  OWNERSHIP_JOINS,
  type OwnershipRow,
  type OwnershipView,
  ownershipFromRow,
} from './domain-eras.ts'

/** A version that what a tenant gets is compared with, as stored. */
export type AgreedVersion = Pick<StoredVersion, 'digest' | 'body' | 'rulesVersion'>

/** How a client that was registered before is looked after (FET-27). */
export type RegistrationMode = 'frozen' | 'manual' | 'periodic'

/** What was noted of a client for a tenant when its policy was asked last. */
export type NotedDecision = {
  readonly decision: DecisionName
  /** Of the version that was judged; undefined: it is not kept any more. */
  readonly digest: string | undefined
  readonly policyVersion: number
  /** Somebody should look at it. */
  readonly waitsForReview: boolean
  /** It is to be judged anew. */
  readonly isDue: boolean
}

/** What a tenant's policy needs to know of a client beside its current version. */
export type PolicyFacts = {
  /** What the tenant has approved, while that lasts; undefined: nothing. */
  readonly approved?: AgreedVersion | undefined
  /** What counts as agreed to where nothing was approved; `current`: the very version of the view. */
  readonly baseline?: AgreedVersion | 'current' | undefined
  /** What a person said who refused it. */
  readonly refused?: string | undefined
  /** `isPinned`: the version of the view is the one that was registered, whatever was published since. */
  readonly registration?: { readonly mode: RegistrationMode; readonly isPinned: boolean } | undefined
  readonly noted?: NotedDecision | undefined
  /** Whose its domain is taken to be (CHG-05); undefined: nothing of the domain was ever valid. */
  readonly ownership?: OwnershipView | undefined
}

export type PolicyFactsRow = OwnershipRow & {
  approved_digest: Buffer | null
  approved_body: Buffer | null
  approved_rules: number | null
  baseline_digest: Buffer | null
  baseline_body: Buffer | null
  baseline_rules: number | null
  is_baseline_current: boolean | null
  refusal: string | null
  registration: RegistrationMode | null
  is_pinned: boolean
  decision: DecisionName | null
  decided_digest: Buffer | null
  decided_policy: number | null
  waits_for_review: boolean | null
  is_decision_due: boolean | null
}

/** The version of client `c` that a tenant gets as the current one: with `policyJoins`. */
export const shownVersion = sql`coalesce(g.version_id, c.version_id)`

/** To be joined to a client `c` and its interest `i`, for the tenant of the transaction; version `v` is then to be `shownVersion`. */
export const policyJoins = sql`
  left join cimd.approvals a on a.client_ref = c.id and a.tenant_id = cimd.current_tenant()
    and (a.expires_at is null or a.expires_at > cimd.cimd_now())
  left join cimd.versions p on p.id = a.version_id
  left join cimd.registrations g on g.client_ref = c.id and g.tenant_id = cimd.current_tenant()
  left join cimd.decisions d on d.client_ref = c.id and d.tenant_id = cimd.current_tenant()
  left join cimd.versions l on l.id = d.baseline_version_id and l.id <> ${shownVersion}
  ${OWNERSHIP_JOINS}`

export const policyColumns = sql`
  p.digest as approved_digest, p.body as approved_body, p.rules_version as approved_rules,
  l.digest as baseline_digest, l.body as baseline_body, l.rules_version as baseline_rules,
  d.baseline_version_id = ${shownVersion} as is_baseline_current, d.refusal,
  g.mode as registration, g.version_id is not null as is_pinned, d.decision,
  case when d.version_id = ${shownVersion} then v.digest
    else (select digest from cimd.versions where id = d.version_id) end as decided_digest, d.policy_version as decided_policy,
  d.review_since is not null as waits_for_review, d.due_at <= cimd.cimd_now() as is_decision_due,
  ${OWNERSHIP_COLUMNS}`

export function policyFactsFromRow(row: PolicyFactsRow): PolicyFacts {
  const { registration: mode, is_pinned: isPinned, refusal } = row
  return {
    approved: agreed(row.approved_digest, row.approved_body, row.approved_rules),
    baseline: row.is_baseline_current
      ? 'current'
      : agreed(row.baseline_digest, row.baseline_body, row.baseline_rules),
    refused: refusal ?? undefined,
    registration: mode === null ? undefined : { mode, isPinned },
    noted: notedFromRow(row),
    ownership: ownershipFromRow(row),
  }
}

/** Whether the tenant has not accepted the present owner of the client's domain (CHG-05). */
export function isOwnerNew({ ownership }: Pick<PolicyFacts, 'ownership'>): boolean {
  return ownership !== undefined && isOwnerUnaccepted(ownership, ownership.acceptedEra)
}

function notedFromRow(row: PolicyFactsRow): NotedDecision | undefined {
  if (row.decision === null) return undefined
  return {
    decision: row.decision,
    digest: row.decided_digest?.toString('hex'),
    policyVersion: row.decided_policy ?? 0,
    waitsForReview: row.waits_for_review === true,
    isDue: row.is_decision_due === true,
  }
}

function agreed(
  digest: Buffer | null,
  body: Buffer | null,
  rulesVersion: number | null,
): AgreedVersion | undefined {
  if (digest === null || body === null || rulesVersion === null) return undefined
  return { digest: digest.toString('hex'), body, rulesVersion }
}
