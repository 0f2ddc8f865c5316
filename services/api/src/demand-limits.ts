import { QUOTA_NAMES, type QuotaName, type Quotas, quotasOf } from '@cimd/core'
import {
  type Authenticated,
  type ClientLimits,
  type ClientView,
  type Demand,
  QUOTA_WINDOW_SECONDS,
  type QuotaCharge,
  QuotaRefusedError,
} from '@cimd/store'
import { type Problem, quotaProblem } from './problem.ts'
import type { TakeResolve } from './resolve-rate.ts'

/** What bounds the demands of each tenant. */
export type DemandLimits = {
  /** How many clients may be known at all (CAC-19). */
  readonly clientLimits: ClientLimits
  /** Urgent demands of one tenant that the fetchers have at once. */
  readonly placesMax: number
  /** Of a tenant that has none of its own. */
  readonly quotas: Quotas
  readonly takeResolve: TakeResolve
}

/** What a demand of the caller counts as, if it is raised. */
export function limitsOfDemand(
  { placesMax, quotas }: DemandLimits,
  caller: Authenticated,
  { lastResolvedAt }: ClientView,
  subject: string | undefined,
): Required<Pick<Demand, 'placesMax' | 'charges'>> {
  const bounds = quotasOf(caller.quotas, quotas)
  const isFirstUse = lastResolvedAt === undefined
  const charges: QuotaCharge[] = []
  if (isFirstUse) charges.push({ quota: 'contacts', max: bounds.contacts_per_hour })
  if (isFirstUse && subject !== undefined) {
    charges.push({ quota: 'subject_contacts', subject, max: bounds.subject_contacts_per_hour })
  }
  if (subject === undefined) {
    charges.push({ quota: 'demands_without_subject', max: bounds.demands_without_subject_per_hour })
  }
  return { placesMax, charges }
}

/** How many clients may be known, to this tenant too. */
export function clientLimitsOf({ clientLimits, quotas }: DemandLimits, caller: Authenticated): ClientLimits {
  return { ...clientLimits, perTenantMax: quotasOf(caller.quotas, quotas).clients }
}

/** Counts one resolution of the caller, or says that there were too many in the last second. */
export function takeResolve(
  { takeResolve, quotas }: DemandLimits,
  caller: Authenticated,
): Problem | undefined {
  const { resolves_per_second: perSecond } = quotasOf(caller.quotas, quotas)
  if (takeResolve(caller.tenantId, perSecond)) return undefined
  return quotaProblem({
    name: 'resolves_per_second',
    limit: perSecond,
    windowSeconds: 1,
    retryAfterSeconds: 1,
  })
}

/** The outcome of a transaction that counts, or the problem of the quota it was undone for. */
export async function withinQuotas<T>(work: Promise<T>): Promise<T | { readonly refused: Problem }> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof QuotaRefusedError)) throw error
    const { quota, max, retry_after_seconds: retryAfterSeconds } = error.refusal
    const windowSeconds = QUOTA_WINDOW_SECONDS
    return {
      refused: quotaProblem({ name: nameOf(quota), limit: max, windowSeconds, retryAfterSeconds }),
    }
  }
}

function nameOf(quota: QuotaCharge['quota']): QuotaName {
  const name = QUOTA_NAMES.find((one) => one === `${quota}_per_hour`)
  if (name === undefined) throw new Error(`no quota counts ${quota}`)
  return name
}
