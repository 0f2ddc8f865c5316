import type { AuditActor, TrustPolicy } from '@cimd/core'
import { sql } from 'kysely'
import { noteOwnAudit } from './audit-pending.ts'
import type { Transaction } from './db.ts'

/** A version of a tenant's policy as it was stored. */
export type StoredPolicy = {
  readonly version: number
  /** As it was written, with every default of its day: read it with `readTrustPolicy`. */
  readonly policy: unknown
  /** sha-256 in hex, as `policyDigest` has it. */
  readonly digest: string
  readonly createdAt: Date
  /** The prefix of the key, or the name of the operator's tool. */
  readonly createdBy: string
}

/** Which versions count: the one in force (0: none), the one that is only reported, and the one that was judged by last. */
export type PolicyVersions = {
  readonly inForce: number
  readonly reportOnly: number | undefined
  /** The one by which all clients were judged last. */
  readonly evaluated: number
  /** What the tenant asks of clients where no policy is in force (DOC-13). */
  readonly profile: string
}

export type NewPolicy = { readonly policy: TrustPolicy; readonly digest: string; readonly by: AuditActor }

export type PutPolicy =
  | { readonly kind: 'put'; readonly version: number }
  /** Another version is in force than whoever wrote it had seen. */
  | { readonly kind: 'outdated'; readonly version: number }

/**
 * Puts a policy in force for the tenant of the transaction, as a version of its own that never changes (POL-01). The one in
 * force already stays what it is. Its stale limits take the place of those of the tenant's row. With `ifVersion` only while that one is in force; 0: while none is.
 */
export async function putPolicy(
  trx: Transaction,
  policy: NewPolicy,
  { ifVersion }: { readonly ifVersion?: number | undefined } = {},
): Promise<PutPolicy> {
  const { inForce } = await lockVersions(trx)
  if (ifVersion !== undefined && ifVersion !== inForce) return { kind: 'outdated', version: inForce }
  const present = await findPolicy(trx, inForce)
  if (present?.digest === policy.digest) return { kind: 'put', version: inForce }
  const version = await addVersion(trx, policy)
  const { stale_limits } = policy.policy
  await sql`update cimd.tenants set policy_version = ${version},
    stale_limits = ${JSON.stringify(stale_limits)}::jsonb where id = cimd.current_tenant()`.execute(trx)
  await notePolicy(trx, version, policy, false)
  return { kind: 'put', version }
}

/** Has a policy judged beside the one in force for the tenant of the transaction, and told of only; its version. */
export async function putReportPolicy(trx: Transaction, policy: NewPolicy): Promise<number> {
  await lockVersions(trx)
  const version = await addVersion(trx, policy)
  await setReportPolicy(trx, version)
  await notePolicy(trx, version, policy, true)
  return version
}

/** Ends that. False: there was none. */
export async function clearReportPolicy(trx: Transaction, by: AuditActor): Promise<boolean> {
  const { reportOnly } = await lockVersions(trx)
  await setReportPolicy(trx, null)
  if (reportOnly === undefined) return false
  await noteOwnAudit(trx, { kind: 'tenant.changed', by, data: { settings: ['report_policy'] } })
  return true
}

/** A version of the policy of the tenant of the transaction. */
export async function findPolicy(trx: Transaction, version: number): Promise<StoredPolicy | undefined> {
  const { rows } = await sql<PolicyRow>`
    select ${COLUMNS} from cimd.policies
    where tenant_id = cimd.current_tenant() and version = ${version}`.execute(trx)
  return rows[0] && fromRow(rows[0])
}

/** Up to `limit` versions before one, the newest first, of the tenant of the transaction. */
export async function listPolicies(
  trx: Transaction,
  { before, limit }: { readonly before?: number | undefined; readonly limit: number },
): Promise<readonly StoredPolicy[]> {
  const { rows } = await sql<PolicyRow>`
    select ${COLUMNS} from cimd.policies
    where tenant_id = cimd.current_tenant() and version < coalesce(${before ?? null}::bigint, 9223372036854775807)
    order by version desc limit ${limit}`.execute(trx)
  return rows.map(fromRow)
}

/** Which versions count for the tenant of the transaction. */
export async function readPolicyVersions(trx: Transaction): Promise<PolicyVersions> {
  const { rows } = await sql<VersionsRow>`
    select ${VERSIONS} from cimd.tenants where id = cimd.current_tenant()`.execute(trx)
  return versionsFromRow(rows[0])
}

type PolicyRow = { version: number; policy: unknown; digest: string; created_at: Date; created_by: string }
type VersionsRow = {
  policy_version: number
  report_policy_version: number | null
  evaluated_policy_version: number
  profile: string
}

const VERSIONS = sql`policy_version, report_policy_version, evaluated_policy_version, profile`
const COLUMNS = sql`version, policy, encode(digest, 'hex') as digest, created_at, created_by`

function fromRow({ created_at, created_by, ...row }: PolicyRow): StoredPolicy {
  return { ...row, createdAt: created_at, createdBy: created_by }
}

function versionsFromRow(row: VersionsRow | undefined): PolicyVersions {
  if (row === undefined) throw new Error('the transaction belongs to no tenant')
  const { policy_version: inForce, report_policy_version: reportOnly, profile } = row
  return { inForce, reportOnly: reportOnly ?? undefined, evaluated: row.evaluated_policy_version, profile }
}

// Whoever puts a policy waits here for whoever does at the same time.
async function lockVersions(trx: Transaction): Promise<PolicyVersions> {
  const { rows } = await sql<VersionsRow>`
    select ${VERSIONS} from cimd.tenants where id = cimd.current_tenant()
    for no key update`.execute(trx)
  return versionsFromRow(rows[0])
}

async function addVersion(trx: Transaction, { policy, digest, by }: NewPolicy): Promise<number> {
  const { rows } = await sql<{ version: number }>`
    insert into cimd.policies (tenant_id, version, policy, digest, created_by)
    select cimd.current_tenant(), coalesce(max(version), 0) + 1, ${JSON.stringify(policy)}::jsonb,
      decode(${digest}, 'hex'), ${by.id}
    from cimd.policies where tenant_id = cimd.current_tenant()
    returning version`.execute(trx)
  const version = rows[0]?.version
  if (version === undefined) throw new Error('an insert returned no version')
  return version
}

async function notePolicy(
  trx: Transaction,
  version: number,
  { policy, digest, by }: NewPolicy,
  reportOnly: boolean,
): Promise<void> {
  const data = { version, digest, mode: policy.mode, report_only: reportOnly }
  await noteOwnAudit(trx, { kind: 'policy.put', by, data })
}

// What was reported of another policy says nothing of this one.
async function setReportPolicy(trx: Transaction, version: number | null): Promise<void> {
  await sql`delete from cimd.policy_reports where tenant_id = cimd.current_tenant()`.execute(trx)
  await sql`update cimd.tenants set report_policy_version = ${version}
    where id = cimd.current_tenant()`.execute(trx)
}
