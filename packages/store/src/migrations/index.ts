import type { Kysely } from 'kysely'
import type { Settling } from '../settle.ts'
import { createDeployment } from './0001-deployment.ts'
import { createTenants } from './0002-tenants.ts'
import { createClients } from './0003-clients.ts'
import { createEvents } from './0004-events.ts'
import { createBudgets } from './0005-budgets.ts'
import { addStaleIfError } from './0006-stale-if-error.ts'
import { addTenantProfile } from './0007-tenant-profile.ts'
import { createEgressBudgets } from './0008-egress-budgets.ts'
import { CLIENT_LIFE_SETTLING, createClientLife } from './0009-client-life.ts'
import { addStaleAnnounced } from './0010-stale-announced.ts'
import { ADVERTISE_SETTLING, createAdvertise } from './0011-advertise.ts'
import { createSubscriptions, SUBSCRIPTIONS_SETTLING } from './0012-subscriptions.ts'
import { createQuarantine, QUARANTINE_SETTLING } from './0013-quarantine.ts'
import { admitSchemeInCapitals, CLIENT_ID_SCHEME_SETTLING } from './0014-client-id-scheme.ts'
import { createTenancy } from './0015-tenancy.ts'
import { createRoles } from './0016-roles.ts'
import { createPolicies } from './0017-policies.ts'
import { createReputation, REPUTATION_SETTLING } from './0018-reputation.ts'
import { createAudit } from './0019-audit.ts'
import { createFairShare } from './0020-fair-share.ts'
import { createOwnership } from './0021-ownership.ts'

export type NumberedMigration = {
  readonly name: string
  readonly up: (db: Kysely<unknown>) => Promise<void>
  /** What takes long on large tables, after the commit of `up`. Done at every migration, where it is not done yet. */
  readonly settling?: Settling
  /**
   * The number of the oldest schema whose code still works after this migration. An expanding migration keeps
   * its predecessor's; a contracting one raises it.
   */
  readonly oldestCode: number
}

/** All migrations in order, by hand: a scanned folder depends on where it is deployed. */
export const MIGRATIONS: readonly NumberedMigration[] = [
  { name: '0001-deployment', up: createDeployment, oldestCode: 1 },
  { name: '0002-tenants', up: createTenants, oldestCode: 1 },
  { name: '0003-clients', up: createClients, oldestCode: 1 },
  { name: '0004-events', up: createEvents, oldestCode: 1 },
  { name: '0005-budgets', up: createBudgets, oldestCode: 1 },
  { name: '0006-stale-if-error', up: addStaleIfError, oldestCode: 1 },
  { name: '0007-tenant-profile', up: addTenantProfile, oldestCode: 1 },
  { name: '0008-egress-budgets', up: createEgressBudgets, oldestCode: 1 },
  { name: '0009-client-life', up: createClientLife, settling: CLIENT_LIFE_SETTLING, oldestCode: 1 },
  { name: '0010-stale-announced', up: addStaleAnnounced, oldestCode: 1 },
  { name: '0011-advertise', up: createAdvertise, settling: ADVERTISE_SETTLING, oldestCode: 1 },
  { name: '0012-subscriptions', up: createSubscriptions, settling: SUBSCRIPTIONS_SETTLING, oldestCode: 1 },
  { name: '0013-quarantine', up: createQuarantine, settling: QUARANTINE_SETTLING, oldestCode: 1 },
  {
    name: '0014-client-id-scheme',
    up: admitSchemeInCapitals,
    settling: CLIENT_ID_SCHEME_SETTLING,
    oldestCode: 1,
  },
  { name: '0015-tenancy', up: createTenancy, oldestCode: 1 },
  { name: '0016-roles', up: createRoles, oldestCode: 1 },
  { name: '0017-policies', up: createPolicies, oldestCode: 1 },
  { name: '0018-reputation', up: createReputation, settling: REPUTATION_SETTLING, oldestCode: 1 },
  { name: '0019-audit', up: createAudit, oldestCode: 1 },
  { name: '0020-fair-share', up: createFairShare, oldestCode: 1 },
  { name: '0021-ownership', up: createOwnership, oldestCode: 1 },
]
