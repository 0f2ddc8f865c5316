import type { FailureCode } from './failure/failure.ts'
import type { ClientIdUrl } from './identifier/client-id-url.ts'

/** Validators of a stored version, sent only while that version is valid under the present rules (FET-06, CAC-12). */
export type Validators = { readonly etag?: string; readonly lastModified?: string }

/** Milliseconds spent in each phase; a phase that was not reached is absent. */
export type PhaseTimes = {
  readonly dnsMs?: number
  readonly connectMs?: number
  readonly tlsMs?: number
  readonly headersMs?: number
  readonly bodyMs?: number
  readonly totalMs: number
}

/** What an attempt saw of the network, kept with it whether it succeeded or not. */
export type FetchEvidence = {
  readonly addresses: readonly string[]
  readonly dialledAddress?: string
  readonly tlsVersion?: string
  /** sha-256 of the leaf certificate, hex. */
  readonly certificateSha256?: string
  readonly status?: number
  readonly contentType?: string
  readonly bodyBytes: number
  readonly times: PhaseTimes
}

/** Values of the header fields that decide caching, by lower-case name, one array item per field line. */
export type CacheHeaders = Readonly<Partial<Record<CacheHeaderName, readonly string[]>>>
export type CacheHeaderName =
  | 'age'
  | 'cache-control'
  | 'date'
  | 'etag'
  | 'expires'
  | 'last-modified'
  | 'pragma'
  | 'vary'

/** The outcome of one guarded GET. Everything a stranger can cause is a value here, never an exception. */
export type FetchResult =
  | {
      readonly kind: 'fetched'
      readonly body: Uint8Array
      readonly contentType: string
      readonly headers: CacheHeaders
      readonly evidence: FetchEvidence
    }
  | { readonly kind: 'not_modified'; readonly headers: CacheHeaders; readonly evidence: FetchEvidence }
  | {
      readonly kind: 'failed'
      readonly code: FailureCode
      /** What happened, in words for an operator; it never holds bytes of the body. */
      readonly detail: string
      readonly retryAfterSeconds?: number
      readonly evidence: FetchEvidence
    }

/**
 * Fetches one client metadata document (FET-04, FET-05, FET-12). Rejects only with the reason of `signal`,
 * or for a bug; failures of the origin are `failed` results.
 */
export type FetchDocument = (
  request: { readonly url: ClientIdUrl; readonly validators?: Validators },
  signal: AbortSignal,
) => Promise<FetchResult>

/** Leave to fetch from one host now, to be given back; or how long to wait first (CAC-06, FET-23). */
export type BudgetAnswer =
  | { readonly kind: 'granted'; readonly release: () => Promise<void> }
  | { readonly kind: 'deferred'; readonly code: FailureCode; readonly retryAfterSeconds: number }

/** `urgent`: a user waits. What nobody waits for leaves room for users (FET-23). */
export type TakeBudget = (target: {
  readonly host: string
  readonly urgent: boolean
}) => Promise<BudgetAnswer>
