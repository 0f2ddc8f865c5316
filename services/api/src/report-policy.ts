import { compareVerdicts } from '@cimd/core'
import { type Authenticated, notePolicyReport, withTenant } from '@cimd/store'
import type { AnswerBasis } from './answer.ts'
import { givenDocument } from './given-document.ts'
import type { ResolveDeps } from './resolve-client.ts'

/** Notes what the policy of the caller's tenant that is only reported would have said, where that differs. */
export async function reportPolicy(
  { db, policies }: Pick<ResolveDeps, 'db' | 'policies'>,
  { tenantId, reportPolicyVersion }: Authenticated,
  { clientId, view, verdict }: AnswerBasis,
): Promise<void> {
  const { id, version } = view
  if (reportPolicyVersion === undefined) return
  const reading = await policies.at(tenantId, reportPolicyVersion)
  if (!reading?.ok || id === undefined || version === undefined) return
  const given = givenDocument(clientId, view, version, { policy: reading })
  if (!given.ok) return
  const { difference } = compareVerdicts(verdict, given.verdict)
  if (difference === 'same') return
  const { reasons } = given.verdict
  await withTenant(db, tenantId, (trx) =>
    notePolicyReport(trx, { client: id, policyVersion: reading.version, difference, reasons }),
  )
}
