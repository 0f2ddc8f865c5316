import { parse } from 'tldts'
import { DEFAULT_KNOWN_PARTIES, type KnownParty } from './known-parties.ts'
import { skeletonOf } from './skeleton.ts'
import { decodedHost } from './unicode-host.ts'

/** A registrable domain in the parts that are compared. */
export type DomainParts = {
  readonly domain: string
  /** The label that was registered, as it is meant to be read. */
  readonly label: string
  readonly skeleton: string
  /** What is below the public suffix, as it is meant to be read. */
  readonly belowSuffix: string
}

/**
 * The parts of a host; undefined where nothing was registered: an IP address, a public suffix, a single
 * label.
 */
export function domainPartsOf(host: string): DomainParts | undefined {
  const { domain, domainWithoutSuffix, publicSuffix } = parse(host, { allowPrivateDomains: true })
  if (domain === null || domainWithoutSuffix === null || publicSuffix === null) return undefined
  const label = decodedHost(domainWithoutSuffix)
  const belowSuffix = decodedHost(host.slice(0, -publicSuffix.length - 1))
  return { domain, label, skeleton: skeletonOf(label), belowSuffix }
}

/** A known domain with what decides quickly that another is unlike it. */
export type KnownDomain = DomainParts & { readonly letters: number }

/** Everything that a host or name is compared with, made once for a list (`indexKnownParties`). */
export type KnownIndex = {
  readonly domains: ReadonlySet<string>
  /** By the skeletons of all its labels, for names that hold it. */
  readonly whole: ReadonlyMap<string, KnownDomain>
  readonly bySkeleton: ReadonlyMap<string, KnownDomain>
  readonly byLength: ReadonlyMap<number, readonly KnownDomain[]>
  /** Names of products by their skeleton, with the domains that may bear them. */
  readonly names: ReadonlyMap<string, { readonly domains: ReadonlySet<string>; readonly host: string }>
}

/** Prepares a list for comparisons; of two entries that look the same the first counts. */
export function indexKnownParties(parties: readonly KnownParty[]): KnownIndex {
  const known = parties.flatMap((party) => party.hosts.flatMap(knownDomainsOf))
  // Maps keep what was set last.
  const first = known.toReversed()
  return {
    domains: new Set(known.map(({ domain }) => domain)),
    whole: new Map(first.map((one) => [wholeSkeletonOf(one.domain), one])),
    bySkeleton: new Map(first.map((one) => [one.skeleton, one])),
    byLength: Map.groupBy(known, ({ skeleton }) => skeleton.length),
    names: namesOf(parties),
  }
}

// Label by label, as the parts of a name are compared with it.
function wholeSkeletonOf(domain: string): string {
  return decodedHost(domain).split('.').map(skeletonOf).join('.')
}

function knownDomainsOf(host: string): readonly KnownDomain[] {
  const parts = domainPartsOf(host.toLowerCase())
  return parts ? [{ ...parts, letters: lettersOf(parts.skeleton) }] : []
}

function namesOf(parties: readonly KnownParty[]): KnownIndex['names'] {
  const entries = parties.flatMap(({ hosts, names }) => {
    const domains = new Set(hosts.flatMap(knownDomainsOf).map(({ domain }) => domain))
    return names.map((name) => [nameSkeletonOf(name), { domains, host: hosts[0] ?? name }] as const)
  })
  return new Map(entries.toReversed())
}

/** What a name looks like without its spaces and punctuation. */
export function nameSkeletonOf(name: string): string {
  return skeletonOf(name.replace(/[^\p{L}\p{N}]+/gu, ''))
}

/** A bit for each of the characters that a text has, several of them sharing one. */
export function lettersOf(text: string): number {
  return [...text].reduce((letters, character) => letters | (1 << (character.charCodeAt(0) % 32)), 0)
}

/** The list of this release, prepared. */
export const DEFAULT_KNOWN_INDEX: KnownIndex = indexKnownParties(DEFAULT_KNOWN_PARTIES)
