import type { ClientMetadata } from '../document/client-metadata.ts'
import { registrableDomainOf } from '../identifier/registrable-domain.ts'
import { isHttpsUrl } from '../identifier/uri.ts'
import { localisedMember } from './localised.ts'
import { HOST_NAME_LENGTH_MAX } from './redirects.ts'

/** The members that lead to a page of the client's. */
export const LINK_MEMBERS = ['client_uri', 'policy_uri', 'tos_uri'] as const
export type LinkMember = (typeof LINK_MEMBERS)[number]

export type Link = {
  readonly uri: string
  readonly host: string
  /** On the registrable domain of the client_id. */
  readonly same_domain: boolean
  /** It may be followed from the consent page. */
  readonly allowed: boolean
}

/** Nobody's page has a longer address; what is longer is left out. */
export const LINK_LENGTH_MAX = 2_048

/**
 * A link of the document, in the user's language (FET-19, UI-05, UI-08); null where there is none, it is not
 * https or names a user. `trusted`: the client's tier permits links.
 */
export function linkOf(
  metadata: ClientMetadata,
  member: LinkMember,
  { languages, trusted }: { readonly languages: readonly string[]; readonly trusted: boolean },
): Link | null {
  const uri = localisedMember(metadata, member, languages)?.value
  if (uri === undefined || !isHttpsUrl(uri)) return null
  const { hostname: host, href, username, password } = new URL(uri)
  if (`${username}${password}` !== '' || host.length > HOST_NAME_LENGTH_MAX) return null
  if (href.length > LINK_LENGTH_MAX) return null
  const client = registrableDomainOf(new URL(metadata.client_id).hostname)
  return { uri: href, host, same_domain: registrableDomainOf(host) === client, allowed: trusted }
}
