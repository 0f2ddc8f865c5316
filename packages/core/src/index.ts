export { admitVersion, type Verdict } from './admission.ts'
export {
  CLIENT_ID_BYTES_MAX,
  type ClientIdUrl,
  type ClientIdUrlOptions,
  type ClientIdUrlResult,
  parseClientIdUrl,
} from './client-id-url.ts'
export {
  type ClientMetadata,
  type ClientMetadataResult,
  parseClientMetadata,
  RULES_VERSION,
} from './client-metadata.ts'
export { type ClientStanding, type ClientState, UNKNOWN_STANDING } from './client-record.ts'
export { type ContentTypeClass, classifyContentType } from './content-type.ts'
export { sha256Hex } from './digest.ts'
export {
  type DueAction,
  type DueFacts,
  decideDueWork,
  LOST_REFRESH_WORK_SECONDS,
  LOST_URGENT_WORK_SECONDS,
} from './due-work.ts'
export { type ClientEvent, EVENT_DATA, type EventType } from './event.ts'
export { classOf, FAILURES, type FailureClass, type FailureCode, isFailureCode } from './failure.ts'
export {
  describeViolations,
  type Finding,
  type Violation,
  WARNINGS,
  type Warning,
  type WarningCode,
} from './finding.ts'
export {
  DEFAULT_BOUNDS,
  type Freshness,
  type FreshnessBounds,
  type FreshnessInput,
  freshnessOf,
} from './freshness.ts'
export { canonicalJson, type JsonObject, type JsonValue } from './json.ts'
export { type AttemptOutcome, type Judgement, judgeAttempt, WITHDRAWAL_GRACE_SECONDS } from './lifecycle.ts'
export { type ChangeClass, changeClasses, compareMetadata, type MemberChange } from './metadata-changes.ts'
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
export { matchRedirectUri, type RedirectMatch, type RedirectMismatch } from './redirect-match.ts'
export {
  PURPOSES,
  type Purpose,
  planResolve,
  type ResolvePlan,
  type Usability,
  usabilityOf,
} from './resolution.ts'
