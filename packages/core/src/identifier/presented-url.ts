import type { Span } from '../failure/finding.ts'
import { spansOf, splitUri, type UriParts, type UriSpans } from './uri.ts'

/** A client_id as presented, taken apart and nothing normalised: a parsed URL no longer shows what was there (CID-11). */
export type PresentedUrl = {
  readonly raw: string
  readonly parts: UriParts
  readonly spans: UriSpans
  /** Up to and with the last `@` of the authority; `undefined` if there is none (CID-02). */
  readonly userinfo: Span | undefined
  /** As written, an IP literal with its brackets; `''` if there is none. */
  readonly host: string
  readonly hostSpan: Span
  /** What follows the colon after the host, `''` if nothing does; `undefined` without a colon. */
  readonly port: string | undefined
  readonly portSpan: Span
}

/** Takes a string apart as a client identifier URL, whatever it holds. */
export function presentUrl(raw: string): PresentedUrl {
  const parts = splitUri(raw)
  const spans = spansOf(parts)
  const { start, end } = spans.authority ?? { start: spans.path.start, end: spans.path.start }
  const authority = raw.slice(start, end)
  const hostStart = start + authority.lastIndexOf('@') + 1
  const { host, port } = splitPort(raw.slice(hostStart, end))
  return {
    raw,
    parts,
    spans,
    userinfo: hostStart === start ? undefined : { start, end: hostStart },
    host,
    hostSpan: { start: hostStart, end: hostStart + host.length },
    port,
    portSpan: { start: hostStart + host.length + (port === undefined ? 0 : 1), end },
  }
}

function splitPort(hostPort: string): { readonly host: string; readonly port: string | undefined } {
  // The colons of an IPv6 literal stand within its brackets.
  const colon = hostPort.indexOf(':', hostPort.indexOf(']') + 1)
  if (colon < 0) return { host: hostPort, port: undefined }
  return { host: hostPort.slice(0, colon), port: hostPort.slice(colon + 1) }
}
