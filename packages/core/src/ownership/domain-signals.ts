/** What of a domain is seen from outside. What is undefined could not be seen, and changes nothing. */
export type DomainSignals = {
  /** Of the registrable domain, in any order. */
  readonly nameServers?: readonly string[] | undefined
  /** Whoever issued the leaf certificate: the organization, since intermediates rotate. */
  readonly certificateIssuer?: string | undefined
  /** sha-256 of the leaf's SubjectPublicKeyInfo, hex. */
  readonly certificateKey?: string | undefined
}

export type SignalChanges = {
  readonly nameServers: 'same' | 'partial' | 'replaced'
  readonly certificateIssuer: boolean
  readonly certificateKey: boolean
}

/** Compares what was seen with what is seen now; `replaced`: no name server is left of those there were (CHG-05). */
export function compareSignals(before: DomainSignals, after: DomainSignals): SignalChanges {
  return {
    nameServers: compareNameServers(namesOf(before), namesOf(after)),
    certificateIssuer: isOther(before.certificateIssuer, after.certificateIssuer),
    certificateKey: isOther(before.certificateKey, after.certificateKey),
  }
}

/** What is known once something new was seen. */
export function mergeSignals(before: DomainSignals, after: DomainSignals): DomainSignals {
  const names = namesOf(after)
  return {
    nameServers: names.size === 0 ? before.nameServers : [...names].sort(),
    certificateIssuer: after.certificateIssuer ?? before.certificateIssuer,
    certificateKey: after.certificateKey ?? before.certificateKey,
  }
}

function compareNameServers(
  before: ReadonlySet<string>,
  after: ReadonlySet<string>,
): SignalChanges['nameServers'] {
  if (before.size === 0 || after.size === 0 || before.symmetricDifference(after).size === 0) return 'same'
  return before.isDisjointFrom(after) ? 'replaced' : 'partial'
}

function namesOf({ nameServers = [] }: DomainSignals): ReadonlySet<string> {
  return new Set(nameServers.map((name) => name.toLowerCase().replace(/\.$/, '')))
}

function isOther(before: string | undefined, after: string | undefined): boolean {
  return before !== undefined && after !== undefined && before !== after
}
