import type { FailureCode } from '../failure/failure.ts'
import type { Violation } from '../failure/finding.ts'
import type { PresentedUrl } from './presented-url.ts'

const LDH_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const HOST_NAME_LENGTH_MAX = 253
// No other is or will be delegated: RFC 1123 section 2.1, and A-labels since.
const TOP_LEVEL_LABEL = /^(?:[a-z]{2,}|xn--.+)$/
// WHATWG reads a host whose last label is a number, decimal or 0x, as an IPv4 address.
const NUMERIC_LABEL = /^(?:\d+|0x[0-9a-f]*)$/

/** Top-level names that are special-use (RFC 6761, 6762, 7686, 8375, 9476) or in use on private networks (CID-15). */
const NON_PUBLIC_TLDS: ReadonlySet<string> = new Set(
  [
    'alt arpa corp docker example home i2p internal intranet invalid lan local localdomain',
    'localhost mail onion private svc test',
  ]
    .join(' ')
    .split(' '),
)

/** Why the host is none that a stranger's document may be served from (CID-14, CID-15); an absent host breaks nothing here. */
export function hostRule(url: PresentedUrl): readonly Violation[] {
  const host = url.host.toLowerCase()
  if (host === '') return []
  const dotted = host.endsWith('.')
  const name = dotted ? host.slice(0, -1) : host
  const trailing = violation(url, 'host_trailing_dot', 'CID-14', 'the host ends in a dot')
  return [...(dotted ? [trailing] : []), ...nameViolations(url, name)]
}

function nameViolations(url: PresentedUrl, name: string): readonly Violation[] {
  const labels = name.split('.')
  const last = name.slice(name.lastIndexOf('.') + 1)
  if (name.startsWith('[') || NUMERIC_LABEL.test(last)) {
    return [violation(url, 'host_ip_literal', 'CID-15', 'the host is an IP address')]
  }
  const broken: Violation[] = []
  if (!isHostName(name, labels)) {
    broken.push(violation(url, 'host_invalid', 'CID-15', 'the host is not a DNS host name'))
  }
  if (NON_PUBLIC_TLDS.has(last)) {
    broken.push(violation(url, 'host_special_use', 'CID-15', `.${last} is special-use or private`))
  } else if (labels.length < 2) {
    broken.push(violation(url, 'host_single_label', 'CID-15', 'the host is a single label'))
  } else if (broken.length === 0 && !TOP_LEVEL_LABEL.test(last)) {
    broken.push(violation(url, 'host_invalid', 'CID-15', `.${last} is no top-level domain`))
  }
  return broken
}

function isHostName(name: string, labels: readonly string[]): boolean {
  return name.length <= HOST_NAME_LENGTH_MAX && labels.every((label) => LDH_LABEL.test(label))
}

/** CID-09 permits every port, as no list does; a list is our policy, against port scanning. */
export function portRule(url: PresentedUrl, allowed: readonly number[] | undefined): readonly Violation[] {
  const port = portOf(url)
  const span = url.portSpan
  if (port === undefined) {
    return [
      { code: 'port_invalid', rule: 'CID-15', span, detail: 'the port is not a number from 1 to 65535' },
    ]
  }
  if (allowed === undefined || allowed.includes(port)) return []
  const detail = `only port ${allowed.join(', ')} is fetched from`
  return [{ code: 'port_not_allowed', rule: 'CID-09', span, detail }]
}

// 443 if none is written; `undefined` if what is written is no port.
function portOf({ port }: PresentedUrl): number | undefined {
  if (port === undefined || port === '') return 443
  const value = /^\d+$/.test(port) ? Number(port) : 0
  return value >= 1 && value <= 65_535 ? value : undefined
}

function violation(url: PresentedUrl, code: FailureCode, rule: string, detail: string): Violation {
  return { code, rule, span: url.hostSpan, detail }
}
