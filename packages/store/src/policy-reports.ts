import type { PolicyReason, VerdictDifference } from '@cimd/core'
import { sql } from 'kysely'
import type { Transaction } from './db.ts'

/** Clients of one tenant that are told of by one policy; the rest is only missing from the list. */
const REPORTED_CLIENTS_MAX = 1000

/** The reports of one client are counted at most so often. */
const COUNTED_EVERY_SECONDS = 60

/** What a policy that is only reported would have done. */
export type PolicyReport = {
  readonly clientId: string
  readonly difference: VerdictDifference
  readonly reasons: readonly PolicyReason[]
  /** Minutes in which somebody asked. */
  readonly times: number
  readonly firstAt: Date
  readonly lastAt: Date
}

/** Notes for the tenant of the transaction that a policy which is only reported would have said otherwise of a client. */
export async function notePolicyReport(
  trx: Transaction,
  report: {
    readonly client: string
    readonly policyVersion: number
    readonly difference: VerdictDifference
    readonly reasons: readonly PolicyReason[]
  },
): Promise<void> {
  const { client, policyVersion, difference, reasons } = report
  await sql`
    insert into cimd.policy_reports as r (tenant_id, client_ref, policy_version, difference, reasons)
    select t.id, ${client}, ${policyVersion}, ${difference}, ${JSON.stringify(reasons)}::jsonb
    from cimd.tenants t
    where t.id = cimd.current_tenant() and t.report_policy_version = ${policyVersion} and (
      exists (select from cimd.policy_reports where tenant_id = t.id and client_ref = ${client})
      or (select count(*) from cimd.policy_reports where tenant_id = t.id) < ${REPORTED_CLIENTS_MAX}
    )
    on conflict (tenant_id, client_ref) do update set policy_version = excluded.policy_version,
      difference = excluded.difference, reasons = excluded.reasons, times = r.times + 1, last_at = excluded.last_at
    where r.last_at <= cimd.cimd_now() - make_interval(secs => ${COUNTED_EVERY_SECONDS})`.execute(trx)
}

/** What the policy that is only reported would have done, up to `limit`, the newest first. */
export async function listPolicyReports(trx: Transaction, limit: number): Promise<readonly PolicyReport[]> {
  const { rows } = await sql<ReportRow>`
    select c.client_id, r.difference, r.reasons, r.times, r.first_at, r.last_at
    from cimd.policy_reports r join cimd.clients c on c.id = r.client_ref
    where r.tenant_id = cimd.current_tenant()
    order by r.last_at desc, c.client_id limit ${limit}`.execute(trx)
  return rows.map(({ client_id, first_at, last_at, ...row }) => ({
    ...{ clientId: client_id, ...row, firstAt: first_at, lastAt: last_at },
  }))
}

type ReportRow = {
  client_id: string
  difference: VerdictDifference
  reasons: PolicyReason[]
  times: number
  first_at: Date
  last_at: Date
}
