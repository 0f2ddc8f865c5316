import { sql } from 'kysely'
import type { Transaction } from './db.ts'
import { findNamedVersion } from './versions.ts'

const MINUTE = 60
const DAY = 24 * 60 * MINUTE

/** What a tenant builds on a version, and for how many seconds that keeps the version unless the tenant says otherwise. */
export const BINDING_LEASE_SECONDS = { consent: 400 * DAY, code: 10 * MINUTE, token: 90 * DAY } as const
export type BindingKind = keyof typeof BINDING_LEASE_SECONDS

/** Nobody holds a version for ever: who still needs it reports it again. */
export const BINDING_LEASE_SECONDS_MAX = BINDING_LEASE_SECONDS.consent

export type BindingReport = {
  readonly client: string
  /** sha-256 in hex, of a version or of an effective document. */
  readonly digest: string
  readonly kind: BindingKind
  readonly leaseSeconds: number
}

/**
 * Keeps a version for the tenant of the transaction until the lease ends, and both versions of an effective document
 * (CHG-09). A report only ever prolongs. Returns the end of the lease; undefined if the digest names nothing.
 */
export async function reportBinding(trx: Transaction, report: BindingReport): Promise<Date | undefined> {
  // Versions are deleted under the lock of their client.
  await sql`select from cimd.clients where id = ${report.client} for share`.execute(trx)
  const named = await findNamedVersion(trx, report.client, report.digest)
  if (named === undefined) return undefined
  const versions = named.kind === 'version' ? [named.version.id] : [named.approved.id, named.current.id]
  const { rows } = await sql<{ bound_until: Date }>`
    insert into cimd.bindings as b (tenant_id, client_ref, version_id, kind, bound_at, bound_until)
    select cimd.current_tenant(), ${report.client}, version, ${report.kind}, at.now,
      at.now + make_interval(secs => ${report.leaseSeconds})
    from unnest(${versions}::bigint[]) as version, (select cimd.cimd_now() as now) as at
    on conflict (tenant_id, version_id, kind) do update
      set bound_until = greatest(b.bound_until, excluded.bound_until)
    returning bound_until`.execute(trx)
  return rows[0]?.bound_until
}
