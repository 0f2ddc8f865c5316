import { type AuditActor, chainableText, type PolicyReason } from '@cimd/core'
import { sql } from 'kysely'
import { noteOwnAudit } from './audit-pending.ts'
import type { Transaction } from './db.ts'

/** A client somebody should look at. */
export type Review = {
  readonly clientId: string
  /** Of the version to be looked at; undefined: it is not kept any more. */
  readonly digest: string | undefined
  readonly reasons: readonly PolicyReason[]
  /** What is held: the client, or only what it gained. */
  readonly held: 'client' | 'changes'
  readonly since: Date
}

/** A person's decision about a client. */
export type PersonalDecision = {
  readonly client: string
  readonly by: AuditActor
}

export type Approval = PersonalDecision & {
  readonly digest: string
  readonly reason?: string | undefined
  readonly expiresAt?: Date | undefined
  /** Instead: so many days from now. */
  readonly expiresAfterDays?: number | undefined
}

/** Up to `limit` clients that wait for a review of the tenant of the transaction, by client_id, after one of them. */
export async function listReviews(
  trx: Transaction,
  { after = '', limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<readonly Review[]> {
  const { rows } = await sql<ReviewRow>`
    select c.client_id, encode(v.digest, 'hex') as digest, d.reasons, d.decision, d.review_since
    from cimd.decisions d join cimd.clients c on c.id = d.client_ref left join cimd.versions v on v.id = d.version_id
    where d.tenant_id = cimd.current_tenant() and d.review_since is not null and d.refused_at is null
      and c.client_id > ${after} collate "C"
    order by c.client_id collate "C" limit ${limit}`.execute(trx)
  return rows.map(({ client_id, digest, reasons, decision, review_since }) => ({
    ...{ clientId: client_id, digest: digest ?? undefined, reasons, since: review_since },
    held: decision === 'held' ? 'client' : 'changes',
  }))
}

type ReviewRow = {
  client_id: string
  digest: string | null
  reasons: PolicyReason[]
  decision: string | null
  review_since: Date
}

/**
 * Approves a version for the tenant of the transaction, in place of the one approved before, and ends a refusal (CHG-07): it
 * counts from the next request on, and until it expires. False: there is no such version, or it ends before it begins.
 */
export async function approveVersion(trx: Transaction, approval: Approval): Promise<boolean> {
  const { client, digest, reason = null, by, expiresAt = null, expiresAfterDays = null } = approval
  const { rows } = await sql<{ expires_at: Date | null }>`
    insert into cimd.approvals (tenant_id, client_ref, version_id, reason, approved_by, expires_at)
    select cimd.current_tenant(), c.id, max(v.id), ${reason}, ${by.id}, e.at
    from cimd.clients c join cimd.versions v on v.client_id = c.client_id, (
      select coalesce(${expiresAt}::timestamptz, cimd.cimd_now() + make_interval(days => ${expiresAfterDays}::int)) as at
    ) as e
    where c.id = ${client} and v.digest = decode(${digest}, 'hex') and (e.at is null or e.at > cimd.cimd_now())
    group by c.id, e.at
    on conflict (tenant_id, client_ref) do update set version_id = excluded.version_id,
      approved_at = cimd.cimd_now(), reason = excluded.reason, approved_by = excluded.approved_by,
      expires_at = excluded.expires_at
    returning expires_at`.execute(trx)
  const [given] = rows
  if (given === undefined) return false
  await decide(trx, client, undefined)
  const data = { digest, reason: told(reason), expires_at: given.expires_at?.toISOString() }
  await noteOwnAudit(trx, { kind: 'approval.given', by, client, data })
  return true
}

/** Refuses a client for the tenant of the transaction, whatever it publishes, and ends an approval. */
export async function refuseClient(
  trx: Transaction,
  {
    client,
    by,
    reason,
    digest,
  }: PersonalDecision & { readonly reason: string; readonly digest?: string | undefined },
): Promise<void> {
  await deleteApproval(trx, client)
  await decide(trx, client, { by: by.id, reason })
  await noteOwnAudit(trx, { kind: 'approval.refused', by, client, data: { digest, reason: told(reason) } })
}

/** Takes back what a person of the tenant of the transaction decided. False: nobody did. */
export async function withdrawDecision(trx: Transaction, { client, by }: PersonalDecision): Promise<boolean> {
  const approved = await deleteApproval(trx, client)
  const { rows } = await sql`select from cimd.decisions
    where tenant_id = cimd.current_tenant() and client_ref = ${client} and refused_at is not null
    for no key update`.execute(trx)
  if (approved === undefined && rows.length === 0) return false
  await decide(trx, client, undefined)
  await noteOwnAudit(trx, { kind: 'approval.ended', by, client, data: { digest: approved?.digest } })
  return true
}

async function deleteApproval(
  trx: Transaction,
  client: string,
): Promise<{ readonly digest: string } | undefined> {
  const { rows } = await sql<{ digest: string }>`delete from cimd.approvals a
    where a.tenant_id = cimd.current_tenant() and a.client_ref = ${client}
    returning (select encode(v.digest, 'hex') from cimd.versions v where v.id = a.version_id) as digest`.execute(
    trx,
  )
  return rows[0]
}

function told(reason: string | null): string | undefined {
  return reason === null ? undefined : chainableText(reason)
}

// What that comes to is judged in the background, which tells of it.
async function decide(
  trx: Transaction,
  client: string,
  refusal: { readonly by: string; readonly reason: string } | undefined,
): Promise<void> {
  await sql`
    insert into cimd.decisions as d (tenant_id, client_ref, due_at, refused_at, refused_by, refusal)
    values (cimd.current_tenant(), ${client}, cimd.cimd_now(), case when ${refusal !== undefined} then cimd.cimd_now() end,
      ${refusal?.by ?? null}, ${refusal?.reason ?? null})
    on conflict (tenant_id, client_ref) do update set due_at = excluded.due_at, refused_at = excluded.refused_at,
      refused_by = excluded.refused_by, refusal = excluded.refusal`.execute(trx)
}
