import type { DeliveryOutcome, GuardedPost, PostResult } from '@cimd/core'
import type { LaneClaim, LaneRef, SettledDelivery, Told, ToldOutcome } from '@cimd/store'
import { signWebhook } from './sign-webhook.ts'
import type { TakeTurn } from './tenant-turns.ts'
import { returnsChallenge, verificationOf, webhookEvent } from './told-webhook.ts'

/** What delivering needs from the world. */
export type DeliverLaneDeps = {
  readonly claim: (lane: LaneRef) => Promise<LaneClaim | undefined>
  readonly takeTurn: TakeTurn
  readonly post: GuardedPost
  readonly settle: (claim: LaneClaim, told: ToldOutcome) => Promise<SettledDelivery>
  readonly settleVerification: (
    claim: LaneClaim,
    given: { readonly verified: boolean; readonly random: number },
  ) => Promise<SettledVerification | undefined>
  readonly release: (claim: LaneClaim, pauseMs?: number) => Promise<void>
  /** What is told of each attempt, once it is recorded. */
  readonly onTold: (told: ToldEvent) => Promise<void>
  readonly onVerification: (end: VerificationEnd) => Promise<void>
  /** Names the deployment in every event. */
  readonly eventSource: string
  readonly isStopping: () => boolean
  readonly monotonicMs: () => number
  /** A real clock, as receivers have it. */
  readonly now: () => Date
  /** In [0, 1). */
  readonly random: () => number
  readonly randomId: () => string
}

export type SettledVerification = 'verified' | 'again' | 'given_up'

type EventTold = Extract<Told, { kind: 'event' }>
type EventClaim = LaneClaim & { readonly told: EventTold }
type VerificationClaim = LaneClaim & { readonly told: Extract<Told, { kind: 'verification' }> }

/** One event that was told, or not, and what followed. */
export type ToldEvent = {
  readonly claim: EventClaim
  readonly result: PostResult
  readonly settled: SettledDelivery
}

/** One endpoint that was asked for its challenge. */
export type VerificationEnd = {
  readonly claim: LaneClaim
  readonly result: PostResult
  /** Undefined where another notifier has the lane by now. */
  readonly settled: SettledVerification | undefined
}

/** After so many, or so long, a lane waits for its turn again: other lanes and tenants have theirs. */
const TOLD_MAX = 20
const TURN_MS = 5000

/** Until a lane is looked at again whose tenant has all its turns here taken. */
const NO_TURN_PAUSE_MS = 1000

/** Of an answer that is kept: the first words of an error message. */
const ANSWER_CHARS_MAX = 256

/**
 * Tells one endpoint what waits in one lane: claimed, told one after the other, each recorded before the next. A duplicate or
 * late job finds nothing to claim. What cannot be recorded is told again once the claim has run out. If `signal` aborts,
 * the claim is handed back and this rejects, so that the job returns to its queue.
 */
export async function deliverLane(deps: DeliverLaneDeps, lane: LaneRef, signal: AbortSignal): Promise<void> {
  const startedAtMs = deps.monotonicMs()
  let claim = await deps.claim(lane)
  if (claim === undefined) return
  // Leases count as well, but not those of subscriptions that were deleted while something was on its way to them.
  using turn = deps.takeTurn(claim.tenant)
  if (turn === undefined) return await deps.release(claim, NO_TURN_PAUSE_MS)
  for (let told = 0; claim !== undefined; told += 1) {
    const isOver = told === TOLD_MAX || deps.monotonicMs() - startedAtMs >= TURN_MS
    if (deps.isStopping() || (told > 0 && isOver)) return await deps.release(claim)
    claim = await tell(deps, claim, signal)
  }
}

/** Tells what is first in a lane; returns what is next. */
async function tell(
  deps: DeliverLaneDeps,
  claim: LaneClaim,
  signal: AbortSignal,
): Promise<LaneClaim | undefined> {
  const { told } = claim
  if (told.kind === 'event') return await tellEvent(deps, { ...claim, told }, signal)
  return await verify(deps, { ...claim, told }, signal)
}

async function tellEvent(
  deps: DeliverLaneDeps,
  claim: EventClaim,
  signal: AbortSignal,
): Promise<LaneClaim | undefined> {
  const { told } = claim
  const body = webhookEvent(told, deps.eventSource)
  const result = await postOrHandBack(deps, claim, { id: told.event.id, body }, signal)
  const answer = result.kind === 'answered' ? result.bodyText.slice(0, ANSWER_CHARS_MAX) : undefined
  const settled = await deps.settle(claim, { outcome: outcomeOf(result), answer, random: deps.random() })
  await deps.onTold({ claim, result, settled })
  return settled.kind === 'settled' ? settled.next : undefined
}

async function verify(
  deps: DeliverLaneDeps,
  claim: VerificationClaim,
  signal: AbortSignal,
): Promise<undefined> {
  const { challenge } = claim.told
  const asked = { id: `verify_${deps.randomId()}`, body: verificationOf(claim.subscription, challenge) }
  const result = await postOrHandBack(deps, claim, asked, signal)
  const verified = result.kind === 'answered' && returnsChallenge(result, challenge)
  const settled = await deps.settleVerification(claim, { verified, random: deps.random() })
  await deps.onVerification({ claim, result, settled })
}

async function postOrHandBack(
  deps: DeliverLaneDeps,
  claim: LaneClaim,
  { id, body }: { readonly id: string; readonly body: object },
  signal: AbortSignal,
): Promise<PostResult> {
  const sentAt = deps.now()
  const webhook = signWebhook(id, JSON.stringify(body), { secrets: claim.secrets, sentAt })
  try {
    return await deps.post({ url: claim.url, ...webhook }, signal)
  } catch (error) {
    if (signal.aborted) await deps.release(claim)
    throw error
  }
}

function outcomeOf(result: PostResult): DeliveryOutcome {
  if (result.kind === 'failed') return { kind: 'failed', code: result.code }
  const { status, retryAfterSeconds } = result
  return { kind: 'answered', status, retryAfterSeconds }
}
