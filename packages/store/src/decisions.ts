import type { DecisionName, PolicyReason } from '@cimd/core'
import { sql } from 'kysely'
import type { Db, Transaction } from './db.ts'

/** What a tenant's policy says of a client. */
export type NewDecision = {
  /** Row id of the client. */
  readonly client: string
  /** Row id is looked up by it: sha-256 in hex of the version judged. */
  readonly versionDigest: string
  readonly decision: DecisionName
  readonly policyVersion: number
  readonly reasons: readonly PolicyReason[]
  /** Somebody should look at it: it is held, or something that it gained is. */
  readonly waitsForReview: boolean
}

/**
 * Notes what was said to the tenant of the transaction for the first time, and the version with the digest `baseline` as the
 * baseline if there is none. Where something else is noted already, or counted before a policy by which not all clients have been
 * judged yet, it only has that judged: what changes a decision tells of it too (see `settleDecision`).
 */
export async function noteDecision(
  trx: Transaction,
  decision: NewDecision,
  { baseline }: { readonly baseline: string | undefined },
): Promise<void> {
  const differs = sql`d.decision is not null and (d.decision, d.version_id, d.review_since is not null)
    is distinct from (excluded.decision, excluded.version_id, excluded.review_since is not null)`
  await sql`
    with judged as (
      select c.id as client_ref, v.id as version_id,
        -- Of a client that the tenant used before the policy, and of which nothing is noted, another one has judged last.
        coalesce(t.evaluated_policy_version < p.version and i.first_demand_at < p.created_at, false) as is_change,
        t.policy_version > ${decision.policyVersion} as is_outdated,
        (select max(id) from cimd.versions
          where client_id = c.client_id and digest = decode(${baseline ?? null}, 'hex')) as baseline_version_id
      from ${judgedVersion(decision)}
      join cimd.tenants t on t.id = cimd.current_tenant()
      left join cimd.policies p on p.tenant_id = t.id and p.version = ${decision.policyVersion}
      left join cimd.interest i on i.tenant_id = t.id and i.client_ref = c.id
    )
    insert into cimd.decisions as d (tenant_id, client_ref, decision, version_id, policy_version, reasons, review_since,
      baseline_version_id, due_at)
    select cimd.current_tenant(), client_ref, case when not is_change then ${decision.decision} end, version_id,
      ${decision.policyVersion}, ${json(decision.reasons)}::jsonb,
      case when not is_change and ${decision.waitsForReview} then cimd.cimd_now() end, baseline_version_id,
      case when is_change or is_outdated then cimd.cimd_now() end
    from judged
    on conflict (tenant_id, client_ref) do update set
      baseline_version_id = coalesce(d.baseline_version_id, excluded.baseline_version_id),
      due_at = least(d.due_at, case when ${differs} then cimd.cimd_now() else excluded.due_at end),
      decision = coalesce(d.decision, excluded.decision),
      version_id = case when d.decision is null then excluded.version_id else d.version_id end,
      policy_version = case when d.decision is null then excluded.policy_version else d.policy_version end,
      reasons = case when d.decision is null then excluded.reasons else d.reasons end,
      review_since = case when d.decision is null then excluded.review_since else d.review_since end`.execute(
    trx,
  )
}

/** Notes what a decision has become for the tenant of the transaction, until when an approval ends or it is marked again. */
export async function settleDecision(trx: Transaction, decision: NewDecision): Promise<void> {
  await sql`
    insert into cimd.decisions as d (tenant_id, client_ref, decision, version_id, policy_version, reasons, review_since, due_at)
    select cimd.current_tenant(), c.id, ${decision.decision}, v.id, ${decision.policyVersion}, ${json(decision.reasons)}::jsonb,
      case when ${decision.waitsForReview} then cimd.cimd_now() end, (
        select expires_at from cimd.approvals
        where tenant_id = cimd.current_tenant() and client_ref = c.id and expires_at > cimd.cimd_now()
      )
    from ${judgedVersion(decision)}
    on conflict (tenant_id, client_ref) do update set
      decision = excluded.decision, version_id = excluded.version_id, policy_version = excluded.policy_version,
      reasons = excluded.reasons,
      -- A row that was not there to be locked may have come with something to judge.
      due_at = case when d.decision is null then least(d.due_at, excluded.due_at) else excluded.due_at end,
      review_since = case when ${decision.waitsForReview} then coalesce(d.review_since, excluded.review_since) end`.execute(
    trx,
  )
}

/**
 * Keeps what is noted of the clients for the tenant of the transaction as it is until that ends: what a person decides
 * meanwhile waits, and has them judged again. To be called before what is judged is read.
 */
export async function lockDecisions(trx: Transaction, clients: readonly string[]): Promise<void> {
  await sql`select from cimd.decisions
    where tenant_id = cimd.current_tenant() and client_ref = any(${clients}::bigint[])
    order by client_ref for no key update`.execute(trx)
}

/** Has what is noted of a client judged anew for the tenant of the transaction. */
export async function judgeAnew(trx: Transaction, client: string): Promise<void> {
  await sql`update cimd.decisions set due_at = cimd.cimd_now()
    where tenant_id = cimd.current_tenant() and client_ref = ${client}`.execute(trx)
}

/** Decisions of one tenant that are due, by row id of the client. */
export type DueDecisions = { readonly tenantId: string; readonly clients: readonly string[] }

/** Up to `limit` decisions that are to be judged anew, whose they are: of each tenant as many as of others, the longest due first. */
export async function findDueDecisions(db: Db, limit: number): Promise<readonly DueDecisions[]> {
  const { rows } = await sql<{ tenant_id: string; clients: string[] }>`
    select tenant_id, array_agg(client_ref::text) as clients from (
      select tenant_id, client_ref from (
        select tenant_id, client_ref, due_at, row_number() over (partition by tenant_id order by due_at) as place
        from cimd.decisions where due_at <= cimd.cimd_now()
      ) placed order by place, due_at limit ${limit}
    ) due group by tenant_id`.execute(db)
  return rows.map(({ tenant_id: tenantId, clients }) => ({ tenantId, clients }))
}

/** What of the clients cannot be judged is not due any more: there is no version. */
export async function dropDue(trx: Transaction, clients: readonly string[]): Promise<void> {
  await sql`update cimd.decisions set due_at = null
    where tenant_id = cimd.current_tenant() and client_ref = any(${clients}::bigint[])
      and due_at <= cimd.cimd_now()`.execute(trx)
}

/** A tenant whose clients have not been judged by the policy in force. */
export type UnjudgedTenant = {
  readonly tenantId: string
  readonly from: number
  readonly to: number
}

/** The tenants whose policy has changed since all their clients were judged. */
export async function findUnjudgedTenants(db: Db): Promise<readonly UnjudgedTenant[]> {
  const { rows } = await sql<{ id: string; judged: number; policy_version: number }>`
    select id, evaluated_policy_version as judged, policy_version from cimd.tenants
    where policy_version > evaluated_policy_version order by id`.execute(db)
  return rows.map(({ id, judged, policy_version }) => ({ tenantId: id, from: judged, to: policy_version }))
}

/** Notes that all clients of the tenant of the transaction have been judged by a version of its policy. */
export async function noteJudged(trx: Transaction, version: number): Promise<void> {
  await sql`update cimd.tenants set evaluated_policy_version = greatest(evaluated_policy_version, ${version})
    where id = cimd.current_tenant()`.execute(trx)
}

/** Until the transaction ends nobody else judges the clients of its tenant anew. False: somebody does already. */
export async function tryLockJudging(trx: Transaction): Promise<boolean> {
  const { rows } = await sql<{ locked: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended('cimd.decisions ' || cimd.current_tenant(), 0)) as locked`.execute(
    trx,
  )
  return rows[0]?.locked === true
}

/** Makes a version that was agreed to the baseline of the tenant of the transaction (CHG-02). */
export async function setBaseline(trx: Transaction, client: string, digest: string): Promise<void> {
  await sql`
    insert into cimd.decisions as d (tenant_id, client_ref, baseline_version_id)
    select cimd.current_tenant(), c.id, v.id from ${judgedVersion({ client, versionDigest: digest })}
    on conflict (tenant_id, client_ref) do update set baseline_version_id = excluded.baseline_version_id`.execute(
    trx,
  )
}

// The same bytes may have been published twice: the newest counts.
function judgedVersion({ client, versionDigest }: Pick<NewDecision, 'client' | 'versionDigest'>) {
  return sql`cimd.clients c join lateral (
    select id from cimd.versions where client_id = c.client_id and digest = decode(${versionDigest}, 'hex')
    order by id desc limit 1
  ) v on c.id = ${client}`
}

function json(reasons: readonly PolicyReason[]): string {
  return JSON.stringify(reasons)
}
