export type { ClientIdUrl } from './client-id-url.ts'
export { classOf, FAILURES, type FailureClass, type FailureCode, isFailureCode } from './failure.ts'
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
