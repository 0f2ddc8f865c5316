export { AUDIT_DATA, type AuditKind, isAuditKind } from './audit/audit-data.ts'
export {
  type AuditActor,
  type AuditDraft,
  type AuditEntry,
  type AuditReading,
  auditEnvelope,
  draftAuditEntry,
  type NewAuditEntry,
  placeDraft,
  placeEntry,
  readAuditEntry,
} from './audit/audit-entry.ts'
export {
  AUDIT_LINE_LENGTH_MAX,
  type AuditHeader,
  type AuditLine,
  type ChainAnchor,
  type ChainedEntry,
  type ChainHead,
  formatAuditHeader,
  formatAuditLine,
  readAuditLine,
} from './audit/audit-line.ts'
export { auditedDocument } from './audit/audited-document.ts'
export { auditedRules } from './audit/audited-rules.ts'
export { CHAIN_PROBLEMS, type ChainProblem, type ChainProblemKind } from './audit/chain-place.ts'
export {
  type ChainTerms,
  type ChainVerdict,
  type ChainVerifier,
  createChainVerifier,
} from './audit/chain-verifier.ts'
export { chainableText } from './audit/chainable.ts'
export { AUDIT_FORMAT, entryHash, genesisHash } from './audit/entry-hash.ts'
export {
  DEFAULT_BOUNDS,
  type Freshness,
  type FreshnessBounds,
  type FreshnessInput,
  freshnessOf,
} from './caching/freshness.ts'
export {
  REFRESH_SHARE,
  type SpokenClass,
  STALE_USE_SECONDS,
  spokenClassOf,
  WITHDRAWAL_GRACE_SECONDS,
} from './caching/stale-use.ts'
export {
  updateStoredHeaders,
  updateValidators,
  validatorsOf,
} from './caching/stored-headers.ts'
export { type AsMetadata, type AsMetadataResult, parseAsMetadata } from './capabilities/as-metadata.ts'
export { type AuthMethodChoice, chooseAuthMethod } from './capabilities/auth-method.ts'
export { type Capabilities, type Intersection, usableCapabilities } from './capabilities/capabilities.ts'
export { CAPABILITY_PROBLEMS, type CapabilityProblem } from './capabilities/capability-problems.ts'
export type { UnsupportedValue } from './capabilities/value-support.ts'
export { type Announcement, announcementOf } from './changes/announcement.ts'
export { type EffectiveDocument, effectiveDocument } from './changes/effective-document.ts'
export {
  CHANGE_CLASSES,
  type ChangeClass,
  changeClasses,
  type MemberChange,
} from './changes/member-change.ts'
export { compareMetadata } from './changes/metadata-changes.ts'
export {
  type DampedChanges,
  dampChanges,
  type Oscillation,
  type OscillationBounds,
  oscillationOf,
  type PastVersion,
} from './changes/oscillation.ts'
export { type CloudEvent, cloudEvent, cloudEventOf, type KeptEvent, toCloudEvent } from './cloud-event.ts'
export { sha256Hex } from './digest.ts'
export { type ConsentDisplayInput, consentDisplay, SHOWN_FROM } from './display/consent-display.ts'
export { type ConsentDisplay, consentDisplayResult, type DisplayWarning } from './display/display-result.ts'
export {
  DEFAULT_KNOWN_INDEX,
  indexKnownParties,
  type KnownIndex,
} from './display/known-index.ts'
export { DEFAULT_KNOWN_PARTIES, type KnownParty } from './display/known-parties.ts'
export { LOOK_ALIKE_WAYS, type LookAlike, lookAlikeOf } from './display/look-alike.ts'
export { NAME_GRAPHEMES_MAX, plainText } from './display/plain-text.ts'
export { SHORT_HOST_LENGTH_MAX, shortHost } from './display/short-host.ts'
export { hasMixedScripts, safeUnicodeHost } from './display/unicode-host.ts'
export { RECENT_CHANGE_DAYS } from './display/warn.ts'
export {
  DISPLAY_WARNINGS,
  type DisplayWarningCode,
  SEVERITIES,
  type Severity,
} from './display/warnings.ts'
export {
  type ClientMetadata,
  type ClientMetadataResult,
  DOCUMENT_BYTES_LIMIT,
  DOCUMENT_BYTES_MAX,
  parseClientMetadata,
  RULES_VERSION,
} from './document/client-metadata.ts'
export { judgeProfile, type ProfileFinding } from './document/judge-profile.ts'
export {
  DEFAULT_PROFILE,
  isProfileId,
  PROFILE_FINDINGS,
  PROFILES,
  type ProfileCode,
  type ProfileId,
} from './document/profiles.ts'
export {
  readStoredDocument,
  type StoredDocument,
  type StoredReading,
} from './document/stored-document.ts'
export { type ClientEvent, EVENT_DATA, type EventType, type RegistrarEvent } from './event.ts'
export { classOf, FAILURES, type FailureClass, type FailureCode, isFailureCode } from './failure/failure.ts'
export {
  describeViolations,
  type Finding,
  type Refusal,
  type Span,
  type Violation,
  type Warning,
} from './failure/finding.ts'
export { WARNINGS, type WarningCode, type WarningFacts } from './failure/warnings.ts'
export {
  CLIENT_ID_BYTES_MAX,
  type ClientIdUrl,
  type ClientIdUrlOptions,
  type ClientIdUrlResult,
  parseClientIdUrl,
} from './identifier/client-id-url.ts'
export { type FetchUrlResult, judgeFetchUrl } from './identifier/fetch-url.ts'
export { registrableDomainOf } from './identifier/registrable-domain.ts'
export { canonicalJson, type JsonObject, type JsonValue } from './json/json.ts'
export { escapePointer, type JsonPlace, locateJson } from './json/json-position.ts'
export { algorithmsOfKey } from './keys/algorithms.ts'
export {
  documentKeysChanged,
  type KeySource,
  keySourceOf,
  keysChanged,
} from './keys/key-changes.ts'
export {
  compareKeys,
  judgeKeySet,
  type KeySet,
  type KeySetResult,
  keySetOf,
  keysOf,
  NO_KEYS,
  type UnusableKey,
  type UsableKey,
} from './keys/key-set.ts'
export { publicKeyMaterial } from './keys/thumbprint.ts'
export {
  ADVERTISE_DOMAINS_MAX,
  ADVERTISE_FINDINGS,
  ADVERTISE_VERDICT_SECONDS,
  type AdvertiseFacts,
  type AdvertiseFinding,
  type AdvertiseThresholds,
  type AdvertiseVerdict,
  type AdvertiseWhy,
  BROKEN_PATH_CODES,
  DEFAULT_ADVERTISE_THRESHOLDS,
  judgeAdvertise,
  SILENT_PATH_CODES,
  tellAdvertise,
} from './life/advertise.ts'
export {
  BRAKE_HOLD_SECONDS,
  BRAKE_WINDOW_SECONDS,
  type Brake,
  type BrakeDecision,
  type BrakeFacts,
  type BrakeThresholds,
  DEFAULT_BRAKE_THRESHOLDS,
  decideBrake,
  endingOf,
  heldUntil,
} from './life/brake.ts'
export { afterRelease } from './life/brake-release.ts'
export { type ClientStanding, type ClientState, UNKNOWN_STANDING } from './life/client-record.ts'
export {
  COLD_REFRESH_SECONDS,
  type DueAction,
  type DueFacts,
  decideDueWork,
  IN_LINE_LOOK_SECONDS,
  isDeciding,
  LOST_REFRESH_WORK_SECONDS,
  LOST_URGENT_WORK_SECONDS,
} from './life/due-work.ts'
export { expectedAttempts, expectedFetchesPerDay, type FailingSpell } from './life/expected-fetches.ts'
export { LIFE_STATES, type LifeState, lifeStateOf, SPOKEN_CLASSES } from './life/life-state.ts'
export {
  type AttemptOutcome,
  type Judgement,
  judgeAttempt,
} from './life/lifecycle.ts'
export { linkedKeysEvents, linkedLogoEvents } from './life/linked-events.ts'
export { type LinkedKind, type NamedResource, namedResources } from './life/named-resources.ts'
export {
  DEFAULT_OVERLOAD_THRESHOLDS,
  judgeOverload,
  OVERLOAD_LATELY_SECONDS,
  OVERLOAD_RATE_SECONDS,
  type OverloadFacts,
  type OverloadThresholds,
  type OverloadVerdict,
  overloadPauseSeconds,
} from './life/overload.ts'
export {
  type DueRefresh,
  type HostPace,
  type PacedRefreshes,
  paceRefreshes,
  type RefreshPace,
} from './life/pacing.ts'
export {
  isSuspect,
  LOST_CLAIMS_MAX,
  QUARANTINE_SECONDS,
  QUARANTINED,
  type Quarantine,
  quarantineAt,
} from './life/quarantine.ts'
export {
  PURPOSES,
  type Purpose,
  planResolve,
  type ResolvePlan,
  type StaleLimits,
  type Usability,
  type UseTerms,
  usabilityOf,
} from './life/resolution.ts'
export { RETRY_SECONDS_MAX, RETRY_SECONDS_MIN } from './life/retry.ts'
export { afterRulesChange, usabilityUnderOldRules } from './life/rules-change.ts'
export {
  countAhead,
  judgeTenantLoad,
  type Line,
  type TenantLoadThresholds,
  type TenantLoadVerdict,
} from './life/tenant-load.ts'
export { type Happening, TRANSITIONS, type Transition } from './life/transitions.ts'
export {
  type ContinuityJudgement,
  type ContinuityVerdict,
  DISCONTINUITY_REASONS,
  type DiscontinuityReason,
  type DomainObservation,
  type DomainStanding,
  isOwnerUnaccepted,
  judgeContinuity,
  noteAbsence,
  OWNERSHIP_SIGNALS,
  type OwnershipSignal,
  type Registration,
} from './ownership/continuity.ts'
export type { DomainSignals } from './ownership/domain-signals.ts'
export {
  type AttemptOnDomain,
  isDoubtfulChange,
  isNameServersDue,
  type KnownDomain,
  type SeenOfDomain,
  seenOfDomain,
} from './ownership/observation.ts'
export { ownershipEvent } from './ownership/ownership-event.ts'
export { parseRegistration } from './ownership/registration-answer.ts'
export { standingOfDomain } from './ownership/stored-standing.ts'
export {
  admitIdentifier,
  type IdentifierVerdict,
  type PolicyIdentifier,
} from './policy/admit-identifier.ts'
export {
  compareVerdicts,
  countVerdict,
  type DryRunSummary,
  EMPTY_DRY_RUN,
  type VerdictComparison,
  type VerdictDifference,
} from './policy/compare-verdicts.ts'
export { type GivenByPolicy, givenByPolicy, type KnownVersions } from './policy/given-by-policy.ts'
export {
  type ClientJudgement,
  type DecisionName,
  decisionName,
  judgeClient,
  type PolicyClient,
} from './policy/judge-client.ts'
export { judgeDocument, type PolicyDocument } from './policy/judge-document.ts'
export {
  judgeStoredClient,
  policyIdentifierOf,
  type StoredClient,
  type StoredJudgement,
} from './policy/judge-stored-client.ts'
export {
  type PolicyProblem,
  parseTrustPolicy,
  policyDigest,
  readTrustPolicy,
  type TrustPolicyResult,
  trustPolicyJsonSchema,
} from './policy/parse-policy.ts'
export {
  POLICY_FINDINGS,
  POLICY_REASONS,
  type PolicyReasonCode,
  type PolicyReasonFacts,
} from './policy/policy-reasons.ts'
export {
  DEFAULT_TRUST_POLICY,
  type PolicyRule,
  type TrustPolicy,
  type TrustPolicyRequest,
} from './policy/policy-schema.ts'
export {
  joinVerdicts,
  type PolicyDecision,
  type PolicyReason,
  type PolicyVerdict,
} from './policy/policy-verdict.ts'
export { type RestrictedDocument, restrictToPolicy } from './policy/restrict-to-policy.ts'
export type {
  AskNameServers,
  BudgetAnswer,
  CacheHeaderName,
  CacheHeaders,
  DialledClass,
  FetchDocument,
  FetchEvidence,
  FetchFailed,
  FetchPhase,
  FetchResource,
  FetchResult,
  GuardedPost,
  NameServersAnswer,
  PhaseTimes,
  PostRequest,
  PostResult,
  TakeBudget,
  Validators,
  WebhookHeaderName,
} from './ports.ts'
export {
  type ParsedQuotas,
  parseQuotas,
  QUOTA_NAMES,
  type QuotaName,
  type Quotas,
  quotasOf,
  type StoredQuotas,
} from './quota/quotas.ts'
export {
  matchRedirectUri,
  REDIRECT_MISMATCHES,
  type RedirectMatch,
  type RedirectMismatch,
} from './redirect/redirect-match.ts'
export {
  DEFAULT_HOSTING_LISTS,
  type Hosting,
  type HostingLists,
  hostingOf,
} from './reputation/hosting.ts'
export {
  REPUTATION_REASONS,
  type Reputation,
  type ReputationFacts,
  type ReputationReason,
  type ReputationReasonCode,
  reputationOf,
  reputationResult,
} from './reputation/reputation.ts'
export {
  DEFAULT_REPUTATION_THRESHOLDS,
  isAtLeast,
  type ReputationThresholds,
  TIERS,
  type Tier,
  TOKEN_LIMITS,
  type TokenLimits,
} from './reputation/tiers.ts'
export { type ContentTypeClass, classifyContentType } from './response/content-type.ts'
export {
  judgeResponse,
  type ResponseCircumstances,
  type ResponseFailure,
  type ResponseVerdict,
} from './response/judge-response.ts'
export { RESOURCES, type ResourceKind, type ResourceRules } from './response/resource.ts'
export type { ResponseHead } from './response/response-head.ts'
export { retryAfterOf } from './response/retry-after.ts'
export {
  DELIVERY_CODES,
  DELIVERY_SECONDS_MAX,
  type DeliveryOutcome,
  type DeliveryVerdict,
  DISABLED_CODES,
  type DisabledCode,
  ENDPOINT_FAILURES_MAX,
  type EndpointStanding,
  judgeDelivery,
  judgeVerification,
} from './webhooks/delivery.ts'
export { type FilterRequest, filterOf, filterRequest } from './webhooks/filter-request.ts'
export { formatWebhookSecret, SECRET_OVERLAP_SECONDS } from './webhooks/secret.ts'
export { type FilteredEvent, isWanted, type SubscriptionFilter } from './webhooks/subscription-filter.ts'
export {
  parseWebhookUrl,
  WEBHOOK_URL_LENGTH_MAX,
  type WebhookUrl,
  type WebhookUrlProblem,
  type WebhookUrlResult,
} from './webhooks/webhook-url.ts'
