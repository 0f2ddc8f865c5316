export {
  checkAdvertise,
  countAdvertiseFacts,
  type JudgeAdvertise,
  readAdvertise,
  type ToldAdvertise,
  updateAdvertise,
} from './advertise.ts'
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
export { clearApproval, setApproval } from './approvals.ts'
export { type AttemptRecord, findAnswer, type RecordedAttempt, recordAttempt } from './attempts.ts'
export {
  BINDING_LEASE_SECONDS,
  BINDING_LEASE_SECONDS_MAX,
  type BindingKind,
  type BindingReport,
  reportBinding,
} from './bindings.ts'
export {
  type BrakeCount,
  type BrakeStatus,
  checkBrake,
  countBrakeFacts,
  countEndingCodes,
  type EndingClient,
  type EndingCode,
  type EngagedBrake,
  engageBrake,
  engageBrakeByHand,
  listEnding,
  readBrake,
} from './brake.ts'
export { releaseAccepting, releaseMended } from './brake-release.ts'
export {
  type BridgedBatch,
  type BridgedEvent,
  type BridgeStart,
  joinBridge,
  publishBridged,
} from './bridges.ts'
export { createFetchBudget, deleteEndedBudgets, type FetchBudgetLimits, type ScopeLimits } from './budgets.ts'
export { addCanary, type Canary, listCanaries, removeCanary } from './canaries.ts'
export { type ClientLimits, findExhausted } from './capacity.ts'
export {
  type Claim,
  claimClient,
  deferClaim,
  type LinkedFacts,
  postponeClaim,
  releaseClaim,
  renewLinked,
} from './claims.ts'
export {
  type ClientLife,
  findClientLife,
  type HistoryEntry,
  isHistoryCursor,
  type KnownVersion,
  readClientHistory,
} from './client-history.ts'
export {
  type ClientView,
  type Demand,
  findClient,
  isAwaited,
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
export {
  type Delivery,
  type DeliveryState,
  listDeliveries,
  type Replay,
  replayDeliveries,
} from './deliveries.ts'
export { fanOut } from './fan-out.ts'
export { type FeedEvent, readFeed } from './feed.ts'
export { deleteGoneFetchers, endLife, signLife } from './fetchers.ts'
export { forgetClients, retireUnscheduled } from './forgetting.ts'
export { hastenRefresh } from './hasten-refresh.ts'
export { deleteEndedPaces, lockHostPaces, saveHostPaces } from './host-paces.ts'
export { touchInterest } from './interest.ts'
export {
  claimLane,
  type LaneClaim,
  type LaneLimits,
  type LaneRef,
  leaseDueLanes,
  type Told,
} from './lanes.ts'
export { deleteUnusedLogos, findLogo, type StoredLogo, saveLogo } from './logos.ts'
export { checkSchema, dangerouslySetClockOffset, migrate, SCHEMA_VERSION, SchemaError } from './migrate.ts'
export { type Channel, doneKey, type Listener, listen, notify } from './notifications.ts'
export { relayOutbox } from './outbox.ts'
export { countOverloadFacts } from './overload.ts'
export { type ReleasedQuarantine, releaseQuarantine } from './quarantine.ts'
export {
  applyResourceActions,
  type DueResource,
  lockDueResources,
} from './resource-schedule.ts'
export { demandKeys, KEYS_REFRESH_SECONDS, type KeysDemand, type ResourceView } from './resource-views.ts'
export {
  claimResources,
  deferResource,
  pauseResource,
  postponeResource,
  type ResourceClaim,
  type ResourceRecord,
  recordResource,
  releaseResource,
} from './resources.ts'
export {
  deleteOldAttempts,
  deleteOldDeliveries,
  deleteOldInterest,
  deleteOldVersions,
  type InterestPlace,
  type Retention,
  type WalkedBatch,
} from './retention.ts'
export {
  approveRules,
  type ClientSlice,
  type CurrentDocument,
  findOutdated,
  listCurrentDocuments,
  lockOutdated,
  type OutdatedClient,
  type OutdatedSlice,
  type Revalidated,
  type RulesStatus,
  readRulesStatus,
  recordRevalidated,
} from './revalidation.ts'
export {
  applyDueActions,
  type DecidedClient,
  type DueClient,
  inTransaction,
  lockDueClients,
} from './schedule.ts'
export {
  releaseLane,
  type SettledDelivery,
  settleDelivery,
  settleVerification,
  type ToldOutcome,
} from './settle-delivery.ts'
export { clearStaleLimits, findStaleLimits, setStaleLimits } from './stale-limits.ts'
export { type AttemptCount, readStatus, type StoreStatus } from './status.ts'
export {
  changeSubscription,
  countSubscriptions,
  createSubscription,
  deleteSubscription,
  disableSubscription,
  findSubscription,
  listSubscriptions,
  type NewSubscription,
  type RotatedSecret,
  rotateSecret,
  type Subscription,
  type SubscriptionChange,
  verifySubscription,
} from './subscriptions.ts'
export { withTenant } from './tenant-transaction.ts'
export { ensureTenant, findTenant, listTenants, setTenantProfile, type TenantSummary } from './tenants.ts'
export { deleteExpiredTickets, findTicket, issueTicket, type Ticket } from './tickets.ts'
export { findNamedVersion, type NamedVersion, noteEffectiveDocument, type VersionRef } from './versions.ts'
