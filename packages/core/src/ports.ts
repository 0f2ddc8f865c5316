import type { FailureCode } from './failure/failure.ts'
import type { ClientIdUrl } from './identifier/client-id-url.ts'
import type { ResourceKind } from './response/resource.ts'

/** Validators of a stored version, sent only while that version is valid under the present rules (FET-06, CAC-12). */
export type Validators = { readonly etag?: string; readonly lastModified?: string }

/** The stages of a fetch in their order. */
export type FetchPhase = 'url' | 'dns' | 'connect' | 'tls' | 'headers' | 'body'

/** Milliseconds spent in each phase; a phase that was not reached is absent. */
export type PhaseTimes = { readonly [Phase in FetchPhase as `${Phase}Ms`]?: number } & {
  readonly totalMs: number
}

/** `nat64`: a translator's address of a public IPv4 address; `loopback`: in development alone (FET-14). */
export type DialledClass = 'public' | 'nat64' | 'loopback'

/** What an attempt saw of the network, kept with it whether it succeeded or not. */
export type FetchEvidence = {
  /** Where it ended. */
  readonly phase: FetchPhase
  /** What the name resolved to, all of it up to the number that is considered. */
  readonly addresses: readonly string[]
  /** The last address that a connection was tried to. */
  readonly dialledAddress?: string
  readonly dialledClass?: DialledClass
  readonly tlsVersion?: string
  /** sha-256 of the leaf certificate, hex. */
  readonly certificateSha256?: string
  /** Of a certificate that was verified: the organization that issued it, or the name it signs with (CHG-05). */
  readonly certificateIssuer?: string
  /** Of a certificate that was verified: sha-256 of its SubjectPublicKeyInfo, hex (CHG-05). */
  readonly certificateKeySha256?: string
  readonly status?: number
  readonly contentType?: string
  /** Of the body, transfer coding removed. */
  readonly bodyBytes: number
  /** Of the whole connection, TLS included. */
  readonly wireBytes?: number
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
  | FetchFailed

/** How a request ended that brought nothing. */
export type FetchFailed = {
  readonly kind: 'failed'
  readonly code: FailureCode
  /** What happened, in words for an operator; it never holds bytes of the body. */
  readonly detail: string
  readonly retryAfterSeconds?: number
  readonly evidence: FetchEvidence
}

/**
 * Fetches one resource of a publisher, which a stranger named (FET-04, FET-05, FET-12, FET-13). Rejects only with the
 * reason of `signal`, or for a bug; failures of the origin are `failed` results.
 */
export type FetchResource = (
  request: { readonly url: string; readonly resource: ResourceKind; readonly validators?: Validators },
  signal: AbortSignal,
) => Promise<FetchResult>

/** Fetches one client metadata document, as `FetchResource` does. */
export type FetchDocument = (
  request: { readonly url: ClientIdUrl; readonly validators?: Validators },
  signal: AbortSignal,
) => Promise<FetchResult>

/**
 * What a question for the name servers of a registrable domain came to (CHG-05). `absent`: its registry does not know the
 * domain (NXDOMAIN); `unknown`: no answer says anything of it.
 */
export type NameServersAnswer =
  | { readonly kind: 'found'; readonly names: readonly string[] }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unknown' }

/** Asks once for the name servers of a registrable domain. Rejects only with the reason of `signal`, or for a bug. */
export type AskNameServers = (domain: string, signal: AbortSignal) => Promise<NameServersAnswer>

/** The fields of Standard Webhooks; nothing else of a request is its sender's to say. */
export type WebhookHeaderName = 'webhook-id' | 'webhook-timestamp' | 'webhook-signature'

/** One delivery to a webhook. */
export type PostRequest = {
  /** As `parseWebhookUrl` gave it; it is judged again. */
  readonly url: string
  readonly headers: Readonly<Partial<Record<WebhookHeaderName, string>>>
  /** JSON. */
  readonly body: Uint8Array | string
  /** The most that is kept of the answer's body, where it is more than for display. */
  readonly bodyBytesMax?: number
}

/**
 * The outcome of one guarded POST. It is answered once the head of an answer is there, whatever its status and whatever
 * becomes of its body; that judges nothing. Everything a stranger can cause is a value here, never an exception.
 */
export type PostResult =
  | {
      readonly kind: 'answered'
      readonly status: number
      /** How long the receiver asks us to wait, at most a day. */
      readonly retryAfterSeconds?: number
      /** The beginning of the body as text, without control and format characters. */
      readonly bodyText: string
      readonly evidence: FetchEvidence
    }
  | FetchFailed

/**
 * Posts to a webhook, whose URL is as much a stranger's as that of a document (FET-12, FET-16). Rejects only with the reason of
 * `signal`, or for a bug.
 */
export type GuardedPost = (request: PostRequest, signal: AbortSignal) => Promise<PostResult>

/** Leave to fetch from one host now, to be given back; or how long to wait first (CAC-06, FET-23). */
export type BudgetAnswer =
  | { readonly kind: 'granted'; readonly release: () => Promise<void> }
  | { readonly kind: 'deferred'; readonly code: FailureCode; readonly retryAfterSeconds: number }

/** `urgent`: a user waits. What nobody waits for leaves room for users (FET-23). */
export type TakeBudget = (target: {
  readonly host: string
  /** The registrable domain of the host. */
  readonly domain: string
  readonly urgent: boolean
}) => Promise<BudgetAnswer>
