import { getDomain } from 'tldts'
import type { FailureCode } from '../failure.ts'
import { type Refusal, refusalOf, type Violation } from '../finding.ts'
import { isUriText, splitUri, type UriParts } from './uri.ts'

/** A string that passed `parseClientIdUrl`: the identifier exactly as presented, never re-serialised (CID-10, CID-11). */
export type ClientIdUrl = string & { readonly __brand: 'ClientIdUrl' }

export type ClientIdUrlOptions = {
  /** CID-09 permits every port; that we refuse most is our policy, against port scanning. */
  readonly allowedPorts?: readonly number[]
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
    }
  | Refusal

/** Longest identifier we take, in bytes (CID-16): the draft sets no bound, and common servers stop reading here. */
export const CLIENT_ID_BYTES_MAX = 2048

/**
 * Decides whether a string is a client identifier URL (CID-01 to CID-16). It decides on the string as presented,
 * since a parsed URL no longer shows what was there, and reports every violation at once.
 */
export function parseClientIdUrl(raw: string, options: ClientIdUrlOptions = {}): ClientIdUrlResult {
  if (byteLength(raw) > CLIENT_ID_BYTES_MAX) return tooLong()
  const parts = splitUri(raw)
  const target = splitAuthority(parts.authority ?? '')
  const refusal = refusalOf([
    ...syntaxViolations(raw, parts),
    ...canonicalViolations(raw),
    ...hostViolations(target.host),
    ...portViolations(target.port, options.allowedPorts ?? [443]),
  ])
  if (refusal) return refusal
  const { host, port } = target
  // The cast is the one place the brand is given: every rule above held.
  return {
    ok: true,
    value: raw as ClientIdUrl,
    host,
    port,
    registrableDomain: registrableDomainOf(host),
  }
}

function byteLength(raw: string): number {
  return raw.length > CLIENT_ID_BYTES_MAX ? raw.length : new TextEncoder().encode(raw).length
}

function tooLong(): Refusal {
  const detail = `longer than ${CLIENT_ID_BYTES_MAX} bytes`
  return { ok: false, code: 'url_too_long', violations: [{ code: 'url_too_long', rule: 'CID-16', detail }] }
}

type Check = readonly [broken: boolean, rule: string, detail: string]

function violationsOf(code: FailureCode, checks: readonly Check[]): readonly Violation[] {
  return checks.filter(([broken]) => broken).map(([, rule, detail]) => ({ code, rule, detail }))
}

function syntaxViolations(raw: string, parts: UriParts): readonly Violation[] {
  const { scheme, authority, path, query, fragment } = parts
  return violationsOf('url_invalid', [
    [scheme?.toLowerCase() !== 'https', 'CID-01', 'the scheme is not https'],
    [!authority, 'CID-01', 'there is no host after https://'],
    [authority?.includes('@') ?? false, 'CID-02', 'there is a userinfo component'],
    [path === '', 'CID-03', 'there is no path'],
    [path.split('/').some(isDotSegment), 'CID-05', 'the path has a "." or ".." segment'],
    [fragment !== undefined, 'CID-07', 'there is a fragment'],
    [!isUriText(raw), 'CID-13', 'a character is not allowed in a URI, or a % starts no valid escape'],
    [/[[\]]/.test(`${path}${query ?? ''}`), 'CID-13', 'square brackets belong around an IP literal only'],
  ])
}

// CID-06: URL libraries collapse the escaped spellings too, so another resource than the one named would be fetched.
function isDotSegment(segment: string): boolean {
  return /^(?:\.|%2e){1,2}$/i.test(segment)
}

function canonicalViolations(raw: string): readonly Violation[] {
  const parsed = URL.parse(raw)
  if (parsed === null) return violationsOf('url_invalid', [[true, 'CID-12', 'it cannot be parsed as a URL']])
  const changed = parsed.href !== raw
  return violationsOf('non_canonical', [
    [changed, 'CID-12', 'a URL parser rewrites it, so two spellings exist'],
  ])
}

function splitAuthority(authority: string): { readonly host: string; readonly port: number } {
  const hostPort = authority.slice(authority.lastIndexOf('@') + 1)
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(hostPort) ?? []
  return { host: host.toLowerCase(), port: port === undefined ? 443 : decimal(port) }
}

function decimal(digits: string): number {
  return /^\d{1,5}$/.test(digits) ? Number(digits) : Number.NaN
}

const LDH_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const HOST_NAME_LENGTH_MAX = 253
// WHATWG reads a host whose last label is a number, decimal or 0x, as an IPv4 address.
const NUMERIC_LABEL = /^(?:\d+|0x[0-9a-f]*)$/

/** Top-level names that are special-use (RFC 6761, 6762, 7686, 8375, 9476) or in use on private networks (CID-15). */
const NON_PUBLIC_TLDS: ReadonlySet<string> = new Set(
  'alt arpa corp example home i2p internal intranet invalid lan local localdomain localhost mail onion private test'.split(
    ' ',
  ),
)

function hostViolations(host: string): readonly Violation[] {
  if (host === '') return []
  const labels = host.replace(/\.$/, '').split('.')
  const last = labels.at(-1) ?? ''
  const isLiteral = host.startsWith('[') || NUMERIC_LABEL.test(last)
  return violationsOf('host_not_public', [
    [isLiteral, 'CID-15', 'the host is an IP literal'],
    [host.endsWith('.'), 'CID-14', 'the host ends in a dot'],
    [!isLiteral && labels.length < 2, 'CID-15', 'the host is a single label'],
    [!isLiteral && !isHostName(host, labels), 'CID-15', 'the host is not a DNS host name'],
    [NON_PUBLIC_TLDS.has(last), 'CID-15', 'the top-level domain is special-use or private'],
  ])
}

function isHostName(host: string, labels: readonly string[]): boolean {
  return host.length <= HOST_NAME_LENGTH_MAX && labels.every((label) => LDH_LABEL.test(label))
}

function portViolations(port: number, allowed: readonly number[]): readonly Violation[] {
  const broken = port === 0 || !allowed.includes(port)
  return violationsOf('port_not_allowed', [
    [broken, 'CID-09', `only port ${allowed.join(', ')} is fetched from`],
  ])
}

function registrableDomainOf(host: string): string {
  return getDomain(host, { allowPrivateDomains: true }) ?? host
}
