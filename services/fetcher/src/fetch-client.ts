import type { FailureCode, FetchDocument, FetchResult, TakeBudget } from '@cimd/core'
import type { AttemptRecord, Claim, RecordedAttempt } from '@cimd/store'
import { evaluateFetch, usableValidators } from './evaluate-fetch.ts'

/** What fetching one client needs from the world. */
export type FetchClientDeps = {
  readonly claim: (client: string) => Promise<Claim | undefined>
  readonly takeBudget: TakeBudget
  readonly fetchDocument: FetchDocument
  readonly record: (record: AttemptRecord) => Promise<RecordedAttempt>
  /** Tells those who wait, after the commit. */
  readonly announce: (claim: Claim, events: number) => Promise<void>
  readonly enqueue: (queue: 'fetch' | 'refresh', client: string) => Promise<void>
  readonly defer: (claim: Claim, code: FailureCode, seconds: number) => Promise<void>
  readonly release: (claim: Claim) => Promise<void>
  /** Milliseconds of a clock that never jumps: the database's clock is read once, at the claim. */
  readonly monotonicMs: () => number
  /** In [0, 1). */
  readonly random: () => number
}

/** How a job ended, for the log. */
export type FetchEnd =
  | { readonly kind: 'nothing_to_do' }
  | { readonly kind: 'deferred'; readonly claim: Claim; readonly code: FailureCode }
  | {
      readonly kind: 'recorded'
      readonly claim: Claim
      readonly record: AttemptRecord
      readonly recorded: RecordedAttempt
    }

/**
 * What happens to a client_id: claimed, budgeted, fetched, validated, compared, recorded, announced. A duplicate
 * or late job finds nothing to claim. If `signal` aborts during the fetch the claim is handed back and this
 * rejects, so that the job returns to its queue.
 */
export async function fetchClient(
  deps: FetchClientDeps,
  client: string,
  signal: AbortSignal,
): Promise<FetchEnd> {
  const claim = await deps.claim(client)
  if (claim === undefined) return { kind: 'nothing_to_do' }
  const claimedAtMs = deps.monotonicMs()

  const budget = await deps.takeBudget({ host: claim.host, urgent: claim.urgent })
  if (budget.kind === 'deferred') {
    await deps.defer(claim, budget.code, budget.retryAfterSeconds)
    await deps.announce(claim, 0)
    return { kind: 'deferred', claim, code: budget.code }
  }
  try {
    const result = await fetchOrHandBack(deps, claim, signal)
    const finishedAt = new Date(claim.claimedAt.getTime() + (deps.monotonicMs() - claimedAtMs))
    const record = evaluateFetch(claim, result, finishedAt, deps.random())
    const recorded = await deps.record(record)
    await deps.announce(claim, record.events.length)
    if (recorded.next !== undefined) await deps.enqueue(recorded.next, client)
    return { kind: 'recorded', claim, record, recorded }
  } finally {
    await budget.release()
  }
}

async function fetchOrHandBack(
  deps: FetchClientDeps,
  claim: Claim,
  signal: AbortSignal,
): Promise<FetchResult> {
  try {
    return await deps.fetchDocument({ url: claim.clientId, validators: usableValidators(claim) }, signal)
  } catch (error) {
    if (signal.aborted) await deps.release(claim)
    throw error
  }
}
