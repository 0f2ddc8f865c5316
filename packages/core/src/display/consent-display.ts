import type { ClientMetadata } from '../document/client-metadata.ts'
import type { ClientIdUrl } from '../identifier/client-id-url.ts'
import { isUriText } from '../identifier/uri.ts'
import type { HostingLists } from '../reputation/hosting.ts'
import type { Reputation } from '../reputation/reputation.ts'
import { isAtLeast, type Tier } from '../reputation/tiers.ts'
import type { ConsentDisplay, DisplayWarning } from './display-result.ts'
import { DEFAULT_KNOWN_INDEX, type KnownIndex } from './known-index.ts'
import { LINK_LENGTH_MAX, LINK_MEMBERS, linkOf } from './links.ts'
import { localisedMember } from './localised.ts'
import { plainText } from './plain-text.ts'
import { REDIRECT_TARGETS_MAX, redirectTargetOf, redirectTargetsOf } from './redirects.ts'
import { shortHost } from './short-host.ts'
import { safeUnicodeHost } from './unicode-host.ts'
import { warningsFor } from './warn.ts'
import type { DisplayWarningCode } from './warnings.ts'

/**
 * The lowest tier at which each is shown, as the drafts' authors propose (POL-01, UI-09); the host always is.
 */
export const SHOWN_FROM = {
  name: 'known',
  logo: 'established',
  links: 'reviewed',
} as const satisfies Record<string, Tier>

/** What a consent page is made from. */
export type ConsentDisplayInput = {
  readonly clientId: ClientIdUrl
  /** The document that is in effect for the tenant; undefined where none could be had (UI-02). */
  readonly metadata: ClientMetadata | undefined
  readonly reputation: Reputation
  readonly now: Date
  /** Of this request. It must have been matched with the document. */
  readonly redirectUri?: string | undefined
  /** Of our copy of the logo (UI-04). */
  readonly logoUrl?: string | undefined
  /** BCP 47 tags, the user's first choice first. */
  readonly languages?: readonly string[] | undefined
  /** When members of the document changed, for as long as it is to be told. */
  readonly changes?: readonly { readonly member: string; readonly at: Date }[] | undefined
  /** Members of which the tenant holds a change. */
  readonly heldMembers?: readonly string[] | undefined
  readonly stale?: boolean | undefined
  /** Who is widely known; `indexKnownParties` makes it of a list. */
  readonly knownParties?: KnownIndex | undefined
  readonly hostingLists?: HostingLists | undefined
}

/**
 * What to show before consent (UI-01 to UI-09, POL-01, POL-08, POL-09): the host always, what the client says
 * of itself as its tier permits, where the code goes, and what to beware of. A name that pretends to be
 * somebody else is not shown below the tier of those that were reviewed. Everything is plain text and of
 * bounded length; HTML escaping remains the caller's.
 */
export function consentDisplay(input: ConsentDisplayInput): ConsentDisplay {
  const { clientId, metadata, reputation, languages = [], knownParties: known = DEFAULT_KNOWN_INDEX } = input
  const { host, hostname } = new URL(clientId)
  const redirects = redirectsOf(input)
  const name = nameOf(metadata, languages)
  const warnings = warningsFor({
    ...input,
    host: hostname,
    name: name?.text,
    targets: redirects.targets,
    known,
  })
  return {
    host,
    host_short: shortHost(host),
    host_unicode: unicodeHostOf(hostname, warnings),
    name,
    logo_url: logoOf(input.logoUrl),
    ...redirects.told,
    links: linksOf(metadata, languages, reputation.tier),
    tier: reputation.tier,
    show: shownAt(reputation.tier, warnings),
    warnings,
  }
}

const PRETENCES: ReadonlySet<DisplayWarningCode> = new Set(['name_contains_host', 'name_resembles'])

function shownAt(tier: Tier, warnings: readonly DisplayWarning[]): ConsentDisplay['show'] {
  const pretends = tier !== 'reviewed' && warnings.some(({ code }) => PRETENCES.has(code))
  return {
    name: isAtLeast(tier, SHOWN_FROM.name) && !pretends,
    logo: isAtLeast(tier, SHOWN_FROM.logo) && !pretends,
    links: isAtLeast(tier, SHOWN_FROM.links),
  }
}

function nameOf(metadata: ClientMetadata | undefined, languages: readonly string[]): ConsentDisplay['name'] {
  const said = metadata && localisedMember(metadata, 'client_name', languages)
  const text = said && plainText(said.value)
  return text === undefined ? null : { text, language: said?.language ?? null }
}

// What could be taken for somebody else's is not shown in the form in which it could.
function unicodeHostOf(host: string, warnings: readonly DisplayWarning[]): string | null {
  if (warnings.some(({ code }) => code.startsWith('look_alike_'))) return null
  return safeUnicodeHost(host) ?? null
}

function logoOf(url: string | undefined): string | null {
  return url !== undefined && isUriText(url) && url.length <= LINK_LENGTH_MAX ? url : null
}

function redirectsOf({ metadata, redirectUri }: ConsentDisplayInput) {
  const all = metadata ? redirectTargetsOf(metadata) : []
  const chosen = redirectUri === undefined ? undefined : redirectTargetOf(redirectUri)
  return {
    targets: chosen ? [chosen] : all,
    told: {
      redirect_host: chosen ?? null,
      redirect_hosts: all.slice(0, REDIRECT_TARGETS_MAX),
      redirect_hosts_more: Math.max(0, all.length - REDIRECT_TARGETS_MAX),
    },
  }
}

function linksOf(
  metadata: ClientMetadata | undefined,
  languages: readonly string[],
  tier: Tier,
): ConsentDisplay['links'] {
  const terms = { languages, trusted: isAtLeast(tier, SHOWN_FROM.links) }
  const links = LINK_MEMBERS.map((member) => [member, metadata ? linkOf(metadata, member, terms) : null])
  // Every one of the members has its entry.
  return Object.fromEntries(links) as ConsentDisplay['links']
}
