export {
  API_KEY_SCOPES,
  type ApiKeySummary,
  type Authenticated,
  authenticate,
  createApiKey,
  hasApiKey,
  listApiKeys,
  revokeApiKey,
} from './api-keys.ts'
export { type AttemptRecord, findAnswer, type RecordedAttempt, recordAttempt } from './attempts.ts'
export { createHostBudget, deleteEndedBudgets, type HostBudgetLimits } from './budgets.ts'
export { type Claim, claimClient, deferClaim, releaseClaim } from './claims.ts'
export {
  type ClientView,
  type Demand,
  findClient,
  lockClient,
  type RaisedDemand,
  raiseDemand,
  type StoredVersion,
} from './clients.ts'
export {
  checkDb,
  closeDb,
  type Db,
  isUnreachable,
  openDb,
  type StoreOptions,
  type StoreRole,
  type Transaction,
} from './db.ts'
export { type FeedEvent, readFeed } from './feed.ts'
export { touchInterest } from './interest.ts'
export { checkSchema, dangerouslySetClockOffset, migrate, SCHEMA_VERSION, SchemaError } from './migrate.ts'
export { type Channel, doneKey, type Listener, listen, notify } from './notifications.ts'
export { relayOutbox } from './outbox.ts'
export { applyDueActions, type DueClient, inTransaction, lockDueClients } from './schedule.ts'
export { type AttemptCount, readStatus, type StoreStatus } from './status.ts'
export { withTenant } from './tenant-transaction.ts'
export { ensureTenant, findTenant, listTenants, setTenantProfile, type TenantSummary } from './tenants.ts'
export { deleteExpiredTickets, findTicket, issueTicket, type Ticket } from './tickets.ts'
