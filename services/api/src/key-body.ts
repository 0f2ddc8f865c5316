import type { ApiKeyScope, ApiKeySummary, TenantSummary } from '@cimd/store'

/** A key as the routes show it. */
export function keyBody({ prefix, scopes, createdAt, ...rest }: ApiKeySummary) {
  const { expiresAt, revokedAt, lastUsedAt, replacedBy } = rest
  return {
    prefix,
    // As they were given to it, by `API_KEY_SCOPES`.
    scopes: scopes as ApiKeyScope[],
    created_at: createdAt.toISOString(),
    ...(expiresAt && { expires_at: expiresAt.toISOString() }),
    ...(revokedAt && { revoked_at: revokedAt.toISOString() }),
    ...(lastUsedAt && { last_used_at: lastUsedAt.toISOString() }),
    ...(replacedBy !== undefined && { replaced_by: replacedBy }),
  }
}

/** A tenant as the routes show it, without what only the database calls it. */
export function tenantBody({ name, profile, policyVersion, reportPolicyVersion, ...rest }: TenantSummary) {
  return {
    ...{ name, profile, policy_version: policyVersion },
    ...(reportPolicyVersion !== undefined && { report_policy_version: reportPolicyVersion }),
    stale_limits: { ...rest.staleLimits } as Record<string, number>,
    ...{ quotas: rest.quotas, keys: rest.keys, created_at: rest.createdAt.toISOString() },
  }
}
