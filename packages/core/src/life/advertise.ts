import { classOf, FAILURES, type FailureCode, isFailureCode } from '../failure/failure.ts'
import { QUARANTINED } from './quarantine.ts'

/** What keeps an authorization server from advertising, the gravest first (SRV-04). */
export const ADVERTISE_FINDINGS = ['fetchers_gone', 'egress_broken', 'first_contacts_wait'] as const
export type AdvertiseFinding = (typeof ADVERTISE_FINDINGS)[number]

/** `unjudged`: nobody has judged yet, or not for long. */
export type AdvertiseWhy = AdvertiseFinding | 'unjudged'

/** What is known of the way from a demand to a publisher and back. */
export type AdvertiseFacts = {
  /** The newest sign of life of any fetcher; undefined where there is none. */
  readonly fetcherSeenAt: Date | undefined
  /**
   * Registrable domains tried within the last minutes, each by the newest attempt that says something of the way out, and
   * how many of them say that it is broken.
   */
  readonly domains: { readonly tried: number; readonly broken: number }
  /** End of the newest attempt, whatever it says. */
  readonly attemptedAt: Date | undefined
  /** Since when the oldest demand that a user waits for could have been taken up, and was neither claimed nor put off. */
  readonly waitingSince: Date | undefined
}

export type AdvertiseThresholds = {
  readonly fetcherSilenceSeconds: number
  readonly waitSeconds: number
  /** Fewer domains prove nothing: each may be down by itself. */
  readonly domainsMin: number
  readonly brokenShare: number
  /** How long something must be wrong without a break before that is said. */
  readonly holdSeconds: number
  /** How long nothing must be wrong without a break before that is said. */
  readonly quietSeconds: number
}

export const DEFAULT_ADVERTISE_THRESHOLDS: AdvertiseThresholds = {
  fetcherSilenceSeconds: 15,
  // Three times what lost work is looked for after, and longer than most users wait.
  waitSeconds: 15,
  domainsMin: 5,
  brokenShare: 0.8,
  holdSeconds: 20,
  quietSeconds: 60,
}

/** What is said to authorization servers, and what it takes to say something else. */
export type AdvertiseVerdict = {
  readonly advertise: boolean
  /** Undefined while it is advertised. */
  readonly why: AdvertiseWhy | undefined
  readonly since: Date
  /** Since when the facts say otherwise without a break. */
  readonly turningSince: Date | undefined
  /** Undefined: nobody has judged yet. */
  readonly judgedAt: Date | undefined
}

/** How many domains are looked at, those tried last: of more, the older would hold up the finding. */
export const ADVERTISE_DOMAINS_MAX = 20

/** A verdict older than this is none, and facts that nobody looked at for so long have not held meanwhile. */
export const ADVERTISE_VERDICT_SECONDS = 30

/**
 * How long nothing may be tried before a way out that was broken is believed in again. Whoever is failing is retried every
 * hour at least; where nobody is, only clients that come because it is advertised could show that it works.
 */
export const ADVERTISE_SILENCE_SECONDS = 2 * 60 * 60

/** No origin answered, whichever it was: what a host is to blame for looks different when it befalls many. */
export const BROKEN_PATH_CODES: readonly FailureCode[] = [
  'dns_not_found',
  'dns_failed',
  'timeout_dns',
  'connect_failed',
  'timeout_connect',
  'tls_failed',
  'tls_certificate_invalid',
  'timeout_response',
  'egress_denied',
  'egress_unavailable',
]

/** Nothing was dialled, or nobody knows what came of it, so that they say nothing of the way. */
export const SILENT_PATH_CODES: readonly FailureCode[] = Object.keys(FAILURES).filter(
  (code) => isFailureCode(code) && isSilent(code),
) as FailureCode[]

function isSilent(code: FailureCode): boolean {
  return ['dns_too_many', QUARANTINED].includes(code) || ['refused', 'deferred'].includes(classOf(code))
}

/**
 * Judges anew whether authorization servers may advertise `client_id_metadata_document_supported`. Only what has held for
 * a while without a break turns the verdict, and longer for the better than for the worse; a first judgement that finds
 * nothing wrong counts at once, since it contradicts nobody.
 */
export function judgeAdvertise(
  verdict: AdvertiseVerdict,
  facts: AdvertiseFacts,
  now: Date,
  thresholds: AdvertiseThresholds = DEFAULT_ADVERTISE_THRESHOLDS,
): AdvertiseVerdict {
  const finding = findingOf(facts, verdict, now, thresholds)
  const advertise = finding === undefined
  const isUnjudged = verdict.why === 'unjudged'
  if (advertise === verdict.advertise && !isUnjudged) {
    return { ...verdict, why: finding, turningSince: undefined, judgedAt: now }
  }
  const turningSince = (isContinuous(verdict, now) ? verdict.turningSince : undefined) ?? now
  const needed = advertise ? thresholds.quietSeconds : thresholds.holdSeconds
  if (!(isUnjudged && advertise) && secondsSince(turningSince, now) < needed) {
    return { ...verdict, turningSince, judgedAt: now }
  }
  return { advertise, why: finding, since: now, turningSince: undefined, judgedAt: now }
}

/** What to say: the verdict, unless it is so old that whoever judges must be gone. */
export function tellAdvertise(
  verdict: AdvertiseVerdict,
  now: Date,
): { readonly advertise: boolean; readonly since: Date; readonly why?: AdvertiseWhy } {
  const { advertise, why, since, judgedAt } = verdict
  if (judgedAt !== undefined && secondsSince(judgedAt, now) > ADVERTISE_VERDICT_SECONDS) {
    return { advertise: false, since: judgedAt, why: 'unjudged' }
  }
  return { advertise, since, ...(why !== undefined && { why }) }
}

// A gap in between is a pause of those who judge, or a clock that was set: nobody knows what the facts were.
function isContinuous({ judgedAt }: AdvertiseVerdict, now: Date): boolean {
  return judgedAt !== undefined && Math.abs(secondsSince(judgedAt, now)) <= ADVERTISE_VERDICT_SECONDS
}

function findingOf(
  facts: AdvertiseFacts,
  verdict: AdvertiseVerdict,
  now: Date,
  thresholds: AdvertiseThresholds,
): AdvertiseFinding | undefined {
  const { fetcherSeenAt, waitingSince } = facts
  // Before all else: fetchers that were started anew to mend it would otherwise make it forgotten.
  if (verdict.why === 'egress_broken' && !isEgressTrusted(facts, now)) return 'egress_broken'
  if (fetcherSeenAt === undefined || secondsSince(fetcherSeenAt, now) > thresholds.fetcherSilenceSeconds) {
    return 'fetchers_gone'
  }
  if (isEgressBroken(facts, thresholds)) return 'egress_broken'
  const isWaiting = waitingSince !== undefined && secondsSince(waitingSince, now) > thresholds.waitSeconds
  return isWaiting ? 'first_contacts_wait' : undefined
}

function isEgressBroken({ domains }: AdvertiseFacts, thresholds: AdvertiseThresholds): boolean {
  const { tried, broken } = domains
  return broken >= thresholds.domainsMin && broken >= tried * thresholds.brokenShare
}

// Too few attempts to prove that it is broken are none that it works.
function isEgressTrusted({ domains, attemptedAt }: AdvertiseFacts, now: Date): boolean {
  if (domains.tried > domains.broken) return true
  return attemptedAt === undefined || secondsSince(attemptedAt, now) > ADVERTISE_SILENCE_SECONDS
}

function secondsSince(instant: Date, now: Date): number {
  return (now.getTime() - instant.getTime()) / 1000
}
