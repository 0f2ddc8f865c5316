import { z } from 'zod'
import { type MessageParams, messageOf, messageParams } from '../display/message.ts'
import type { Hosting } from './hosting.ts'
import {
  DEFAULT_REPUTATION_THRESHOLDS,
  type ReputationThresholds,
  TIERS,
  type Tier,
  TOKEN_LIMITS,
  tierFrom,
  tokenLimits,
} from './tiers.ts'

/** What is known of how a client has been used: by one tenant, or by all where an operator shares counts. */
export type ReputationFacts = {
  /** Distinct subjects of the client, and of all clients of its registrable domain. */
  readonly subjects: number
  readonly domainSubjects: number
  /** Distinct client_ids of the registrable domain. */
  readonly domainClients: number
  /** Undefined where nobody has used it yet. */
  readonly firstSeen: Date | undefined
  readonly lastSeen: Date | undefined
  /** When the tenant approved the client last; undefined where it has not. */
  readonly reviewedAt: Date | undefined
  /** When the domain last seemed to change hands (CHG-05). */
  readonly ownershipChangedAt: Date | undefined
  readonly hosting: Hosting['kind']
}

/** Why a client has its tier: code -> what it means, with places for numbers. Public and stable. */
export const REPUTATION_REASONS = {
  reviewed: 'You have approved this client.',
  never_seen: 'Nobody has used this client yet.',
  subjects: '{count} users have used this client.',
  too_young: 'So many users would be enough for more, but the client has been seen for {days} days only.',
  domain_known: '{count} users have used clients of the same domain.',
  cimd_service: 'A service publishes the document for whoever asks, so it is trusted less (POL-09).',
  long_unused: 'The client has not been used for {days} days.',
  ownership_changed:
    'The domain seems to have changed hands {days} days ago, so what was earned before does not count.',
  review_void: 'You approved this client before its domain seemed to change hands.',
} as const satisfies Record<string, string>

export type ReputationReasonCode = keyof typeof REPUTATION_REASONS

const reason = z
  .object({
    code: z.enum(Object.keys(REPUTATION_REASONS) as [ReputationReasonCode, ...ReputationReasonCode[]]),
    text: z.string(),
    params: messageParams,
  })
  .readonly()
export type ReputationReason = z.infer<typeof reason>

/** What the facts come to, as it is told. */
export const reputationResult = z.object({
  tier: z.enum(TIERS),
  reasons: z.array(reason).readonly(),
  token_limits: tokenLimits,
})
export type Reputation = Readonly<z.infer<typeof reputationResult>>

/**
 * The tier of a client, why, and how tightly its tokens should be limited (POL-01, POL-08, POL-09). More
 * distinct subjects never lower it. What the former owner of a domain earned does not count for the next one
 * (CHG-05), unless the tenant has approved the client since.
 */
export function reputationOf(
  facts: ReputationFacts,
  now: Date,
  thresholds: ReputationThresholds = DEFAULT_REPUTATION_THRESHOLDS,
): Reputation {
  const { reviewedAt, ownershipChangedAt } = facts
  const voided = reviewedAt && ownershipChangedAt && reviewedAt <= ownershipChangedAt
  if (reviewedAt && !voided) return told('reviewed', [because('reviewed')])
  const reasons = voided ? [because('review_void')] : []
  const days = daysSince(ownershipChangedAt, now)
  if (days !== undefined && days < thresholds.ownershipDays) {
    return told('first_seen', [...reasons, because('ownership_changed', { days })])
  }
  const earned = earnedTier(facts, now, thresholds)
  const lowered = lowerings(facts, now, thresholds)
  return told(tierFrom(earned.tier, -lowered.length), [...reasons, ...earned.reasons, ...lowered])
}

type Earned = { readonly tier: Tier; readonly reasons: readonly ReputationReason[] }

function earnedTier(facts: ReputationFacts, now: Date, thresholds: ReputationThresholds): Earned {
  const { subjects, firstSeen } = facts
  const days = daysSince(firstSeen, now) ?? 0
  const counted = thresholds.earned.filter((step) => subjects >= step.subjects)
  const own = highest(counted.filter((step) => days >= step.days).map((step) => step.tier))
  const young = own !== highest(counted.map((step) => step.tier))
  const unseen = firstSeen === undefined || subjects < 1
  const reasons = [
    unseen ? because('never_seen') : because('subjects', { count: subjects }),
    ...(young ? [because('too_young', { days })] : []),
  ]
  if (own !== 'first_seen' || !isLifted(facts, thresholds)) return { tier: own, reasons }
  return { tier: 'tried', reasons: [...reasons, because('domain_known', { count: facts.domainSubjects })] }
}

// Where paths of one host belong to different people, the host's users are not the client's.
function isLifted(
  { domainSubjects, domainClients, hosting }: ReputationFacts,
  { domain }: ReputationThresholds,
): boolean {
  if (hosting === 'shared_host' || hosting === 'cimd_service') return false
  return domainSubjects >= domain.subjects && domainSubjects >= domainClients * domain.subjectsPerClient
}

/** Each takes one tier away. */
function lowerings(
  { hosting, lastSeen }: ReputationFacts,
  now: Date,
  { unusedDays }: ReputationThresholds,
): readonly ReputationReason[] {
  const days = daysSince(lastSeen, now)
  return [
    ...(hosting === 'cimd_service' ? [because('cimd_service')] : []),
    ...(days !== undefined && days >= unusedDays ? [because('long_unused', { days })] : []),
  ]
}

function highest(tiers: readonly Tier[]): Tier {
  return TIERS.findLast((tier) => tiers.includes(tier)) ?? 'first_seen'
}

const DAY_MILLISECONDS = 24 * 60 * 60 * 1000

function daysSince(then: Date | undefined, now: Date): number | undefined {
  if (then === undefined) return undefined
  return Math.max(0, Math.floor((now.getTime() - then.getTime()) / DAY_MILLISECONDS))
}

function because(code: ReputationReasonCode, params: MessageParams = {}): ReputationReason {
  return { code, text: messageOf(REPUTATION_REASONS[code], params), params }
}

function told(tier: Tier, reasons: readonly ReputationReason[]): Reputation {
  return { tier, reasons, token_limits: TOKEN_LIMITS[tier] }
}
