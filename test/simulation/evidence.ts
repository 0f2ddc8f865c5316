import type { EventType } from '@cimd/core'
import type { Instant } from './kinds.ts'
import type { Client, Settings } from './population.ts'

// What the checks look at, and nothing else: what the origins were asked, what the users were answered, what the
// database holds at the end, and what a tenant reads in its feed.

/** One request as its origin saw it and answered it. */
export type OriginRequest = {
  readonly at: Instant
  readonly status: number
  /** Of the answer, or of what a 304 confirmed; undefined where it was no usable document. */
  readonly digest?: string
  /** Usable, and yet refused by the fault that was planted. */
  readonly refusedByFault?: true
}

/** One resolve and what came of it. */
export type ResolveAnswer = {
  readonly from: Instant
  readonly until: Instant
  readonly tenant: number
  readonly kind: 'ready' | 'pending' | 'problem'
  /** Of a problem. */
  readonly code?: string
  readonly digest?: string
  readonly freshness?: 'fresh' | 'stale' | 'unusable'
  readonly why?: string
  /** What was asked for, and whether it matched. */
  readonly redirect?: { readonly uri: string; readonly matched: boolean }
}

/** A client's row, and what it is due to be looked at by, at one instant. */
export type RecordedState = {
  readonly clientId: string
  readonly at: Instant
  readonly state: string
  readonly digest: string | undefined
  readonly validatedAt: Instant | undefined
  readonly attemptedAt: Instant | undefined
  readonly lastResolvedAt: Instant | undefined
  /** Why it may be older than it should be. */
  readonly reason: string | undefined
  readonly inUse: boolean
}

/** One event of a tenant's feed. */
export type HeardEvent = {
  readonly position: number
  readonly type: EventType
  readonly at: Instant
  readonly data: Readonly<Record<string, unknown>>
}

/** All of one client. */
export type ClientEvidence = {
  readonly client: Client
  /** For its document, in order. */
  readonly requests: readonly OriginRequest[]
  /** For its key set. */
  readonly keyRequests: readonly OriginRequest[]
  /** In the order in which they began. */
  readonly answers: readonly ResolveAnswer[]
  /** Digests of its versions. */
  readonly versions: ReadonlySet<string>
  /** As it stood now and then, the last at the end. */
  readonly states: readonly RecordedState[]
  /** By tenant. */
  readonly heard: readonly (readonly HeardEvent[])[]
}

/** The fault that was planted, and what became of it. */
export type FaultEvidence = {
  readonly from: Instant
  readonly until: Instant
  /** When the brake was first seen engaged. */
  readonly engagedAt: Instant | undefined
  readonly releasedAt: Instant | undefined
  /** Of how many clients the release dropped what was found. */
  readonly released: number
}

/** All that a run left behind. */
export type Evidence = {
  readonly settings: Settings
  /** How often due work is looked for. */
  readonly stepSeconds: number
  readonly refreshesPerMinute: number
  readonly clients: readonly ClientEvidence[]
  /** The text of every document that was served, by its digest. */
  readonly texts: ReadonlyMap<string, string>
  readonly fault: FaultEvidence
}
