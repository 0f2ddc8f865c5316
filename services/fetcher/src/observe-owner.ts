import {
  type ContinuityJudgement,
  isDoubtfulChange,
  type NameServersAnswer,
  registrableDomainOf,
  seenOfDomain,
} from '@cimd/core'
import {
  type AttemptRecord,
  type Db,
  noteChangePending,
  noteNameServers,
  observeDomain,
  type ResourceRecord,
} from '@cimd/store'

/** What the name servers of the domain answered beside an attempt; undefined: they were not asked. */
export type AnsweredBeside = NameServersAnswer | undefined

/**
 * Judges by an attempt whether the domain of its client is in the same hands (CHG-05). Before the attempt is recorded, so
 * that no tenant is given the document of an owner whom it has not been told of. Undefined: it shows nothing new.
 */
export async function observeOwner(
  db: Db,
  record: AttemptRecord,
  answered: AnsweredBeside,
): Promise<ContinuityJudgement | undefined> {
  const { claim, finishedAt } = record
  const domain = domainOf(claim)
  const nameServers = answered ?? { kind: 'unknown' }
  const seen = seenOfDomain(claim.domain, {
    ...{ finishedAt, nameServers, events: record.events, evidence: record.evidence },
    isValid: record.outcome !== 'failed',
    isHeld: record.newVersion !== undefined && record.announcement === 'held',
  })
  if (seen?.kind === 'observed') {
    const nameServersAskedAt = answered && finishedAt
    return observeDomain(db, {
      ...{ domain, client: claim.client, isKnown: claim.domain !== undefined },
      ...{ observation: seen.observation, nameServersAskedAt },
    })
  }
  if (answered) await noteNameServers(db, { domain, at: finishedAt, absent: seen?.kind === 'absent' })
  return undefined
}

/** The domain that a claim tells of: a newer list of public suffixes does not rename what is kept. */
export function domainOf({ domain, host }: Pick<AttemptRecord['claim'], 'domain' | 'host'>): string {
  return domain?.name ?? registrableDomainOf(host)
}

/** Has the next look at a domain doubt it more, where the keys behind a jwks_uri of it are others (CHG-05). */
export async function noteChangedKeys(db: Db, { claim, events }: ResourceRecord): Promise<void> {
  if (!events.some(isDoubtfulChange)) return
  await noteChangePending(db, claim.client)
}
