import type { ClientMetadata } from '../document/client-metadata.ts'
import { splitLoopbackUri } from './redirect-uri.ts'

/** Why a requested redirect URI is none of the document's (RED-01, RED-10). */
export type RedirectMismatch = 'no_redirect_uris' | 'not_listed' | 'port_differs_for_web'

export type RedirectMatch =
  | { readonly matched: true; readonly entry: string; readonly rule: 'exact' | 'loopback_port' }
  | { readonly matched: false; readonly reason: RedirectMismatch }

/**
 * Finds the listed redirect URI that a request may use: the same string (RED-01), or for http on a loopback
 * name the same string but for the port (RED-02, RED-03), unless the client says it is a web client (RED-10).
 */
export function matchRedirectUri(
  requested: string,
  metadata: Pick<ClientMetadata, 'redirect_uris' | 'application_type'>,
): RedirectMatch {
  const entries = metadata.redirect_uris ?? []
  if (entries.length === 0) return { matched: false, reason: 'no_redirect_uris' }
  if (entries.includes(requested)) return { matched: true, entry: requested, rule: 'exact' }
  const entry = entries.find((candidate) => differsInPortOnly(candidate, requested))
  if (entry === undefined) return { matched: false, reason: 'not_listed' }
  if (metadata.application_type === 'web') return { matched: false, reason: 'port_differs_for_web' }
  return { matched: true, entry, rule: 'loopback_port' }
}

function differsInPortOnly(entry: string, requested: string): boolean {
  const [listed, asked] = [splitLoopbackUri(entry), splitLoopbackUri(requested)]
  if (listed === undefined || asked === undefined) return false
  return listed.host === asked.host && listed.rest === asked.rest
}
