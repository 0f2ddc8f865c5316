import { getDomain } from 'tldts'

/**
 * The name under a public suffix, which one owner registered; the host itself if there is none, as for an IP literal
 * (POL-08, FET-23). Private suffixes such as github.io count, so that two owners below one are apart. `host` is in
 * lower case and without port.
 */
export function registrableDomainOf(host: string): string {
  return getDomain(host, { allowPrivateDomains: true }) ?? host
}
