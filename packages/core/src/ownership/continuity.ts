import { compareSignals, type DomainSignals, mergeSignals, type SignalChanges } from './domain-signals.ts'

/** What of a domain can be another than before. */
export const OWNERSHIP_SIGNALS = [
  'name_servers',
  'certificate_key',
  'certificate_issuer',
  'registration',
] as const
export type OwnershipSignal = (typeof OWNERSHIP_SIGNALS)[number]

/** Why a domain is taken to have changed hands. */
export const DISCONTINUITY_REASONS = [
  /** The registry says that it was registered after it was first seen. */
  'registered_anew',
  /** Its registry did not know it for as long as it takes to delete a name. */
  'long_absence',
  'replaced_after_absence',
  'replaced_after_silence',
  'replaced_together',
] as const
export type DiscontinuityReason = (typeof DISCONTINUITY_REASONS)[number]

const DAY_SECONDS = 86_400

/** How long something new has to be seen before it is what later observations are compared with. */
const SETTLING_SECONDS = 14 * DAY_SECONDS
/** In a move that is planned a document is not away for longer; clients in use are refreshed daily. */
const UNINTERRUPTED_SECONDS = 3 * DAY_SECONDS
/** Registrars do not give an expired name to another sooner, and few who stay are away for so long. */
const SILENCE_SECONDS = 7 * DAY_SECONDS
/** A mistake in a zone is mended sooner. */
const ABSENCE_SECONDS = DAY_SECONDS
/** The redemption period of generic top-level domains, in which only the former owner gets a name back. */
const LAPSE_SECONDS = 30 * DAY_SECONDS

/** What the registry says (RDAP), where it is asked. */
export type Registration = {
  readonly registeredAt?: Date | undefined
  readonly expiresAt?: Date | undefined
}

/**
 * What was seen of a registrable domain when one of its clients served a valid document: whoever serves none shows nothing of
 * whose the domain is.
 */
export type DomainObservation = DomainSignals & {
  readonly seenAt: Date
  readonly registration?: Registration | undefined
  /** A document of the domain widened, or its keys changed, since the observation before. */
  readonly documentsChanged: boolean
}

/** What is kept of a registrable domain. An era is the time in which it is taken to be in the same hands. */
export type DomainStanding = {
  /** From 1. What a tenant has come to trust belongs to an era, and is not carried to the next. */
  readonly era: number
  readonly eraSince: Date
  readonly lastSeenAt: Date
  /** What has been so for long, with which is compared: a change in small steps hides nothing. */
  readonly settled: DomainSignals
  /** What is other than that, until it has settled. */
  readonly recent?: RecentSignals | undefined
  readonly registration?: Registration | undefined
  /** The first and the last time that the registry did not know the domain since it was seen. */
  readonly absence?: { readonly from: Date; readonly to: Date } | undefined
  /**
   * For how long no document was valid before those since which the name servers could not be seen: it is judged with the absence
   * once they are, since an answer that does not come must not excuse.
   */
  readonly silenceSeconds?: number | undefined
}

type RecentSignals = {
  readonly signals: DomainSignals
  readonly since: Date
  readonly isTold: boolean
  /** The documents changed since, or were away for some time. */
  readonly isDoubtful: boolean
}

/** `changed`: worth a line in the audit, and no reason to trust it less. */
export type ContinuityVerdict = 'continuous' | 'changed' | 'discontinuous'

export type ContinuityJudgement = {
  readonly verdict: ContinuityVerdict
  /** What is other than what had settled. */
  readonly signals: readonly OwnershipSignal[]
  /** Of a discontinuity. */
  readonly reasons: readonly DiscontinuityReason[]
  /** Whether the verdict has not been told of this change before. */
  readonly isNews: boolean
  /** What is kept from now on. */
  readonly standing: DomainStanding
}

/**
 * Judges whether a domain is still in the same hands (CHG-05). A discontinuity begins an era in which nothing of the one before
 * is known; the old signals, should they come back, are then as new as any.
 */
export function judgeContinuity(
  known: DomainStanding | undefined,
  observed: DomainObservation,
): ContinuityJudgement {
  if (known === undefined) return unchanged(beginEra(1, observed))
  // One of several fetches that ended late tells nothing of what came after it.
  if (observed.seenAt < known.lastSeenAt) return unchanged(known)
  const facts = factsOf(known, observed)
  const signals = signalsOf(facts)
  const reasons = reasonsOf(facts)
  if (reasons.length > 0) {
    const standing = beginEra(known.era + 1, observed)
    return { verdict: 'discontinuous', signals, reasons, isNews: true, standing }
  }
  const verdict = isRemarkable(facts) ? 'changed' : 'continuous'
  const isNews =
    verdict === 'changed' && (facts.running?.isTold !== true || facts.movedNow.nameServers === 'replaced')
  return { verdict, signals, reasons, isNews, standing: continueEra(facts, verdict) }
}

/** Keeps that the registry does not know the domain: NXDOMAIN of the domain itself, not an answer that failed. */
export function noteAbsence(known: DomainStanding, at: Date): DomainStanding {
  const { absence, lastSeenAt } = known
  if (at < lastSeenAt) return known
  const isNew = absence === undefined || absence.to < lastSeenAt
  return { ...known, absence: { from: isNew ? at : absence.from, to: at } }
}

/**
 * Whether a tenant has to accept the present owner before what it knows of the domain counts: `tenantEra` is the era in
 * which it first used the domain, or which it accepted last. Only whoever answers for the tenant raises it.
 */
export function isOwnerUnaccepted(standing: Pick<DomainStanding, 'era'>, tenantEra: number): boolean {
  return tenantEra < standing.era
}

/** What an observation is judged by. */
type Facts = {
  readonly known: DomainStanding
  readonly observed: DomainObservation
  readonly settled: DomainSignals
  readonly running: RecentSignals | undefined
  /** What the domain has now: what was seen, and else what was seen of it last. */
  readonly present: DomainSignals
  /** Of that, against what had settled. */
  readonly changes: SignalChanges
  /** Against what was seen last. */
  readonly movedNow: SignalChanges
  readonly isDoubtful: boolean
  readonly silenceSeconds: number
  /** What is certain of it: from the first to the last time it was found. */
  readonly absenceSeconds: number
}

function factsOf(known: DomainStanding, observed: DomainObservation): Facts {
  const { recent, lastSeenAt, absence } = known
  const hasSettled = recent !== undefined && secondsBetween(recent.since, lastSeenAt) >= SETTLING_SECONDS
  const settled = hasSettled ? recent.signals : known.settled
  const running = hasSettled ? undefined : recent
  const present = mergeSignals(running?.signals ?? {}, observed)
  const silenceSeconds = Math.max(known.silenceSeconds ?? 0, secondsBetween(lastSeenAt, observed.seenAt))
  const movedNow = compareSignals(running?.signals ?? settled, observed)
  const isInterrupted = isMove(movedNow) && silenceSeconds > UNINTERRUPTED_SECONDS
  return {
    ...{ known, observed, settled, running, present, movedNow, silenceSeconds },
    changes: compareSignals(settled, present),
    isDoubtful: (running?.isDoubtful ?? false) || observed.documentsChanged || isInterrupted,
    absenceSeconds: absence === undefined ? 0 : secondsBetween(absence.from, absence.to),
  }
}

function signalsOf(facts: Facts): readonly OwnershipSignal[] {
  const { nameServers, certificateKey, certificateIssuer } = facts.changes
  const isChanged: Readonly<Record<OwnershipSignal, boolean>> = {
    name_servers: nameServers !== 'same',
    certificate_key: certificateKey,
    certificate_issuer: certificateIssuer,
    registration: isRegisteredAnew(facts),
  }
  return OWNERSHIP_SIGNALS.filter((signal) => isChanged[signal])
}

// A day: registries differ in where a day begins. A date that is corrected, but before the first sight, tells of no other owner,
// nor does one to come: it would begin another era each time it is told.
function isRegisteredAnew({ known, observed }: Facts): boolean {
  const registeredAt = observed.registration?.registeredAt
  if (registeredAt === undefined || secondsBetween(observed.seenAt, registeredAt) > DAY_SECONDS) return false
  return secondsBetween(known.eraSince, registeredAt) > DAY_SECONDS
}

function reasonsOf(facts: Facts): readonly DiscontinuityReason[] {
  const { changes, silenceSeconds, absenceSeconds } = facts
  const isReplaced = changes.nameServers === 'replaced'
  // A silence after a move that was found harmless is one like any other.
  const isReplacedNow = isReplaced && facts.movedNow.nameServers !== 'same'
  const isExcused = isSameHands(facts)
  const mayHaveLapsed = isPossiblyLapsed(facts)
  const isFound: Readonly<Record<DiscontinuityReason, boolean>> = {
    registered_anew: isRegisteredAnew(facts),
    long_absence: mayHaveLapsed && absenceSeconds >= LAPSE_SECONDS,
    replaced_after_absence: mayHaveLapsed && isReplacedNow && absenceSeconds >= ABSENCE_SECONDS,
    replaced_after_silence: mayHaveLapsed && isReplacedNow && silenceSeconds >= SILENCE_SECONDS,
    replaced_together: !isExcused && isReplaced && changes.certificateIssuer && facts.isDoubtful,
  }
  return DISCONTINUITY_REASONS.filter((reason) => isFound[reason])
}

// Only what is secret shows whose hands they are: the key of the certificate, which the handshake proved. That a client's key is
// still published proves nothing: it is public, like the document.
function isSameHands({ settled, present: { certificateKey } }: Facts): boolean {
  return certificateKey !== undefined && certificateKey === settled.certificateKey
}

function isPossiblyLapsed(facts: Facts): boolean {
  return !isSameHands(facts) && !isStillRegistered(facts)
}

// A registration that has not run out since it was last seen was nobody else's meanwhile, unless it was handed over.
function isStillRegistered({ known, observed }: Facts): boolean {
  const expiresAt = known.registration?.expiresAt
  return expiresAt !== undefined && observed.seenAt < expiresAt
}

function isRemarkable({ changes, silenceSeconds, absenceSeconds }: Facts): boolean {
  if (changes.nameServers === 'replaced' || absenceSeconds >= LAPSE_SECONDS) return true
  return changes.certificateIssuer && silenceSeconds >= SILENCE_SECONDS
}

function continueEra(facts: Facts, verdict: ContinuityVerdict): DomainStanding {
  const { known, observed, settled, running, present, changes } = facts
  const registration = mergeRegistration(known.registration, observed.registration)
  const isFurther = running === undefined || isMove(facts.movedNow)
  const recent: RecentSignals = {
    signals: mergeSignals(settled, present),
    since: isFurther ? observed.seenAt : running.since,
    isTold: verdict === 'changed' || running?.isTold === true,
    isDoubtful: facts.isDoubtful,
  }
  const away = unjudgedAway(facts)
  // The key of whoever came back would excuse them the next time.
  const unmoved = away ? settled : mergeSignals(settled, present)
  return {
    ...{ era: known.era, eraSince: known.eraSince, lastSeenAt: observed.seenAt, registration },
    ...(isMove(changes) ? { settled, recent } : { settled: unmoved }),
    ...away,
  }
}

// What was away may have come back with other name servers, as long as these were not seen.
function unjudgedAway(facts: Facts): Pick<DomainStanding, 'absence' | 'silenceSeconds'> | undefined {
  const { known, observed, settled, silenceSeconds } = facts
  const isDecided = observed.nameServers !== undefined || settled.nameServers === undefined
  if (isDecided || !isPossiblyLapsed(facts)) return undefined
  const isLong = silenceSeconds > UNINTERRUPTED_SECONDS
  if (known.absence === undefined && !isLong) return undefined
  return { ...(known.absence && { absence: known.absence }), ...(isLong && { silenceSeconds }) }
}

// The key alone rotates with every certificate.
function isMove({ nameServers, certificateIssuer }: SignalChanges): boolean {
  return nameServers !== 'same' || certificateIssuer
}

function mergeRegistration(before: Registration | undefined, after: Registration | undefined) {
  const registeredAt = after?.registeredAt ?? before?.registeredAt
  const expiresAt = after?.expiresAt ?? before?.expiresAt
  return registeredAt === undefined && expiresAt === undefined ? undefined : { registeredAt, expiresAt }
}

function beginEra(era: number, observed: DomainObservation): DomainStanding {
  const { seenAt, registration } = observed
  return { era, eraSince: seenAt, lastSeenAt: seenAt, settled: mergeSignals({}, observed), registration }
}

function unchanged(standing: DomainStanding): ContinuityJudgement {
  return { verdict: 'continuous', signals: [], reasons: [], isNews: false, standing }
}

function secondsBetween(from: Date, to: Date): number {
  return (to.getTime() - from.getTime()) / 1000
}
