export {
  DEFAULT_BOUNDS,
  type Freshness,
  type FreshnessBounds,
  type FreshnessInput,
  freshnessOf,
} from './caching/freshness.ts'
export { WITHDRAWAL_GRACE_SECONDS } from './caching/stale-use.ts'
export { type AsMetadata, type AsMetadataResult, parseAsMetadata } from './capabilities/as-metadata.ts'
export { type AuthMethodChoice, chooseAuthMethod } from './capabilities/auth-method.ts'
export { type Capabilities, type Intersection, usableCapabilities } from './capabilities/capabilities.ts'
export { CAPABILITY_PROBLEMS, type CapabilityProblem } from './capabilities/capability-problems.ts'
export type { UnsupportedValue } from './capabilities/value-support.ts'
export { type ChangeClass, changeClasses, type MemberChange } from './changes/member-change.ts'
export { compareMetadata } from './changes/metadata-changes.ts'
export {
  type DampedChanges,
  dampChanges,
  type Oscillation,
  type OscillationBounds,
  oscillationOf,
  type PastVersion,
} from './changes/oscillation.ts'
export { sha256Hex } from './digest.ts'
export { admitVersion, type Verdict } from './document/admission.ts'
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
export { type ClientEvent, EVENT_DATA, type EventType } from './event.ts'
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
export { canonicalJson, type JsonObject, type JsonValue } from './json/json.ts'
export { escapePointer, type JsonPlace, locateJson } from './json/json-position.ts'
export { type ClientStanding, type ClientState, UNKNOWN_STANDING } from './life/client-record.ts'
export {
  type DueAction,
  type DueFacts,
  decideDueWork,
  LOST_REFRESH_WORK_SECONDS,
  LOST_URGENT_WORK_SECONDS,
} from './life/due-work.ts'
export {
  type AttemptOutcome,
  type Judgement,
  judgeAttempt,
} from './life/lifecycle.ts'
export {
  PURPOSES,
  type Purpose,
  planResolve,
  type ResolvePlan,
  type Usability,
  usabilityOf,
} from './life/resolution.ts'
export type {
  BudgetAnswer,
  CacheHeaderName,
  CacheHeaders,
  FetchDocument,
  FetchEvidence,
  FetchResult,
  PhaseTimes,
  TakeBudget,
  Validators,
} from './ports.ts'
export {
  matchRedirectUri,
  REDIRECT_MISMATCHES,
  type RedirectMatch,
  type RedirectMismatch,
} from './redirect/redirect-match.ts'
export { type ContentTypeClass, classifyContentType } from './response/content-type.ts'
export {
  judgeResponse,
  type ResponseCircumstances,
  type ResponseFailure,
  type ResponseHead,
  type ResponseVerdict,
} from './response/judge-response.ts'
