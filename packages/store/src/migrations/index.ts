import type { Kysely } from 'kysely'
import { createDeployment } from './0001-deployment.ts'
import { createTenants } from './0002-tenants.ts'
import { createClients } from './0003-clients.ts'
import { createEvents } from './0004-events.ts'
import { createBudgets } from './0005-budgets.ts'
import { addStaleIfError } from './0006-stale-if-error.ts'
import { addTenantProfile } from './0007-tenant-profile.ts'

export type NumberedMigration = {
  readonly name: string
  readonly up: (db: Kysely<unknown>) => Promise<void>
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
]
