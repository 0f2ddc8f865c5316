import type { FetchResource, FetchResult } from '@cimd/core'
import type { AttemptRecord, Claim, ResourceClaim, ResourceRecord } from '@cimd/store'
import type { WayOutConfig } from '../way-out.ts'

// What the fetcher and the process that works what is suspect agree on.

export type FetchRequest = Parameters<FetchResource>[0]

/** When an attempt ended on the database's clock, and what spreads the next one. */
export type Evaluation = { readonly finishedAt: Date; readonly jitter: number }

/** One question at a time, each answered once. */
export type Asked =
  | { readonly kind: 'fetch'; readonly config: WayOutConfig; readonly request: FetchRequest }
  /** Of what was fetched; again if the claim was renewed meanwhile. */
  | ({ readonly kind: 'evaluate_document'; readonly claim: Claim } & Evaluation)
  | ({ readonly kind: 'evaluate_keys'; readonly claim: ResourceClaim } & Evaluation)

export type Told =
  /** It has started: from here on, what goes wrong is the doing of what is worked. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'fetched'; readonly result: FetchResult }
  | { readonly kind: 'document'; readonly record: AttemptRecord }
  | { readonly kind: 'keys'; readonly record: ResourceRecord }
