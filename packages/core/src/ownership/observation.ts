import type { ClientEvent } from '../event.ts'
import type { FetchEvidence, NameServersAnswer } from '../ports.ts'
import type { DomainObservation, DomainStanding } from './continuity.ts'
import { compareSignals } from './domain-signals.ts'

const HOUR_SECONDS = 3600
const DAY_SECONDS = 24 * HOUR_SECONDS

/** What is known of a domain before one of its clients is fetched. */
export type KnownDomain = {
  readonly standing: DomainStanding
  /** A client of it has changed, with what is not observed by itself. */
  readonly changesPending: boolean
  readonly nameServersAskedAt: Date | undefined
}

/** An attempt on a client, as far as it tells of the domain. */
export type AttemptOnDomain = {
  readonly finishedAt: Date
  readonly isValid: boolean
  readonly evidence: FetchEvidence
  readonly nameServers: NameServersAnswer
  readonly events: readonly ClientEvent[]
  /** The document is another, and nobody is told yet (CHG-10). */
  readonly isHeld: boolean
}

/** What an attempt shows of whose the domain is: a valid document shows all there is, any other attempt only an absence. */
export type SeenOfDomain =
  | { readonly kind: 'observed'; readonly observation: DomainObservation }
  | { readonly kind: 'absent'; readonly at: Date }

/**
 * Whether the name servers of a domain are to be asked for: once a day, and not before a document of it was valid, so that the
 * first user of a client waits for no more than the document (CHG-05).
 */
export function isNameServersDue(known: KnownDomain | undefined, now: Date): boolean {
  if (known === undefined) return false
  const { nameServersAskedAt: askedAt } = known
  return askedAt === undefined || secondsBetween(askedAt, now) >= DAY_SECONDS
}

/**
 * What an attempt shows that is worth judging (CHG-05); undefined: nothing that was not seen within the hour. A domain is absent
 * only where its hosts cannot be found either: some name servers deny what they serve names below.
 */
export function seenOfDomain(
  known: KnownDomain | undefined,
  attempt: AttemptOnDomain,
): SeenOfDomain | undefined {
  const { finishedAt, isValid, evidence, nameServers } = attempt
  if (!isValid) {
    const isAbsent = nameServers.kind === 'absent' && evidence.addresses.length === 0
    return isAbsent && known ? { kind: 'absent', at: finishedAt } : undefined
  }
  const observation = observationOf(attempt)
  return isWorthJudging(known, observation) ? { kind: 'observed', observation } : undefined
}

/** Whether an event tells that a document widened or that its keys changed. */
export function isDoubtfulChange({ type, data }: ClientEvent): boolean {
  if (type === 'client.keys_changed') return true
  return type === 'client.metadata_changed' && data.classes.some((each) => DOUBTFUL.has(each))
}

const DOUBTFUL: ReadonlySet<string> = new Set(['widening', 'keys'])

function observationOf({ finishedAt, evidence, nameServers, events, isHeld }: AttemptOnDomain) {
  const { certificateIssuer, certificateKeySha256: certificateKey } = evidence
  return {
    ...(nameServers.kind === 'found' && { nameServers: nameServers.names }),
    ...{ certificateIssuer, certificateKey },
    seenAt: finishedAt,
    documentsChanged: isHeld || events.some(isDoubtfulChange),
  }
}

// The row of a domain is one that all of its clients share: what is as it was an hour ago does not lock it.
function isWorthJudging(known: KnownDomain | undefined, observed: DomainObservation): boolean {
  if (known === undefined || known.changesPending) return true
  if (observed.documentsChanged || observed.nameServers !== undefined) return true
  const { recent, settled, lastSeenAt } = known.standing
  // The key alone says nothing: each host of a domain may have its own, and it rotates with the certificate.
  const { certificateIssuer } = compareSignals(recent?.signals ?? settled, observed)
  return certificateIssuer || secondsBetween(lastSeenAt, observed.seenAt) >= HOUR_SECONDS
}

function secondsBetween(from: Date, to: Date): number {
  return (to.getTime() - from.getTime()) / 1000
}
