import {
  compareVerdicts,
  countVerdict,
  type DryRunSummary,
  EMPTY_DRY_RUN,
  type TrustPolicy,
  type VerdictComparison,
} from '@cimd/core'
import type { Db } from './db.ts'
import { withTenant } from './tenant-transaction.ts'
import { judgeUsedClient, listUsedClients } from './used-clients.ts'

/** What one statement reads well within its time. */
const SLICE = 200

/** A client of which a candidate policy says otherwise. */
export type DifferingClient = VerdictComparison & { readonly clientId: string }

/** What a candidate policy would change, `clients` the first that differ. */
export type DryRun = {
  readonly summary: DryRunSummary
  readonly unreadable: number
  readonly clients: readonly DifferingClient[]
}

/** Judges all clients that a tenant uses by a candidate beside the policy in force, and writes nothing (POL-01). */
export async function dryRunPolicy(
  db: Db,
  tenantId: string,
  policies: { readonly inForce: TrustPolicy; readonly candidate: TrustPolicy },
  limit: number,
): Promise<DryRun> {
  let summary = EMPTY_DRY_RUN
  let unreadable = 0
  const clients: DifferingClient[] = []
  for (let after: string | undefined = '0'; after !== undefined; ) {
    const from: string = after
    const slice = await withTenant(db, tenantId, (trx) => listUsedClients(trx, { after: from, limit: SLICE }))
    for (const client of slice.clients) {
      const before = judgeUsedClient(policies.inForce, client)
      const afterwards = judgeUsedClient(policies.candidate, client)
      if (!before.ok || !afterwards.ok) {
        unreadable += 1
        continue
      }
      const comparison = compareVerdicts(before.verdict, afterwards.verdict)
      summary = countVerdict(summary, comparison)
      if (comparison.difference !== 'same' && clients.length < limit)
        clients.push({ clientId: client.clientId, ...comparison })
    }
    after = slice.next
  }
  return { summary, unreadable, clients }
}
