import type { Migration } from 'kysely/migration'
import * as deployment from './0001-deployment.ts'
import * as tenants from './0002-tenants.ts'
import * as clients from './0003-clients.ts'
import * as events from './0004-events.ts'
import * as budgets from './0005-budgets.ts'

/**
 * All migrations in order, by hand: a scanned folder depends on where it is deployed. `oldestCode` is the
 * number of the oldest schema whose code still works after the migration; an expanding one keeps its
 * predecessor's, a contracting one raises it.
 */
export const MIGRATIONS: readonly {
  readonly name: string
  readonly migration: Migration
  readonly oldestCode: number
}[] = [
  { name: '0001-deployment', migration: deployment, oldestCode: 1 },
  { name: '0002-tenants', migration: tenants, oldestCode: 1 },
  { name: '0003-clients', migration: clients, oldestCode: 1 },
  { name: '0004-events', migration: events, oldestCode: 1 },
  { name: '0005-budgets', migration: budgets, oldestCode: 1 },
]
