import { registrableDomainOf } from '@cimd/core'
import { sql } from 'kysely'
import type { ClientView } from './clients.ts'
import type { Transaction } from './db.ts'

/** How many clients may be known (CAC-19). */
export type ClientLimits = {
  /** Of one registrable domain, over all tenants. */
  readonly perDomainMax: number
  /** Used by one tenant. */
  readonly perTenantMax: number
}

/**
 * Whether there is room for what the first use of a client by the tenant of the transaction would add. Counts no further
 * than the limits, and only where a row would be new: what is known is always served. Concurrent first uses may exceed a
 * limit by as many as they are. `view` is what the same transaction just read. One round trip, or none.
 */
export async function findExhausted(
  trx: Transaction,
  view: ClientView,
  { host, limits }: { readonly host: string; readonly limits: ClientLimits },
): Promise<'domain_capacity' | 'tenant_capacity' | undefined> {
  if (view.lastResolvedAt !== undefined) return undefined
  const { perDomainMax, perTenantMax } = limits
  const { rows } = await sql<{ domain_full: boolean; tenant_full: boolean }>`
    select case when ${view.id === undefined} then (
        select count(*) >= ${perDomainMax} from (
          select from cimd.clients where domain = ${registrableDomainOf(host)} limit ${perDomainMax}
        ) as known
      ) else false end as domain_full, (
        select count(*) >= ${perTenantMax} from (
          select from cimd.interest where tenant_id = cimd.current_tenant() limit ${perTenantMax}
        ) as used
      ) as tenant_full`.execute(trx)
  if (rows[0]?.domain_full) return 'domain_capacity'
  return rows[0]?.tenant_full ? 'tenant_capacity' : undefined
}
