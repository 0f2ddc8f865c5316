import {
  DEFAULT_TRUST_POLICY,
  isProfileId,
  type ProfileId,
  policyDigest,
  readTrustPolicy,
  type TrustPolicy,
} from '@cimd/core'
import { type Authenticated, type Db, findPolicy, withTenant } from '@cimd/store'

/** A policy that can be judged by, and which it is; version 0: the default, with the profile of the tenant. */
export type NamedPolicy = { readonly version: number; readonly digest: string; readonly policy: TrustPolicy }

/** `ok: false`: nobody may be admitted by it, and why. */
export type PolicyReading =
  | ({ readonly ok: true } & NamedPolicy)
  | { readonly ok: false; readonly detail: string }

/** The policies of tenants. */
export type Policies = {
  /** What the caller's tenant judges by. */
  readonly inForce: (
    caller: Pick<Authenticated, 'tenantId' | 'profile' | 'policyVersion'>,
  ) => Promise<PolicyReading>
  /** A version of a tenant's own; undefined: there is none. */
  readonly at: (tenantId: string, version: number) => Promise<PolicyReading | undefined>
}

/** Characters of JSON that are kept in memory: some hundreds of long policies, many thousands of usual ones. */
const KEPT_LENGTH_MAX = 32_000_000

/** What one kept policy counts at least. */
const ENTRY_LENGTH = 1000

/**
 * Reads policies, and keeps those that were asked for last: a version never changes, so that it is read once. Which one
 * counts comes with the key of each request.
 */
export function createPolicies(db: Db, lengthMax = KEPT_LENGTH_MAX): Policies {
  const kept = new Map<string, { readonly reading: PolicyReading; readonly length: number }>()
  let length = 0
  const keep = (key: string, reading: PolicyReading): void => {
    const entry = { reading, length: ENTRY_LENGTH + JSON.stringify(reading).length }
    if (!kept.has(key)) length += entry.length
    kept.set(key, entry)
    for (const [oldest, { length: freed }] of kept) {
      if (length <= lengthMax) return
      kept.delete(oldest)
      length -= freed
    }
  }
  const at = async (tenantId: string, version: number): Promise<PolicyReading | undefined> => {
    const key = `${tenantId} ${version}`
    const entry = kept.get(key)
    if (entry !== undefined) {
      // The last in the order of insertion is the last that was used.
      kept.delete(key)
      kept.set(key, entry)
      return entry.reading
    }
    const stored = await withTenant(db, tenantId, (trx) => findPolicy(trx, version))
    const reading = stored && readStored(version, stored.policy)
    if (reading !== undefined) keep(key, reading)
    return reading
  }
  return {
    at,
    inForce: async ({ tenantId, profile, policyVersion }) =>
      policyVersion === 0 ? defaultOf(profile) : ((await at(tenantId, policyVersion)) ?? MISSING),
  }
}

const MISSING: PolicyReading = { ok: false, detail: 'The policy in force is not there.' }

/** By what a request is judged that must be answered whatever the policy says. */
export const DEFAULT_POLICY: NamedPolicy = named(0, DEFAULT_TRUST_POLICY)

function readStored(version: number, stored: unknown): PolicyReading {
  const read = readTrustPolicy(stored)
  if (read.ok) return { ok: true, ...named(version, read.policy) }
  const [first] = read.problems
  const detail = `This release cannot read version ${version}: ${first?.pointer ?? ''} ${first?.detail ?? ''}.`
  return { ok: false, detail }
}

const DEFAULTS = new Map<ProfileId, PolicyReading>()

function defaultOf(profile: string): PolicyReading {
  if (!isProfileId(profile))
    return { ok: false, detail: `This release does not know the profile ${profile}.` }
  const kept = DEFAULTS.get(profile)
  if (kept !== undefined) return kept
  const reading = { ok: true, ...named(0, { ...DEFAULT_TRUST_POLICY, profile }) } as const
  DEFAULTS.set(profile, reading)
  return reading
}

function named(version: number, policy: TrustPolicy): NamedPolicy {
  return { version, digest: policyDigest(policy), policy }
}
