import { z } from 'zod'

/**
 * How far a client is trusted, as the drafts' authors propose to trust more of its metadata over time
 * (POL-01): first seen, then after about 10, 100 and 1,000 users, and at last once somebody has looked at it.
 * Lowest first.
 */
export const TIERS = ['first_seen', 'tried', 'known', 'established', 'reviewed'] as const

export type Tier = (typeof TIERS)[number]

/** How much of what it takes to rise; all of it in one place, and a deployment may have its own. */
export type ReputationThresholds = {
  /**
   * Distinct subjects of the client, and for how long it has been seen: accounts are made in a minute, days
   * are not.
   */
  readonly earned: readonly {
    readonly tier: 'tried' | 'known' | 'established'
    readonly subjects: number
    readonly days: number
  }[]
  /**
   * A domain with so many subjects, and so many for each of its client_ids, lifts its new ones one tier
   * (POL-06).
   */
  readonly domain: { readonly subjects: number; readonly subjectsPerClient: number }
  /** How long a discontinuity of ownership counts (CHG-05). */
  readonly ownershipDays: number
  /** After so long without use a client is trusted one tier less: who publishes it now is less certain. */
  readonly unusedDays: number
}

export const DEFAULT_REPUTATION_THRESHOLDS: ReputationThresholds = {
  earned: [
    { tier: 'tried', subjects: 10, days: 0 },
    { tier: 'known', subjects: 100, days: 1 },
    { tier: 'established', subjects: 1_000, days: 7 },
  ],
  domain: { subjects: 1_000, subjectsPerClient: 10 },
  ownershipDays: 90,
  unusedDays: 365,
}

const perHour = z.number().int().positive()

/** How tightly to limit the tokens of a client; null leaves it to what the server does for everybody. */
export const tokenLimits = z
  .object({
    tokens_per_subject_per_hour: perHour.describe('Access tokens, refreshed ones included, for one user.'),
    tokens_per_client_per_hour: perHour.describe(
      'Access tokens in all: one client_id is every installation (CHG-11).',
    ),
    new_subjects_per_hour: perHour.describe('Users who authorize it for the first time.'),
  })
  .readonly()
  .nullable()
export type TokenLimits = z.infer<typeof tokenLimits>

/**
 * The limits suggested for each tier. They leave room for the users a tier stands for, each with a token
 * every few minutes, and for the next tier to be reached within a day.
 */
export const TOKEN_LIMITS: Readonly<Record<Tier, TokenLimits>> = {
  first_seen: { tokens_per_subject_per_hour: 12, tokens_per_client_per_hour: 120, new_subjects_per_hour: 10 },
  tried: { tokens_per_subject_per_hour: 30, tokens_per_client_per_hour: 1_500, new_subjects_per_hour: 50 },
  known: { tokens_per_subject_per_hour: 60, tokens_per_client_per_hour: 20_000, new_subjects_per_hour: 500 },
  established: null,
  reviewed: null,
}

/** Whether a tier is as high as another, or higher. */
export function isAtLeast(tier: Tier, other: Tier): boolean {
  return TIERS.indexOf(tier) >= TIERS.indexOf(other)
}

/** The tier so many steps away, within those there are. */
export function tierFrom(tier: Tier, steps: number): Tier {
  const place = Math.min(Math.max(TIERS.indexOf(tier) + steps, 0), TIERS.length - 1)
  // The place is within the list.
  return TIERS[place] as Tier
}
