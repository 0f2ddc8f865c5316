import { classOf, type FailureCode } from '../failure/failure.ts'
import type { ClientStanding } from './client-record.ts'

const HOUR = 60 * 60
const DAY = 24 * HOUR

/** The brake while it is engaged: findings made since `heldFrom` end no client's use. */
export type Brake = { readonly heldFrom: Date }

/** What the store counts for the brake. */
export type BrakeFacts = {
  /** Clients with a valid version that somebody uses. */
  readonly inUse: number
  /** Those of them whose use, or the use of whose key set, a finding of the last hour ends, or one that is held. */
  readonly ending: number
  /** How many of those each registrable domain has. */
  readonly endingByDomain: readonly number[]
  /** Canaries whose use, or the use of whose key set, a finding ends. */
  readonly failingCanaries: number
  readonly engaged: boolean
  /** The operator has said that what is found is true. */
  readonly disarmedUntil: Date | undefined
}

export type BrakeDecision =
  | { readonly kind: 'leave' }
  | { readonly kind: 'engage'; readonly heldFrom: Date; readonly reason: string }

export type BrakeThresholds = { readonly share: number; readonly clientsMin: number }

/** Fewer than twenty are no sign of a fault of ours, however few clients there are. */
export const DEFAULT_BRAKE_THRESHOLDS: BrakeThresholds = { share: 0.02, clientsMin: 20 }

/** How far back findings are counted, and held once the brake is engaged. */
export const BRAKE_WINDOW_SECONDS = HOUR

/** How long a held client may be used at most: as long as through an outage (CAC-13). */
export const BRAKE_HOLD_SECONDS = DAY

/**
 * Decides whether so many clients would end at once that the fault must be ours: a bug, a broken gateway, a resolver that
 * lies. A canary of the operator's that ends says so alone. Only an operator releases the brake.
 */
export function decideBrake(
  facts: BrakeFacts,
  now: Date,
  { share, clientsMin }: BrakeThresholds = DEFAULT_BRAKE_THRESHOLDS,
): BrakeDecision {
  if (facts.engaged || (facts.disarmedUntil !== undefined && now < facts.disarmedUntil))
    return { kind: 'leave' }
  const heldFrom = later(now, -BRAKE_WINDOW_SECONDS)
  if (facts.failingCanaries > 0) {
    return { kind: 'engage', heldFrom, reason: `${facts.failingCanaries} of the operator's canaries fail` }
  }
  const needed = Math.max(clientsMin, Math.ceil(facts.inUse * share))
  if (countSpread(facts, needed) < needed) return { kind: 'leave' }
  const reason = `${facts.ending} of ${facts.inUse} clients in use would end within an hour`
  return { kind: 'engage', heldFrom, reason }
}

// One publisher with many documents must not engage it alone: each counts for half of what is needed.
function countSpread({ endingByDomain }: BrakeFacts, needed: number): number {
  const most = Math.max(1, Math.floor(needed / 2))
  return endingByDomain.reduce((counted, clients) => counted + Math.min(clients, most), 0)
}

/** What was found about a client that ends its use: the publisher's word, or an address we refuse to dial. */
export function endingOf({
  withdrawing,
  failure,
}: Pick<ClientStanding, 'withdrawing' | 'failure'>):
  | { readonly code: FailureCode; readonly since: Date }
  | undefined {
  if (withdrawing !== undefined) return withdrawing
  return failure !== undefined && classOf(failure.code) === 'refused' ? failure : undefined
}

/** Whether what was found about a client was found since the brake doubts findings: then it is not carried out. */
export function isDoubted(standing: ClientStanding, brake: Brake | undefined): boolean {
  const ending = endingOf(standing)
  return brake !== undefined && ending !== undefined && ending.since >= brake.heldFrom
}

/**
 * Until when the brake keeps a client in use, whatever was found about it and whatever its origin forbids: what is doubted
 * is the finding itself. Undefined: it keeps nothing here.
 */
export function heldUntil(standing: ClientStanding, brake: Brake | undefined): Date | undefined {
  const ending = endingOf(standing)
  if (ending === undefined || !isDoubted(standing, brake)) return undefined
  // A version whose use had ended before is not revived: the domain may have changed hands (CHG-05).
  if (standing.usableUntil === undefined || standing.usableUntil < ending.since) return undefined
  return later(ending.since, BRAKE_HOLD_SECONDS)
}

/**
 * The refusal for which the brake holds a client. An outage in between must not take its place: the use that the refusal
 * ended would then be held by nothing.
 */
export function heldRefusalOf(standing: ClientStanding, brake: Brake | undefined): FailureCode | undefined {
  if (standing.withdrawing !== undefined || heldUntil(standing, brake) === undefined) return undefined
  return standing.failure?.code
}

function later(instant: Date, seconds: number): Date {
  return new Date(instant.getTime() + seconds * 1000)
}
