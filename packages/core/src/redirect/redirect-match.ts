import type { ClientMetadata } from '../document/client-metadata.ts'
import { splitUri } from '../identifier/uri.ts'
import { judgeRedirectUri, splitLoopbackUri } from './redirect-uri.ts'

/** Why a requested redirect URI is none of the document's: reason -> the rule, and what it means to a developer. */
export const REDIRECT_MISMATCHES = {
  no_redirect_uris: { rule: 'RED-01', summary: 'The document lists no redirect URI.' },
  requested_unacceptable: { rule: 'RED-08', summary: 'No document may list the requested URI.' },
  port_differs_for_web: {
    rule: 'RED-10',
    summary: 'Only the port differs, which a client of type web has to list as it is.',
  },
  loopback_name_differs: {
    rule: 'RED-03',
    summary: '127.0.0.1, [::1] and localhost do not stand for each other.',
  },
  case_differs: { rule: 'RED-01', summary: 'Only upper and lower case differ from a listed URI.' },
  scheme_differs: { rule: 'RED-01', summary: 'The scheme differs from that of every listed URI.' },
  host_differs: { rule: 'RED-01', summary: 'The host differs from that of every listed URI.' },
  port_differs: { rule: 'RED-02', summary: 'The port differs, which is free for http on loopback alone.' },
  path_differs: { rule: 'RED-01', summary: 'The path differs from that of the listed URI.' },
  query_differs: { rule: 'RED-01', summary: 'The query differs from that of the listed URI.' },
} as const satisfies Record<string, { readonly rule: string; readonly summary: string }>

export type RedirectMismatch = keyof typeof REDIRECT_MISMATCHES

export type RedirectMatch =
  | { readonly matched: true; readonly entry: string; readonly rule: 'exact' | 'loopback_port' }
  | {
      readonly matched: false
      readonly reason: RedirectMismatch
      /** The listed URI that agrees furthest with the requested one, if any does at all. */
      readonly nearest?: string
    }

/** What of a document decides about redirects. */
export type RedirectPolicy = Pick<ClientMetadata, 'redirect_uris' | 'application_type'>

/**
 * Finds the listed redirect URI that a request may use: the same string (RED-01), or for http on a loopback
 * name the same string but for the port (RED-02, RED-03), unless the client says it is a web client (RED-10).
 * Give it the version of the document that the authorization is bound to (RED-11).
 */
export function matchRedirectUri(requested: string, document: RedirectPolicy): RedirectMatch {
  const entries = document.redirect_uris ?? []
  if (entries.length === 0) return { matched: false, reason: 'no_redirect_uris' }
  // A list that came by another way than a fetched document is not trusted with a script either.
  if (judgeRedirectUri(requested).kind === 'refused')
    return { matched: false, reason: 'requested_unacceptable' }
  if (entries.includes(requested)) return { matched: true, entry: requested, rule: 'exact' }
  const entry = entries.find((candidate) => differsInPortOnly(candidate, requested))
  if (entry === undefined) return mismatch(requested, entries)
  if (document.application_type !== 'web') return { matched: true, entry, rule: 'loopback_port' }
  return { matched: false, reason: 'port_differs_for_web', nearest: entry }
}

function differsInPortOnly(entry: string, requested: string): boolean {
  const [listed, asked] = [splitLoopbackUri(entry), splitLoopbackUri(requested)]
  if (listed === undefined || asked === undefined) return false
  return listed.host === asked.host && listed.rest === asked.rest
}

function mismatch(requested: string, entries: readonly string[]): RedirectMatch {
  const lowered = requested.toLowerCase()
  const sameButCase = entries.find((entry) => entry.toLowerCase() === lowered)
  if (sameButCase !== undefined) return { matched: false, reason: 'case_differs', nearest: sameButCase }
  const otherName = entries.find((entry) => differsInLoopbackName(entry, requested))
  if (otherName !== undefined) return { matched: false, reason: 'loopback_name_differs', nearest: otherName }
  return furthest(requested, entries)
}

function differsInLoopbackName(entry: string, requested: string): boolean {
  const [listed, asked] = [splitLoopbackUri(entry), splitLoopbackUri(requested)]
  return listed !== undefined && asked !== undefined && listed.rest === asked.rest
}

const REASONS = ['scheme_differs', 'host_differs', 'port_differs', 'path_differs', 'query_differs'] as const

// The entry that agrees in the most components from the left; among equals the one listed first.
function furthest(requested: string, entries: readonly string[]): RedirectMatch {
  let reason: RedirectMismatch = 'scheme_differs'
  let nearest: string | undefined
  let furthestAt = 0
  for (const entry of entries) {
    const at = firstDifference(entry, requested)
    const difference = REASONS[at]
    if (difference === undefined || at <= furthestAt) continue
    furthestAt = at
    nearest = entry
    reason = difference
  }
  return { matched: false, reason, ...(nearest !== undefined && { nearest }) }
}

function firstDifference(a: string, b: string): number {
  const others = componentsOf(b)
  return componentsOf(a).findIndex((component, at) => component !== others[at])
}

// Of a loopback URI the port is free, so it never is what differs.
function componentsOf(uri: string): readonly (string | undefined)[] {
  const { scheme, authority, path, query } = splitUri(uri)
  const port = /:\d*$/.exec(authority ?? '')?.[0] ?? ''
  // An empty authority is not an absent one: app:/cb and app:///cb differ in it alone.
  const host = authority?.slice(0, authority.length - port.length)
  return [scheme, host, splitLoopbackUri(uri) === undefined ? port : '', path, query]
}
