import { type Refusal, refusalOf, type Violation, type Warning, warningsOf } from '../failure/finding.ts'
import { hostRule, portRule } from './host-rules.ts'
import { type PresentedUrl, presentUrl } from './presented-url.ts'
import { registrableDomainOf } from './registrable-domain.ts'
import { URL_RULES } from './url-rules.ts'

/** A string that passed `parseClientIdUrl`: the identifier exactly as presented, never re-serialised (CID-10, CID-11). */
export type ClientIdUrl = string & { readonly __brand: 'ClientIdUrl' }

export type ClientIdUrlOptions = {
  /** CID-09 permits every port; that we refuse most is our policy, against port scanning. */
  readonly allowedPorts?: readonly number[]
  /**
   * Accepts what RFC 3986 permits and a URL library rewrites: capitals in scheme and host, and an explicit `:443`
   * (CID-12). Two spellings then are two clients with one document, of which one at most can be valid (DOC-03).
   */
  readonly allowNonCanonical?: boolean
}

export type ClientIdUrlResult =
  | {
      readonly ok: true
      readonly value: ClientIdUrl
      /** Host name in lower case, without port. */
      readonly host: string
      readonly port: number
      /** The name under a public suffix, private suffixes such as github.io included (POL-08); the host if there is none. */
      readonly registrableDomain: string
      readonly warnings: readonly Warning[]
    }
  | Refusal

/** Longest identifier we take, in bytes (CID-16): the draft sets no bound, and common servers stop reading here. */
export const CLIENT_ID_BYTES_MAX = 2048

/**
 * Decides whether a string is a client identifier URL (CID-01 to CID-16). It decides on the string as presented,
 * since a parsed URL no longer shows what was there, and reports every violation and warning at once, each with
 * its place in the string. A string that is too long is not looked into.
 */
export function parseClientIdUrl(raw: string, options: ClientIdUrlOptions = {}): ClientIdUrlResult {
  if (byteLength(raw) > CLIENT_ID_BYTES_MAX) return tooLong(raw)
  const url = presentUrl(raw)
  const findings = [
    ...URL_RULES.flatMap((rule) => rule(url)),
    ...hostRule(url),
    ...portRule(url, options.allowedPorts ?? [443]),
    ...canonicalRule(url, options.allowNonCanonical ?? false),
  ]
  const refusal = refusalOf(findings)
  if (refusal) return refusal
  const host = url.host.toLowerCase()
  return {
    ok: true,
    // The cast is the one place the brand is given: every rule above held.
    value: raw as ClientIdUrl,
    host,
    port: Number(url.port || 443),
    registrableDomain: registrableDomainOf(host),
    warnings: warningsOf(findings),
  }
}

function byteLength(raw: string): number {
  return raw.length > CLIENT_ID_BYTES_MAX ? raw.length : new TextEncoder().encode(raw).length
}

function tooLong(raw: string): Refusal {
  const detail = `longer than ${CLIENT_ID_BYTES_MAX} bytes`
  const span = { start: Math.min(raw.length, CLIENT_ID_BYTES_MAX), end: raw.length }
  return {
    ok: false,
    code: 'url_too_long',
    violations: [{ code: 'url_too_long', rule: 'CID-16', span, detail }],
    warnings: [],
  }
}

/** Enough to see the difference; the identifier is a stranger's text in our records. */
const HREF_SHOWN_MAX = 256

function canonicalRule(url: PresentedUrl, allowNonCanonical: boolean): readonly Violation[] {
  const { raw } = url
  const href = URL.parse(raw)?.href
  if (href === undefined) {
    const span = { start: 0, end: raw.length }
    return [{ code: 'url_unparsable', rule: 'CID-12', span, detail: 'it cannot be parsed as a URL' }]
  }
  if (href === raw || (allowNonCanonical && href === respelt(url))) return []
  const detail = `a URL library turns it into ${href.slice(0, HREF_SHOWN_MAX)}`
  return [
    {
      code: 'non_canonical',
      rule: 'CID-12',
      span: { start: firstDifference(raw, href), end: raw.length },
      detail,
    },
  ]
}

// The three spellings that RFC 3986 permits, undone; everything else stays as presented.
function respelt({ raw, spans, host, port }: PresentedUrl): string {
  const kept = port === undefined || port === '443' ? '' : `:${port}`
  return `https://${host.toLowerCase()}${kept}${raw.slice(spans.path.start)}`
}

function firstDifference(a: string, b: string): number {
  let at = 0
  while (at < a.length && a[at] === b[at]) at++
  return at
}
