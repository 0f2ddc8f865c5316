import type { ClientMetadata } from '../document/client-metadata.ts'
import { judgeRedirectUri } from '../redirect/redirect-uri.ts'

/** Where a redirect URI leads: a host, or an app that has claimed a scheme. */
export type RedirectTarget = {
  readonly kind: 'https' | 'loopback' | 'private_use'
  /** Null where a scheme decides. */
  readonly host: string | null
  readonly scheme: string
}

/** More than anybody reads on a consent page. */
export const REDIRECT_TARGETS_MAX = 10
const SCHEME_LENGTH_MAX = 253
/** Of DNS: a longer one leads nowhere, though a URL may have it. */
export const HOST_NAME_LENGTH_MAX = 253

/** Where one redirect URI leads (UI-03); undefined where it cannot be redirected to. */
export function redirectTargetOf(uri: string): RedirectTarget | undefined {
  const { kind } = judgeRedirectUri(uri)
  if (kind === 'refused') return undefined
  const scheme = uri.slice(0, uri.indexOf(':')).toLowerCase().slice(0, SCHEME_LENGTH_MAX)
  if (kind === 'private_use') return { kind, scheme, host: null }
  // What was judged to be https or loopback is a URL.
  const { hostname: host } = new URL(uri)
  return host.length > HOST_NAME_LENGTH_MAX ? undefined : { kind, scheme, host }
}

/** Where the redirect URIs of a document lead, each once and in the document's order (UI-03). */
export function redirectTargetsOf(metadata: ClientMetadata): readonly RedirectTarget[] {
  const targets = (metadata.redirect_uris ?? []).flatMap((uri) => redirectTargetOf(uri) ?? [])
  const distinct = new Map(targets.map((target) => [target.host ?? `${target.scheme}:`, target]))
  return [...distinct.values()]
}
