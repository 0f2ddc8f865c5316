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
  API_KEYS_PER_TENANT_MAX,
  type ApiKeyScope,
  type ApiKeySummary,
  type Authenticated,
  authenticate,
  countApiKeys,
  createApiKey,
  findApiKey,
  findKeyTenant,
  hasApiKey,
  listApiKeys,
  noteKeyUse,
  revokeApiKey,
} from './api-keys.ts'
export { clearApproval, setApproval } from './approvals.ts'
export { type AttemptRecord, findAnswer, type RecordedAttempt, recordAttempt } from './attempts.ts'
export { type AuditQuery, readAudit, readAuditOf, readAuditState, type StoredEntry } from './audit.ts'
export { type ChainedBatch, chainAudit, type RefusedEntry } from './audit-chain.ts'
export { deleteCutAudit, deleteOrphanedAudit, noteAuditCut, noteOldAuditCuts } from './audit-cut.ts'
export { AuditCutError, exportAudit } from './audit-export.ts'
export { type AuditedFetch, noteAudit, noteOwnAudit, type TenantAuditEntry } from './audit-pending.ts'
export type { AuditState } from './audit-state.ts'
export { endKey, type IssuedKey, issueKey, type KeyOwner, replaceKey } from './audited-keys.ts'
export { noteSettings, openTenant } from './audited-tenants.ts'
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
export { type ClientView, findClient, lockClient, type StoredVersion } from './clients.ts'
export {
  checkDb,
  closeDb,
  type Db,
  isUnreachable,
  openDb,
  STORE_ROLES,
  type StoreOptions,
  type StoreRole,
  type Transaction,
} from './db.ts'
export {
  type DueDecisions,
  dropDue,
  findDueDecisions,
  findUnjudgedTenants,
  type NewDecision,
  noteDecision,
  noteJudged,
  setBaseline,
  settleDecision,
  tryLockJudging,
  type UnjudgedTenant,
} from './decisions.ts'
export {
  type Delivery,
  type DeliveryState,
  listDeliveries,
  type Replay,
  replayDeliveries,
} from './deliveries.ts'
export { type Demand, isAwaited, type RaisedDemand, raiseDemand } from './demands.ts'
export {
  type AcceptedOwner,
  acceptOwner,
  forgetDomains,
  noteEra,
  type OwnerAcceptance,
  type OwnershipView,
} from './domain-eras.ts'
export {
  noteChangePending,
  noteNameServers,
  observeDomain,
  observeRegistration,
  type RegistrationSeen,
  type RememberedDomain,
  readDomain,
  type SeenDomain,
  takeRegistrationQuestion,
} from './domains.ts'
export { type DifferingClient, type DryRun, dryRunPolicy } from './dry-run.ts'
export { fanOut } from './fan-out.ts'
export { type FeedEvent, readFeed } from './feed.ts'
export { type AdmittedDemands, admitInTurn } from './fetch-places.ts'
export { deleteGoneFetchers, endLife, signLife } from './fetchers.ts'
export { forgetClients, retireUnscheduled } from './forgetting.ts'
export { hastenRefresh } from './hasten-refresh.ts'
export { deleteEndedPaces, lockHostPaces, saveHostPaces } from './host-paces.ts'
export { touchInterest } from './interest.ts'
export { type KeyRotation, rotateApiKey, rotateOperatorKey } from './key-rotation.ts'
export { KEY_OVERLAP_SECONDS } from './key-text.ts'
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
export {
  authenticateOperator,
  createOperatorKey,
  listOperatorKeys,
  type OperatorKeySummary,
  revokeOperatorKey,
} from './operator-keys.ts'
export { relayOutbox, tellTenant } from './outbox.ts'
export { countInLine, countOverloadFacts } from './overload.ts'
export {
  clearReportPolicy,
  findPolicy,
  listPolicies,
  type NewPolicy,
  type PolicyVersions,
  type PutPolicy,
  putPolicy,
  putReportPolicy,
  readPolicyVersions,
  type StoredPolicy,
} from './policies.ts'
export {
  type AgreedVersion,
  isOwnerNew,
  type NotedDecision,
  type PolicyFacts,
  type RegistrationMode,
} from './policy-facts.ts'
export { listPolicyReports, notePolicyReport, type PolicyReport } from './policy-reports.ts'
export { type ReleasedQuarantine, releaseQuarantine } from './quarantine.ts'
export {
  chargeFirstUse,
  deleteEndedQuotaWindows,
  QUOTA_WINDOW_SECONDS,
  type QuotaCharge,
  type QuotaRefusal,
  QuotaRefusedError,
} from './quota-windows.ts'
export {
  deleteRegistration,
  listRegistrations,
  pinRegistrations,
  putRegistration,
  type Registered,
  renewRegistration,
} from './registrations.ts'
export { countUse, type ReportedUse } from './reputation.ts'
export { type FleetReputation, findFleetReputation, type ReputationView } from './reputation-view.ts'
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
export { clearReviewed, markReviewed, type Reviewable } from './reviewed.ts'
export {
  type Approval,
  approveVersion,
  listReviews,
  type Review,
  refuseClient,
  withdrawDecision,
} from './reviews.ts'
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
export { eraseSubject, eraseUnusedSubjects, findPseudonym, notePseudonym } from './subjects.ts'
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
export { clearQuotas, findQuotas, setQuotas } from './tenant-quotas.ts'
export { removeTenant } from './tenant-removal.ts'
export { withTenant } from './tenant-transaction.ts'
export {
  describeTenant,
  ensureTenant,
  findTenant,
  findTenantSummary,
  listTenants,
  setTenantProfile,
  type TenantSummary,
} from './tenants.ts'
export { deleteExpiredTickets, findTicket, issueTicket, type Ticket } from './tickets.ts'
export {
  findUsedClients,
  judgeUsedClient,
  listUsedClients,
  type UsedClient,
  type UsedSlice,
} from './used-clients.ts'
export { findNamedVersion, type NamedVersion, noteEffectiveDocument, type VersionRef } from './versions.ts'
