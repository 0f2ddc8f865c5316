import {
  type FailureCode,
  type FetchResource,
  type FetchResult,
  isSuspect,
  type KeySet,
  type LinkedKind,
  registrableDomainOf,
  type TakeBudget,
} from '@cimd/core'
import type { ResourceClaim, ResourceRecord, StoredLogo } from '@cimd/store'
import { evaluateResource, type Held, resourceValidators } from './evaluate-resource.ts'
import { examineKeys } from './examine-keys.ts'
import type { FaultPauses } from './fault-pauses.ts'
import type { Isolation, TakeIsolation } from './isolation/isolate.ts'
import type { EncodeLogo } from './logo/encode-logo.ts'

/** What fetching key sets and logos needs from the world. */
export type FetchResourceDeps = {
  /** Every resource of the client, of these kinds, that is wanted and free. */
  readonly claim: (client: string, kinds: readonly LinkedKind[]) => Promise<readonly ResourceClaim[]>
  readonly takeBudget: TakeBudget
  readonly fetchResource: FetchResource
  /** For what is suspect, as for documents; the bytes of a logo are read in a process of their own anyway. */
  readonly takeIsolation?: TakeIsolation | undefined
  /** Drops what is no key. */
  readonly importableKeys: (keySet: KeySet) => Promise<KeySet>
  readonly encodeLogo: EncodeLogo
  /** The right to decode one logo; undefined while as many are decoded as may be. */
  readonly takeDecoder: () => Disposable | undefined
  /** Returns the digest of the image. */
  readonly saveLogo: (logo: StoredLogo) => Promise<string>
  readonly record: (record: ResourceRecord) => Promise<{ readonly applied: boolean }>
  /** Tells those who wait, after the commit. */
  readonly announce: (claim: ResourceClaim, events: number) => Promise<void>
  readonly defer: (claim: ResourceClaim, code: FailureCode, seconds: number) => Promise<void>
  readonly release: (claim: ResourceClaim) => Promise<void>
  /** Hands a claim back, as wanted as it was, to be taken up again after so many seconds. */
  readonly postpone: (claim: ResourceClaim, seconds: number) => Promise<void>
  /** Hands back a claim that a fault of ours ended: it is left alone for so many seconds. */
  readonly pause: (claim: ResourceClaim, seconds: number) => Promise<void>
  readonly faultPauses: FaultPauses
  /** Told of every end as it comes, also of those beside a fault. */
  readonly onEnd?: (end: ResourceEnd | ResourceFault) => void
  /** Milliseconds of a clock that never jumps. */
  readonly monotonicMs: () => number
  /** In [0, 1). */
  readonly random: () => number
}

/** How the fetch of one resource ended, for the log. */
export type ResourceEnd =
  | { readonly kind: 'deferred'; readonly claim: ResourceClaim; readonly code: FailureCode }
  | { readonly kind: 'postponed'; readonly claim: ResourceClaim }
  | {
      readonly kind: 'recorded'
      readonly record: ResourceRecord
      readonly result: FetchResult
      readonly applied: boolean
    }

/** A fault of ours ended the fetch of one resource. */
export type ResourceFault = {
  readonly kind: 'faulted'
  readonly claim: ResourceClaim
  readonly error: unknown
  /** Absent where the claim could not be handed back: it ends with its lease. */
  readonly pauseSeconds?: number
}

/** A decoder works for a fraction of a second, or for three; those who wait must not come back all at once. */
const POSTPONED_SECONDS = { min: 1, max: 5 } as const

/**
 * What happens to the key set and the logo of a client: each is claimed, budgeted, fetched, judged, recorded, announced.
 * If `signal` aborts the claims are handed back and this rejects, so that the job returns to its queue. After a fault of
 * ours it rejects too, once all have ended; what the fault struck is left alone for a while.
 */
export async function fetchResources(
  deps: FetchResourceDeps,
  client: string,
  kinds: readonly LinkedKind[],
  signal: AbortSignal,
): Promise<readonly ResourceEnd[]> {
  const claims = await deps.claim(client, kinds)
  // A job that ended before all of its fetches would leave some beyond its queue's bounds and out of reach of a shutdown.
  const settled = await Promise.allSettled(claims.map((claim) => fetchOrHandBack(deps, claim, signal)))
  return settled.map((each) => {
    if (each.status === 'rejected') throw each.reason
    return each.value
  })
}

async function fetchOrHandBack(
  deps: FetchResourceDeps,
  claim: ResourceClaim,
  signal: AbortSignal,
): Promise<ResourceEnd> {
  try {
    const end = await (claim.kind === 'logo' ? fetchLogo : fetchOne)(deps, claim, signal)
    deps.onEnd?.(end)
    return end
  } catch (error) {
    const fault = await handBack(deps, claim, signal, error)
    if (fault === undefined) throw error
    // Told here, because of several only one is thrown.
    deps.onEnd?.(fault)
    throw fault.error
  }
}

// Left to the end of its lease a claim would be taken up again, and its publisher asked, by every sweep while a fault lasts.
async function handBack(
  deps: FetchResourceDeps,
  claim: ResourceClaim,
  signal: AbortSignal,
  error: unknown,
): Promise<ResourceFault | undefined> {
  try {
    if (signal.aborted) {
      await deps.release(claim)
      return undefined
    }
    const pauseSeconds = deps.faultPauses.secondsAfter(claim)
    await deps.pause(claim, pauseSeconds)
    return { kind: 'faulted', claim, error, pauseSeconds }
  } catch (unreturned) {
    const message = 'a claim ends with its lease: it could not be handed back'
    return { kind: 'faulted', claim, error: new AggregateError([error, unreturned], message) }
  }
}

// A job that waited for a decoder would keep documents and key sets from being refreshed, and outlive its claim.
async function fetchLogo(
  deps: FetchResourceDeps,
  claim: ResourceClaim,
  signal: AbortSignal,
): Promise<ResourceEnd> {
  using decoder = deps.takeDecoder()
  return decoder === undefined ? await postpone(deps, claim) : await fetchOne(deps, claim, signal)
}

async function postpone(deps: FetchResourceDeps, claim: ResourceClaim): Promise<ResourceEnd> {
  const { min, max } = POSTPONED_SECONDS
  await deps.postpone(claim, min + (max - min) * deps.random())
  return { kind: 'postponed', claim }
}

type Alone = Isolation | 'not_needed'

function takeAlone({ takeIsolation }: FetchResourceDeps, { lostClaims }: ResourceClaim): Alone | undefined {
  return takeIsolation === undefined || !isSuspect(lostClaims) ? 'not_needed' : takeIsolation()
}

async function fetchOne(
  deps: FetchResourceDeps,
  claim: ResourceClaim,
  signal: AbortSignal,
): Promise<ResourceEnd> {
  const alone = takeAlone(deps, claim)
  if (alone === undefined) return await postpone(deps, claim)
  using isolation = alone === 'not_needed' ? undefined : alone
  const claimedAtMs = deps.monotonicMs()
  const result = await fetchWithinBudget(deps, isolation?.fetch ?? deps.fetchResource, claim, signal)
  if (result.kind === 'deferred') {
    await deps.defer(claim, result.code, result.retryAfterSeconds)
    await deps.announce(claim, 0)
    return { kind: 'deferred', claim, code: result.code }
  }
  const finishedAt = new Date(claim.claimedAt.getTime() + (deps.monotonicMs() - claimedAtMs))
  const record =
    isolation !== undefined && claim.kind === 'jwks'
      ? await isolation.evaluateKeys(claim, { finishedAt, jitter: deps.random() })
      : await evaluateHere(deps, claim, result, finishedAt, signal)
  const { applied } = await deps.record(record)
  await deps.announce(claim, applied ? record.events.length : 0)
  return { kind: 'recorded', record, result, applied }
}

async function evaluateHere(
  deps: FetchResourceDeps,
  claim: ResourceClaim,
  result: FetchResult,
  finishedAt: Date,
  signal: AbortSignal,
): Promise<ResourceRecord> {
  const held = await examine(deps, claim, result, signal)
  return evaluateResource(claim, { result, ...(held && { held }) }, finishedAt, deps.random())
}

type Deferral = {
  readonly kind: 'deferred'
  readonly code: FailureCode
  readonly retryAfterSeconds: number
}

async function fetchWithinBudget(
  deps: FetchResourceDeps,
  fetchResource: FetchResource,
  claim: ResourceClaim,
  signal: AbortSignal,
): Promise<FetchResult | Deferral> {
  const { url, kind, host, urgent } = claim
  const budget = await deps.takeBudget({ host, domain: registrableDomainOf(host), urgent })
  if (budget.kind === 'deferred') return budget
  try {
    const request = { url, resource: kind, validators: resourceValidators(claim) }
    return await fetchResource(request, signal)
  } finally {
    await budget.release()
  }
}

async function examine(
  deps: FetchResourceDeps,
  claim: ResourceClaim,
  result: FetchResult,
  signal: AbortSignal,
): Promise<Held | undefined> {
  if (result.kind !== 'fetched') return undefined
  return claim.kind === 'jwks'
    ? examineKeys(deps.importableKeys, result.body)
    : examineImage(deps, result.body, signal)
}

async function examineImage(deps: FetchResourceDeps, body: Uint8Array, signal: AbortSignal): Promise<Held> {
  const encoded = await deps.encodeLogo(body, signal)
  if (encoded.kind === 'refused') return { ...encoded, kind: 'unusable' }
  return { kind: 'image', digest: await deps.saveLogo(encoded) }
}
