import { hostRule } from '../identifier/host-rules.ts'
import { presentUrl } from '../identifier/presented-url.ts'

/** Whether a text is a public DNS name exactly as a client_id has it: lower case, A-labels, no port and no dot at its end (CID-13 to CID-15). */
export function isHostName(text: string): boolean {
  const url = `https://${text}/`
  return URL.parse(url)?.hostname === text && hostRule(presentUrl(url)).length === 0
}

/** Whether a text names a host, or by `*.` whatever is below one (POL-02). */
export function isHostPattern(text: string): boolean {
  // One name below it stands for all.
  return isHostName(text.startsWith('*.') ? `x${text.slice(1)}` : text)
}

/** Whether a host is what a pattern names (POL-02). The dot belongs to what is compared: `*.example.com` is not `evilexample.com`. */
export function matchesHost(pattern: string, host: string): boolean {
  return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern
}

/** Whether a host is a domain or below it. */
export function isWithinDomain(domain: string, host: string): boolean {
  return host === domain || host.endsWith(`.${domain}`)
}
