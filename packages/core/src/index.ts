export {
  DEFAULT_BOUNDS,
  type Freshness,
  type FreshnessBounds,
  type FreshnessInput,
  freshnessOf,
} from './caching/freshness.ts'
export {
  type ChangeClass,
  changeClasses,
  compareMetadata,
  type MemberChange,
} from './changes/metadata-changes.ts'
export { sha256Hex } from './digest.ts'
export { admitVersion, type Verdict } from './document/admission.ts'
export {
  type ClientMetadata,
  type ClientMetadataResult,
  parseClientMetadata,
  RULES_VERSION,
} from './document/client-metadata.ts'
export { type ContentTypeClass, classifyContentType } from './document/content-type.ts'
export { type ClientEvent, EVENT_DATA, type EventType } from './event.ts'
export { classOf, FAILURES, type FailureClass, type FailureCode, isFailureCode } from './failure/failure.ts'
export {
  describeViolations,
  type Finding,
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
  WITHDRAWAL_GRACE_SECONDS,
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
export { matchRedirectUri, type RedirectMatch, type RedirectMismatch } from './redirect/redirect-match.ts'
