import type { ClientMetadata } from '../document/client-metadata.ts'
import type { ResourceKind } from '../response/resource.ts'

/** What a document leads to and we fetch as well. */
export type LinkedKind = Exclude<ResourceKind, 'document' | 'registration'>

export type NamedResource = { readonly kind: LinkedKind; readonly url: string; readonly host: string }

/** The key set and the logo that a document names; a link that is not https is not followed (FET-13, FET-19). */
export function namedResources({ jwks_uri, logo_uri }: ClientMetadata): readonly NamedResource[] {
  return [...named('jwks', jwks_uri), ...named('logo', logo_uri)]
}

function named(kind: LinkedKind, uri: string | undefined): readonly NamedResource[] {
  const url = URL.parse(uri ?? '')
  return url?.protocol === 'https:' ? [{ kind, url: url.href, host: url.hostname }] : []
}
